//! Bytes out: directly to the path where the service takes them there, else to a negotiated URL.
//!
//! * Where bytes go to the path, the node is made first when there is none. So a refusal comes before the bytes and
//!   leaves nothing behind (Cavern makes the node before it tests the permission), and new files inherit the
//!   container's permissions. A negotiation does all that itself, but for a name of which nobody knows how the service wants
//!   it written ([`nodes::show_names`]).
//! * The empty node that a failed upload leaves is removed, but only one that this upload made: its own request told so,
//!   or its date shows it; where empty nodes have no date (pyvospace, observed), that there was none before. So it is when the caller no longer wants the upload; but where a transaction is noted for the
//!   next program, which needs the node, it stays.
//! * An answer that was lost is asked for by HEAD before anything is sent again, where a place may be asked twice; where
//!   it is good once, the bytes are sent again to another. A PUT that was forbidden is never repeated: on Cavern the
//!   second one succeeds, in a place where the caller has no right to write.
//! * Properties that the service takes away with the old bytes are given back, whether or not the upload succeeded
//!   ([`super::keeping`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::keeping::Kept;
use super::negotiate::Short;
use super::transaction::Segmented;
use super::unfinished::Note;
use super::{PutOptions, Sent, UploadSource, Uploaded, changed, empty, negotiate};
use crate::body::upload::{Upload, digest_of};
use crate::dialect::Learned;
use crate::http::{Body, Failure, Grant, Outcome, Request, Response};
use crate::inner::Inner;
use crate::node::{Md5, NodeKind, Properties, Timestamp};
use crate::ops::probe::takes_direct_put;
use crate::ops::{nodes, remove, stat};
use crate::service::Service;
use crate::uri::VosUri;
use crate::{Error, ErrorKind, Result};

/// How often the bytes are sent to one place.
const ROUNDS: u32 = 3;
/// How often URLs are negotiated; as often as the bytes may be sent, where each is good once.
const NEGOTIATIONS: u32 = 2;
/// The clock in an answer's header is cut to seconds.
const CLOCK: Duration = Duration::from_secs(1);
/// Links followed until the file is reached; services allow 21.
const MAX_LINKS: usize = 20;

pub(crate) async fn put(
    inner: &Arc<Inner>,
    uri: &VosUri,
    source: UploadSource,
    options: PutOptions,
) -> Result<Uploaded> {
    let mut target = uri.clone();
    for _ in 0..=MAX_LINKS {
        match put_at(inner, &target, &source, &options).await {
            // Where bytes go directly to a path, links are not followed by the service.
            Err(error) if error.kind() == ErrorKind::NotData => match stat::stat(inner, &target).await?.kind {
                NodeKind::Link { target: next } => {
                    target = VosUri::from_wire(&next)
                        .map_err(|_| Error::node(ErrorKind::NotData, &target, format!("it is a link to {next}")))?;
                }
                NodeKind::Container | NodeKind::Data { .. } => return Err(error),
            },
            other => return other,
        }
    }
    Err(Error::node(ErrorKind::LinkLoop, uri, "it leads through too many links"))
}

async fn put_at(inner: &Arc<Inner>, uri: &VosUri, source: &UploadSource, options: &PutOptions) -> Result<Uploaded> {
    let service = inner.service(uri).await?;
    if uri.is_root() {
        return Err(Error::node(ErrorKind::NotData, uri, "the root container is no file"));
    }
    let direct = takes_direct_put(inner, &service, uri).await?;
    if source.length() == 0 {
        return empty::put(inner, &service, uri, direct, options).await;
    }
    store(inner, &service, uri, source, options, direct).await
}

/// Stores the bytes of a source.
pub(super) async fn store(
    inner: &Arc<Inner>,
    service: &Arc<Service>,
    uri: &VosUri,
    source: &UploadSource,
    options: &PutOptions,
    direct: bool,
) -> Result<Uploaded> {
    let known = match source {
        UploadSource::Bytes(bytes) => Some(digest_of(bytes)),
        UploadSource::File { .. } | UploadSource::Supply(_) => options.md5,
    };
    let content_type = options.content_type.as_deref().and_then(storable);
    let note = match (&inner.state_dir, &options.identity) {
        (Some(directory), Some(identity)) => Some(Arc::new(Note::open(directory, identity, uri))),
        _ => None,
    };
    let sending = Sending {
        inner,
        uri,
        upload: Arc::new(Upload::new(source.clone(), options.progress.clone())),
        known,
        content_type,
        note: note.clone(),
        vouched: AtomicBool::new(true),
    };
    let shown = !direct && nodes::show_names(inner, service, uri).await?;
    let kept = if direct || options.new { None } else { Some(Kept::before(inner, service, uri).await?) };
    let started = Instant::now();
    let mut cleaning = Cleaning {
        inner: Arc::clone(inner),
        service: Arc::clone(service),
        uri: uri.clone(),
        made: if shown {
            Made::Surely
        } else {
            Made::IfSince { started, absent: options.new || kept.as_ref().is_some_and(Kept::is_absent) }
        },
        kept,
        note,
        _work: inner.work.token(),
    };
    let result = if direct {
        match ensure_node(inner, uri).await {
            Ok(made) => cleaning.made = if made { Made::Surely } else { Made::No },
            Err(error) => {
                cleaning.made = Made::No;
                return Err(error);
            }
        }
        sending.direct(service).await
    } else {
        sending.negotiated(service).await
    };
    let (made, kept) = cleaning.settled();
    match result {
        Ok(uploaded) => {
            inner.note_meant(uri);
            if let Some(kept) = kept {
                kept.give_back(inner, service, uri, true).await?;
            }
            Ok(uploaded)
        }
        Err(error) => {
            undo(inner, service, uri, made, kept).await;
            Err(error)
        }
    }
}

/// Leaves what was there before an upload that failed.
async fn undo(inner: &Arc<Inner>, service: &Service, uri: &VosUri, made: Made, kept: Option<Kept>) {
    remove_if_empty(inner, uri, made).await;
    if let Some(kept) = kept
        && let Err(error) = kept.give_back(inner, service, uri, false).await
    {
        tracing::warn!("{uri} may have lost properties by an upload that failed, which cannot be seen now: {error}");
    }
}

/// Whether this upload made the node.
#[derive(Clone, Copy)]
enum Made {
    No,
    Surely,
    /// If the node is not older than the upload; where it has no date, if there was none before.
    IfSince {
        started: Instant,
        absent: bool,
    },
}

/// Leaves what was there before an upload that is dropped before its end.
struct Cleaning {
    inner: Arc<Inner>,
    service: Arc<Service>,
    uri: VosUri,
    made: Made,
    kept: Option<Kept>,
    note: Option<Arc<Note>>,
    /// A program that ends waits for this.
    _work: TaskTrackerToken,
}

impl Cleaning {
    /// What is to be removed, and given back, if the upload failed; nothing happens by itself any more.
    fn settled(&mut self) -> (Made, Option<Kept>) {
        let made = std::mem::replace(&mut self.made, Made::No);
        let made = if self.note.as_ref().is_some_and(|note| note.is_kept()) { Made::No } else { made };
        (made, self.kept.take().filter(|kept| !kept.is_empty()))
    }
}

impl Drop for Cleaning {
    fn drop(&mut self) {
        let (made, kept) = self.settled();
        if !matches!(made, Made::No) || kept.is_some() {
            let (inner, service, uri) = (Arc::clone(&self.inner), Arc::clone(&self.service), self.uri.clone());
            self.inner.in_background(async move {
                // The service may still be busy with what came before the connection ended.
                inner.http.pause(1).await;
                undo(&inner, &service, &uri, made, kept).await;
            });
        }
    }
}

/// A media type that may be sent: services take a body of a form type for parameters, and Cavern then empties the file.
fn storable(content_type: &str) -> Option<HeaderValue> {
    let lower = content_type.trim().to_ascii_lowercase();
    if lower.is_empty() || lower.starts_with("application/x-www-form-urlencoded") || lower.starts_with("multipart/") {
        return None;
    }
    HeaderValue::from_str(content_type.trim()).ok()
}

/// Makes the node if there is none; whether it did.
async fn ensure_node(inner: &Arc<Inner>, uri: &VosUri) -> Result<bool> {
    match nodes::create(inner, uri, &NodeKind::Data { busy: false }, &Properties::new()).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        // Who may not write here may still overwrite what is here, if the service asked for the right first.
        Err(error) if error.kind() == ErrorKind::PermissionDenied && stat::stat(inner, uri).await.is_ok() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a node that this upload made and could not fill.
async fn remove_if_empty(inner: &Arc<Inner>, uri: &VosUri, made: Made) {
    if matches!(made, Made::No) {
        return;
    }
    let Ok((node, time)) = stat::with_time(inner, uri).await else { return };
    let (ours, absent) = match made {
        Made::No => (false, false),
        Made::Surely => (true, true),
        Made::IfSince { started, absent } => {
            let since = node.properties.date().map_or(absent, |date| is_younger(date, time, started.elapsed()));
            (since && !inner.is_meant(uri), absent)
        }
    };
    // A length that is not told is none of 0, but where there was no file before.
    let is_empty = node.properties.length().map_or(absent, |length| length == 0);
    if ours
        && is_empty
        && matches!(node.kind, NodeKind::Data { .. })
        && let Err(error) = remove::delete(inner, uri).await
    {
        tracing::warn!("the empty file {uri} of a failed upload could not be removed: {error}");
    }
}

/// Whether `date` is within the last `elapsed`, by the clock of the service alone. Not known is no.
fn is_younger(date: Timestamp, now: Option<Timestamp>, elapsed: Duration) -> bool {
    let Some(now) = now else { return false };
    let Ok(since) = now.checked_sub(elapsed.saturating_add(CLOCK)) else { return false };
    date >= since
}

/// What can be done with a place for bytes.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Other places may hold what this one lacks.
    elsewhere: bool,
    /// It can be asked more than once.
    again: bool,
    /// It can be asked by HEAD.
    head: bool,
}

struct Sending<'a> {
    inner: &'a Arc<Inner>,
    uri: &'a VosUri,
    upload: Arc<Upload>,
    /// The digest, when it is known beforehand.
    known: Option<Md5>,
    content_type: Option<HeaderValue>,
    note: Option<Arc<Note>>,
    /// The last answer told the digest of what it stored; a transaction is checked by itself.
    vouched: AtomicBool,
}

impl Sending<'_> {
    async fn direct(&self, service: &Service) -> Result<Uploaded> {
        let Some(url) = service.file(self.uri)? else { return self.negotiated(service).await };
        for round in 1.. {
            match self.send(&url, Grant::Caller, Place { elsewhere: false, again: true, head: true }).await {
                Sent::Stored(uploaded) => return Ok(uploaded),
                Sent::Refused(error) if error.kind() == ErrorKind::Unsupported => {
                    service.learn(|dialect| dialect.direct_put = Learned::No);
                    return self.negotiated(service).await;
                }
                Sent::Refused(error) => return Err(error),
                Sent::Again(error) if round >= ROUNDS => return Err(error),
                Sent::Again(error) => tracing::debug!("{} is uploaded again: {error}", self.uri),
            }
            self.inner.http.pause(round).await;
        }
        unreachable!("the loop ends by returning")
    }

    async fn negotiated(&self, service: &Service) -> Result<Uploaded> {
        let mut last = None;
        // The short way gives one place. Only if the bytes cannot be stored there are all of them asked for.
        let first = negotiate::push_shortly(self.inner, service, self.uri).await?;
        let last_round = if self.place(service).again { NEGOTIATIONS } else { ROUNDS };
        let rounds = if matches!(first, Short::Place(_)) { 0..=last_round } else { 1..=last_round };
        for round in rounds {
            let endpoints = match (round, &first) {
                (0, Short::Place(first)) => vec![first.clone()],
                _ => {
                    let endpoints = negotiate::push(self.inner, service, self.uri).await?;
                    if matches!(first, Short::Refused) && !endpoints.is_empty() {
                        service.learn(|dialect| dialect.short_negotiation = Learned::No);
                    }
                    endpoints
                }
            };
            for endpoint in endpoints {
                // What a HEAD would use up is not asked what it can.
                let segmented = if self.place(service).head {
                    self.segmented(service, &endpoint.url, endpoint.grant).await
                } else {
                    None
                };
                let sent = match segmented {
                    Some(sent) => sent,
                    None => self.send(&endpoint.url, endpoint.grant, self.place(service)).await,
                };
                let sent = match sent {
                    Sent::Stored(uploaded) if !self.vouched.load(Ordering::Relaxed) => self.look(uploaded).await,
                    sent => sent,
                };
                match sent {
                    Sent::Stored(uploaded) => {
                        negotiate::note_grant(self.inner, service, &endpoint, None);
                        return Ok(uploaded);
                    }
                    Sent::Refused(error)
                        if negotiate::note_grant(self.inner, service, &endpoint, Some(error.kind())) =>
                    {
                        last = Some(error);
                        break;
                    }
                    Sent::Refused(error) => return Err(error),
                    Sent::Again(error) => {
                        tracing::debug!("{} is uploaded elsewhere: {error}", self.uri);
                        last = Some(error);
                    }
                }
            }
            if (1..last_round).contains(&round) {
                self.inner.http.pause(round).await;
            }
        }
        Err(last.unwrap_or_else(|| {
            Error::node(ErrorKind::Service, self.uri, "the service offers no place for the bytes at present")
        }))
    }

    /// Sends a large file in segments, where the place takes such. None where it does not; nothing was stored then.
    async fn segmented(&self, service: &Service, url: &Url, grant: Grant) -> Option<Sent> {
        let way = Segmented {
            inner: self.inner,
            uri: self.uri,
            url,
            grant,
            whole: &self.upload,
            known: self.known,
            content_type: self.content_type.as_ref(),
            note: self.note.as_ref(),
        };
        way.put(service).await
    }

    /// What a negotiated place may be asked.
    fn place(&self, service: &Service) -> Place {
        let (dialect, has_files) = (service.dialect(), service.has_files());
        Place { elsewhere: true, again: dialect.may_ask_again(has_files), head: dialect.may_head(has_files) }
    }

    /// Sends the bytes once.
    async fn send(&self, url: &Url, grant: Grant, place: Place) -> Sent {
        let mut request = Request::new(Method::PUT, url.clone(), grant);
        if let Some(value) = self.known.and_then(|md5| HeaderValue::from_str(&md5.to_digest_header()).ok()) {
            request = request.header(HeaderName::from_static("digest"), value);
        }
        if let Some(value) = &self.content_type {
            request = request.header(CONTENT_TYPE, value.clone());
        }
        request.body = Body::Upload(Arc::clone(&self.upload));
        let http = &self.inner.http;
        let sent = if place.again { http.call(&request).await } else { http.send(&request).await };
        let failure = match sent {
            Ok(response) if response.status.is_success() => return self.stored(&response),
            Ok(response) => {
                let text = format!("it answered {} to the upload", response.status);
                return Sent::Again(Error::node(ErrorKind::Protocol, self.uri, text));
            }
            Err(failure) => failure,
        };
        if failure.outcome == Outcome::Unknown
            && place.again
            && place.head
            && let Some(uploaded) = self.find(url, grant).await
        {
            return Sent::Stored(uploaded);
        }
        self.judge(failure, place)
    }

    fn judge(&self, failure: Failure, Place { elsewhere, again, .. }: Place) -> Sent {
        // The file that was to be sent cannot be read: no place will help.
        if self.upload.fault().is_some() {
            return Sent::Refused(failure.into());
        }
        let lied = matches!((self.known, self.upload.digest()), (Some(known), Some(sent)) if known != sent);
        match failure.kind() {
            ErrorKind::ChecksumMismatch if lied => Sent::Refused(changed(self.uri)),
            ErrorKind::ChecksumMismatch | ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Service => {
                Sent::Again(failure.into())
            }
            // A place that is used up, whether it was by this request or by one whose answer was lost on the way.
            ErrorKind::BadRequest | ErrorKind::Unsupported if elsewhere && !again => Sent::Again(failure.into()),
            // A site that has not heard of a new file yet.
            ErrorKind::NotFound if elsewhere => Sent::Again(failure.into()),
            // A site that is full; 413 is the user's quota, which is the same everywhere.
            ErrorKind::QuotaExceeded if elsewhere && failure.status != Some(StatusCode::PAYLOAD_TOO_LARGE) => {
                Sent::Again(failure.into())
            }
            _ => Sent::Refused(failure.into()),
        }
    }

    /// Compares what the service says that it stored with what was sent.
    fn stored(&self, response: &Response) -> Sent {
        let Some(sent) = self.upload.digest() else {
            let text = "the service answered before it had all bytes";
            return Sent::Again(Error::node(ErrorKind::Protocol, self.uri, text));
        };
        if self.known.is_some_and(|known| known != sent) {
            return Sent::Refused(changed(self.uri));
        }
        let told = response.header("digest").and_then(Md5::from_digest_header);
        if let Some(told) = told
            && told != sent
        {
            let text = format!("bytes with the MD5 {sent} were sent and {told} stored");
            return Sent::Again(Error::node(ErrorKind::ChecksumMismatch, self.uri, text));
        }
        self.vouched.store(told.is_some(), Ordering::Relaxed);
        let artifact_id = response.header("x-artifact-id").map(str::to_owned);
        Sent::Stored(Uploaded { length: self.upload.length(), md5: sent, artifact_id })
    }

    /// Looks at the node after an upload whose answer told no digest.
    async fn look(&self, uploaded: Uploaded) -> Sent {
        let properties = match stat::stat(self.inner, self.uri).await {
            Ok(node) => node.properties,
            Err(error) => return Sent::Refused(error),
        };
        let other = |told: String| {
            let text = format!("{} bytes with the MD5 {} were sent and {told} stored", uploaded.length, uploaded.md5);
            Sent::Again(Error::node(ErrorKind::ChecksumMismatch, self.uri, text))
        };
        match (properties.length(), properties.md5()) {
            (Some(length), _) if length != uploaded.length => other(format!("{length} bytes")),
            (_, Some(md5)) if md5 != uploaded.md5 => other(format!("bytes with {md5}")),
            _ => Sent::Stored(uploaded),
        }
    }

    /// Asks whether exactly the bytes that were sent are there.
    async fn find(&self, url: &Url, grant: Grant) -> Option<Uploaded> {
        let sent = self.upload.digest()?;
        let request = Request::new(Method::HEAD, url.clone(), grant);
        let response = self.inner.http.send(&request).await.ok()?;
        let digest = response.header("digest").and_then(Md5::from_digest_header);
        (response.length() == Some(self.upload.length()) && digest == Some(sent)).then(|| Uploaded {
            length: self.upload.length(),
            md5: sent,
            artifact_id: response.header("x-artifact-id").map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests;
