//! When a request is sent again, in one place.
//!
//! Idempotency decides. A request that was certainly not acted upon (no connection, 503, 429) may always be repeated;
//! one with an unknown outcome only if a second time changes nothing more. `Retry-After` is honoured up to a bound:
//! a longer one is reported instead of waited for.

use std::future::Future;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::StatusCode;

use super::failure::{Failure, Outcome};
use super::{Repeat, Request};
use crate::ErrorKind;
use crate::config::RetryPolicy;

/// Requests to a host that cannot be connected to: enough for a restart, not a wait for an outage.
const UNREACHABLE_ATTEMPTS: usize = 3;
/// Requests that get a 500: a group service that stumbles recovers, a defect does not.
const FAULT_ATTEMPTS: usize = 3;

/// Runs `send` under the policy.
pub(super) async fn repeat<T, F, Fut>(policy: &RetryPolicy, request: &Request, send: F) -> Result<T, Failure>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, Failure>>,
{
    let mut attempt = 0;
    let mut left = policy.max_total;
    let delays = ExponentialBuilder::default()
        .with_min_delay(policy.min_delay)
        .with_max_delay(policy.max_delay)
        .with_factor(2.0)
        .with_jitter()
        .with_max_times(policy.attempts.saturating_sub(1));
    send.retry(delays)
        .when(|failure: &Failure| {
            attempt += 1;
            may_repeat(failure, request.repeat, attempt)
        })
        .adjust(|failure, delay| {
            let delay = adjust(failure.retry_after, delay, policy.max_delay)?;
            left = left.checked_sub(delay)?;
            Some(delay)
        })
        .notify(|failure, delay| tracing::debug!("again in {delay:?}: {}", failure.error))
        .await
}

/// `attempt` counts from 1.
fn may_repeat(failure: &Failure, repeat: Repeat, attempt: usize) -> bool {
    match failure.kind() {
        ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Service => {}
        _ => return false,
    }
    match (failure.outcome, failure.status) {
        (Outcome::NotSent, _) => attempt < UNREACHABLE_ATTEMPTS,
        (Outcome::Answered, Some(StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)) => true,
        (_, Some(StatusCode::INTERNAL_SERVER_ERROR)) => repeat == Repeat::Freely && attempt < FAULT_ATTEMPTS,
        (_, Some(status)) if status == StatusCode::NOT_IMPLEMENTED => false,
        _ => repeat == Repeat::Freely,
    }
}

/// The delay before the next attempt; none ends it.
fn adjust(retry_after: Option<Duration>, planned: Option<Duration>, longest: Duration) -> Option<Duration> {
    let planned = planned?;
    match retry_after {
        None => Some(planned),
        Some(asked) if asked <= longest => Some(asked.max(planned.min(asked))),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, Url};

    use super::super::Grant;
    use super::*;

    fn failure(kind: ErrorKind, status: Option<u16>, outcome: Outcome) -> Failure {
        let request = Request::new(Method::PUT, Url::parse("http://h/").unwrap(), Grant::Url);
        Failure::new(&request, kind, status.map(|s| StatusCode::from_u16(s).unwrap()), String::new(), outcome)
    }

    #[test]
    fn only_what_cannot_do_harm_is_repeated() {
        let lost = failure(ErrorKind::Unreachable, None, Outcome::Unknown);
        assert!(may_repeat(&lost, Repeat::Freely, 1) && !may_repeat(&lost, Repeat::Unless, 1));
        let refused = failure(ErrorKind::Unreachable, None, Outcome::NotSent);
        assert!(may_repeat(&refused, Repeat::Unless, 1) && !may_repeat(&refused, Repeat::Unless, 3));
        let busy = failure(ErrorKind::Service, Some(503), Outcome::Answered);
        assert!(may_repeat(&busy, Repeat::Unless, 9));
        let fault = failure(ErrorKind::Service, Some(500), Outcome::Unknown);
        assert!(may_repeat(&fault, Repeat::Freely, 1) && !may_repeat(&fault, Repeat::Freely, 3));
        assert!(!may_repeat(&fault, Repeat::Unless, 1));
        for (kind, status) in
            [(ErrorKind::PermissionDenied, 403), (ErrorKind::ReadOnlyService, 503), (ErrorKind::NotFound, 404)]
        {
            assert!(!may_repeat(&failure(kind, Some(status), Outcome::Answered), Repeat::Freely, 1));
        }
        assert!(!may_repeat(&failure(ErrorKind::Tls, None, Outcome::NotSent), Repeat::Freely, 1));
    }

    #[test]
    fn retry_after_is_honoured_up_to_the_bound() {
        let second = Duration::from_secs;
        assert_eq!(adjust(None, Some(second(2)), second(15)), Some(second(2)));
        assert_eq!(adjust(Some(second(9)), Some(second(2)), second(15)), Some(second(9)));
        assert_eq!(adjust(Some(second(0)), Some(second(2)), second(15)), Some(second(0)));
        assert_eq!(adjust(Some(second(180)), Some(second(2)), second(15)), None);
        assert_eq!(adjust(Some(second(1)), None, second(15)), None);
    }
}
