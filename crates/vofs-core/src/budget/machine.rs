//! What this machine, or the control group that the process lives in, has to give.

use std::fs;
use std::path::Path;

/// The share of what is there: a mount is a guest beside the programs that it serves.
const SHARE: u64 = 8;

/// Below this a single reader cannot keep one connection busy.
const LEAST: u64 = 16 * 1024 * 1024;

/// More than this brings nothing: eight readers with a window of 64 MiB each.
const MOST: u64 = 512 * 1024 * 1024;

/// The budget of a mount that was not told one.
pub(crate) fn default_limit() -> u64 {
    let machine = available(&fs::read_to_string("/proc/meminfo").unwrap_or_default());
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let group = group_limit(&groups, Path::new("/sys/fs/cgroup"));
    share(machine, group)
}

fn share(machine: Option<u64>, group: Option<u64>) -> u64 {
    machine.into_iter().chain(group).min().map_or(LEAST, |bytes| (bytes / SHARE).clamp(LEAST, MOST))
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
    fn the_default_is_a_bounded_share_of_the_smaller() {
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
        assert_eq!(share(Some(24 << 30), None), MOST);
        assert_eq!(share(Some(24 << 30), Some(1 << 30)), 128 << 20);
        assert_eq!(share(Some(64 << 20), Some(1 << 30)), LEAST);
        assert_eq!(share(None, None), LEAST);
        assert!((LEAST..=MOST).contains(&default_limit()));
    }
}
