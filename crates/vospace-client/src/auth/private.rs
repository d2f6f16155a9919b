//! Files with secrets that others can read.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Says so. It is no refusal: secrets that a cluster mounts have such modes, and nobody else is there.
pub(super) fn warn_if_not(path: &Path) {
    let open = std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o077 != 0);
    if open {
        tracing::warn!("{} holds a secret and can be read by other users: chmod 600", path.display());
    }
}
