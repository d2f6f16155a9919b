//! Faults on demand: a service that answers late, wrongly, or breaks off.
//!
//! Rules are set through the control resource and looked at in the order in which they were made; the first that
//! matches a request takes effect. All share one language for when they are due ([`Rule`]) and differ in what happens
//! ([`Effect`]). Faults are decided before the request is done: a status set by a rule means that nothing was done, any
//! other effect that it was, as far as it says. What concerns requests and answers of every kind is done here; what
//! concerns nodes, jobs or bytes, by the code that makes those, which finds the effect in its call.

pub mod bodies;
pub mod documents;
pub mod effect;
pub mod endpoints;
mod headers;
mod redirects;

use crate::fault::{Fault, FaultKind};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use bodies::lost;
pub use effect::Effect;
use headers::replace;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When a fault is due and what it is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only requests of this method.
    pub method: Option<String>,
    /// Only requests to this resource: `nodes`, `files`, `synctrans`, …, or `bytes` for the byte sites.
    pub route: Option<String>,
    /// Only requests whose path, as sent, contains this; with a `*` in it, whose whole path is of this pattern.
    pub path: Option<String>,
    /// Only requests whose query contains this.
    pub query: Option<String>,
    /// Only requests with this header: `name`, or `name: a part of the value`.
    pub header: Option<String>,
    /// Matching requests that are left alone first.
    #[serde(default)]
    pub skip: u64,
    /// Matching requests after that on which the fault falls; without it, all.
    pub count: Option<u64>,
    /// Only every so manyth of the matching requests that are not skipped: 3 is the third, the sixth, and so on.
    pub every: Option<u64>,
    /// The chance, from 0 to 1, of the others to be hit. The sequence of chances is the same at each start.
    pub probability: Option<f64>,
    /// Milliseconds after which the rule ends.
    pub for_ms: Option<u64>,
    /// `Retry-After` of a refusal, as it is to be written; an empty text for none.
    pub retry_after: Option<String>,
    /// `Location` of a refusal: with a status of 303, a redirect by whom never redirects.
    pub location: Option<String>,
    /// The body of a refusal, sent as HTML: what a proxy would say.
    pub body: Option<String>,
    /// The body of a refusal, sent as plain text: what the service would say.
    pub text: Option<String>,
    /// What has passed by; set by the service.
    #[serde(default)]
    pub seen: u64,
    /// When the rule was made; set by the service.
    #[serde(skip)]
    pub made: Option<Instant>,
    /// What happens.
    #[serde(flatten)]
    pub effect: Effect,
}

/// What rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The method.
    pub method: &'a str,
    /// The resource, or `bytes`.
    pub route: &'a str,
    /// The path as sent.
    pub path: &'a str,
    /// The query as sent, or empty.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
}

impl Rule {
    fn matches(&self, asked: &Asked<'_>) -> bool {
        let over = self.for_ms.zip(self.made).is_some_and(|(ms, made)| made.elapsed() >= Duration::from_millis(ms));
        !over
            && self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(asked.method))
            && self.route.as_deref().is_none_or(|wanted| wanted == asked.route)
            && self.path.as_deref().is_none_or(|wanted| is_path(wanted, asked.path))
            && self.query.as_deref().is_none_or(|wanted| asked.query.contains(wanted))
            && self.header.as_deref().is_none_or(|wanted| has_header(wanted, asked.headers))
    }
}

/// Whether a path contains a text, or is of a pattern in which `*` stands for anything.
fn is_path(wanted: &str, path: &str) -> bool {
    let Some((first, rest)) = wanted.split_once('*') else { return path.contains(wanted) };
    let Some(mut left) = path.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match left.find(part) {
            Some(at) => left = &left[at + part.len()..],
            None => return false,
        }
    }
    left.ends_with(last)
}

fn has_header(wanted: &str, headers: &HeaderMap) -> bool {
    let (name, part) = wanted.split_once(':').unwrap_or((wanted, ""));
    let values = headers.get_all(name.trim()).iter();
    values.filter_map(|value| value.to_str().ok()).any(|value| value.contains(part.trim()))
}

/// The pause between looking and writing that is wanted.
pub fn gap(effect: Option<&Effect>) -> Duration {
    match effect {
        Some(Effect::GapMs(milliseconds)) => Duration::from_millis(*milliseconds),
        _ => Duration::ZERO,
    }
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
        self.rules.lock().push(Rule { made: Some(Instant::now()), ..rule });
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
    pub fn due(&self, asked: &Asked<'_>) -> Option<Due> {
        let mut rules = self.rules.lock();
        for rule in rules.iter_mut() {
            if rule.count == Some(0) || !rule.matches(asked) {
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
            let Rule { retry_after, location, body, text, effect, .. } = rule.clone();
            return Some(Due { effect, retry_after, location, body, text });
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

/// A rule that takes effect.
#[derive(Clone, Debug)]
pub struct Due {
    /// What happens.
    pub effect: Effect,
    retry_after: Option<String>,
    location: Option<String>,
    body: Option<String>,
    text: Option<String>,
}

impl Due {
    /// The speed of the bodies, if this fault sets one.
    pub fn rate(&self) -> Option<u64> {
        match self.effect {
            Effect::BytesPerSecond(rate) => Some(rate),
            _ => None,
        }
    }

    /// What happens to a request before it is done. A status means that it is not done.
    pub async fn before(&self, headers: &mut HeaderMap, body: Body) -> (Body, Option<Response<Body>>) {
        match &self.effect {
            Effect::DelayMs(milliseconds) => delay(*milliseconds).await,
            Effect::RequestHeaders(changes) => headers::put(headers, changes),
            Effect::CutRequestAfter(bytes) => return (bodies::cut(body, *bytes), None),
            Effect::Status(status) => return (body, Some(self.refusal(*status))),
            _ => {}
        }
        (body, None)
    }

    /// What happens to the answer of a request that was made to this URL.
    pub async fn after(&self, url: &str, response: Response<Body>) -> Response<Body> {
        let (mut parts, mut body) = response.into_parts();
        match &self.effect {
            Effect::AnswerStatus(status) => {
                parts.status = StatusCode::from_u16(*status).unwrap_or(parts.status);
                if parts.status == StatusCode::NO_CONTENT {
                    body = Body::empty();
                    parts.headers.remove(header::CONTENT_LENGTH);
                    parts.headers.remove(header::CONTENT_TYPE);
                }
            }
            Effect::CutAfter(bytes) => body = bodies::cut(body, *bytes),
            Effect::EndAfter(bytes) => {
                parts.headers.remove(header::CONTENT_LENGTH);
                body = bodies::ended(body, *bytes);
            }
            Effect::StallAfter(bytes) => body = bodies::stalled(body, *bytes),
            Effect::ContentLengthOff(difference) => {
                headers::lengthen(&mut parts.headers, *difference);
                // A body that knows its length would not be sent with another one.
                body = bodies::flushed(body);
            }
            Effect::Headers(changes) => headers::put(&mut parts.headers, changes),
            Effect::Digest(form) => body = form.apply(parts.status, &mut parts.headers, body).await,
            Effect::Redirect(form) if parts.status.is_redirection() => form.apply(url, &mut parts),
            Effect::LoseAnswer(true) | Effect::TearUpload(_) | Effect::CutRequestAfter(_) => return lost(),
            _ => {}
        }
        Response::from_parts(parts, body)
    }

    /// The answer of a request that is not done.
    fn refusal(&self, status: u16) -> Response<Body> {
        let kind = if status == 503 { FaultKind::Unavailable(1) } else { FaultKind::Plain(status) };
        let mut response = Fault::new(kind, self.text.as_deref().unwrap_or("fault on demand")).response();
        if let Some(body) = &self.body {
            *response.body_mut() = Body::from(body.clone());
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
        }
        if let Some(text) = &self.retry_after {
            replace(response.headers_mut(), "retry-after", Some(text.as_str()).filter(|text| !text.is_empty()));
        }
        if let Some(place) = &self.location {
            replace(response.headers_mut(), "location", Some(place));
        }
        response
    }
}

/// Waits.
pub async fn delay(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'a>(method: &'a str, path: &'a str, headers: &'a HeaderMap) -> Asked<'a> {
        Asked { method, route: "nodes", path, query: "limit=5", headers }
    }

    fn rule(text: &str) -> Result<Rule, serde_json::Error> {
        serde_json::from_str(text)
    }

    #[test]
    fn rules_count() {
        let faults = Faults::default();
        faults.add(rule(r#"{"method": "GET", "path": "/nodes/", "skip": 1, "count": 2, "status": 503}"#).unwrap());
        let headers = HeaderMap::new();
        let due = |method, path| faults.due(&asked(method, path, &headers)).is_some();
        assert!(!due("PUT", "/vault/nodes/x") && !due("GET", "/vault/files/x"));
        assert!(!due("GET", "/vault/nodes/x"), "skipped");
        assert!(due("GET", "/vault/nodes/x") && due("get", "/vault/nodes/x"));
        assert!(!due("GET", "/vault/nodes/x"), "used up");
        faults.clear();
        assert!(faults.rules().is_empty());

        faults.add(rule(r#"{"every": 3, "status": 500}"#).unwrap());
        let hits: Vec<bool> = (0..6).map(|_| due("GET", "/x")).collect();
        assert_eq!(hits, [false, false, true, false, false, true]);
        faults.clear();
        faults.add(rule(r#"{"probability": 0.25, "status": 500}"#).unwrap());
        let hits = (0..1000).filter(|_| due("GET", "/x")).count();
        assert!((200..300).contains(&hits), "{hits}");
        faults.clear();
        faults.add(rule(r#"{"for_ms": 0, "status": 500}"#).unwrap());
        assert!(!due("GET", "/x"), "its time is over");
    }

    #[test]
    fn rules_match() {
        let mut headers = HeaderMap::new();
        headers.insert("x-put-txn-op", HeaderValue::from_static("commit"));
        let matches = |text: &str| rule(text).unwrap().matches(&asked("PUT", "/vault/nodes/a/b", &headers));
        for text in [
            r#"{"route": "nodes", "status": 500}"#,
            r#"{"query": "limit", "status": 500}"#,
            r#"{"path": "/vault/*/b", "status": 500}"#,
            r#"{"path": "*nodes*a*", "status": 500}"#,
            r#"{"header": "X-Put-Txn-Op: commit", "status": 500}"#,
            r#"{"header": "x-put-txn-op", "status": 500}"#,
        ] {
            assert!(matches(text), "{text}");
        }
        for text in [
            r#"{"route": "files", "status": 500}"#,
            r#"{"query": "uri", "status": 500}"#,
            r#"{"path": "/vault/*/c", "status": 500}"#,
            r#"{"path": "nodes*", "status": 500}"#,
            r#"{"header": "x-put-txn-op: start", "status": 500}"#,
            r#"{"header": "range", "status": 500}"#,
        ] {
            assert!(!matches(text), "{text}");
        }
        for text in [r#"{"path": "x"}"#, r#"{"status": 500, "pth": "x"}"#, r#"{"range": "sideways"}"#] {
            assert!(rule(text).is_err(), "{text}");
        }
    }
}
