//! What processes use, read from `/proc`: processor time, the peak of their memory, how often they woke up.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// Ticks a second in the times of `/proc/PID/stat`: part of the kernel's interface and the same on all Linux systems.
const TICKS: f64 = 100.0;

/// Written to `clear_refs`, makes the present size of a process its peak (proc(5)).
const RESET_PEAK: &str = "5";

/// What one run cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    /// Requests that the service answered.
    pub(crate) requests: Option<u64>,
    /// Bytes of bodies that the service sent.
    pub(crate) bytes: Option<u64>,
    /// Largest resident memory of the daemon or the command, in bytes.
    pub(crate) memory: Option<u64>,
    /// Processor seconds of the daemon or the command.
    pub(crate) cpu: Option<f64>,
}

/// Watches daemons from a moment on.
#[derive(Debug)]
pub(crate) struct Meter {
    pids: Vec<u32>,
    cpu: f64,
}

impl Meter {
    /// Begins to count.
    pub(crate) fn start(pids: &[u32]) -> Self {
        for pid in pids {
            // Without the right to it the peak is that since the start of the daemon.
            let _ = fs::write(format!("/proc/{pid}/clear_refs"), RESET_PEAK);
        }
        Self { pids: pids.to_vec(), cpu: total(pids, cpu) }
    }

    /// What was used since then; nothing where there is no daemon.
    pub(crate) fn usage(&self) -> Usage {
        if self.pids.is_empty() {
            return Usage::default();
        }
        Usage {
            cpu: Some(total(&self.pids, cpu) - self.cpu),
            memory: Some(self.pids.iter().filter_map(|pid| peak_memory(*pid)).sum()),
            ..Usage::default()
        }
    }
}

fn total(pids: &[u32], of: impl Fn(u32) -> Option<f64>) -> f64 {
    pids.iter().filter_map(|pid| of(*pid)).sum()
}

/// Fields of `/proc/PID/stat` behind the name in brackets, which may hold blanks: the first of them is the state.
fn stat(process: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(") ")?;
    Some(fields.split(' ').map(str::to_owned).collect())
}

fn ticks(fields: &[String], at: [usize; 2]) -> f64 {
    at.iter().filter_map(|at| fields.get(*at)?.trim().parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// Processor seconds of a process: `utime` and `stime`, fields 14 and 15 of proc(5), of which the first two are cut off.
fn cpu(pid: u32) -> Option<f64> {
    Some(ticks(&stat(&pid.to_string())?, [11, 12]))
}

/// Processor seconds of all children of this process that have ended: `cutime` and `cstime`, fields 16 and 17.
pub(crate) fn cpu_of_ended_children() -> f64 {
    stat("self").map_or(0.0, |fields| ticks(&fields, [13, 14]))
}

/// The value of a line of a status file.
fn status(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse().ok())
}

fn status_of(pid: u32, key: &str) -> Option<u64> {
    status(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?, key)
}

/// Largest resident memory of a process so far, in bytes.
pub(crate) fn peak_memory(pid: u32) -> Option<u64> {
    Some(status_of(pid, "VmHWM:")? * 1024)
}

/// Resident memory of a process, in bytes.
pub(crate) fn memory(pid: u32) -> Option<u64> {
    Some(status_of(pid, "VmRSS:")? * 1024)
}

/// Whether a process is there and not only its remains.
pub(crate) fn is_running(pid: u32) -> bool {
    stat(&pid.to_string()).is_some_and(|fields| fields.first().is_some_and(|state| state != "Z"))
}

/// How often the threads of a process went to sleep and woke up again so far.
pub(crate) fn wake_ups(pid: u32) -> Result<u64> {
    let tasks = PathBuf::from(format!("/proc/{pid}/task"));
    let mut sum = 0;
    for task in fs::read_dir(&tasks).with_context(|| tasks.display().to_string())? {
        // A thread that ended meanwhile woke up for the last time.
        let text = fs::read_to_string(task?.path().join("status")).unwrap_or_default();
        sum += status(&text, "voluntary_ctxt_switches:").unwrap_or(0);
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::{Duration, Instant};

    #[test]
    fn this_process_uses_something() {
        let own = std::process::id();
        let meter = Meter::start(&[own]);
        let ballast = vec![1_u8; 64 << 20];
        let busy = Instant::now();
        while busy.elapsed() < Duration::from_millis(200) {
            std::hint::black_box(&ballast);
        }
        let usage = meter.usage();
        assert!(usage.cpu.unwrap() >= 0.05, "{usage:?}");
        assert!(usage.memory.unwrap() >= 64 << 20, "{usage:?}");
        let before = wake_ups(own).unwrap();
        thread::sleep(Duration::from_millis(2));
        assert!(wake_ups(own).unwrap() > before);
        assert_eq!(Meter::start(&[]).usage(), Usage::default());
    }
}
