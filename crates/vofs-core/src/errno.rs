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

    #[test]
    fn a_full_cache_disk_is_enospc_and_other_disk_trouble_eio() {
        let path = NodePath::root();
        let full = std::io::Error::from_raw_os_error(libc::ENOSPC);
        assert_eq!(Error::disk(&path, "write", &full).to_errno(), libc::ENOSPC);
        let broken = std::io::Error::from_raw_os_error(libc::EIO);
        assert_eq!(Error::disk(&path, "write", &broken).to_errno(), libc::EIO);
    }
}
