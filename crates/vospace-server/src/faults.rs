//! Faults on demand: a service that answers late, wrongly, or breaks off.
//!
//! Rules are set through the control resource and looked at in the order in which they were made; the first that
//! matches a request takes effect. A rule can leave the first matches alone and end after some. Faults are decided
//! before the request is done: a status set by a rule means that nothing was done, a cut answer that it was.

use crate::fault::{Fault, FaultKind};
use axum::body::{Body, Bytes};
use axum::http::Response;
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
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
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Mutex<Vec<Rule>>,
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
    pub fn due(&self, method: &str, path: &str) -> Option<Effect> {
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
            if let Some(count) = &mut rule.count {
                *count -= 1;
            }
            return Some(rule.effect.clone());
        }
        None
    }
}

/// The answer of a request that is not done.
pub fn refused(status: u16) -> Fault {
    let kind = if status == 503 { FaultKind::Unavailable(1) } else { FaultKind::Plain(status) };
    Fault::new(kind, "fault on demand")
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
    }
}
