//! Where programs of a user keep what is theirs (XDG Base Directory Specification).

use std::path::PathBuf;

/// The directory that `variable` names, else `usual` in the home directory. A relative path counts as none.
pub(crate) fn of_user(variable: &str, usual: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .or_else(|| std::env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(usual)))
}

/// Ours for what has to outlive a program.
pub(crate) fn state() -> Option<PathBuf> {
    of_user("XDG_STATE_HOME", ".local/state").map(|parent| parent.join("vospace"))
}

/// Ours for what costs requests when it is gone.
pub(crate) fn cache() -> Option<PathBuf> {
    of_user("XDG_CACHE_HOME", ".cache").map(|parent| parent.join("vospace"))
}
