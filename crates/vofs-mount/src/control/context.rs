//! What the control socket has to do with: the parts of a running mount.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;
use vofs_core::Engine;
use vospace_client::client::Deadlines;
use vospace_client::{Client, VosUri};

use crate::activity::Activity;
use crate::adapter::KernelLine;
use crate::adapter::absences::Absences;
use crate::logging::Level;
use crate::patience::Patience;

/// A running mount.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) engine: Arc<Engine>,
    pub(crate) client: Client,
    /// What is mounted.
    pub(crate) root: VosUri,
    pub(crate) kernel: KernelLine,
    pub(crate) absences: Arc<Absences>,
    pub(crate) activity: Arc<Activity>,
    pub(crate) level: Level,
    pub(crate) mountpoint: PathBuf,
    /// Where the log is; none for standard error.
    pub(crate) log: Option<PathBuf>,
    pub(crate) since: Instant,
    pub(crate) patience: Arc<Patience>,
    /// Those of the client library where nobody is less patient.
    pub(crate) usual_deadlines: Deadlines,
    /// Ends the mount.
    pub(crate) end: Arc<Notify>,
}
