//! Why a mount did not come about: a message with its remedy, and the exit status that scripts test.

use std::fmt;

use vofs_core::Error;
use vospace_client::ErrorKind;

/// What went wrong, as an exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    Other = 1,
    Usage = 2,
    MountPoint = 3,
    Fuse = 4,
    Service = 5,
    Credentials = 6,
    Remote = 7,
    CacheDir = 8,
}

/// A mount that did not come about.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Failure { status, message: message.into() }
    }

    /// What the client library said before anything was mounted.
    pub(crate) fn client(error: &vospace_client::Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Certificate | ErrorKind::Unauthorized | ErrorKind::PermissionDenied => Status::Credentials,
            ErrorKind::Local(_) => Status::Credentials,
            _ => Status::Service,
        };
        Failure::new(status, error.to_string())
    }

    /// What the engine said when it was started for `what`.
    pub(crate) fn engine(what: &str, error: &Error) -> Self {
        match error {
            Error::NotFound(_) => Failure::new(
                Status::Remote,
                format!("{what} does not exist; `vls {}` shows what does, `vmkdir {what}` would make it", above(what)),
            ),
            Error::NotADirectory(_) => {
                Failure::new(Status::Remote, format!("{what} is not a container; mount the container that holds it"))
            }
            Error::PermissionDenied { cause, .. } | Error::Credentials { cause, .. } => {
                Failure::new(Status::Credentials, format!("{what}: {cause}"))
            }
            Error::CacheDir(message) => Failure::new(Status::CacheDir, message.clone()),
            Error::Io { cause, .. } | Error::Unreachable { cause, .. } | Error::Timeout { cause, .. } => {
                Failure::new(Status::Service, format!("{what}: {cause}"))
            }
            other => Failure::new(Status::Service, format!("{what}: {other}")),
        }
    }
}

/// The container that holds what is meant, as it is typed.
fn above(what: &str) -> &str {
    let whole = what.trim_end_matches('/');
    match whole.rfind(['/', ':']) {
        Some(at) if whole[at..].starts_with(':') => &whole[..=at],
        Some(at) => &whole[..at],
        None => whole,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_exist_is_looked_for_in_what_holds_it() {
        for (what, held) in [("vos:a/b/", "vos:a"), ("vos:a", "vos:"), ("vos://h~s/a/b", "vos://h~s/a")] {
            assert_eq!(above(what), held);
        }
    }
}
