//! A mounted file system of any kind: its daemon, its mount point, and their end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::probe;
use crate::process::{self, Running, wait_until};

/// Longest that a mount may take until it is there.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Longest that a daemon may take to end after its unmount.
const END_LIMIT: Duration = Duration::from_secs(15);

/// What answers for a mount.
#[derive(Debug)]
enum Daemon {
    /// A child of ours.
    Child(Running),
    /// It went into the background; its process id.
    Background(u32),
}

/// A mount and its daemon.
#[derive(Debug)]
pub(crate) struct Mounted {
    point: PathBuf,
    daemon: Daemon,
}

impl Mounted {
    /// Starts a daemon that stays in the foreground, and waits for its mount.
    pub(crate) fn start(command: &mut Command, point: &Path, output: &Path) -> Result<Self> {
        let mut mounted = Self { daemon: Daemon::Child(Running::daemon(command, output)?), point: point.to_owned() };
        wait_until("the mount", START_LIMIT, || {
            if let Daemon::Child(child) = &mut mounted.daemon
                && let Some(status) = child.ended()?
            {
                let said = fs::read_to_string(output).unwrap_or_default();
                bail!("the daemon ended with {status}: {}", said.trim_end().lines().last().unwrap_or_default());
            }
            Ok(is_mounted(&mounted.point))
        })?;
        Ok(mounted)
    }

    /// Runs a command that mounts and leaves a daemon behind, whose id it writes to a file.
    pub(crate) fn adopt(command: &mut Command, point: &Path, pid: &Path) -> Result<Self> {
        process::run(command, START_LIMIT)?;
        let text = fs::read_to_string(pid).with_context(|| pid.display().to_string())?;
        let daemon = Daemon::Background(text.trim().parse().with_context(|| pid.display().to_string())?);
        Ok(Self { point: point.to_owned(), daemon })
    }

    /// Where it is.
    pub(crate) fn point(&self) -> &Path {
        &self.point
    }

    /// The process id of the daemon.
    pub(crate) fn pid(&self) -> u32 {
        match &self.daemon {
            Daemon::Child(child) => child.id(),
            Daemon::Background(pid) => *pid,
        }
    }
}

impl Daemon {
    /// Waits for its end; false when it still runs.
    fn wait(&mut self) -> bool {
        match self {
            Daemon::Child(child) => child.wait(END_LIMIT),
            Daemon::Background(pid) => {
                let deadline = Instant::now() + END_LIMIT;
                while probe::is_running(*pid) {
                    if Instant::now() > deadline {
                        return false;
                    }
                    thread::sleep(Duration::from_millis(10));
                }
                true
            }
        }
    }

    fn end(&mut self) {
        match self {
            Daemon::Child(child) => child.end(),
            Daemon::Background(pid) => {
                let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
            }
        }
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if is_mounted(&self.point) {
            unmount(&self.point, &["-u"]);
        }
        if self.daemon.wait() && !is_mounted(&self.point) {
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
