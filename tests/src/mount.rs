//! A real mount: `mountvofs` in the foreground as a process of ours, and its end in all ways.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::process::{Guard, code, run, wait_until};
use crate::profile::Profile;
use crate::world::World;

/// How long a mount may take until it answers, and until it is gone.
const LIMIT: Duration = Duration::from_secs(100);

/// A mount still to be started.
#[derive(Debug)]
pub struct Mounting {
    command: Command,
    profile: Profile,
    vospace: String,
    point: PathBuf,
    cache: PathBuf,
    log: PathBuf,
    errors: PathBuf,
}

impl Mounting {
    pub(crate) fn new(world: &World) -> Self {
        let mut command = world.command("mountvofs");
        command.args(["--foreground", "--verbose"]);
        Self {
            command,
            profile: world.server.profile,
            vospace: world.uri(""),
            point: world.path("mnt"),
            cache: world.path("cache"),
            log: world.path("mountvofs.log"),
            errors: world.path("mountvofs.err"),
        }
    }

    /// Adds options.
    pub fn options(mut self, options: &[&str]) -> Self {
        self.command.args(options);
        self
    }

    /// Has files renamed by copies where the service moves none that hold bytes.
    pub fn renaming(mut self) -> Self {
        if !self.profile.moves_files() {
            self.command.arg("--emulate-rename");
        }
        self
    }

    /// Another container.
    pub fn vospace(mut self, uri: &str) -> Self {
        self.vospace = uri.to_owned();
        self
    }

    /// Another cache directory.
    pub fn cache(mut self, path: &Path) -> Self {
        self.cache = path.to_owned();
        self
    }

    /// Another mount point.
    pub fn point(mut self, path: &Path) -> Self {
        self.point = path.to_owned();
        self
    }

    /// Sets or removes a variable of the environment.
    pub fn variable(mut self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.command.env(name, value),
            None => self.command.env_remove(name),
        };
        self
    }

    /// Mounts, and returns when the mount answers.
    #[track_caller]
    pub fn start(mut self) -> Mount {
        if !self.point.exists() {
            fs::create_dir(&self.point).unwrap();
        }
        self.command
            .args(["--vospace", &self.vospace])
            .arg("--mountpoint")
            .arg(&self.point)
            .arg("--cache_dir")
            .arg(&self.cache)
            .arg("--log")
            .arg(&self.log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::options().create(true).append(true).open(&self.errors).unwrap());
        let daemon = Guard::spawn(&mut self.command);
        // No listing: tests count what the service is asked.
        answering(daemon, self.point, self.log, self.errors, |point| fs::metadata(point).is_ok())
    }
}

/// Starts a command of which the whole line is somebody else's, and returns when its mount answers.
#[track_caller]
pub fn adopt(mut command: Command, point: &Path, log: &Path) -> Mount {
    let errors = File::options().create(true).append(true).open(log).unwrap();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
    let daemon = Guard::spawn(&mut command);
    // What a daemon that was killed left there is mounted too, and its attributes may still be known, but it opens nothing.
    answering(daemon, point.to_owned(), log.to_owned(), log.to_owned(), |point| fs::read_dir(point).is_ok())
}

#[track_caller]
fn answering(
    mut daemon: Guard,
    point: PathBuf,
    log: PathBuf,
    errors: PathBuf,
    answers: impl Fn(&Path) -> bool,
) -> Mount {
    wait_until("the mount", LIMIT, || {
        if let Some(status) = daemon.ended() {
            panic!("mountvofs ended with {}: {}", code(status), fs::read_to_string(&errors).unwrap());
        }
        is_mounted(&point) && answers(&point)
    });
    Mount { daemon: Some(daemon), point, log, errors }
}

/// A mounted VOSpace. Dropping it unmounts, and ends the daemon.
#[derive(Debug)]
pub struct Mount {
    daemon: Option<Guard>,
    point: PathBuf,
    log: PathBuf,
    errors: PathBuf,
}

impl Mount {
    /// The mount point.
    pub fn path(&self) -> &Path {
        &self.point
    }

    /// A path in the mount.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.point.join(name)
    }

    /// The process id of the daemon.
    pub fn pid(&self) -> u32 {
        self.daemon.as_ref().unwrap().id()
    }

    /// All that the daemon logged.
    pub fn log(&self) -> String {
        [&self.log, &self.errors].map(|path| fs::read_to_string(path).unwrap_or_default()).concat()
    }

    /// `fusermount3 -u`, then waits until the daemon has drained its uploads and ended well.
    #[track_caller]
    pub fn unmount(mut self) {
        run(Command::new("fusermount3").arg("-u").arg(&self.point)).ok();
        self.ended();
    }

    /// Sends a signal, and waits for nothing.
    pub fn signal(&self, signal: Signal) {
        self.daemon.as_ref().unwrap().signal(signal);
    }

    /// Sends a signal that ends the mount in order, and waits for that.
    #[track_caller]
    pub fn end_by(mut self, signal: Signal) {
        self.signal(signal);
        self.ended();
        assert!(!is_mounted(&self.point), "the daemon ended by {signal} and left the mount behind");
    }

    /// The same when it does not end well: returns the exit status.
    #[track_caller]
    pub fn end_with_status(mut self, signal: Signal) -> i32 {
        let mut daemon = self.daemon.take().unwrap();
        daemon.signal(signal);
        daemon.wait(LIMIT).map(code).unwrap_or_else(|| panic!("the daemon goes on after {signal}: {}", self.log()))
    }

    #[track_caller]
    fn ended(&mut self) {
        let status = self.daemon.take().unwrap().wait(LIMIT);
        assert_eq!(status.map(code), Some(0), "the daemon after unmounting: {}", self.log());
    }

    /// `kill -9`; what is left of the mount is taken away.
    pub fn kill(mut self) {
        self.detach();
    }

    /// `kill -9`, and the dead mount stays where it is.
    pub fn crash(&mut self) {
        self.daemon = None;
    }

    fn detach(&mut self) {
        self.daemon = None;
        if is_mounted(&self.point) {
            let _ = Command::new("fusermount3").arg("-uz").arg(&self.point).stderr(Stdio::null()).status();
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let Some(daemon) = &mut self.daemon else { return self.detach() };
        if is_mounted(&self.point) {
            let _ = Command::new("fusermount3").arg("-u").arg(&self.point).stderr(Stdio::null()).status();
        }
        // After a failure there may be an upload that can never end.
        let _ = daemon.wait(if std::thread::panicking() { Duration::from_secs(3) } else { LIMIT });
        self.detach();
    }
}

/// Whether something is mounted at `path`, dead or alive.
pub fn is_mounted(path: &Path) -> bool {
    let table = fs::read_to_string("/proc/self/mounts").unwrap();
    table.lines().any(|line| line.split(' ').nth(1).is_some_and(|point| Path::new(point) == path))
}
