//! Jobs as resources.

use serde::{Deserialize, Serialize};

/// What a job says of its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Results {
    /// Where they are.
    Shown,
    /// Nothing.
    Empty,
    /// Where they are, with every character escaped that can be: no URL before it is decoded.
    Escaped,
}

/// Jobs, as far as services differ in them.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {
    /// Whether `WAIT` waits.
    pub waits: bool,
    /// Whether there is a list of jobs.
    pub listed: bool,
    /// Whether a job can be removed.
    pub removable: bool,
    /// Results.
    pub results: Results,
    /// Whether `/error` leads to the text and is not it.
    pub error_redirects: bool,
    /// Whether the body of a change of phase is compared as text: `PHASE=RUN` and nothing else.
    pub phase_exact: bool,
}

impl Jobs {
    /// As Vault has them.
    pub const CADC: Jobs = Jobs {
        waits: true,
        listed: true,
        removable: true,
        results: Results::Shown,
        error_redirects: false,
        phase_exact: false,
    };
}
