//! Faults on demand: a service that answers late, wrongly, or breaks off.
//!
//! Rules are set through the control resource and looked at in the order in which they were made; the first that
//! matches a request takes effect. A rule can leave the first matches alone and end after some. Faults are decided
//! before the request is done: a status set by a rule means that nothing was done, a cut answer that it was.

use crate::fault::{Fault, FaultKind};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

/// When a fault is due and what it is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only requests of this method.
    pub method: Option<String>,
    /// Only requests whose path contains this.
    pub path: Option<String>,
    /// Matching requests that are left alone first.
    #[serde(default)]
    pub skip: u64,
    /// Matching requests after that on which the fault falls; without it, all.
    pub count: Option<u64>,
    /// Only every so manyth of the matching requests that are not skipped: 3 is the third, the sixth, and so on.
    pub every: Option<u64>,
    /// The chance, from 0 to 1, of the others to be hit. The sequence of chances is the same at each start.
    pub probability: Option<f64>,
    /// `Retry-After` of a refusal, as it is to be written; an empty text for none.
    pub retry_after: Option<String>,
    /// The body of a refusal, sent as HTML: what a proxy would say.
    pub body: Option<String>,
    /// What has passed by; set by the service.
    #[serde(default)]
    pub seen: u64,
    /// What happens.
    #[serde(flatten)]
    pub effect: Effect,
}

/// What a fault does. The name is the key in the rule, like `"status": 503`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The request is answered with this status and not done; 503 carries `Retry-After: 1`.
    Status(u16),
    /// The request waits for so many milliseconds and is then done.
    DelayMs(u64),
    /// The request is done, and the connection closed after so many bytes of the answer's body.
    CutAfter(u64),
    /// The request is done, and the connection closed before the client sees a status; `false` does nothing.
    LoseAnswer(bool),
    /// The answer stops after so many bytes, and the connection stays open.
    StallAfter(u64),
    /// Bodies of request and answer move at so many bytes a second.
    BytesPerSecond(u64),
    /// The answer has these headers instead of its own; null removes one.
    Headers(BTreeMap<String, Option<String>>),
    /// The request is done as if it had these headers instead of its own; null removes one.
    RequestHeaders(BTreeMap<String, Option<String>>),
    /// A listing ends after so many children, well-formed and with status 200.
    TruncateListing(u64),
    /// A segment of a PUT transaction ends after so many bytes, as if the byte service was killed in it.
    TearSegment(u64),
    /// A move is done, and its job says ERROR.
    MisreportMove(bool),
    /// A property change waits for so many milliseconds between reading the properties and writing them.
    GapMs(u64),
    /// A job that is started says EXECUTING for ever and does nothing.
    StickJob(bool),
    /// A job that is started waits for so many milliseconds first.
    SlowJobMs(u64),
}

/// A rule that takes effect.
#[derive(Clone, Debug)]
pub struct Due {
    /// What happens.
    pub effect: Effect,
    retry_after: Option<String>,
    body: Option<String>,
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
    chance: AtomicU64,
}

impl Faults {
    /// Adds a rule after the others.
    pub fn add(&self, rule: Rule) {
        self.rules.lock().push(rule);
    }

    /// The rules with what is left of their counts.
    pub fn rules(&self) -> Vec<Rule> {
        self.rules.lock().clone()
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.rules.lock().clear();
    }

    /// The fault that falls on this request, if any; counts the rules down.
    pub fn due(&self, method: &str, path: &str) -> Option<Due> {
        let mut rules = self.rules.lock();
        for rule in rules.iter_mut() {
            let matches = rule.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
                && rule.path.as_deref().is_none_or(|wanted| path.contains(wanted));
            if !matches || rule.count == Some(0) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.seen += 1;
            if rule.every.is_some_and(|every| every > 1 && rule.seen % every != 0) {
                continue;
            }
            if rule.probability.is_some_and(|probability| self.next_chance() >= probability) {
                continue;
            }
            if let Some(count) = &mut rule.count {
                *count -= 1;
            }
            let (retry_after, body) = (rule.retry_after.clone(), rule.body.clone());
            return Some(Due { effect: rule.effect.clone(), retry_after, body });
        }
        None
    }

    /// A number from 0 to 1 of a fixed sequence (splitmix64): a test that fails can be repeated.
    fn next_chance(&self) -> f64 {
        let mut z = self.chance.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(((z ^ (z >> 31)) >> 32) as u32) / (f64::from(u32::MAX) + 1.0)
    }
}

impl Due {
    /// The answer of a request that is not done.
    pub fn refusal(&self, status: u16) -> Response<Body> {
        let kind = if status == 503 { FaultKind::Unavailable(1) } else { FaultKind::Plain(status) };
        let mut response = Fault::new(kind, "fault on demand").response();
        if let Some(body) = &self.body {
            *response.body_mut() = Body::from(body.clone());
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        }
        if let Some(text) = &self.retry_after {
            replace(response.headers_mut(), "retry-after", Some(text.as_str()).filter(|text| !text.is_empty()));
        }
        response
    }
}

/// Puts headers in place of others; names and values that are none are left out.
pub fn put_headers(headers: &mut HeaderMap, changes: &BTreeMap<String, Option<String>>) {
    for (name, value) in changes {
        replace(headers, name, value.as_deref());
    }
}

fn replace(headers: &mut HeaderMap, name: &str, value: Option<&str>) {
    let Ok(name) = HeaderName::try_from(name) else { return };
    match value.map(HeaderValue::from_str) {
        Some(Ok(value)) => {
            headers.insert(name, value);
        }
        _ => {
            headers.remove(name);
        }
    }
}

/// The body up to so many bytes, and then nothing more, without an end.
pub fn stalled(body: Body, after: u64) -> Body {
    let mut chunks = body.into_data_stream();
    let mut left = after;
    Body::from_stream(stream::poll_fn(move |context| {
        if left == 0 {
            return Poll::Pending;
        }
        let polled = chunks.poll_next_unpin(context);
        polled.map_ok(|mut chunk| {
            chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            left -= chunk.len() as u64;
            chunk
        })
    }))
}

/// Waits.
pub async fn delay(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// The body, broken off after so many bytes; the client gets the head of the answer and these.
pub fn cut(body: Body, after: u64) -> Body {
    let start = body.into_data_stream().scan(after, |left, chunk: Result<Bytes, axum::Error>| {
        let piece = (*left > 0).then(|| {
            chunk.map(|mut chunk| {
                chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= chunk.len() as u64;
                chunk
            })
        });
        std::future::ready(piece)
    });
    let end = stream::once(async {
        // What was written so far leaves the buffers while this waits; a break without a wait takes it along.
        tokio::task::yield_now().await;
        Err(broken())
    });
    Body::from_stream(start.chain(end))
}

/// An answer of which the client sees nothing: the connection breaks before its head is sent.
pub fn lost() -> Response<Body> {
    Response::new(Body::from_stream(stream::iter([Err::<Bytes, _>(broken())])))
}

fn broken() -> axum::Error {
    axum::Error::new(std::io::Error::other("broken on demand"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_count_and_match() {
        let faults = Faults::default();
        let rule = r#"{"method": "GET", "path": "/nodes/", "skip": 1, "count": 2, "status": 503}"#;
        faults.add(serde_json::from_str(rule).unwrap());
        let due = |method, path| faults.due(method, path).is_some();
        assert!(!due("PUT", "/vault/nodes/x") && !due("GET", "/vault/files/x"));
        assert!(!due("GET", "/vault/nodes/x"), "skipped");
        assert!(due("GET", "/vault/nodes/x") && due("get", "/vault/nodes/x"));
        assert!(!due("GET", "/vault/nodes/x"), "used up");
        faults.clear();
        assert!(faults.rules().is_empty());
        assert!(serde_json::from_str::<Rule>(r#"{"path": "x"}"#).is_err(), "without an effect");

        faults.add(serde_json::from_str(r#"{"every": 3, "status": 500}"#).unwrap());
        let hits: Vec<bool> = (0..6).map(|_| due("GET", "/x")).collect();
        assert_eq!(hits, [false, false, true, false, false, true]);
        faults.clear();
        faults.add(serde_json::from_str(r#"{"probability": 0.25, "status": 500}"#).unwrap());
        let hits = (0..1000).filter(|_| due("GET", "/x")).count();
        assert!((200..300).contains(&hits), "{hits}");
    }
}
