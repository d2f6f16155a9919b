//! From engine errors to the numbers of `errno.h`: the one place where they are chosen.

use crate::error::Error;
use crate::platform::NO_ATTRIBUTE;

/// What a program sees of an error.
pub trait ToErrno {
    /// The positive `errno` value.
    fn to_errno(&self) -> i32;
}

impl ToErrno for Error {
    fn to_errno(&self) -> i32 {
        match self {
            Error::NotFound(_) => libc::ENOENT,
            Error::Exists(_) => libc::EEXIST,
            Error::NotEmpty(_) => libc::ENOTEMPTY,
            Error::NotADirectory(_) => libc::ENOTDIR,
            Error::IsADirectory(_) => libc::EISDIR,
            Error::PermissionDenied { .. } | Error::Credentials { .. } => libc::EACCES,
            Error::Locked(_) | Error::NotPermitted { .. } => libc::EPERM,
            Error::ReadOnly(_) => libc::EROFS,
            Error::Name { .. } | Error::Invalid { .. } => libc::EINVAL,
            Error::NameTooLong(_) => libc::ENAMETOOLONG,
            Error::Stale(_) | Error::Renumbered(_) | Error::Conflict(_) => libc::ESTALE,
            Error::NoSpace(_) => libc::ENOSPC,
            Error::Quota { .. } => libc::EDQUOT,
            Error::LinkLoop(_) => libc::ELOOP,
            Error::CrossDevice { .. } | Error::MovePrefix { .. } => libc::EXDEV,
            Error::NoAttribute(_) => NO_ATTRIBUTE,
            Error::TooLarge { .. } => libc::E2BIG,
            Error::Unsupported { .. } => libc::EOPNOTSUPP,
            Error::Timeout { .. } => libc::ETIMEDOUT,
            Error::Io { .. } | Error::Unreachable { .. } | Error::CacheDir(_) => libc::EIO,
            Error::BadHandle(_) => libc::EBADF,
            Error::HalfDone(error) => error.to_errno(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::NodePath;

    /// As docs/troubleshooting.md and docs/messages.md have them.
    #[test]
    fn each_error_has_its_number_and_its_words() {
        let path = || NodePath::new("a/b");
        let cause = || "so it is".to_owned();
        let kept =
            "was changed on the service while it was changed here; ours is kept in the journal: `mountvofs pending";
        for (error, errno, words) in [
            (Error::NotFound(path()), libc::ENOENT, "no such file or directory"),
            (Error::Exists(path()), libc::EEXIST, "exists already"),
            (Error::NotEmpty(path()), libc::ENOTEMPTY, "directory not empty"),
            (Error::NotADirectory(path()), libc::ENOTDIR, "not a directory"),
            (Error::IsADirectory(path()), libc::EISDIR, "is a directory"),
            (Error::PermissionDenied { path: path(), cause: cause() }, libc::EACCES, "permission denied: so it is"),
            (Error::Credentials { path: path(), cause: cause() }, libc::EACCES, "credentials refused: so it is"),
            (Error::NotPermitted { path: path(), cause: cause() }, libc::EPERM, "not permitted: so it is"),
            (Error::Locked(path()), libc::EPERM, "locked on the service; `vlock --unlock` lifts the lock"),
            (Error::ReadOnly(path()), libc::EROFS, "read-only"),
            (Error::Name { path: path(), cause: cause() }, libc::EINVAL, "so it is"),
            (Error::NameTooLong(path()), libc::ENAMETOOLONG, "name is longer than 255 bytes"),
            (Error::Stale(path()), libc::ESTALE, "was replaced on the service while it was open; open it again"),
            (Error::Renumbered(path()), libc::ESTALE, "while programs read it; the name has a new inode"),
            (Error::Conflict(path()), libc::ESTALE, kept),
            (Error::NoSpace(path()), libc::ENOSPC, "no space left in the cache directory"),
            (Error::Quota { path: path(), cause: cause() }, libc::EDQUOT, "quota exceeded: so it is"),
            (Error::LinkLoop(path()), libc::ELOOP, "too many links"),
            (
                Error::CrossDevice { path: path(), cause: cause() },
                libc::EXDEV,
                "the service cannot move it there: so it is",
            ),
            (
                Error::MovePrefix { path: path(), cause: cause() },
                libc::EXDEV,
                "the service takes the destination for a place below it: so it is",
            ),
            (Error::NoAttribute(path()), NO_ATTRIBUTE, "no such attribute"),
            (Error::TooLarge { path: path(), cause: cause() }, libc::E2BIG, "too large: so it is"),
            (Error::Unsupported { path: path(), cause: cause() }, libc::EOPNOTSUPP, "not supported: so it is"),
            (Error::Invalid { path: path(), cause: cause() }, libc::EINVAL, "invalid: so it is"),
            (Error::Unreachable { path: path(), cause: cause() }, libc::EIO, "so it is"),
            (Error::Timeout { path: path(), cause: cause() }, libc::ETIMEDOUT, "no answer in time: so it is"),
            (Error::Io { path: path(), cause: cause() }, libc::EIO, "so it is"),
        ] {
            assert_eq!(error.to_errno(), errno, "{error}");
            let shown = error.to_string();
            assert!(shown.starts_with(&format!("{}: ", path())) && shown.contains(words), "{shown}");
        }
        let half = Error::HalfDone(Box::new(Error::Exists(path())));
        assert_eq!(half.to_errno(), libc::EEXIST);
        assert!(half.to_string().ends_with("exists already; what it began is being taken back"), "{half}");
        let unknown = Error::BadHandle(7);
        assert_eq!((unknown.to_errno(), unknown.to_string().as_str()), (libc::EBADF, "unknown handle 7"));
    }

    #[test]
    fn a_full_cache_disk_is_enospc_and_other_disk_trouble_eio() {
        let path = NodePath::root();
        let full = std::io::Error::from_raw_os_error(libc::ENOSPC);
        assert_eq!(Error::disk(&path, "write", &full).to_errno(), libc::ENOSPC);
        let broken = std::io::Error::from_raw_os_error(libc::EIO);
        assert_eq!(Error::disk(&path, "write", &broken).to_errno(), libc::EIO);
    }
}
