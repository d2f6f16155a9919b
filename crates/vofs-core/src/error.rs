//! The engine's one error: what went wrong with which node, in terms of a file system.
//!
//! Every variant that a user can meet names the node and, where the service said something, repeats it. The
//! number that a program sees is decided in [`crate::errno`] and nowhere else.

use std::io;

use vospace_client::error::ErrorKind;

use crate::path::NodePath;

/// Result of an engine operation.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No such node.
    #[error("{0}: no such file or directory")]
    NotFound(NodePath),
    /// The name is taken.
    #[error("{0}: exists already")]
    Exists(NodePath),
    /// A container that still has children cannot be removed.
    #[error("{0}: directory not empty")]
    NotEmpty(NodePath),
    /// A directory was needed.
    #[error("{0}: not a directory")]
    NotADirectory(NodePath),
    /// A file was needed.
    #[error("{0}: is a directory")]
    IsADirectory(NodePath),
    /// The service refused; the text is its own, with the remedy.
    #[error("{path}: permission denied: {cause}")]
    PermissionDenied {
        /// The node.
        path: NodePath,
        /// What the service or the client said.
        cause: String,
    },
    /// The caller's credentials have expired, or are not known to the service. New ones take effect by themselves.
    #[error("{path}: credentials refused: {cause}")]
    Credentials {
        /// The node.
        path: NodePath,
        /// What the service or the client said.
        cause: String,
    },
    /// Something that only an owner of the service could do, such as giving a file away.
    #[error("{path}: not permitted: {cause}")]
    NotPermitted {
        /// The node.
        path: NodePath,
        /// What.
        cause: String,
    },
    /// The node is locked on the service (`vlock --unlock` lifts that).
    #[error("{0}: locked on the service; `vlock --unlock` lifts the lock")]
    Locked(NodePath),
    /// The mount, or the service for now, takes no writes.
    #[error("{0}: read-only")]
    ReadOnly(NodePath),
    /// A name that the service cannot hold.
    #[error("{path}: {cause}")]
    Name {
        /// The node.
        path: NodePath,
        /// Which character and why.
        cause: String,
    },
    /// A name longer than the 255 bytes that a file system allows.
    #[error("{0}: name is longer than 255 bytes")]
    NameTooLong(NodePath),
    /// The version that was opened is gone: the file was replaced on the service while it was read.
    #[error("{0}: was replaced on the service while it was open; open it again")]
    Stale(NodePath),
    /// The name stands for another inode than it did. Kernels look it up again when an open says so, and nobody notices.
    #[error("{0}: was replaced on the service while programs read it; the name has a new inode")]
    Renumbered(NodePath),
    /// Somebody else changed the file while it was changed here, and `--on-conflict fail` leaves that to the user.
    #[error(
        "{0}: was changed on the service while it was changed here; ours is kept in the journal: `mountvofs pending \
         export` saves it, `pending retry` sends it as the new version, `pending discard` drops it"
    )]
    Conflict(NodePath),
    /// The local disk of the cache is full.
    #[error("{0}: no space left in the cache directory")]
    NoSpace(NodePath),
    /// The quota of the space is used up.
    #[error("{path}: quota exceeded: {cause}")]
    Quota {
        /// The node.
        path: NodePath,
        /// What the service said.
        cause: String,
    },
    /// A chain of links that does not end.
    #[error("{0}: too many links")]
    LinkLoop(NodePath),
    /// The service cannot move this node there; copying and deleting can (what `mv` then does).
    #[error("{path}: the service cannot move it there: {cause}")]
    CrossDevice {
        /// The node.
        path: NodePath,
        /// Why.
        cause: String,
    },
    /// The service mistakes the destination for a place below the source, because its path contains the source's.
    #[error("{path}: the service takes the destination for a place below it: {cause}")]
    MovePrefix {
        /// The node.
        path: NodePath,
        /// What the service said.
        cause: String,
    },
    /// The node has no such extended attribute.
    #[error("{0}: no such attribute")]
    NoAttribute(NodePath),
    /// An attribute that is too large for the service, or would cost the file on one that keeps them in a file system.
    #[error("{path}: too large: {cause}")]
    TooLarge {
        /// The node.
        path: NodePath,
        /// What, and by how much.
        cause: String,
    },
    /// The service or the engine has no such operation.
    #[error("{path}: not supported: {cause}")]
    Unsupported {
        /// The node.
        path: NodePath,
        /// What.
        cause: String,
    },
    /// A request that makes no sense (an offset beyond what exists, a rename below itself).
    #[error("{path}: invalid: {cause}")]
    Invalid {
        /// The node.
        path: NodePath,
        /// What.
        cause: String,
    },
    /// The service cannot be reached, or fails.
    #[error("{path}: {cause}")]
    Unreachable {
        /// The node.
        path: NodePath,
        /// What happened.
        cause: String,
    },
    /// No answer within the deadline.
    #[error("{path}: no answer in time: {cause}")]
    Timeout {
        /// The node.
        path: NodePath,
        /// Which deadline.
        cause: String,
    },
    /// A rename that failed and could not be taken back yet; that goes on by itself.
    #[error("{0}; what it began is being taken back")]
    HalfDone(Box<Error>),
    /// Anything else: a dead link, a broken answer, a failed disk.
    #[error("{path}: {cause}")]
    Io {
        /// The node.
        path: NodePath,
        /// What happened.
        cause: String,
    },
    /// An inode number or handle that is not known (any more).
    #[error("unknown handle {0}")]
    BadHandle(u64),
    /// The cache directory cannot be used; the message says why and what to do.
    #[error("{0}")]
    CacheDir(String),
}

impl Error {
    /// The error of the service `source` that was met at `path`.
    pub fn remote(path: &NodePath, source: &vospace_client::Error) -> Self {
        let path = path.clone();
        let cause = source.to_string();
        match source.kind() {
            ErrorKind::NotFound => Error::NotFound(path),
            ErrorKind::AlreadyExists => Error::Exists(path),
            ErrorKind::NotEmpty => Error::NotEmpty(path),
            // What was a directory is a link by now.
            ErrorKind::NotAContainer | ErrorKind::LinkInPath => Error::NotADirectory(path),
            ErrorKind::NotData => Error::IsADirectory(path),
            ErrorKind::PermissionDenied => Error::PermissionDenied { path, cause },
            ErrorKind::Unauthorized | ErrorKind::Certificate => Error::Credentials { path, cause },
            ErrorKind::Locked => Error::Locked(path),
            ErrorKind::ReadOnlyService => Error::ReadOnly(path),
            ErrorKind::InvalidName => Error::Name { path, cause },
            ErrorKind::QuotaExceeded => Error::Quota { path, cause },
            ErrorKind::LinkLoop => Error::LinkLoop(path),
            ErrorKind::MoveIntoRoot => Error::CrossDevice { path, cause },
            ErrorKind::MovePrefix => Error::MovePrefix { path, cause },
            ErrorKind::Unsupported => Error::Unsupported { path, cause },
            ErrorKind::BadRequest => Error::Invalid { path, cause },
            ErrorKind::VersionChanged | ErrorKind::RangeNotSatisfiable => Error::Stale(path),
            ErrorKind::Timeout => Error::Timeout { path, cause },
            // A gateway without a service behind it, the page of a captive portal or its certificate: somebody answers, and it is
            // not the service.
            ErrorKind::Unreachable | ErrorKind::Service | ErrorKind::Tls | ErrorKind::Protocol => {
                Error::Unreachable { path, cause }
            }
            ErrorKind::Local(io::ErrorKind::StorageFull) => Error::NoSpace(path),
            // What no program can tell apart from a failing disk: a digest that is wrong, for one.
            _ => Error::Io { path, cause },
        }
    }

    /// The error of the local disk that was met while serving `path`.
    pub fn disk(path: &NodePath, doing: &str, source: &io::Error) -> Self {
        if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Error::NoSpace(path.clone());
        }
        Error::Io { path: path.clone(), cause: format!("cache directory: {doing}: {source}") }
    }

    /// True where no answer of the service came: it may be out of reach. Whether it is, its root tells.
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Error::Unreachable { .. } | Error::Timeout { .. })
    }

    /// True where the same can succeed later, and a try does no harm: a dead link, a busy service, a full disk, credentials that
    /// are being renewed.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Error::Io { .. }
                | Error::Unreachable { .. }
                | Error::Timeout { .. }
                | Error::ReadOnly(_)
                | Error::NoSpace(_)
                | Error::Quota { .. }
                | Error::Locked(_)
                | Error::Stale(_)
                | Error::Credentials { .. }
        )
    }
}
