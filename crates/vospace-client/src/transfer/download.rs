//! Bytes in: a file or a range of it.
//!
//! The way is `/files/<path>`, which answers with the bytes or leads to them; where it led is kept for the next range.
//! A range is checked against what was asked, never believed: services ignore ranges, cut them, and read a suffix range
//! as a prefix (so none is ever sent).
//!
//! Where there is no `/files`, the place is negotiated. It is good once: each try has a place of its own.

use std::ops::Range;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use reqwest::header::{HeaderValue, RANGE};
use reqwest::{StatusCode, Url};

use super::{Download, content_range, negotiate};
use crate::dialect::Learned;
use crate::http::{Failure, Grant, Request, Response, parse_http_date};
use crate::inner::Inner;
use crate::node::{Md5, NodeKind};
use crate::ops::stat;
use crate::service::Service;
use crate::uri::VosUri;
use crate::view::View;
use crate::{Error, ErrorKind, Result};

/// Places asked before giving up. A service leads to one of its sites at random.
const SITES: u32 = 4;
/// How often places are negotiated.
const NEGOTIATIONS: u32 = 3;

/// What a service says of a file that was never written, asked for the place of its bytes (pyvospace, observed).
const NEVER_WRITTEN: &str = "not on any storage device";

/// With `anew`, a place where the file was found before is not asked: it may be that of another file by now, if names
/// were moved about.
pub(crate) async fn open(inner: &Arc<Inner>, uri: &VosUri, range: Option<Range<u64>>, anew: bool) -> Result<Download> {
    let service = inner.service(uri).await?;
    if let Some(range) = &range
        && range.is_empty()
    {
        return Ok(nothing(range.start, None));
    }
    if let Some(url) = inner.redirects.get(uri).filter(|_| !anew) {
        match fetch(inner, uri, url, &range).await {
            Ok(response) => return accept(&service, uri, response, &range),
            // The file may be another by now, or the grant gone, or the site: the service knows better.
            Err(failure) => {
                tracing::debug!("the kept address of {uri} no longer serves: {}", failure.error);
                inner.redirects.forget(uri);
            }
        }
    }
    let Some(url) = service.file(uri)? else {
        return negotiated(inner, &service, uri, &range).await;
    };
    let mut request = Request::get(url, Grant::Caller);
    if service.dialect().ranges != Learned::No {
        request = with_range(request, &range);
    }
    let (response, place) = located(inner, uri, &request, &range).await?;
    if let Some(url) = place {
        inner.redirects.keep(uri, url);
    }
    accept(&service, uri, response, &range)
}

/// A part of a FITS file. A service that answers with bytes of its own, instead of leading to those that can cut, would
/// give the whole file.
pub(crate) async fn open_view(inner: &Arc<Inner>, uri: &VosUri, view: &View) -> Result<Download> {
    let service = inner.service(uri).await?;
    let whole =
        || Error::node(ErrorKind::Unsupported, uri, "the service cuts nothing out of files; copy the whole file");
    let mut url = service.file(uri)?.ok_or_else(whole)?;
    let (name, value) = view.parameter();
    url.query_pairs_mut().append_pair(name, &value);
    let (response, place) = located(inner, uri, &Request::get(url, Grant::Caller), &None).await?;
    if place.is_none() {
        return Err(whole());
    }
    Ok(Download {
        start: 0,
        partial: true,
        ranges: false,
        total: None,
        artifact_id: None,
        md5: None,
        last_modified: None,
        content_type: response.header("content-type").map(str::to_owned),
        body: response.stream(None),
    })
}

/// The answer to a request for `/files`, and the place that it came from if that was another.
async fn located(
    inner: &Arc<Inner>,
    uri: &VosUri,
    request: &Request,
    range: &Option<Range<u64>>,
) -> Result<(Response, Option<Url>)> {
    for round in 1.. {
        let response = inner.http.call(request).await?;
        if !response.status.is_redirection() {
            return Ok((response, None));
        }
        // Where it leads carries its own grant, whatever host it is on.
        let url = inner.http.redirected(request, &response.url, &response.headers)?.url;
        match fetch(inner, uri, url.clone(), range).await {
            Ok(response) => return Ok((response, Some(url))),
            Err(failure) if round < SITES && may_be_elsewhere(failure.kind()) => {
                tracing::debug!("another site is asked for {uri}: {}", failure.error);
                inner.http.pause(round).await;
            }
            Err(failure) if failure.kind() == ErrorKind::NotFound && stat::stat(inner, uri).await.is_ok() => {
                return Err(without_bytes(uri, &failure.into()));
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    unreachable!("the loop ends by returning")
}

/// The service has the node, and no place that it named has the bytes. That is no missing file: a program that is told
/// so would make it anew.
fn without_bytes(uri: &VosUri, error: &Error) -> Error {
    let reason = "no place that the service names has its bytes; try later, or tell the service's help desk";
    Error::node(ErrorKind::Service, uri, format!("{reason} ({error})"))
}

/// Whether another site than the one that failed so may serve the file. A site may be down, or not have heard of the
/// file yet, or no longer have it.
fn may_be_elsewhere(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Service | ErrorKind::NotFound)
}

/// For a service without `/files`.
async fn negotiated(
    inner: &Arc<Inner>,
    service: &Service,
    uri: &VosUri,
    range: &Option<Range<u64>>,
) -> Result<Download> {
    let node = stat::stat(inner, uri).await?;
    let length = node.properties.length();
    if node.is_container() {
        return Err(Error::node(ErrorKind::NotData, uri, "a container has no bytes"));
    }
    // Of a file without bytes there is no place to offer, or a fault in its stead (pyvospace, observed). One that was never
    // written may have no length at all. What a link leads to has a length of its own.
    let is_file = matches!(node.kind, NodeKind::Data { .. });
    if is_file && length == Some(0) {
        return Ok(nothing(0, Some(0)));
    }
    let may_be_empty = is_file && length.is_none();
    let ranges = service.dialect().ranges;
    let range = if ranges == Learned::No { &None } else { range };
    let mut last = None;
    for round in 1..=NEGOTIATIONS {
        let endpoints = match negotiate::pull(inner, service, uri).await {
            Err(error) if may_be_empty && error.to_string().contains(NEVER_WRITTEN) => {
                tracing::debug!("{uri} has no length and no bytes: {error}");
                return Ok(nothing(0, Some(0)));
            }
            endpoints => endpoints?,
        };
        if endpoints.is_empty() && may_be_empty {
            return Ok(nothing(0, Some(0)));
        }
        for endpoint in endpoints {
            match inner.http.send(&with_range(Request::get(endpoint.url.clone(), endpoint.grant), range)).await {
                Ok(response) => {
                    negotiate::note_grant(inner, service, &endpoint, None);
                    return accept(service, uri, response, range);
                }
                Err(failure) if negotiate::note_grant(inner, service, &endpoint, Some(failure.kind())) => {
                    last = Some(failure.into());
                    break;
                }
                Err(failure) if failure.kind() == ErrorKind::NotFound => {
                    last = Some(without_bytes(uri, &failure.into()));
                }
                Err(failure) if may_be_elsewhere(failure.kind()) => last = Some(failure.into()),
                Err(failure) => return Err(failure.into()),
            }
        }
        if round < NEGOTIATIONS {
            inner.http.pause(round).await;
        }
    }
    Err(last.unwrap_or_else(|| Error::node(ErrorKind::Service, uri, "the service offers no way to read it")))
}

/// Asks a place once. Trying again is up to the caller, who can have another place.
async fn fetch(inner: &Arc<Inner>, uri: &VosUri, url: Url, range: &Option<Range<u64>>) -> Result<Response, Failure> {
    let http = &inner.http;
    let request = with_range(Request::get(url, Grant::Url), range);
    let response = http.send(&request).await?;
    if response.status.is_redirection() {
        let request = with_range(http.redirected(&request, &response.url, &response.headers)?, range);
        tracing::debug!("the bytes of {uri} are behind one more redirect");
        return http.send(&request).await;
    }
    Ok(response)
}

fn with_range(request: Request, range: &Option<Range<u64>>) -> Request {
    let Some(range) = range else { return request };
    let text = if range.end == u64::MAX {
        format!("bytes={}-", range.start)
    } else {
        format!("bytes={}-{}", range.start, range.end - 1)
    };
    match HeaderValue::from_str(&text) {
        Ok(value) => request.header(RANGE, value),
        Err(_) => request,
    }
}

fn nothing(start: u64, total: Option<u64>) -> Download {
    Download {
        start,
        partial: false,
        ranges: false,
        total,
        artifact_id: None,
        md5: (total == Some(0)).then_some(Md5::EMPTY),
        last_modified: None,
        content_type: None,
        body: stream::empty().boxed(),
    }
}

/// Makes a download of an answer, if it is what was asked for.
fn accept(service: &Service, uri: &VosUri, response: Response, range: &Option<Range<u64>>) -> Result<Download> {
    let wrong = |text: String| Error::node(ErrorKind::Protocol, uri, text);
    let (start, total, length) = match response.status {
        StatusCode::NO_CONTENT => (0, Some(0), Some(0)),
        StatusCode::OK => {
            let part = range.as_ref().is_some_and(|r| response.length().is_none_or(|all| r.start > 0 || r.end < all));
            // One that says it has ranges had another reason to give the whole.
            if part && response.header("accept-ranges").is_none_or(|unit| !unit.eq_ignore_ascii_case("bytes")) {
                service.learn(|dialect| dialect.ranges = Learned::No);
            }
            (0, response.length(), response.length())
        }
        StatusCode::PARTIAL_CONTENT => {
            let Some(asked) = range else {
                return Err(wrong("it answered with a part of the file where the whole was asked for".to_owned()));
            };
            let given = response.header("content-range").unwrap_or_default();
            let Some((part, total)) = content_range::parse(given) else {
                return Err(wrong(format!("it answered with a part of the file without saying which ('{given}')")));
            };
            let end = total.map_or(asked.end, |total| asked.end.min(total));
            if part.start != asked.start || part.end > asked.end || (total.is_some() && part.end != end) {
                return Err(wrong(format!(
                    "bytes {}-{} were asked for and '{given}' came",
                    asked.start,
                    asked.end - 1
                )));
            }
            let length = part.end - part.start;
            if response.length().is_some_and(|announced| announced != length) {
                return Err(wrong(format!("'{given}' came with {:?} bytes", response.length())));
            }
            service.learn(|dialect| dialect.ranges = Learned::Yes);
            (part.start, total, Some(length))
        }
        status => return Err(wrong(format!("it answered {status}"))),
    };
    if response.status == StatusCode::NO_CONTENT {
        return Ok(nothing(0, Some(0)));
    }
    Ok(Download {
        start,
        partial: response.status == StatusCode::PARTIAL_CONTENT,
        ranges: response.status == StatusCode::PARTIAL_CONTENT,
        total,
        artifact_id: response.header("x-artifact-id").map(str::to_owned),
        md5: response.header("digest").and_then(Md5::from_digest_header),
        last_modified: response.header("last-modified").and_then(parse_http_date),
        content_type: response.header("content-type").map(str::to_owned),
        body: response.stream(length),
    })
}

#[cfg(test)]
mod tests;
