//! Programs under test: where they are, how they are run, how they are ended.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Longest that a command may take; a loaded machine with two cores is far below it.
const COMMAND_LIMIT: Duration = Duration::from_secs(100);

/// How often a condition is asked for.
const POLL: Duration = Duration::from_millis(20);

/// The directory where cargo put the programs: a test executable is in `deps` below it, a program in it.
pub fn built() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let place = own.parent().unwrap();
    if place.ends_with("deps") { place.parent().unwrap().to_owned() } else { place.to_owned() }
}

/// A built program.
pub fn binary(name: &str) -> PathBuf {
    let path = built().join(name);
    assert!(path.exists(), "{} is not built: run make build (or cargo build --workspace --bins)", path.display());
    path
}

/// Asks `condition` until it holds; panics with `what` when `limit` has passed.
pub fn wait_until(what: &str, limit: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        thread::sleep(POLL);
    }
}

/// A command that has ended.
#[derive(Debug)]
pub struct Finished {
    /// The exit status; a signal counts as 128 and its number, as in a shell.
    pub status: i32,
    /// Standard output.
    pub bytes: Vec<u8>,
    /// Standard error.
    pub stderr: String,
    line: String,
}

impl Finished {
    /// Standard output as text.
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// Fails unless the exit status was 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.fails_with(0, &[])
    }

    /// Fails unless it ended with `status` and said each of `texts` on standard error.
    #[track_caller]
    pub fn fails_with(self, status: i32, texts: &[&str]) -> Self {
        assert_eq!(self.status, status, "{}\nstdout: {}\nstderr: {}", self.line, self.stdout(), self.stderr);
        for text in texts {
            assert!(self.stderr.contains(text), "{}: no '{text}' in: {}", self.line, self.stderr);
        }
        self
    }
}

/// Runs a command to its end; one that takes too long is killed and fails the test.
#[track_caller]
pub fn run(command: &mut Command) -> Finished {
    run_within(command, COMMAND_LIMIT)
}

/// The same with a limit of its own.
#[track_caller]
pub fn run_within(command: &mut Command, limit: Duration) -> Finished {
    complete(command.stdin(Stdio::null()), limit)
}

/// Runs a command that reads `input` from its standard input.
#[track_caller]
pub fn run_with_input(command: &mut Command, input: &str) -> Finished {
    use std::io::{Seek as _, Write as _};
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(input.as_bytes()).unwrap();
    file.rewind().unwrap();
    complete(command.stdin(file), COMMAND_LIMIT)
}

#[track_caller]
fn complete(command: &mut Command, limit: Duration) -> Finished {
    let line = format!("{command:?}");
    // Through files: a daemon that keeps a pipe open would keep the reader waiting.
    let (out, err) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdout(out.try_clone().unwrap()).stderr(err.try_clone().unwrap());
    let mut guard = Guard::spawn(command);
    let status = guard.wait(limit).unwrap_or_else(|| panic!("{line}: still running after {limit:?}"));
    let (bytes, stderr) = (read_all(out), read_all(err));
    Finished { status: code(status), bytes, stderr: String::from_utf8_lossy(&stderr).into_owned(), line }
}

/// Reads a file that somebody else wrote through the same open file description.
fn read_all(mut file: File) -> Vec<u8> {
    use std::io::Seek as _;
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The status as a shell shows it.
pub fn code(status: ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt as _;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// A running process of ours; killed by its id when dropped.
#[derive(Debug)]
pub struct Guard(Child);

impl Guard {
    /// Starts it.
    #[track_caller]
    pub fn spawn(command: &mut Command) -> Self {
        match command.spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("{command:?}: {error}"),
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id() as i32), signal).unwrap();
    }

    /// Waits for its end; none when it goes on beyond `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(POLL);
        }
    }

    /// Whether it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().unwrap()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.0.try_wait().ok().flatten().is_none() {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
}
