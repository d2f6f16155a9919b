//! A request that failed, with what is needed to decide whether to repeat it or to ask what became of it.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::{Request, classify, redact};
use crate::error::{RequestError, causes};
use crate::node::Timestamp;
use crate::{Error, ErrorKind};

/// Alerts of a server about *our* certificate (RFC 8446 §6.2), as the library names them; what is wrong with its own is
/// an "invalid peer certificate".
const CERTIFICATE_ALERTS: [&str; 9] = [
    "fatal alert: BadCertificate",
    "fatal alert: UnsupportedCertificate",
    "fatal alert: CertificateRevoked",
    "fatal alert: CertificateExpired",
    "fatal alert: CertificateUnknown",
    "fatal alert: UnknownCA",
    "fatal alert: DecryptError",
    "fatal alert: AccessDenied",
    "fatal alert: CertificateRequired",
];

/// The header with the name of a fault, on services whose texts are sentences (Astro Data Lab, observed).
pub(crate) const VO_FAULT: &str = "x-vo-fault";

/// What is known of a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It never reached the service.
    NotSent,
    /// The service answered that it did not do it.
    Answered,
    /// The service answered with more than is taken.
    Oversized,
    /// It may have been done or not.
    Unknown,
}

/// See the module. Becomes an [`Error`] where nobody can do more about it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) status: Option<StatusCode>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) outcome: Outcome,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

impl Failure {
    pub(crate) fn new(
        request: &Request,
        kind: ErrorKind,
        status: Option<StatusCode>,
        text: String,
        outcome: Outcome,
    ) -> Self {
        let error = Error::Request(Box::new(RequestError {
            kind,
            method: request.method.to_string(),
            url: redact::show(request),
            status: status.map(|status| status.as_u16()),
            text,
        }));
        Failure { error, status, retry_after: None, outcome }
    }

    /// Something that failed on this side, before anything was sent or because of which nothing whole was sent.
    pub(crate) fn before(error: Error) -> Self {
        Failure { error, status: None, retry_after: None, outcome: Outcome::NotSent }
    }

    /// An answer of 400 or above.
    pub(super) fn answer(request: &Request, status: StatusCode, headers: &HeaderMap, text: String) -> Self {
        let fault = headers.get(VO_FAULT).and_then(|fault| fault.to_str().ok()).unwrap_or_default();
        let text = match (fault.is_empty() || text.contains(fault), text.is_empty()) {
            (true, _) => text,
            (false, true) => fault.to_owned(),
            (false, false) => format!("{fault}: {text}"),
        };
        let kind = classify::classify_status(status.as_u16(), &text);
        // 5xx from a proxy may mean that the service is still at it.
        let outcome = match status {
            StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
                Outcome::Unknown
            }
            _ => Outcome::Answered,
        };
        let mut failure = Failure::new(request, kind, Some(status), text, outcome);
        failure.retry_after = retry_after(headers);
        failure
    }

    /// No answer: what the HTTP library says about it.
    pub(super) fn transport(request: &Request, error: reqwest::Error) -> Self {
        let connecting = error.is_connect();
        let timed_out = error.is_timeout();
        let text = causes(&error.without_url());
        let kind = if CERTIFICATE_ALERTS.iter().any(|alert| text.contains(alert)) {
            ErrorKind::Certificate
        } else if text.contains("certificate") || text.contains("HandshakeFailure") || text.contains("corrupt message")
        {
            ErrorKind::Tls
        } else if timed_out && !connecting {
            ErrorKind::Timeout
        } else {
            ErrorKind::Unreachable
        };
        let outcome = if connecting { Outcome::NotSent } else { Outcome::Unknown };
        Failure::new(request, kind, None, text, outcome)
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.error.kind()
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = parse_http_date(text)?;
    Some(Duration::try_from(until.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO))
}

/// A date in a header, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn parse_http_date(text: &str) -> Option<Timestamp> {
    // The day of the week is for people; a wrong one is no reason to lose the date.
    let parser = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true);
    parser.parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_fault_may_stand_in_a_header() {
        let request = Request::get(reqwest::Url::parse("http://h/").unwrap(), super::super::Grant::Url);
        let headers =
            HeaderMap::from_iter([(reqwest::header::HeaderName::from_static(VO_FAULT), "LinkFound".parse().unwrap())]);
        let failure = Failure::answer(&request, StatusCode::BAD_REQUEST, &headers, "There is one.".to_owned());
        assert!(
            failure.kind() == ErrorKind::LinkInPath && failure.error.to_string().contains("LinkFound: There is one.")
        );
    }

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let read = |text: &str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]));
        assert_eq!(read("30"), Some(Duration::from_secs(30)));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(read("Sun, 06 Nov 2094 08:49:37 GMT").unwrap() > Duration::from_secs(86400));
        assert_eq!(read("soon"), None);
    }
}
