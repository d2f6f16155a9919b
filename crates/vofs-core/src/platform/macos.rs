//! macOS.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use nix::sys::statvfs::statvfs;

use super::Room;

/// What programs are told of an extended attribute that is not there: `ENOATTR` of `sys/errno.h`, as a number, so that this can be
/// type-checked where the name is not known.
pub(crate) const NO_ATTRIBUTE: i32 = 93;

/// Of the disk that `path` is on. Its blocks are counted in 32 bits here.
pub(crate) fn room(path: &Path) -> io::Result<Room> {
    let disk = statvfs(path)?;
    let unit = disk.fragment_size();
    Ok(Room { size: u64::from(disk.blocks()) * unit, free: u64::from(disk.blocks_available()) * unit })
}

/// The kernel reads ahead by itself.
pub(crate) fn will_need(_file: &File, _bytes: Range<u64>) {}

/// No safe function does it here; the caller empties the whole file.
///
/// # Errors
/// `Unsupported`, always.
pub(crate) fn punch_hole(_file: &File, _bytes: Range<u64>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Bytes of memory that the machine has.
pub(crate) fn memory() -> Option<u64> {
    let said = Command::new("/usr/sbin/sysctl").args(["-n", "hw.memsize"]).output().ok()?;
    String::from_utf8(said.stdout).ok()?.trim().parse().ok()
}
