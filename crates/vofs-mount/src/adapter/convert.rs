//! Between fuser's types and the engine's.

use std::ffi::OsStr;
use std::time::{Duration, UNIX_EPOCH};

use fuser::{Errno, FileAttr, FileType, INodeNo};
use vofs_core::meta::Kind;
use vofs_core::{Allocate, Attr, DirEntry, Ino, OpenFlags, Seek, SetXattr};

/// What `stat` says of the size of a block; programs size their buffers by it (stdio, Python), and read that much where
/// they want one header. Those that copy take more by themselves.
const BLOCK_SIZE: u32 = 64 * 1024;

/// A name of the kernel as text: a VOSpace holds no others.
pub(super) fn name(name: &OsStr) -> Result<&str, Errno> {
    name.to_str().ok_or(Errno::EILSEQ)
}

pub(super) fn file_type(kind: &Kind) -> FileType {
    match kind {
        Kind::Directory => FileType::Directory,
        Kind::File => FileType::RegularFile,
        Kind::Link { .. } => FileType::Symlink,
    }
}

pub(super) fn attributes(attr: &Attr) -> FileAttr {
    FileAttr {
        ino: INodeNo(attr.ino.0),
        size: attr.size,
        blocks: attr.size.div_ceil(512),
        atime: attr.mtime,
        mtime: attr.mtime,
        ctime: attr.mtime,
        crtime: attr.mtime,
        kind: file_type(&attr.kind),
        perm: attr.mode,
        // 1 also of directories, which tells `find` that the count says nothing of sub-directories.
        nlink: attr.links,
        uid: attr.uid,
        gid: attr.gid,
        rdev: 0,
        blksize: BLOCK_SIZE,
        flags: 0,
    }
}

/// The answer for a name that does not exist: the kernel remembers that for as long as it is told.
pub(super) fn absent() -> FileAttr {
    attributes(&Attr { ino: Ino(0), kind: Kind::File, size: 0, mtime: UNIX_EPOCH, mode: 0, links: 0, uid: 0, gid: 0 })
}

/// Attributes of a child of a listing. The two dots have none of their own: the kernel does not look at them.
pub(super) fn listed(child: &DirEntry) -> (FileAttr, Duration) {
    match &child.entry {
        Some(entry) => (attributes(&entry.attr), entry.ttl),
        None => {
            let attr = Attr {
                ino: child.ino,
                kind: Kind::Directory,
                size: 0,
                mtime: UNIX_EPOCH,
                mode: 0o700,
                links: 1,
                uid: 0,
                gid: 0,
            };
            (attributes(&attr), Duration::ZERO)
        }
    }
}

/// How much one `copy_file_range` copies: what an answer can count, in whole pages.
pub(super) const MOST_COPIED: u64 = 1 << 30;

/// Whether the mode of `mknod(2)` is that of a plain file.
pub(super) fn is_file(mode: u32) -> bool {
    // The same numbers everywhere, of types that differ.
    const FORMAT: u32 = 0o170_000;
    const FILE: u32 = 0o100_000;
    mode & FORMAT == FILE
}

/// The mode of `fallocate(2)`, in the numbers of the FUSE protocol, which are those of Linux; `None` for what moves bytes within
/// a file, which nobody does on a network.
pub(super) fn allocate(mode: i32) -> Option<Allocate> {
    const KEEP_SIZE: i32 = 0x01;
    const ZERO_RANGE: i32 = 0x10;
    const PUNCH_HOLE: i32 = 0x02 | KEEP_SIZE;
    const ZERO_WITHIN: i32 = ZERO_RANGE | KEEP_SIZE;
    match mode {
        0 => Some(Allocate::Extend),
        KEEP_SIZE => Some(Allocate::KeepSize),
        PUNCH_HOLE | ZERO_WITHIN => Some(Allocate::PunchHole),
        ZERO_RANGE => Some(Allocate::Zero),
        _ => None,
    }
}

/// What the kernel leaves of `lseek(2)` to a file system.
pub(super) fn seek(whence: i32) -> Option<Seek> {
    match whence {
        libc::SEEK_DATA => Some(Seek::Data),
        libc::SEEK_HOLE => Some(Seek::Hole),
        _ => None,
    }
}

/// The flags of `setxattr(2)`.
pub(super) fn set_xattr(flags: i32) -> SetXattr {
    match flags {
        libc::XATTR_CREATE => SetXattr::Create,
        libc::XATTR_REPLACE => SetXattr::Replace,
        _ => SetXattr::Any,
    }
}

/// The flags of `open(2)`.
pub(super) fn flags(bits: i32) -> OpenFlags {
    let access = bits & libc::O_ACCMODE;
    OpenFlags {
        read: access != libc::O_WRONLY,
        write: access != libc::O_RDONLY,
        append: bits & libc::O_APPEND != 0,
        truncate: bits & libc::O_TRUNC != 0,
        exclusive: bits & libc::O_EXCL != 0,
    }
}
