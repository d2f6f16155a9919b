//! The machine that the figures belong to, as far as they depend on it.

use std::fs;
use std::process::{Command, Stdio};

/// Processors, memory and kernel.
pub(crate) fn describe() -> String {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let info = read("/proc/cpuinfo");
    let model = value(&info, "model name").unwrap_or("unknown processor");
    let memory = read("/proc/meminfo");
    let gib = value(&memory, "MemTotal")
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(0.0, |kib| kib / 1024.0 / 1024.0);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{processors} cores of {model}, {gib:.0} GiB, Linux {}", kernel.trim())
}

/// Processes that wanted to run during the last minute, on average.
pub(crate) fn load() -> String {
    read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned()
}

/// What the programs were built from, as git says it of the sources; nothing where they came without their history.
pub(crate) fn commit() -> Option<String> {
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-C", concat!(env!("CARGO_MANIFEST_DIR"), "/..")]).args(arguments).stderr(Stdio::null());
        command.output().ok()
    };
    let said = git(&["rev-parse", "--short", "HEAD"]).filter(|output| output.status.success())?;
    let commit = String::from_utf8_lossy(&said.stdout).trim().to_owned();
    let same = git(&["diff", "--quiet", "HEAD", "--", "bench", "crates", "Cargo.toml", "Cargo.lock"]);
    let changed = same.is_none_or(|output| !output.status.success());
    Some(if changed { format!("{commit} with changes") } else { commit })
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| Some(line.strip_prefix(key)?.split_once(':')?.1.trim()))
}
