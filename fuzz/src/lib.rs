//! What must hold for every input, however hostile.
//!
//! Each function takes any bytes and panics when a property does not hold. Two kinds of tests stand on them: the
//! ordinary ones in `tests/`, which play the seeds of `corpus/`, spoilt seeds and random bytes; and the targets of a
//! coverage-guided fuzzer in `src/bin/`, which `make fuzz` builds and runs. What a fuzzer has found is kept in
//! `corpus/` and is tried by both from then on.
//!
//! A seed is what a client or the service really sent.

pub mod documents;
pub mod headers;

/// One function of this crate, and the folder of its seeds in `corpus/`.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 6] = [
    ("node", documents::node),
    ("listing", documents::listing),
    ("transfer", documents::transfer),
    ("job", documents::job),
    ("ranges", headers::ranges),
    ("transactions", headers::transactions),
];
