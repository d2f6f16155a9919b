//! What a fault does. The name of an effect is its key in a rule, like `"status": 503`.

use super::headers::DigestForm;
use super::redirects::RedirectForm;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vospace_client::xml::job::Phase;

/// Changes of headers: a value in place of another, or none.
pub type HeaderChanges = BTreeMap<String, Option<String>>;

/// What happens.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    // Every request.
    /// The request is answered with this status and not done; 503 carries `Retry-After: 1`.
    Status(u16),
    /// The request is done and answered with this status instead of its own.
    AnswerStatus(u16),
    /// The request waits for so many milliseconds and is then done.
    DelayMs(u64),
    /// The body of the request breaks off after so many bytes, and with it the connection.
    CutRequestAfter(u64),
    /// The request is done, and the connection closed after so many bytes of the answer's body.
    CutAfter(u64),
    /// The body of the answer ends after so many bytes, as if that was all.
    EndAfter(u64),
    /// The request is done, and the connection closed before the client sees a status; `false` does nothing.
    LoseAnswer(bool),
    /// The answer stops after so many bytes, and the connection stays open.
    StallAfter(u64),
    /// Bodies of request and answer move at so many bytes a second.
    BytesPerSecond(u64),
    /// `Content-Length` says so much more, or less if negative, than the body has.
    ContentLengthOff(i64),
    /// The answer has these headers instead of its own; null removes one.
    Headers(HeaderChanges),
    /// The request is done as if it had these headers instead of its own; null removes one.
    RequestHeaders(HeaderChanges),
    /// The checksum of the answer is of another form, wrong, or not there.
    Digest(DigestForm),
    /// A redirect leads astray.
    Redirect(RedirectForm),

    // Nodes.
    /// Files are shown as before their bytes were noticed: empty, without checksum, type and content-date.
    Stale(bool),
    /// `core#date` is so many milliseconds later than it should be; `core#content-date` is not.
    DateShiftMs(i64),
    /// Dates are written in another form.
    DateForm(DateForm),
    /// Checksums are written in another form.
    Md5Form(Md5Form),
    /// A listing ends after so many children, well-formed and with status 200.
    TruncateListing(u64),
    /// A page of a listing is not what was asked for.
    Listing(ListingForm),
    /// A property change waits for so many milliseconds between reading the properties and writing them.
    GapMs(u64),

    // Jobs and negotiations.
    /// A job that is started does nothing and is in this phase for ever.
    JobPhase(PhaseName),
    /// A job that is started does nothing and ends in ERROR with this text.
    JobError(String),
    /// A job that is started is QUEUED for so many milliseconds first.
    SlowJobMs(u64),
    /// The job that the request is about is forgotten.
    LoseJob(bool),
    /// A move is done, and its job says ERROR.
    MisreportMove(bool),
    /// A negotiation has no endpoints.
    NoEndpoints(bool),
    /// A negotiation has an endpoint more, the first: at this place, like `http://127.0.0.1:1/minoc`.
    FirstEndpoint(String),

    // Bytes.
    /// A range is answered with something else.
    Range(RangeForm),
    /// An upload, a segment or a whole file, ends after so many bytes as if the service was killed in it.
    TearUpload(u64),
    /// The disk is full after so many bytes of an upload.
    DiskFullAfter(u64),
    /// The PUT transaction that the request is about is forgotten, as one that has expired.
    ForgetTransaction(bool),
}

/// How dates are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DateForm {
    /// Without milliseconds.
    Seconds,
    /// With a `Z` at the end.
    Zulu,
    /// Not a date.
    Invalid,
}

/// How checksums are written in documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Md5Form {
    /// In upper-case hex.
    UpperCase,
    /// With `md5:` before.
    Prefixed,
    /// That of something else.
    Wrong,
}

/// What is wrong with a page of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ListingForm {
    /// Its first child comes twice.
    Duplicates,
    /// Its children come in the opposite order.
    Reversed,
    /// It has all children from the first wanted on, whatever the limit.
    Unlimited,
    /// It is refused if it does not begin at the beginning, as by a service without pages.
    NoMarker,
}

/// What is wrong with the answer to a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RangeForm {
    /// The whole file, with 200.
    Ignored,
    /// Another range, and `Content-Range` says so.
    Shifted,
    /// The first half of it, and `Content-Range` says so.
    Half,
    /// Without `Content-Range`.
    Unlabelled,
    /// As `multipart/byteranges`.
    Multipart,
}

/// The name of a phase, as UWS has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "&'static str")]
pub struct PhaseName(pub Phase);

impl TryFrom<String> for PhaseName {
    type Error = String;

    fn try_from(text: String) -> Result<PhaseName, String> {
        Phase::parse(&text).map(PhaseName).ok_or_else(|| format!("no phase {text}"))
    }
}

impl From<PhaseName> for &'static str {
    fn from(name: PhaseName) -> &'static str {
        name.0.as_str()
    }
}
