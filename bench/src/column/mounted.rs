//! A mounted file system of any kind: its daemon, its mount point, and their end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};

use crate::process::{Running, wait_until};

/// Longest that a mount may take until it is there.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Longest that a daemon may take to end after its unmount.
const END_LIMIT: Duration = Duration::from_secs(15);

/// A mount and its daemon.
#[derive(Debug)]
pub(crate) struct Mounted {
    point: PathBuf,
    daemon: Running,
}

impl Mounted {
    /// Starts a daemon that stays in the foreground, and waits for its mount.
    pub(crate) fn start(command: &mut Command, point: &Path, output: &Path) -> Result<Self> {
        let mut mounted = Self { daemon: Running::daemon(command, output)?, point: point.to_owned() };
        wait_until("the mount", START_LIMIT, || {
            if let Some(status) = mounted.daemon.ended()? {
                let said = fs::read_to_string(output).unwrap_or_default();
                bail!("the daemon ended with {status}: {}", said.trim_end().lines().last().unwrap_or_default());
            }
            Ok(is_mounted(&mounted.point))
        })?;
        Ok(mounted)
    }

    /// Where it is.
    pub(crate) fn point(&self) -> &Path {
        &self.point
    }

    /// The process id of the daemon.
    pub(crate) fn pid(&self) -> u32 {
        self.daemon.id()
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if is_mounted(&self.point) {
            unmount(&self.point, &["-u"]);
        }
        if self.daemon.wait(END_LIMIT) && !is_mounted(&self.point) {
            return;
        }
        self.daemon.end();
        if is_mounted(&self.point) {
            unmount(&self.point, &["-u", "-z"]);
        }
    }
}

fn unmount(point: &Path, options: &[&str]) {
    let mut command = Command::new("fusermount3");
    // That it did not work shows in the table of mounts.
    let _ = command.args(options).arg(point).stderr(Stdio::null()).status();
}

/// Whether something is mounted there, dead or alive.
pub(crate) fn is_mounted(path: &Path) -> bool {
    let table = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    table.lines().any(|line| line.split(' ').nth(1).is_some_and(|point| Path::new(point) == path))
}
