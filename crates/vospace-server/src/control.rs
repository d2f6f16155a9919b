//! What tests hold in their hands: the log of requests, and faults on demand. Absent unless the service was started with it.

use crate::faults::Faults;
use crate::oplog::OperationLog;

/// The state behind the control resource.
#[derive(Debug, Default)]
pub struct Control {
    /// Which requests came.
    pub log: OperationLog,
    /// What goes wrong on demand.
    pub faults: Faults,
}
