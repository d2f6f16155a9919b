//! Into the background: the first process waits for the second to say that the mount answers, or why it does not.
//!
//! Until then the second stays in the process group of the first, and only then gets a session of its own: autofs lets the group of
//! the one that it waits for into the directory that is to be mounted, and everybody else waits there for the mount.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use nix::unistd::{ForkResult, chdir, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe, setsid};

use crate::Result;
use crate::failure::{Failure, Status};

/// Whoever waits for the mount.
#[derive(Debug)]
pub(crate) struct Ready(Option<File>);

impl Ready {
    /// Nobody waits.
    pub(crate) fn in_foreground() -> Self {
        Ready(None)
    }

    /// The mount answers. A daemon lets go of session and terminal.
    pub(crate) fn mounted(&mut self, remarks: &[String]) {
        match self.0.take() {
            None => remarks.iter().for_each(|line| eprintln!("mountvofs: {line}")),
            Some(mut waiting) => {
                let _ = waiting.write_all(&message(0, &remarks.join("\n")));
                // It is no leader of a group, so nothing can be against it.
                let _ = setsid();
                release_terminal();
            }
        }
    }

    /// There will be no mount.
    pub(crate) fn failed(&mut self, failure: &Failure, exit_status: fn(Status) -> u8) -> ExitCode {
        let status = exit_status(failure.status);
        match self.0.take() {
            None => eprintln!("mountvofs: {failure}"),
            Some(mut waiting) => {
                let _ = waiting.write_all(&message(status, &failure.message));
            }
        }
        ExitCode::from(status)
    }
}

fn message(status: u8, text: &str) -> Vec<u8> {
    let mut bytes = vec![status];
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Splits the process. Returns in the second one; the first waits and ends with the second one's status. To be called
/// before any thread is started.
#[expect(
    unsafe_code,
    reason = "a daemon that has looked at everything before it goes to the background can only be made by fork"
)]
pub(crate) fn to_background() -> Result<Ready> {
    let fail =
        |error: nix::Error| Failure::new(Status::Other, format!("cannot go into the background: {error}; try -f"));
    let (from_child, to_parent) = pipe().map_err(fail)?;
    // SAFETY: no thread has been started yet, so the child's copy of the process is whole.
    match unsafe { fork() }.map_err(fail)? {
        ForkResult::Parent { .. } => {
            drop(to_parent);
            wait_for(from_child)
        }
        ForkResult::Child => {
            drop(from_child);
            chdir("/").map_err(fail)?;
            Ok(Ready(Some(File::from(to_parent))))
        }
    }
}

fn wait_for(child: OwnedFd) -> ! {
    let mut said = Vec::new();
    let heard = File::from(child).read_to_end(&mut said);
    let (status, text) = match (heard, said.split_first()) {
        (Ok(_), Some((status, text))) => (*status, String::from_utf8_lossy(text).into_owned()),
        _ => {
            (Status::Other as u8, "the daemon ended before the mount answered; its log may say why (try -f)".to_owned())
        }
    };
    for line in text.lines() {
        eprintln!("mountvofs: {line}");
    }
    std::process::exit(i32::from(status))
}

fn release_terminal() {
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _ = dup2_stdin(null.as_fd());
        let _ = dup2_stdout(null.as_fd());
        let _ = dup2_stderr(null.as_fd());
    }
}
