//! Linux: the fuse module and fusermount3.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fuser::{MountOption, RenameFlags};
use nix::mount::{MntFlags, umount2};

use crate::failure::{Failure, Status};

/// What unmounts, for messages; the mount point follows.
pub(crate) const UNMOUNT: &str = "fusermount3 -u";

/// What takes away a mount whose daemon is gone.
pub(crate) const CLEAR: &str = "fusermount3 -uz";

/// What whoever looks at such a mount is told.
pub(crate) const DEAD: i32 = libc::ENOTCONN;

/// A rename that replaces nothing.
pub(crate) const NO_REPLACE: RenameFlags = RenameFlags::RENAME_NOREPLACE;

/// The kernel's table of mounts.
const TABLE: &str = "/proc/self/mountinfo";

/// Read-ahead of the kernel in KiB: makes one request of 1 MiB out of eight of 128 KiB.
const READ_AHEAD_KIB: u32 = 1024;

/// FUSE is there and may be used.
pub(crate) fn check_fuse(allow_other: bool) -> crate::Result<()> {
    let fail = |message: String| Failure::new(Status::Fuse, message);
    match OpenOptions::new().read(true).write(true).open("/dev/fuse") {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(fail("/dev/fuse does not exist: load the kernel module (`modprobe fuse`), or start the container with `--device /dev/fuse --cap-add SYS_ADMIN`".to_owned()));
        }
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(fail("/dev/fuse may not be opened by this user: ask an administrator for `chmod 666 /dev/fuse`, or for the group that owns it".to_owned()));
        }
        Err(error) => return Err(fail(format!("/dev/fuse: {error}; is the kernel module loaded (`modprobe fuse`)?"))),
    }
    if nix::unistd::geteuid().is_root() {
        return Ok(());
    }
    if find_program("fusermount3").or_else(|| find_program("fusermount")).is_none() {
        return Err(fail(
            "fusermount3 is not installed, and only root can mount without it: install the package fuse3".to_owned(),
        ));
    }
    if allow_other
        && !fs::read_to_string("/etc/fuse.conf")
            .is_ok_and(|text| text.lines().any(|line| line.trim() == "user_allow_other"))
    {
        return Err(fail(
            "--allow_other needs the line `user_allow_other` in /etc/fuse.conf; an administrator can add it".to_owned(),
        ));
    }
    Ok(())
}

fn find_program(name: &str) -> Option<std::path::PathBuf> {
    // mount(8) starts its helpers without PATH; programs are then looked for where execvp does it.
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}

/// Options that only this system knows.
pub(crate) fn mount_options(_what: &str) -> Vec<MountOption> {
    vec![subtype()]
}

/// What makes the type of the mount `fuse.vofs`. The library mounts as root by itself, and gives the kernel only options that
/// it does not know; kernels before Linux 5.5 would refuse this one, and their mounts of root stay plain `fuse`.
fn subtype() -> MountOption {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    if takes_subtype(&release) {
        MountOption::CUSTOM("subtype=vofs".to_owned())
    } else {
        MountOption::Subtype("vofs".to_owned())
    }
}

fn takes_subtype(release: &str) -> bool {
    let mut numbers = release.split(|letter: char| !letter.is_ascii_digit()).map(|number| number.parse().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(5_u32), Some(5))
}

/// Takes a mount away, also while it is in use.
pub(crate) fn detach(path: &Path) -> io::Result<()> {
    if umount2(path, MntFlags::MNT_DETACH).is_ok() {
        return Ok(());
    }
    let status = Command::new("fusermount3").arg("-uz").arg(path).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("fusermount3: {status}"))) }
}

/// A path to `name` in a directory that is short enough for a socket's address, however long that of the directory is. It leads
/// there as long as the directory is held open.
pub(crate) fn short(directory: &File, _place: &Path, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()))
}

/// The table of mounts as it is, for a support bundle.
pub(crate) fn mount_table() -> String {
    read(TABLE)
}

/// System, kernel and memory, for a support bundle.
pub(crate) fn machine() -> String {
    let release = read("/etc/os-release");
    let name = release.lines().find(|line| line.contains("PRETTY_NAME")).unwrap_or_default();
    let memory: Vec<String> = read("/proc/meminfo").lines().take(3).map(str::to_owned).collect();
    format!("{name}\n{}{}", read("/proc/version"), memory.join("\n"))
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| format!("{path}: {error}\n"))
}

/// Raises the kernel's read-ahead, where the daemon may (root). The device is found in the table of mounts: looking at
/// the mount point itself would ask this very daemon.
pub(crate) fn raise_read_ahead(mountpoint: &Path) {
    let Some(device) = mount_of(mountpoint) else { return };
    let place = format!("/sys/class/bdi/{device}/read_ahead_kb");
    if let Err(error) = fs::write(&place, READ_AHEAD_KIB.to_string()) {
        tracing::debug!(%error, place, "read-ahead stays as it is");
    }
}

/// Whether something is mounted exactly at `path`.
pub(crate) fn is_mounted(path: &Path) -> bool {
    mount_of(path).is_some()
}

/// The device (`major:minor`) that is mounted exactly at `path`, if any.
fn mount_of(path: &Path) -> Option<String> {
    let table = fs::read_to_string(TABLE).ok()?;
    table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            let device = fields.nth(2)?;
            let place = fields.nth(1)?;
            (unescape(place) == path.as_os_str().as_encoded_bytes()).then(|| device.to_owned())
        })
        .next_back()
}

/// The mounts that may be of this program: where they are, and what is mounted there, by the table of mounts. Those of root
/// have no subtype there on old kernels ([`subtype`]).
pub(crate) fn own_mounts() -> Vec<(PathBuf, String)> {
    let table = fs::read_to_string(TABLE).unwrap_or_default();
    let own = table.lines().filter_map(|line| {
        let (place, source) = line.split_once(" - fuse.vofs ").or_else(|| line.split_once(" - fuse "))?;
        let point = OsString::from_vec(unescape(place.split(' ').nth(4)?));
        let space = String::from_utf8(unescape(source.split(' ').next()?)).ok()?;
        Some((PathBuf::from(point), space))
    });
    own.collect()
}

/// The table writes blank, tab, newline and backslash as three octal digits.
fn unescape(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let octal = bytes.get(at + 1..at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.filter(|_| bytes[at] == b'\\').and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 4;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_with_blanks_are_found() {
        assert_eq!(unescape(r"/a\040b\134c"), b"/a b\\c");
        assert!(mount_of(Path::new("/proc")).is_some());
        assert!(mount_of(Path::new("/proc/self")).is_none());
    }

    #[test]
    fn old_kernels_are_not_given_what_they_refuse() {
        for (release, takes) in [
            ("6.18.44-fc", true),
            ("5.5.0-rc1", true),
            ("5.4.0-216-generic", false),
            ("4.18.0-553.el8_10.x86_64", false),
            ("", false),
        ] {
            assert_eq!(takes_subtype(release), takes, "{release}");
        }
    }
}
