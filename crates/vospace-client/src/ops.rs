//! The verbs on nodes: what to send, and what to do when the answer was lost.

pub(crate) mod certificate;
pub(crate) mod identity;
pub(crate) mod jobs;
pub(crate) mod listing;
pub(crate) mod nodes;
pub(crate) mod probe;
pub(crate) mod readable;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod stat;
