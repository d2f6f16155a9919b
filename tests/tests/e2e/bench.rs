//! The bench (`make bench`) leaves nothing behind, however it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use vofs_tests::process::{Guard, binary, code};
use vofs_tests::wait_until;

const LIMIT: Duration = Duration::from_secs(60);

fn mounts_below(root: &Path) -> usize {
    let table = fs::read_to_string("/proc/self/mounts").unwrap();
    table.lines().filter(|line| line.split(' ').nth(1).is_some_and(|point| Path::new(point).starts_with(root))).count()
}

/// Process ids of all programs that have the directory on their command line.
fn processes_with(root: &Path) -> Vec<String> {
    let named = |entry: fs::DirEntry| {
        let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        line.contains(root.to_str().unwrap()).then(|| entry.file_name().into_string().unwrap())
    };
    fs::read_dir("/proc").unwrap().filter_map(|entry| named(entry.ok()?)).collect()
}

#[test]
fn an_interrupted_bench_ends_all_that_it_started() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().canonicalize().unwrap();
    let mut command = Command::new(binary("vofs-bench"));
    command
        .args(["--quick", "--works=idle", "--columns=mount", "--links=20ms", "--runs=1", "--directory"])
        .arg(&root)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut bench = Guard::spawn(&mut command);
    wait_until("a mount of the bench", LIMIT, || mounts_below(&root) > 0);
    assert!(processes_with(&root).len() >= 3, "bench, service and mount");

    bench.signal(Signal::SIGINT);
    assert_eq!(bench.wait(LIMIT).map(code), Some(1), "it says that it did not end well");
    assert_eq!(mounts_below(&root), 0);
    assert_eq!(processes_with(&root), [""; 0]);
    let left: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["data"], "the data are kept for the next time");
}
