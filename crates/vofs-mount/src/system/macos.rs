//! macOS: macFUSE (docs/macos.md).

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use fuser::{MountOption, RenameFlags};

use crate::failure::{Failure, Status};

/// What unmounts, for messages; the mount point follows.
pub(crate) const UNMOUNT: &str = "umount";

/// What takes away a mount whose daemon is gone.
pub(crate) const CLEAR: &str = "diskutil unmount force";

/// What whoever looks at such a mount is told.
pub(crate) const DEAD: i32 = libc::ENXIO;

/// A rename that replaces nothing: `RENAME_EXCL` of `renamex_np(2)`, as macFUSE passes it on.
pub(crate) const NO_REPLACE: RenameFlags = RenameFlags::from_bits_retain(4);

/// Where macFUSE is installed.
const MACFUSE: &str = "/Library/Filesystems/macfuse.fs";

/// FUSE is there and may be used.
pub(crate) fn check_fuse(_allow_other: bool) -> crate::Result<()> {
    if Path::new(MACFUSE).exists() {
        return Ok(());
    }
    let message =
        "macFUSE is not installed: `brew install --cask macfuse`, then allow its system extension in System Settings";
    Err(Failure::new(Status::Fuse, message.to_owned()))
}

/// Options that only this system knows: how the Finder calls the volume, none of its `._` files, and patience with a service
/// that is slow, in seconds; after that macFUSE would take the daemon for dead and offer to eject the volume.
pub(crate) fn mount_options(what: &str) -> Vec<MountOption> {
    let custom = |option: String| MountOption::CUSTOM(option);
    vec![
        custom(format!("volname={}", what.replace([',', '/'], "_"))),
        custom("noappledouble".to_owned()),
        custom("daemon_timeout=600".to_owned()),
    ]
}

/// Takes a mount away, also while it is in use.
pub(crate) fn detach(path: &Path) -> io::Result<()> {
    let status = Command::new("/usr/sbin/diskutil").args(["unmount", "force"]).arg(path).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("diskutil: {status}"))) }
}

/// There is no way round the 103 bytes of a socket's address here.
pub(crate) fn short(_directory: &File, place: &Path, name: &str) -> PathBuf {
    place.join(name)
}

/// The table of mounts as it is, for a support bundle.
pub(crate) fn mount_table() -> String {
    said_by("/sbin/mount", &[])
}

/// System, kernel and memory, for a support bundle.
pub(crate) fn machine() -> String {
    said_by("/usr/bin/sw_vers", &[]) + &said_by("/usr/sbin/sysctl", &["kern.version", "hw.memsize"])
}

/// The mount option `iosize` is what there is; macFUSE chooses it well.
pub(crate) fn raise_read_ahead(_mountpoint: &Path) {}

/// Whether something is mounted exactly at `path`.
pub(crate) fn is_mounted(path: &Path) -> bool {
    mount_table().lines().filter_map(mount_of).any(|(_, point, _)| Path::new(point) == path)
}

/// The mounts that may be of this program: where they are, and what is mounted there.
pub(crate) fn own_mounts() -> Vec<(PathBuf, String)> {
    let table = mount_table();
    let own = table.lines().filter_map(mount_of).filter(|(_, _, kind)| *kind == "macfuse");
    own.map(|(space, point, _)| (PathBuf::from(point), space.to_owned())).collect()
}

/// What is mounted, where, and of what type: `vos:me on /Users/me/space (macfuse, nodev, nosuid, mounted by me)`.
fn mount_of(line: &str) -> Option<(&str, &str, &str)> {
    let (mount, options) = line.rsplit_once(" (")?;
    let (space, point) = mount.split_once(" on ")?;
    Some((space, point, options.split([',', ')']).next()?))
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(said) => String::from_utf8_lossy(&said.stdout).into_owned(),
        Err(error) => format!("{program}: {error}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_mount_are_read() {
        let line = "vos:me on /Users/me/my space (macfuse, nodev, nosuid, synchronous, mounted by me)";
        assert_eq!(mount_of(line), Some(("vos:me", "/Users/me/my space", "macfuse")));
        assert_eq!(mount_of("/dev/disk3s1 on / (apfs, local, read-only)"), Some(("/dev/disk3s1", "/", "apfs")));
        assert_eq!(mount_of("nothing"), None);
    }
}
