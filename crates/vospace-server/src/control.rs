//! What tests hold in their hands: the log of requests, faults on demand, and the mode of the service. Absent unless
//! the service was started with it.

use crate::faults::Faults;
use crate::oplog::OperationLog;
use axum::http::Method;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the service takes changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It does.
    #[default]
    ReadWrite,
    /// It refuses changes of nodes and of bytes at paths; jobs and negotiations go on (Vault and Cavern, observed).
    ReadOnly,
    /// It answers about itself only.
    Offline,
}

impl Mode {
    /// Whether a request to a resource of a space is taken.
    pub fn allows(self, resource: &str, method: &Method) -> bool {
        match self {
            Mode::ReadWrite => true,
            Mode::ReadOnly => {
                let changes = matches!(*method, Method::PUT | Method::POST | Method::DELETE);
                !(changes && matches!(resource, "nodes" | "files"))
            }
            Mode::Offline => matches!(resource, "capabilities" | "availability"),
        }
    }

    /// What the service says of it.
    pub fn note(self) -> &'static str {
        match self {
            Mode::ReadWrite => "accepting requests",
            Mode::ReadOnly => "System is in read-only mode for maintenance",
            Mode::Offline => "System is offline for maintenance",
        }
    }
}

/// The state behind the control resource.
#[derive(Debug, Default)]
pub struct Control {
    /// Which requests came.
    pub log: OperationLog,
    /// What goes wrong on demand.
    pub faults: Faults,
    mode: Mutex<Mode>,
    registry_down: AtomicBool,
    jobs_down: AtomicBool,
}

impl Control {
    /// Whether the registry does not tell the services their own addresses.
    pub fn registry_down(&self) -> bool {
        self.registry_down.load(Ordering::Relaxed)
    }

    /// Has the registry fail, or work again.
    pub fn set_registry_down(&self, down: bool) {
        self.registry_down.store(down, Ordering::Relaxed);
    }

    /// Whether the database of jobs does not answer.
    pub fn jobs_down(&self) -> bool {
        self.jobs_down.load(Ordering::Relaxed)
    }

    /// Has the database of jobs fail, or work again.
    pub fn set_jobs_down(&self, down: bool) {
        self.jobs_down.store(down, Ordering::Relaxed);
    }

    /// The mode of the service.
    pub fn mode(&self) -> Mode {
        *self.mode.lock()
    }

    /// Sets the mode of the service.
    pub fn set_mode(&self, mode: Mode) {
        *self.mode.lock() = mode;
    }
}
