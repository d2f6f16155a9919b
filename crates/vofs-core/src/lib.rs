//! The engine of `mountvofs`: what a file system on a VOSpace has to know, without FUSE and without HTTP.
//!
//! Read top-down; a module uses only what stands below it.
//!
//! * `life`: start, recovery, drain. `fs`: the POSIX operations, one verb family a file.
//! * `upkeep`: what a mount does by itself; `offline`: what it does without the service. `status`, `pending`, `refresh`, `keep`, `warm`, `limits`: what its user asks of it. `upload`: bytes out.
//! * [`engine`]: the stores side by side; `handles`, `listing`, `file`: what is open; `proof`: what may be opened
//!   unasked.
//! * `fetch`: bytes in.
//! * The stores: `inode` (numbers and names), `namespace` (attributes and listings), `blocks` (clean
//!   bytes), `journal` with `dirty` (bytes that the service does not have yet).
//! * `budget`: the memory of the mount; `heap`: how it goes back to the system. `permits`: how much at a time. `pins`: what
//!   stays in the cache. `local`: names that stay on this machine. `properties`: what was asked of them just now.
//! * [`remote`]: what the engine needs of a VOSpace, as a trait; [`clock`]: time, as a trait.

pub mod clock;
pub mod config;
pub mod engine;
pub mod errno;
pub mod error;
pub mod inode;
pub mod meta;
pub mod path;
pub mod remote;
pub mod version;

mod along;
mod blocks;
mod budget;
mod cachedir;
mod db;
mod dirty;
mod fetch;
mod file;
mod fs;
mod handles;
mod heap;
#[cfg(test)]
#[path = "../../vospace-client/src/testing/heard.rs"]
mod heard;
mod identity;
mod journal;
mod keep;
mod kill_points;
mod life;
mod limits;
mod listing;
mod local;
mod namespace;
mod offline;
mod pending;
mod permits;
mod pins;
mod platform;
mod proof;
mod properties;
mod refresh;
mod status;
mod upkeep;
mod upload;
mod warm;

pub use blocks::Backing;
pub use cachedir::LOCK;
pub use config::{Config, OnConflict, OpenCheck, WriteBack};
pub use engine::{Engine, SpaceUse};
pub use error::{Error, Result};
pub use fetch::tally::Reads;
pub use fs::attr::{Attr, SetAttr};
pub use fs::dir::{DirEntry, OpenedDir};
pub use fs::lookup::{Entry, Lookup};
pub use fs::open::Opened;
pub use fs::space::{Allocate, Seek};
pub use fs::xattr::SetXattr;
pub use handles::{Fh, OpenFlags};
pub use identity::Refresh;
pub use inode::Ino;
pub use journal::record::Conflict;
pub use keep::Forgotten;
pub use limits::Limits;
pub use local::LocalNames;
pub use pending::{Exported, Unmounted};
pub use refresh::Expired;
pub use status::{Download, PendingFile, Status};
pub use warm::{WarmPlan, WarmProgress};
