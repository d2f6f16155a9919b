//! The engine of `mountvofs`: what a file system on a VOSpace has to know, without FUSE and without HTTP.
//!
//! Read top-down; a module uses only what stands below it.
//!
//! * [`engine`], `fs`: the POSIX operations, one verb family a file.
//! * [`upload`]: bytes out, `fetch`: bytes in.
//! * The stores: `inode` (numbers and names), `namespace` (attributes and listings), `blocks` (clean
//!   bytes), `journal` with `dirty` (bytes that the service does not have yet).
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

mod blocks;
mod cachedir;
mod db;
mod dirty;
mod fetch;
mod file;
mod fs;
mod journal;
mod namespace;
mod upload;

pub use config::Config;
pub use engine::Engine;
pub use error::{Error, Result};
pub use fs::attr::{Attr, SetAttr};
pub use fs::dir::DirEntry;
pub use fs::lookup::{Entry, Lookup};
pub use fs::open::{OpenFlags, Opened};
pub use fs::statfs::SpaceUse;
pub use fs::table::Fh;
pub use inode::Ino;
