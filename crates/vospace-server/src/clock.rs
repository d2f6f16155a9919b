//! The clock of the service: the system's, and an offset that a test may set.
//!
//! One for the process, as the system's clock is: dates of nodes and artifacts, ends of tokens and certificates are
//! told by it. Waiting is not: time-outs and delays run by the system's clock.

use jiff::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};

static OFFSET_MS: AtomicI64 = AtomicI64::new(0);

/// Now, in milliseconds since 1970.
pub fn now() -> i64 {
    Timestamp::now().as_millisecond() + OFFSET_MS.load(Ordering::Relaxed)
}

/// Lets the clock be ahead of the system's by so many milliseconds; behind it, if negative.
pub fn set_offset(milliseconds: i64) {
    OFFSET_MS.store(milliseconds, Ordering::Relaxed);
}
