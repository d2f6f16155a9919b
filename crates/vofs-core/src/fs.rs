//! The POSIX operations, one verb family a file; all are methods of [`crate::Engine`].

pub(crate) mod along;
pub(crate) mod attr;
pub(crate) mod dir;
mod doubt;
pub(crate) mod link;
pub(crate) mod lookup;
pub(crate) mod open;
pub(crate) mod proof;
pub(crate) mod read;
pub(crate) mod remove;
pub(crate) mod rename;
pub(crate) mod space;
pub(crate) mod statfs;
pub(crate) mod sweep;
pub(crate) mod write;
pub(crate) mod xattr;
