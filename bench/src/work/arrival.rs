//! When the service has what was written: some programs say that a file is closed long before it has. What is asked is
//! the service itself, past the program and without a request that would be counted. It has to look through all that was
//! written for that, in the time that it needs for the uploads: so it is asked the more seldom the longer it takes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::column::Session;
use crate::http::Held;
use crate::process::wait_until;
use crate::stage::Stage;

/// Longest that it may take after the program was done: twice what the link needs for the largest file.
const LIMIT: Duration = Duration::from_secs(90);

/// Of the time, so many parts are left to the service for one that a look at what it has takes.
const LEFT_ALONE: u32 = 19;

/// But never longer than this, which is how exact the figures are.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// Waits until the files that the service has in a directory are as they should be; the seconds that it took. Where
/// there is no service everything is there at once.
pub(super) fn wait(
    stage: &Stage,
    session: &Session,
    directory: &str,
    complete: impl Fn(&[Held]) -> bool,
) -> Result<f64> {
    let start = Instant::now();
    wait_until("what was written did not arrive at the service", LIMIT, || {
        let asked = Instant::now();
        let all = session.held(stage, directory)?.is_none_or(|held| complete(&held));
        if !all {
            thread::sleep((asked.elapsed() * LEFT_ALONE).min(LONGEST_PAUSE));
        }
        Ok(all)
    })?;
    Ok(start.elapsed().as_secs_f64())
}

/// How many of the files have all of their bytes.
pub(super) fn whole(held: &[Held], length: u64) -> u64 {
    held.iter().filter(|held| held.length == length).count() as u64
}
