//! The log: to the terminal in the foreground, to a private file otherwise.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use crate::Result;
use crate::failure::{Failure, Status};
use crate::options::Log;

/// Starts logging.
pub(crate) fn start(log: &Log) -> Result<()> {
    // Libraries below us say nothing that our own lines do not say better.
    let level = log.level;
    let filter =
        EnvFilter::builder().parse_lossy(format!("{level},hyper=warn,h2=warn,reqwest=warn,rustls=warn,fuser=error"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_target(false);
    match &log.file {
        None => subscriber.with_writer(std::io::stderr).init(),
        Some(file) => {
            let fail = |error: std::io::Error| {
                Failure::new(
                    Status::Other,
                    format!("log file {}: {error}; give another one with --log", file.display()),
                )
            };
            let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(file).map_err(fail)?;
            subscriber.with_ansi(false).with_writer(Mutex::new(opened)).init();
        }
    }
    Ok(())
}
