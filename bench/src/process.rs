//! Processes of ours: started in a group of their own, so that Ctrl-C reaches only the bench, and ended by their id
//! whenever their owner goes out of scope, be it after an error or an interruption.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::unix::process::CommandExt as _;

use crate::probe::{self, Usage};

/// How often a process is looked at: also the resolution of the times that are taken here.
const POLL: Duration = Duration::from_millis(2);

/// What a process gets between the request to end and its end by force.
const GRACE: Duration = Duration::from_secs(5);

/// Output kept of a command; the rest is counted and dropped.
const KEPT: usize = 256 << 10;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on every wait ends with an error, so that all is put away on the way out.
pub(crate) fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// Whether the user has had enough.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// A command went on for too long; it was ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimedOut(pub(crate) Duration);

impl std::fmt::Display for TimedOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not within {} s", self.0.as_secs())
    }
}

impl std::error::Error for TimedOut {}

/// Asks `condition` until it says yes.
pub(crate) fn wait_until(what: &str, limit: Duration, mut condition: impl FnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + limit;
    while !condition()? {
        if interrupted() {
            bail!("interrupted");
        }
        if Instant::now() >= deadline {
            return Err(TimedOut(limit)).with_context(|| what.to_owned());
        }
        thread::sleep(POLL * 5);
    }
    Ok(())
}

/// A running process.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    name: String,
}

impl Running {
    /// Starts a command.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let child = command.process_group(0).spawn().with_context(|| format!("cannot start {name}"))?;
        Ok(Self { child, name })
    }

    /// Starts a daemon whose output goes to a file.
    pub(crate) fn daemon(command: &mut Command, output: &Path) -> Result<Self> {
        let file = File::options().create(true).append(true).open(output)?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        Self::start(command)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its status, if it has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits, whatever happens meanwhile; false when it still runs.
    pub(crate) fn wait(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        loop {
            match self.child.try_wait() {
                Ok(None) if Instant::now() < deadline => thread::sleep(POLL),
                Ok(None) => return false,
                Ok(Some(_)) | Err(_) => return true,
            }
        }
    }

    /// Asks it to end, and sees to it that it does.
    pub(crate) fn end(&mut self) {
        if self.wait(Duration::ZERO) {
            return;
        }
        let _ = kill(Pid::from_raw(self.id().cast_signed()), Signal::SIGTERM);
        if !self.wait(GRACE) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// A command that has ended well.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The first part of standard output.
    pub(crate) stdout: String,
    /// Bytes on standard output.
    pub(crate) bytes: u64,
    /// Lines on standard output.
    pub(crate) lines: u64,
    /// From the start of the process to its end.
    pub(crate) elapsed: Duration,
    /// From its start to its first byte on standard output.
    pub(crate) first: Option<Duration>,
    usage: Usage,
}

impl Finished {
    /// What the command used, and what the service did meanwhile.
    pub(crate) fn usage_beside(&self, service: Usage) -> Usage {
        Usage { requests: service.requests, bytes: service.bytes, ..self.usage }
    }

    /// Seconds from start to end.
    pub(crate) fn seconds(&self) -> f64 {
        self.elapsed.as_secs_f64()
    }
}

/// What came on a pipe.
#[derive(Debug, Default)]
struct Taken {
    kept: Vec<u8>,
    bytes: u64,
    lines: u64,
    first: Option<Instant>,
}

fn take(mut pipe: impl Read + Send + 'static) -> JoinHandle<Taken> {
    thread::spawn(move || {
        let mut taken = Taken::default();
        let mut buffer = vec![0; 1 << 20];
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            let part = &buffer[..count];
            taken.first.get_or_insert_with(Instant::now);
            taken.bytes += count as u64;
            taken.lines += part.iter().filter(|byte| **byte == b'\n').count() as u64;
            taken.kept.extend_from_slice(&part[..count.min(KEPT.saturating_sub(taken.kept.len()))]);
        }
        taken
    })
}

/// Runs a command to its end, which has to be a good one.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<Finished> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let before = probe::cpu_of_ended_children();
    let start = Instant::now();
    let mut running = Running::start(command)?;
    let pipes = (running.child.stdout.take().map(take), running.child.stderr.take().map(take));
    let mut peak_memory = 0;
    let status = loop {
        peak_memory = probe::peak_memory(running.id()).unwrap_or(0).max(peak_memory);
        if let Some(status) = running.ended()? {
            break status;
        }
        if interrupted() {
            bail!("interrupted");
        }
        if start.elapsed() > limit {
            return Err(TimedOut(limit).into());
        }
        thread::sleep(POLL);
    };
    let elapsed = start.elapsed();
    let joined = |pipe: Option<JoinHandle<Taken>>| pipe.and_then(|pipe| pipe.join().ok()).unwrap_or_default();
    let (stdout, stderr) = (joined(pipes.0), joined(pipes.1));
    if !status.success() {
        let text = String::from_utf8_lossy(&stderr.kept);
        bail!("{}: {status}: {}", running.name, text.trim_end().lines().last().unwrap_or_default());
    }
    let usage =
        Usage { cpu: Some(probe::cpu_of_ended_children() - before), memory: Some(peak_memory), ..Usage::default() };
    Ok(Finished {
        stdout: String::from_utf8_lossy(&stdout.kept).into_owned(),
        bytes: stdout.bytes,
        lines: stdout.lines,
        elapsed,
        first: stdout.first.map(|first| first.saturating_duration_since(start)),
        usage,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_counted_and_failures_are_named() {
        let done = run(Command::new("sh").args(["-c", "printf 'a\\nb\\n'"]), GRACE).unwrap();
        assert_eq!((done.stdout.as_str(), done.bytes, done.lines), ("a\nb\n", 4, 2));
        let failed = run(Command::new("sh").args(["-c", "echo why >&2; exit 3"]), GRACE).unwrap_err();
        assert!(failed.to_string().contains("why"), "{failed}");
    }

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let late = run(Command::new("sleep").arg("60"), Duration::from_millis(50)).unwrap_err();
        assert!(late.is::<TimedOut>(), "{late}");
    }

    #[test]
    fn a_process_ends_with_its_owner() {
        let running = Running::start(Command::new("sleep").arg("60")).unwrap();
        let place = format!("/proc/{}", running.id());
        assert!(Path::new(&place).exists());
        drop(running);
        assert!(!Path::new(&place).exists());
    }
}
