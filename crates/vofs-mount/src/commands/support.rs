//! `mountvofs support-bundle`: what somebody else needs to know to help, in one text that can be read before it is sent.
//!
//! Names of files and of the space are in it. Secrets are not: what is known to be one here (`redact`), and all that looks
//! like one, is replaced before it is written.

mod redact;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use vospace_client::services::file::places;

use super::{config, print, status};
use crate::Result;
use crate::args::Which;
use crate::failure::{Failure, Status};
use crate::{options, system};

use redact::Redactor;

/// The end of the log that is taken in.
const LOG: u64 = 1 << 20;

/// Writes it to the new file `to`.
pub(super) fn bundle(which: &Which, to: &Path) -> Result<()> {
    let fail = |error: std::io::Error| Failure::new(Status::Other, format!("{}: {error}", to.display()));
    let cache_dir = options::cache_dir(which)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(fail)?;
    let redactor = Redactor::of_this_user();
    for (title, text) in sections(which, &cache_dir) {
        let section = format!("===== {title}\n{}\n\n", redactor.clean(text.trim_end()));
        file.write_all(section.as_bytes()).map_err(fail)?;
    }
    print(format_args!("{}: look through it before you send it; it names files of the space\n", to.display()))
}

fn sections(which: &Which, cache_dir: &Path) -> Vec<(&'static str, String)> {
    let configured = config::text(vec![]).unwrap_or_else(|failure| failure.message);
    let stands = status::ask(which).map(|report| {
        let json = serde_json::to_string_pretty(&report).unwrap_or_default();
        (json, report.engine.cache_dir, report.log)
    });
    let (stands, cache_dir, log) = match stands {
        Ok(known) => known,
        Err(failure) => (failure.message, cache_dir.to_owned(), Some(cache_dir.join(options::LOG))),
    };
    let log = log.map_or_else(|| "on standard error, or in the journal of systemd".to_owned(), |log| tail(&log));
    vec![
        ("mountvofs", format!("{}\n{}", env!("CARGO_PKG_VERSION"), machine())),
        ("mounts", mounts()),
        ("configuration", configured),
        ("configuration files", configuration_files()),
        ("environment", environment()),
        ("status", stands),
        ("cache directory", directory(&cache_dir)),
        ("end of the log", log),
    ]
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| format!("{path}: {error}\n"))
}

fn mounts() -> String {
    system::mount_table().lines().filter(|line| line.contains("vofs")).collect::<Vec<_>>().join("\n")
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{}\n{cores} cores\n", system::machine())
}

fn configuration_files() -> String {
    let shown = |path: &PathBuf| format!("--- {}\n{}", path.display(), read(&path.to_string_lossy()));
    places().iter().map(shown).collect::<Vec<_>>().join("\n")
}

fn environment() -> String {
    let ours = |name: &str| ["VOFS_", "VOSPACE_", "CADC_", "XDG_"].iter().any(|start| name.starts_with(start));
    let mut lines: Vec<String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| ours(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    lines.sort();
    lines.join("\n")
}

/// Names and sizes, no contents: the files of the cache are the user's.
fn directory(path: &Path) -> String {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) => return format!("{}: {error}", path.display()),
    };
    let mut lines: Vec<String> = entries
        .flatten()
        .map(|entry| {
            let size = entry.metadata().map_or(0, |found| found.len());
            format!("{size:>12}  {}", entry.file_name().to_string_lossy())
        })
        .collect();
    lines.sort();
    format!("{}\n{}", path.display(), lines.join("\n"))
}

fn tail(path: &Path) -> String {
    let end = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG)))?;
        let mut bytes = Vec::new();
        file.take(LOG).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    end().map_or_else(
        |error| format!("{}: {error}", path.display()),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}
