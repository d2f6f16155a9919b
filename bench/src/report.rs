//! The results for programs and for people.

pub(crate) mod document;
pub(crate) mod json;
pub(crate) mod table;

use crate::sizes::Scale;

/// What the figures belong to.
#[derive(Debug, Clone)]
pub(crate) struct Circumstances {
    /// Which sizes were used.
    pub(crate) scale: Scale,
    /// Runs of each work.
    pub(crate) runs: usize,
    /// Day and time of the beginning.
    pub(crate) date: String,
    /// Processor, memory, kernel.
    pub(crate) machine: String,
    /// Load of the machine at the beginning, by others.
    pub(crate) load: String,
}
