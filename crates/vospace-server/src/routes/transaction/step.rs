//! What a request with the headers of PUT transactions asks for.
//!
//! Pure, so that any headers at all can be tried on it: a request is one of six steps, or refused.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};

/// The header with the identity of a transaction.
pub const ID: HeaderName = HeaderName::from_static("x-put-txn-id");
/// The header that says what to do with it.
pub const OPERATION: HeaderName = HeaderName::from_static("x-put-txn-op");
/// The header that announces the length of the whole.
pub const TOTAL: HeaderName = HeaderName::from_static("x-total-length");

/// One step of a transaction, with its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Begins one; the body may be its first segment.
    Start {
        /// Length of the whole file in bytes, when it is announced.
        total: Option<u64>,
    },
    /// The body goes behind what there is.
    Append(String),
    /// Makes the file of it.
    Commit(String),
    /// How much has come.
    Status(String),
    /// Takes the last segment back.
    Revert(String),
    /// Ends it without a file.
    Abort(String),
    /// Would be one of the last two if it was a POST: nothing is done, and it is taken (Vault, observed).
    Nothing(String),
}

/// Why a request is none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Operation, identity and method do not belong together.
    Operation,
    /// The announced length is no number of bytes.
    Length,
    /// Transactions have no such method.
    Method,
}

impl Step {
    /// Whether there is something of a transaction in these headers at all.
    #[must_use]
    pub fn is_meant(headers: &HeaderMap) -> bool {
        headers.contains_key(ID) || headers.contains_key(OPERATION)
    }

    /// Reads method and headers.
    ///
    /// # Errors
    /// [`Refusal`] when they are not a step.
    pub fn of(method: &Method, headers: &HeaderMap) -> Result<Step, Refusal> {
        // A value that is not text is a value, and no good one: to take it for absent would make a segment of it.
        let text = |name: HeaderName| {
            let value = headers.get(name).map(HeaderValue::to_str);
            value.transpose().map(|value| value.map(str::to_owned))
        };
        if ![Method::PUT, Method::POST, Method::HEAD].contains(method) {
            return Err(Refusal::Method);
        }
        let operation = text(OPERATION).map_err(|_| Refusal::Operation)?;
        let id = text(ID).map_err(|_| Refusal::Operation)?;
        Ok(match (method, operation.as_deref(), id) {
            (&Method::PUT, Some("start"), None) => {
                let total = text(TOTAL).map_err(|_| Refusal::Length)?;
                Step::Start { total: total.map(|total| total.parse()).transpose().map_err(|_| Refusal::Length)? }
            }
            (&Method::PUT, None, Some(id)) => Step::Append(id),
            (&Method::PUT, Some("commit"), Some(id)) => Step::Commit(id),
            (&Method::HEAD, _, Some(id)) => Step::Status(id),
            (&Method::POST, Some("revert"), Some(id)) => Step::Revert(id),
            (&Method::POST, Some("abort"), Some(id)) => Step::Abort(id),
            (&Method::PUT, Some("revert" | "abort"), Some(id)) => Step::Nothing(id),
            _ => return Err(Refusal::Operation),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(method: Method, headers: &[(HeaderName, &[u8])]) -> Result<Step, Refusal> {
        let headers = headers.iter().map(|(name, value)| (name.clone(), HeaderValue::from_bytes(value).unwrap()));
        Step::of(&method, &headers.collect())
    }

    #[test]
    fn six_steps_and_nothing_else() {
        let id = || "T".to_owned();
        assert_eq!(step(Method::PUT, &[(OPERATION, b"start")]), Ok(Step::Start { total: None }));
        let total = [(OPERATION, &b"start"[..]), (TOTAL, b"300")];
        assert_eq!(step(Method::PUT, &total), Ok(Step::Start { total: Some(300) }));
        assert_eq!(step(Method::PUT, &[(ID, b"T")]), Ok(Step::Append(id())));
        assert_eq!(step(Method::PUT, &[(ID, b"T"), (OPERATION, b"commit")]), Ok(Step::Commit(id())));
        assert_eq!(step(Method::HEAD, &[(ID, b"T")]), Ok(Step::Status(id())));
        assert_eq!(step(Method::POST, &[(ID, b"T"), (OPERATION, b"revert")]), Ok(Step::Revert(id())));
        assert_eq!(step(Method::POST, &[(ID, b"T"), (OPERATION, b"abort")]), Ok(Step::Abort(id())));
        assert_eq!(step(Method::PUT, &[(ID, b"T"), (OPERATION, b"abort")]), Ok(Step::Nothing(id())));
        for (method, headers) in [
            (Method::PUT, vec![(ID, &b"T"[..]), (OPERATION, b"start")]),
            (Method::PUT, vec![(OPERATION, b"commit")]),
            (Method::PUT, vec![(ID, b"T"), (OPERATION, b"\xff")]),
            (Method::PUT, vec![(ID, b"\xff")]),
            (Method::POST, vec![(ID, b"T")]),
            (Method::HEAD, vec![(OPERATION, b"start")]),
        ] {
            assert_eq!(step(method, &headers), Err(Refusal::Operation), "{headers:?}");
        }
        for total in [&b"-1"[..], b"", b"3.0", b"18446744073709551616", b"\xff"] {
            let refused = step(Method::PUT, &[(OPERATION, b"start"), (TOTAL, total)]);
            assert_eq!(refused, Err(Refusal::Length), "{total:?}");
        }
        assert_eq!(step(Method::DELETE, &[(ID, b"T")]), Err(Refusal::Method));
    }
}
