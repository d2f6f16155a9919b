//! The program itself, as a process that can be killed at any moment.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running service.
pub(crate) struct Process {
    child: Child,
    data: PathBuf,
    pub(crate) base: String,
}

impl Process {
    /// On a free port, with the user `ada` and both profiles.
    pub(crate) fn start(data: &Path) -> Process {
        Process::at(data, "127.0.0.1:0", Command::new(env!("CARGO_BIN_EXE_vospaced")))
    }

    /// On a disk of its own of so many megabytes, which is gone with the process. Without root, in a name space where
    /// the user is root.
    pub(crate) fn on_small_disk(data: &Path, megabytes: u32) -> Process {
        let mut command = Command::new("unshare");
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        if !is_root {
            command.args(["--user", "--map-root-user"]);
        }
        let script = format!("mount -t tmpfs -o size={megabytes}m tmpfs \"$1\" && shift && exec \"$@\"");
        command.args(["--mount", "--propagation", "private", "sh", "-c", &script, "sh"]);
        command.arg(data).arg(env!("CARGO_BIN_EXE_vospaced"));
        Process::at(data, "127.0.0.1:0", command)
    }

    fn at(data: &Path, listen: &str, mut command: Command) -> Process {
        let mut child = command
            .args(["serve", "--listen", listen, "--profile", "both", "--user", "ada:ada-token", "--control", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let registry = line.trim().strip_prefix("vospaced ready: registry=").unwrap_or_else(|| panic!("{line:?}"));
        let base = registry.strip_suffix("/reg/resource-caps").unwrap().to_owned();
        Process { child, data: data.to_owned(), base }
    }

    /// Kills it, with SIGKILL: nothing is flushed by the process itself. Starts it again at the same place.
    pub(crate) fn kill_and_restart(&mut self) {
        self.kill();
        let listen = self.base.strip_prefix("http://").unwrap().to_owned();
        *self = Process::at(&self.data.clone(), &listen, Command::new(env!("CARGO_BIN_EXE_vospaced")));
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
