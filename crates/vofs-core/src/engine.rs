//! One mount: its stores side by side. What is done with them stands above: `life`, `fs`, `upload`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::along::Along;
use crate::blocks::Store;
use crate::cachedir::CacheDir;
use crate::clock::{Clock, Millis};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::fetch::Fetcher;
use crate::fetch::ahead::LookedAhead;
use crate::fetch::sweep::Sweeps;
use crate::file::FileTable;
use crate::fs::rename::unsettled::Unsettled;
use crate::handles::Handles;
use crate::identity::Identity;
use crate::inode::InodeTable;
use crate::journal::Journal;
use crate::listing::Listings;
use crate::local::Local;
use crate::namespace::Namespace;
use crate::offline::Outage;
use crate::path::NodePath;
use crate::permits::Permits;
use crate::pins::Pins;
use crate::proof::Proofs;
use crate::properties::PropertyCache;
use crate::properties::swept::Swept;
use crate::remote::Remote;
use crate::upkeep::Upkeep;

/// Room of a space, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpaceUse {
    /// All of it.
    pub total: u64,
    /// What is left, as far as the service says what is used.
    pub free: u64,
}

/// The engine of one mount.
#[derive(Debug)]
pub struct Engine {
    pub(crate) config: Config,
    pub(crate) remote: Arc<dyn Remote>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) inodes: InodeTable,
    pub(crate) names: Namespace,
    pub(crate) store: Arc<Store>,
    pub(crate) fetcher: Arc<Fetcher>,
    pub(crate) journal: Journal,
    pub(crate) files: FileTable,
    pub(crate) handles: Handles,
    pub(crate) local: Local,
    pub(crate) properties: PropertyCache,
    pub(crate) swept: Swept,
    pub(crate) listings: Listings,
    /// Single questions that go along with others.
    pub(crate) along: Arc<Along>,
    /// Whether an upload leaves the properties alone that users have set of a node, once that was seen.
    pub(crate) keeps_properties: OnceLock<bool>,
    /// Whether the service keeps who may do what, once that was seen.
    pub(crate) keeps_rights: OnceLock<bool>,
    /// By what the service lets bytes be told apart.
    pub(crate) identity: Identity,
    pub(crate) sweeps: Sweeps,
    pub(crate) looked_ahead: LookedAhead,
    pub(crate) outage: Arc<Outage>,
    pub(crate) pins: Arc<Pins>,
    pub(crate) proofs: Proofs,
    /// Places for uploads (`upload::places`).
    pub(crate) uploads: Permits,
    /// Tells who pauses between two tries to try now.
    pub(crate) hurry: Arc<Notify>,
    /// Moves that are not finished and not taken back yet (`fs::rename::unsettled`).
    pub(crate) unsettled: Mutex<HashMap<i64, Unsettled>>,
    /// What interrupted moves left that this journal does not know, as far as the log has told of it.
    pub(crate) leftovers: Mutex<HashSet<NodePath>>,
    /// The last answer on how much room there is, and when it came.
    pub(crate) space: Mutex<Option<(Millis, SpaceUse)>>,
    pub(crate) runtime: tokio::runtime::Handle,
    /// Tasks of its own; set once it is made, because they know it.
    pub(crate) upkeep: OnceLock<Upkeep>,
    pub(crate) _cache_dir: CacheDir,
}

impl Engine {
    /// The kernel does not read files by itself, for this reason: none is lent to it from now on.
    pub fn passthrough_refused(&self, reason: &dyn std::fmt::Display) {
        if self.store.lend_files(false) {
            tracing::warn!(%reason, "--passthrough: files are read as without it; it needs a kernel of 6.9 or later, a daemon of root (CAP_SYS_ADMIN) and a cache directory that is not on a stacked file system (overlayfs)");
        }
    }

    pub(crate) fn check_writable(&self, path: &NodePath) -> Result<()> {
        if self.config.read_only { Err(Error::ReadOnly(path.clone())) } else { Ok(()) }
    }
}
