//! Says ahead that the credentials of a mount end, that they have ended, and that there are new ones. Nothing is done about
//! it here: the client library takes up a renewed file by itself.

use std::time::Duration;

use vospace_client::{Client, VosUri};

use crate::control::report::Known;

/// A day is enough to be seen by who comes to work, an hour for who is there.
const DAY: i64 = 24 * 3600;
const HOUR: i64 = 3600;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(20);

/// How much of their life is left, in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Good,
    Day,
    Hour,
    Over,
}

impl Stage {
    fn of(known: &Known) -> Self {
        match (&known.problem, known.seconds_left) {
            (Some(_), _) => Stage::Over,
            (None, Some(left)) if left <= 0 => Stage::Over,
            (None, Some(left)) if left <= HOUR => Stage::Hour,
            (None, Some(left)) if left <= DAY => Stage::Day,
            (None, _) => Stage::Good,
        }
    }
}

/// How long until there may be something to say.
fn pause(known: &Known) -> Duration {
    let left = known.seconds_left.unwrap_or(i64::MAX);
    let next = [left - DAY, left - HOUR, left].into_iter().filter(|seconds| *seconds > 0).min();
    // A second behind, so that it is over then.
    next.map_or(LOOK, |seconds| LOOK.min(Duration::from_secs(seconds.unsigned_abs() + 1)))
}

/// Looks at them until the end of the mount.
pub(crate) async fn announce(client: Client, root: VosUri) {
    let mut before = Stage::Good;
    loop {
        let standing = client.credentials(&root);
        let renewal = standing.as_ref().map(|standing| standing.renewal.clone()).unwrap_or_default();
        let known = Known::of(standing);
        let stage = Stage::of(&known);
        let (what, expires) = (known.what.as_str(), known.expires.as_deref().unwrap_or("-"));
        if stage > before {
            match &known.problem {
                Some(problem) => tracing::error!(
                    "the credentials cannot be used any more: {problem}; until then only public data can be read"
                ),
                None if stage == Stage::Over => {
                    tracing::error!(what, expires, "the credentials have expired; {}", renewal);
                }
                None => tracing::warn!(what, expires, "the credentials end soon; {}", renewal),
            }
        } else if stage < before {
            tracing::warn!(what, expires, "the credentials were renewed");
        }
        before = stage;
        tokio::time::sleep(pause(&known)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(left: Option<i64>, problem: Option<&str>) -> Known {
        Known { what: "c".into(), expires: None, seconds_left: left, problem: problem.map(str::to_owned) }
    }

    #[test]
    fn each_stage_is_looked_for_when_it_begins() {
        for (left, stage, seconds) in [
            (Some(DAY + 10), Stage::Good, 11),
            (Some(DAY), Stage::Day, 20),
            (Some(HOUR + 3), Stage::Day, 4),
            (Some(5), Stage::Hour, 6),
            (Some(-5), Stage::Over, 20),
            (None, Stage::Good, 20),
        ] {
            assert_eq!(Stage::of(&known(left, None)), stage, "{left:?}");
            assert_eq!(pause(&known(left, None)).as_secs(), seconds, "{left:?}");
        }
        assert_eq!(Stage::of(&known(None, Some("expired"))), Stage::Over);
    }
}
