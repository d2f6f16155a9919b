//! Time limits that know progress: a request may take for ever as long as bytes move.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use crate::body::pulse::Pulse;

/// Runs `work` until it is done or the pulse was silent for `limit`; then none.
pub(super) async fn watch<F: Future>(work: F, pulse: &Pulse, limit: Duration) -> Option<F::Output> {
    tokio::pin!(work);
    loop {
        let due = pulse.last() + limit;
        tokio::select! {
            output = &mut work => return Some(output),
            () = tokio::time::sleep_until(due) => {
                if pulse.last() + limit <= Instant::now() {
                    return None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_that_moves_is_waited_for_and_silence_is_not() {
        let limit = Duration::from_secs(60);
        let pulse = Pulse::default();
        let moving = async {
            for _ in 0..10 {
                tokio::time::sleep(Duration::from_secs(50)).await;
                pulse.beat();
            }
            7
        };
        assert_eq!(watch(moving, &pulse, limit).await, Some(7));
        let start = Instant::now();
        let silent = Pulse::default();
        assert_eq!(watch(std::future::pending::<()>(), &silent, limit).await, None);
        assert_eq!(start.elapsed().as_secs(), 60);
    }
}
