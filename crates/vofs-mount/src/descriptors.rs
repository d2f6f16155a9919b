//! How many files the daemon may have open: as many as it is allowed to take.
//!
//! It holds one for each file that programs have open and the cache has bytes of. The limit that programs start with is low for
//! the sake of those that use `select`, which this one does not.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Raises the limit to the highest that needs no rights.
pub(crate) fn raise() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, highest)| setrlimit(Resource::RLIMIT_NOFILE, highest, highest).map(|()| highest));
    match raised {
        Ok(highest) => tracing::debug!(highest, "descriptors"),
        Err(error) => tracing::warn!(%error, "the limit of open files stays as it is (ulimit -n)"),
    }
}
