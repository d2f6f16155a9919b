//! A large file in segments, as one transaction of the byte service (minoc's PUT transactions).
//!
//! A transaction is begun, filled by PUTs that follow one another, and committed; only then is the file replaced. It
//! belongs to one site and one URL. A lost connection costs the segment that was on its way, not the file.
//!
//! What is sent has neither offset nor check of its own, so nothing is believed:
//! * The service's digest of all bytes so far is compared with ours after every segment, and of the whole once more
//!   before and after the commit.
//! * After any doubt the service is asked how much it has, and its digest compared with ours of exactly so many bytes.
//!   If they differ, the transaction is spoilt (a service that crashed keeps torn bytes that its digest does not tell):
//!   it is given up and all begins anew. So it is after a 412, behind which the digest is wrong for good.
//! * One segment is under way at a time.
//!
//! Whether a place has transactions is asked by a HEAD for one that does not exist: a start that is not understood would
//! be taken for the upload of an empty file. What a transaction needs to be taken up again is its URL and identity; the
//! service tells the rest, and the digest is computed from the source. Where an upload has a note ([`super::unfinished`]),
//! a transaction that holds a segment is left open when the upload ends early, and the next one goes on with it.

use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode, Url};

use super::unfinished::{Begun, Note};
use super::{Sent, Uploaded, changed};
use crate::body::upload::{Running, Upload};
use crate::dialect::Learned;
use crate::http::{Body, Failure, Grant, Outcome, Request, Response};
use crate::inner::Inner;
use crate::node::Md5;
use crate::service::Service;
use crate::uri::VosUri;
use crate::{Error, ErrorKind};

const ID: HeaderName = HeaderName::from_static("x-put-txn-id");
const OPERATION: HeaderName = HeaderName::from_static("x-put-txn-op");
const TOTAL: HeaderName = HeaderName::from_static("x-total-length");
/// The identity of no transaction.
const NOBODY: HeaderValue = HeaderValue::from_static("00000000-0000-0000-0000-000000000000");
/// How often a file is begun at one place.
const ROUNDS: u32 = 3;
/// How often in a row a segment may be lost before its place counts as dead, and how often a transaction is asked for
/// that shows other bytes than were sent (a service that has yet to notice that a connection broke shows some of the
/// segment); a quarter to half a minute with the usual delays.
const PATIENCE: u32 = 6;

/// A large upload to one place.
pub(super) struct Segmented<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) uri: &'a VosUri,
    pub(super) url: &'a Url,
    pub(super) grant: Grant,
    pub(super) whole: &'a Upload,
    /// The digest, when it is known beforehand.
    pub(super) known: Option<Md5>,
    pub(super) content_type: Option<&'a HeaderValue>,
    /// What is known of it for the next program.
    pub(super) note: Option<&'a Arc<Note>>,
}

/// Why an attempt ended without the file being stored.
#[derive(Debug)]
enum End {
    /// The place has no transactions after all.
    NotHere,
    /// This transaction is spoilt or gone; a new one may do.
    Anew(Error),
    /// The place does not serve at present; another may.
    Elsewhere(Error),
    /// No place will do.
    Refused(Error),
}

/// A transaction that was begun. Dropped before its end (the caller no longer wants the upload), it is aborted in the
/// background, unless it is noted.
struct Open {
    inner: Arc<Inner>,
    id: HeaderValue,
    /// Bytes of a segment, the last one excepted.
    segment: u64,
    note: Option<Arc<Note>>,
    /// What ends it; none when that is settled.
    abort: Option<Request>,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(request) = self.abort.take()
            && !self.is_noted()
        {
            let inner = Arc::clone(&self.inner);
            self.inner.in_background(async move { give_up(&inner, &request).await });
        }
    }
}

impl Open {
    fn is_noted(&self) -> bool {
        self.note.as_ref().is_some_and(|note| note.is_kept())
    }
}

/// Frees what the service keeps for a transaction. One that is left behind costs its space only.
async fn give_up(inner: &Inner, abort: &Request) {
    if let Err(failure) = inner.http.send(abort).await {
        tracing::debug!("a transaction is left behind: {}", failure.error);
    }
}

/// What the service says that it has.
enum Asked {
    /// These bytes, and they are ours.
    Has(Running),
    /// No answer, or one that does not tell. Asking again may help.
    Silent(Error),
}

impl Segmented<'_> {
    /// None when the file is small or the place has no transactions; nothing was changed then.
    pub(super) async fn put(&self, service: &Service) -> Option<Sent> {
        if self.whole.length() <= self.inner.segment || service.dialect().transactions == Learned::No {
            return None;
        }
        if service.dialect().transactions == Learned::Unknown {
            match self.has_transactions().await {
                Ok(yes) => {
                    service.learn(|dialect| dialect.transactions = if yes { Learned::Yes } else { Learned::No });
                    if !yes {
                        return None;
                    }
                }
                Err(error) => return Some(Sent::Again(error)),
            }
        }
        if let Some(note) = self.note
            && let Some(begun) = note.begun()
        {
            if let Some(url) = begun.url().filter(|_| begun.is_for(self.url)) {
                tracing::info!("the upload of {} that was interrupted goes on", self.uri);
                // A URL of the byte service carries its own grant.
                let again = Segmented { url: &url, grant: Grant::Url, ..*self };
                match again.attempt(Some(&begun)).await {
                    Ok(uploaded) => return Some(Sent::Stored(uploaded)),
                    Err(End::Elsewhere(error)) if note.is_kept() => return Some(Sent::Again(error)),
                    Err(End::NotHere) => {}
                    // Its URL may be good no more, which says nothing of the one that was just given.
                    Err(End::Refused(error)) if error.kind() != ErrorKind::PermissionDenied => {
                        return Some(Sent::Refused(error));
                    }
                    Err(End::Anew(error) | End::Elsewhere(error) | End::Refused(error)) => {
                        tracing::info!(
                            "what the service has of {} cannot be used, all of it is sent: {error}",
                            self.uri
                        );
                    }
                }
            }
            note.forget();
        }
        for round in 1.. {
            match self.attempt(None).await {
                Ok(uploaded) => return Some(Sent::Stored(uploaded)),
                Err(End::NotHere) => {
                    service.learn(|dialect| dialect.transactions = Learned::No);
                    return None;
                }
                Err(End::Anew(error)) if round < ROUNDS => {
                    tracing::debug!("the upload of {} begins anew: {error}", self.uri);
                }
                Err(End::Anew(error) | End::Elsewhere(error)) => return Some(Sent::Again(error)),
                Err(End::Refused(error)) => return Some(Sent::Refused(error)),
            }
            self.inner.http.pause(round).await;
        }
        unreachable!("the loop ends by returning")
    }

    /// A service with transactions refuses to tell of one that it does not know (400). Others overlook the question.
    async fn has_transactions(&self) -> Result<bool, Error> {
        match self.inner.http.call(&self.request(Method::HEAD, &NOBODY)).await {
            Ok(_) => Ok(false),
            Err(failure) if failure.status == Some(StatusCode::BAD_REQUEST) => Ok(true),
            Err(failure) if is_transient(failure.kind()) => Err(failure.into()),
            Err(_) => Ok(false),
        }
    }

    /// The whole file, once; or what is left of it.
    async fn attempt(&self, begun: Option<&Begun>) -> Result<Uploaded, End> {
        let mut open = match begun.and_then(|begun| self.taken_up(begun)) {
            Some(open) => open,
            None => self.start().await?,
        };
        let result = match self.fill(&open, begun.is_some()).await {
            Ok(all) => self.commit(&open, all.md5()).await,
            Err(end) => Err(end),
        };
        let abort = open.abort.take();
        match &result {
            // The place does not answer; when it does again, what it has will do.
            Err(End::Elsewhere(_)) if open.is_noted() => return result,
            Err(_) => {
                if let Some(abort) = abort {
                    give_up(self.inner, &abort).await;
                }
            }
            Ok(_) => {}
        }
        if let Some(note) = self.note {
            note.forget();
        }
        result
    }

    fn taken_up(&self, begun: &Begun) -> Option<Open> {
        Some(self.opened(HeaderValue::from_str(&begun.transaction).ok()?, begun.segment))
    }

    fn opened(&self, id: HeaderValue, segment: u64) -> Open {
        let abort = self.request(Method::POST, &id).header(OPERATION, HeaderValue::from_static("abort"));
        Open { inner: Arc::clone(self.inner), id, segment, note: self.note.cloned(), abort: Some(abort) }
    }

    /// A request of a transaction. Its URL is its only grant.
    fn request(&self, method: Method, id: &HeaderValue) -> Request {
        Request::new(method, self.url.clone(), self.grant).header(ID, id.clone())
    }

    async fn start(&self) -> Result<Open, End> {
        let request = Request::new(Method::PUT, self.url.clone(), self.grant)
            .header(OPERATION, HeaderValue::from_static("start"))
            .header(TOTAL, HeaderValue::from(self.whole.length()));
        let response = match self.inner.http.call(&request).await {
            Ok(response) => response,
            Err(failure) => {
                return Err(match failure.kind() {
                    ErrorKind::BadRequest | ErrorKind::Unsupported => End::NotHere,
                    _ => self.judge(failure),
                });
            }
        };
        let id = response.headers.get(ID).filter(|_| response.status == StatusCode::ACCEPTED).cloned();
        let Some(id) = id else { return Err(End::NotHere) };
        let limit = |name| response.header(name).and_then(|text| text.trim().parse::<u64>().ok()).filter(|n| *n > 0);
        let least = limit("x-put-segment-minbytes").unwrap_or(1);
        let most = limit("x-put-segment-maxbytes").unwrap_or(u64::MAX);
        Ok(self.opened(id, self.inner.segment.max(least).min(most)))
    }

    /// Notes a transaction that holds something.
    fn note(&self, open: &Open) {
        if let (Some(note), Ok(transaction)) = (self.note, open.id.to_str()) {
            note.keep(&Begun::new(self.url, transaction, open.segment));
        }
    }

    /// Sends segment after segment until the service has all of them, and has shown so. In `doubt` it may have some.
    async fn fill(&self, open: &Open, mut doubt: bool) -> Result<Running, End> {
        let total = self.whole.length();
        let mut have = Running::default();
        let mut lost = 0;
        loop {
            let result = if doubt || have.bytes() == total {
                match self.ask(open, &have).await? {
                    // Also when all went well: late bytes of a broken segment would show here.
                    Asked::Has(all) if all.bytes() == total => return Ok(all),
                    Asked::Has(some) => Ok(some),
                    Asked::Silent(error) => Err(error),
                }
            } else {
                self.append(open, &have).await?
            };
            match result {
                Ok(more) => {
                    if more.bytes() > have.bytes() {
                        lost = 0;
                        self.note(open);
                    }
                    have = more;
                    doubt = false;
                }
                Err(error) => {
                    lost += 1;
                    doubt = true;
                    // A place that took nothing yet is left at once.
                    if lost > if have.bytes() == 0 { 1 } else { PATIENCE } {
                        return Err(End::Elsewhere(error));
                    }
                    tracing::debug!("a segment of {} was lost after {} bytes: {error}", self.uri, have.bytes());
                    self.inner.http.pause(lost).await;
                }
            }
        }
    }

    /// Sends one segment. The inner error leaves in doubt whether the service has it.
    async fn append(&self, open: &Open, have: &Running) -> Result<Result<Running, Error>, End> {
        let end = have.bytes().saturating_add(open.segment).min(self.whole.length());
        let part = Arc::new(self.whole.part(have.clone(), end));
        let mut request = self.request(Method::PUT, &open.id);
        request.body = Body::Upload(Arc::clone(&part));
        let response = match self.inner.http.send(&request).await {
            Ok(response) => response,
            Err(failure) => {
                if let Some(fault) = part.fault() {
                    return Err(End::Refused(fault));
                }
                return match self.judge(failure) {
                    End::Elsewhere(error) => Ok(Err(error)),
                    end => Err(end),
                };
            }
        };
        let Some(sent) = part.running().filter(|_| response.status == StatusCode::ACCEPTED) else {
            let text = format!("it answered {} to a part of the upload", response.status);
            return Ok(Err(Error::node(ErrorKind::Protocol, self.uri, text)));
        };
        self.compare(&sent, &response)?;
        Ok(Ok(sent))
    }

    /// Whether the service's digest of what it has is ours.
    fn compare(&self, ours: &Running, response: &Response) -> Result<(), End> {
        let told = response.header("digest").and_then(Md5::from_digest_header);
        // Nothing has no digest.
        if told == Some(ours.md5()) || (told.is_none() && ours.bytes() == 0) {
            return Ok(());
        }
        let told = told.map_or_else(|| "none".to_owned(), |told| told.to_string());
        let text = format!("the first {} bytes have the MD5 {}, the service tells {told}", ours.bytes(), ours.md5());
        Err(End::Anew(Error::node(ErrorKind::ChecksumMismatch, self.uri, text)))
    }

    /// Asks how much the service has. It may have rolled a broken segment back, or taken it whole though the answer was
    /// lost; whatever it is, it must be what was sent.
    async fn ask(&self, open: &Open, have: &Running) -> Result<Asked, End> {
        for look in 1.. {
            let response = match self.inner.http.call(&self.request(Method::HEAD, &open.id)).await {
                Ok(response) => response,
                Err(failure) => {
                    return match self.judge(failure) {
                        End::Elsewhere(error) => Ok(Asked::Silent(error)),
                        end => Err(end),
                    };
                }
            };
            let Some(has) = response.length() else {
                let text = "it does not tell how much of the upload it has";
                return Ok(Asked::Silent(Error::node(ErrorKind::Protocol, self.uri, text)));
            };
            let result = if has > self.whole.length() {
                let text = format!("the service has {has} bytes of the upload, more than were sent");
                Err(End::Anew(Error::node(ErrorKind::ChecksumMismatch, self.uri, text)))
            } else {
                let from = if has < have.bytes() { Running::default() } else { have.clone() };
                let ours = self.whole.digest_on(from, has).await.map_err(End::Refused)?;
                self.compare(&ours, &response).map(|()| ours)
            };
            match result {
                Ok(ours) => return Ok(Asked::Has(ours)),
                // A place that took nothing yet is begun anew at once.
                Err(end) if look == PATIENCE || (have.bytes() == 0 && !open.is_noted()) => return Err(end),
                Err(_) => self.inner.http.pause(look).await,
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// Makes the file of the segments. An answer that was lost is asked for: the file is there, or the transaction is.
    async fn commit(&self, open: &Open, all: Md5) -> Result<Uploaded, End> {
        if self.known.is_some_and(|known| known != all) {
            return Err(End::Refused(changed(self.uri)));
        }
        let mut request = self.request(Method::PUT, &open.id).header(OPERATION, HeaderValue::from_static("commit"));
        // What was said of the type at the start is not remembered.
        if let Some(content_type) = self.content_type {
            request = request.header(CONTENT_TYPE, content_type.clone());
        }
        let mut in_doubt = None;
        for round in 1.. {
            let failure = match self.inner.http.send(&request).await {
                Ok(response) => return self.committed(all, &response),
                Err(failure) => failure,
            };
            let is_lost = failure.outcome == Outcome::Unknown;
            if failure.outcome != Outcome::NotSent
                && let Some(uploaded) = self.find(all).await
            {
                return Ok(uploaded);
            }
            match self.judge(failure) {
                End::Elsewhere(error) if round >= PATIENCE => return Err(End::Elsewhere(error)),
                End::Elsewhere(error) => {
                    tracing::debug!("{} is committed again: {error}", self.uri);
                    in_doubt = in_doubt.or(is_lost.then_some(error));
                }
                // An address that is good once is used up by the commit whose answer was lost.
                End::Refused(refusal) => return Err(in_doubt.map_or(End::Refused(refusal), End::Elsewhere)),
                end => return Err(end),
            }
            self.inner.http.pause(round).await;
        }
        unreachable!("the loop ends by returning")
    }

    fn committed(&self, all: Md5, response: &Response) -> Result<Uploaded, End> {
        match response.header("digest").and_then(Md5::from_digest_header) {
            Some(told) if told != all => {
                let text = format!("bytes with the MD5 {all} were sent and {told} stored");
                Err(End::Anew(Error::node(ErrorKind::ChecksumMismatch, self.uri, text)))
            }
            _ => {
                let artifact_id = response.header("x-artifact-id").map(str::to_owned);
                Ok(Uploaded { length: self.whole.length(), md5: all, artifact_id })
            }
        }
    }

    /// Asks whether the file is there.
    async fn find(&self, all: Md5) -> Option<Uploaded> {
        let response = self.inner.http.call(&Request::new(Method::HEAD, self.url.clone(), self.grant)).await.ok()?;
        let told = response.header("digest").and_then(Md5::from_digest_header);
        if response.length() != Some(self.whole.length()) || told != Some(all) {
            return None;
        }
        self.committed(all, &response).ok()
    }

    fn judge(&self, failure: Failure) -> End {
        match failure.kind() {
            kind if is_transient(kind) => End::Elsewhere(failure.into()),
            // A transaction that is not known is refused as a bad request.
            ErrorKind::ChecksumMismatch | ErrorKind::BadRequest => End::Anew(failure.into()),
            // A site that has not heard of a new file yet.
            ErrorKind::NotFound => End::Elsewhere(failure.into()),
            _ => End::Refused(failure.into()),
        }
    }
}

fn is_transient(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Service)
}

#[cfg(test)]
mod tests;
