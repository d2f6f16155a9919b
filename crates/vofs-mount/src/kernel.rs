//! What has to be so on this machine, and what can be asked of its kernel.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use fuser::{InitFlags, KernelConfig, MountOption};

use crate::failure::{Failure, Status};

/// Requests that the kernel keeps in flight: its default of 16 would be one reader's read-ahead.
const BACKGROUND: u16 = 64;

/// Largest write in one request: what the kernel allows without its page limit being raised.
const MAX_WRITE: u32 = 1024 * 1024;

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

/// What makes the type of the mount `fuse.vofs`. The library mounts as root by itself, and gives the kernel only options that
/// it does not know; kernels before Linux 5.5 would refuse this one, and their mounts of root stay plain `fuse`.
pub(crate) fn subtype() -> MountOption {
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

/// How many file systems may be stacked below: the cache directory is on a plain one. With one more, the mount itself could not
/// be the lower layer of an overlay.
const STACKED: u32 = 1;

/// Asks the kernel for what makes the mount fast. What it does not know is done without, and said where it was asked for by
/// the user.
pub(crate) fn configure(config: &mut KernelConfig, passthrough: bool) -> Result<(), &'static str> {
    for capability in [
        InitFlags::FUSE_PARALLEL_DIROPS,
        InitFlags::FUSE_DO_READDIRPLUS,
        InitFlags::FUSE_READDIRPLUS_AUTO,
        InitFlags::FUSE_ATOMIC_O_TRUNC,
        InitFlags::FUSE_ASYNC_DIO,
        InitFlags::FUSE_CACHE_SYMLINKS,
        // No node has such bits, so there is nothing to be done for it; without, every write asks for an attribute first.
        InitFlags::FUSE_HANDLE_KILLPRIV_V2,
    ] {
        if config.add_capabilities(capability).is_err() {
            tracing::debug!(?capability, "not known to this kernel");
        }
    }
    let _ = config.set_max_background(BACKGROUND);
    let _ = config.set_max_write(MAX_WRITE);
    if passthrough {
        let known = config.add_capabilities(InitFlags::FUSE_PASSTHROUGH).is_ok();
        known.then_some(()).ok_or("this kernel does not know it")?;
        let _ = config.set_max_stack_depth(STACKED);
    }
    Ok(())
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

/// The device (`major:minor`) that is mounted exactly at `path`, if any.
pub(crate) fn mount_of(path: &Path) -> Option<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
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
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
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
