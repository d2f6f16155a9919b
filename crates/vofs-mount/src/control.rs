//! The control socket: how `mountvofs status`, `drain`, `warm` and the other commands talk to the daemon of a mount.
//!
//! It is a Unix socket in the cache directory, which is private (0700); the socket is too (0600), and the daemon asks the
//! kernel who is at the other end and answers its own user and root only. One request a connection, as a line of JSON; any
//! number of lines of progress come back, then one answer (`protocol`), and behind that the bytes that were asked for. A socket
//! without a daemon is a former mount's.

mod answer;
pub(crate) mod client;
pub(crate) mod context;
pub(crate) mod long;
pub(crate) mod protocol;
pub(crate) mod report;
pub(crate) mod server;

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::system;

/// The socket's name in the cache directory.
const NAME: &str = "control";

/// A path to the socket that is short enough for a socket's address, however long that of the directory is. It leads there
/// as long as the directory is held open.
struct Place {
    _directory: File,
    path: PathBuf,
}

impl Place {
    fn open(cache_dir: &Path) -> std::io::Result<Self> {
        let directory = File::open(cache_dir)?;
        let path = system::short(&directory, cache_dir, NAME);
        Ok(Place { _directory: directory, path })
    }
}
