//! Processes that were killed while they wait for an answer.
//!
//! The kernel would tell by FUSE_INTERRUPT, but fuser answers that with ENOSYS, and after the first such answer the
//! kernel lets nobody go before the reply is there: not even SIGKILL ends a program that reads from a dead link. So the
//! daemon looks for itself whether who it works for is to die. The kernel turns every signal that ends a process
//! (also Ctrl-C where no handler is set) into a pending SIGKILL of each of its threads.

use std::fs;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// How often is looked. Nobody who waits for less pays for it.
const LOOK: Duration = Duration::from_millis(500);

/// SIGKILL in the masks of `/proc/PID/status`.
const KILL: u64 = 1 << (libc::SIGKILL - 1);

/// Returns when the thread `pid` has been killed or is gone, as after what the kernel read ahead for it; never for one
/// that cannot be seen from here (0).
pub(super) async fn killed(pid: u32) {
    loop {
        tokio::time::sleep(LOOK).await;
        let over = match fs::read_to_string(format!("/proc/{pid}/status")) {
            Ok(status) => is_to_die(&status),
            // Processes of others may be hidden: only the kernel's word counts.
            Err(_) => pid > 0 && kill(Pid::from_raw(pid.cast_signed()), None) == Err(Errno::ESRCH),
        };
        if over {
            return;
        }
    }
}

fn is_to_die(status: &str) -> bool {
    if status.lines().any(|line| line.starts_with("State:\tZ") || line.starts_with("State:\tX")) {
        return true;
    }
    let masks = status.lines().filter_map(|line| line.strip_prefix("SigPnd:").or(line.strip_prefix("ShdPnd:")));
    masks.filter_map(|mask| u64::from_str_radix(mask.trim(), 16).ok()).any(|mask| mask & KILL != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pending_sigkill_of_the_thread_or_its_process_counts_and_nothing_else() {
        let status = |thread: &str, process: &str| {
            format!("Name:\tcat\nSigPnd:\t{thread}\nShdPnd:\t{process}\nSigBlk:\t0000000000000100\n")
        };
        assert!(is_to_die(&status("0000000000000100", "0000000000000000")));
        assert!(is_to_die(&status("0000000000000000", "0000000000004100")));
        assert!(!is_to_die(&status("0000000000000002", "0000000000004000")), "SIGINT with a handler, SIGTERM");
        assert!(is_to_die("Name:\tcat\nState:\tZ (zombie)\n"), "nobody waits any more");
        assert!(!is_to_die("gibberish"));
    }
}
