//! Negotiations: how they are asked for, what is answered, and what the endpoints are good for.

use serde::{Deserialize, Serialize};

/// What a transfer document has to be announced as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Announced {
    /// `text/xml`; a form is one.
    Xml,
    /// Whatever.
    Anything,
    /// A form, which it is not: it is read as the name of a field, so that it must not begin with a declaration, and the
    /// first attribute of its root has to be the namespace.
    Form,
}

/// Who may negotiate by parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Parameters {
    /// In the query of a GET, and in the form of a POST.
    Anywhere,
    /// In the query of a POST only.
    InQueryOfPost,
    /// Nowhere.
    Nowhere,
}

/// How a negotiation that failed is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Failures {
    /// Like one that did not; the details then tell, more or less.
    InDetails,
    /// By its fault.
    AtOnce,
    /// Like one that did not; the details are an empty document.
    Empty,
}

/// What becomes of the protocols over https.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Https {
    /// They get endpoints.
    Offered,
    /// The negotiation is refused.
    Refused,
    /// They are left out of the answer.
    LeftOut,
}

/// The URLs that are good for one job, where bytes are [`super::Bytes::AtJobs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JobUrls {
    /// `/pushToVoSpace/JOB` and `/pullFromVoSpace/JOB`.
    ByDirection,
    /// `/data/JOB`.
    Data,
}

impl JobUrls {
    /// The resource of the URLs for uploads or for downloads.
    pub fn door(self, upload: bool) -> &'static str {
        match (self, upload) {
            (JobUrls::Data, _) => "data",
            (JobUrls::ByDirection, true) => "pushToVoSpace",
            (JobUrls::ByDirection, false) => "pullFromVoSpace",
        }
    }
}

/// Transfers, as far as services differ in them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Transfers {
    /// What documents are announced as.
    pub announced: Announced,
    /// Whether a document needs a view.
    pub view_demanded: bool,
    /// The form without a document.
    pub parameters: Parameters,
    /// Status of the answer to a synchronous transfer: 303 or 302.
    pub status: u16,
    /// Whether the details are at their place, and not behind one more redirect.
    pub details_at_once: bool,
    /// Milliseconds that a synchronous transfer takes at least.
    pub pause_ms: u64,
    /// How failures are answered.
    pub failures: Failures,
    /// Protocols over https.
    pub https: Https,
    /// Whether an endpoint is offered without a security method, with a grant in it.
    pub preauthorized: bool,
    /// Where endpoints are, where they are good for one job.
    pub job_urls: JobUrls,
    /// Status of a successful PUT there.
    pub stored: u16,
    /// Whether a file that has never been written cannot be fetched.
    pub unwritten_refused: bool,
}

impl Transfers {
    /// As Vault has them.
    pub const CADC: Transfers = Transfers {
        announced: Announced::Xml,
        view_demanded: false,
        parameters: Parameters::Anywhere,
        status: 303,
        details_at_once: false,
        pause_ms: 0,
        failures: Failures::InDetails,
        https: Https::Offered,
        preauthorized: true,
        job_urls: JobUrls::ByDirection,
        stored: 201,
        unwritten_refused: false,
    };
}
