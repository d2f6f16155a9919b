//! Linux.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, PosixFadviseAdvice, fallocate, posix_fadvise};
use nix::sys::statvfs::statvfs;

use super::Room;

/// What programs are told of an extended attribute that is not there.
pub(crate) const NO_ATTRIBUTE: i32 = libc::ENODATA;

/// Of the disk that `path` is on.
pub(crate) fn room(path: &Path) -> io::Result<Room> {
    let disk = statvfs(path)?;
    let unit = disk.fragment_size();
    Ok(Room { size: disk.blocks() * unit, free: disk.blocks_available() * unit })
}

/// Tells the kernel what will be read soon. Advice: one that is not taken shows in nothing but speed.
pub(crate) fn will_need(file: &File, bytes: Range<u64>) {
    let length = (bytes.end - bytes.start).cast_signed();
    let _ = posix_fadvise(file, bytes.start.cast_signed(), length, PosixFadviseAdvice::POSIX_FADV_WILLNEED);
}

/// Gives the disk back what lies in a range of a file, which is zeros from then on.
///
/// # Errors
/// `Unsupported` where the file system knows no holes.
pub(crate) fn punch_hole(file: &File, bytes: Range<u64>) -> io::Result<()> {
    let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    match fallocate(file, flags, bytes.start.cast_signed(), (bytes.end - bytes.start).cast_signed()) {
        Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => Err(io::ErrorKind::Unsupported.into()),
        outcome => Ok(outcome?),
    }
}

/// Bytes of memory that can be had: of the machine, or of the control group that the process lives in.
pub(crate) fn memory() -> Option<u64> {
    let machine = available(&fs::read_to_string("/proc/meminfo").unwrap_or_default());
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = group_limit(&groups, Path::new("/sys/fs/cgroup"));
    machine.into_iter().chain(group).min()
}

/// `MemAvailable` of `/proc/meminfo`, in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The smallest limit on the way from the process's own group to the root. `groups` is `/proc/self/cgroup`: of version 2
/// the line with the number 0, of version 1 that of the memory controller.
fn group_limit(groups: &str, root: &Path) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (number, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        if controllers.split(',').any(|controller| controller == "memory") {
            smallest(&root.join("memory"), path, "memory.limit_in_bytes")
        } else if number == "0" && controllers.is_empty() {
            smallest(root, path, "memory.max")
        } else {
            None
        }
    });
    limits.min()
}

/// In a container the path may be that of the host and not exist below `root`; its ancestors do.
fn smallest(root: &Path, group: &str, file: &str) -> Option<u64> {
    let group = root.join(group.trim_start_matches('/'));
    let above = group.ancestors().take_while(|directory| directory.starts_with(root));
    // No limit is the word `max`, or in version 1 a number that no machine has.
    above.filter_map(|directory| fs::read_to_string(directory.join(file)).ok()?.trim().parse().ok()).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_limit_on_the_way_up_counts() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let job = root.path().join("slurm/job");
        fs::create_dir_all(&job).expect("made");
        fs::write(job.join("memory.max"), "max\n").expect("written");
        fs::write(root.path().join("slurm/memory.max"), "4294967296\n").expect("written");
        assert_eq!(group_limit("0::/slurm/job\n", root.path()), Some(4 << 30));
        fs::write(job.join("memory.max"), "1073741824\n").expect("written");
        assert_eq!(group_limit("0::/slurm/job\n", root.path()), Some(1 << 30));
        assert_eq!(group_limit("0::/elsewhere/unseen\n", root.path()), None);
        fs::write(root.path().join("memory.max"), "2147483648\n").expect("written");
        assert_eq!(group_limit("0::/elsewhere/unseen\n", root.path()), Some(2 << 30), "the container's own");
    }

    #[test]
    fn the_first_version_of_control_groups_is_read_too() {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(root.path().join("memory/job")).expect("made");
        fs::write(root.path().join("memory/job/memory.limit_in_bytes"), "536870912\n").expect("written");
        fs::write(root.path().join("memory/memory.limit_in_bytes"), "9223372036854771712\n").expect("written");
        assert_eq!(group_limit("5:cpu,cpuacct:/\n9:memory:/job\n0::/\n", root.path()), Some(512 << 20));
    }

    #[test]
    fn what_a_machine_has_left_is_read() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
        assert_eq!(available("MemTotal: 9 kB\n"), None);
        assert!(memory().is_some());
    }
}
