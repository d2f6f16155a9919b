//! The bench (`make bench`) leaves nothing behind but what it measured, however it ends, and its table says where figures
//! come from.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use vofs_tests::process::{Guard, binary, code, run};
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
fn an_interrupted_bench_keeps_what_it_measured_and_ends_all_that_it_started() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().canonicalize().unwrap();
    let mut command = Command::new(binary("vofs-bench"));
    command
        .args(["--quick", "--works=write-4k,copy-tree", "--columns=mount", "--links=20ms", "--runs=1", "--directory"])
        .arg(&root)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut bench = Guard::spawn(&mut command);
    let results = root.join("results-quick.json");
    wait_until("the results of the first work", LIMIT, || results.exists());
    wait_until("a mount of the second", LIMIT, || mounts_below(&root) > 0);
    assert!(processes_with(&root).len() >= 3, "bench, service and mount");

    bench.signal(Signal::SIGINT);
    assert_eq!(bench.wait(LIMIT).map(code), Some(1), "it says that it did not end well");
    assert_eq!(mounts_below(&root), 0);
    assert_eq!(processes_with(&root), [""; 0]);
    let mut left: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["data", "results-quick.json"], "the data are kept for the next time");
    let kept: serde_json::Value = serde_json::from_str(&fs::read_to_string(&results).unwrap()).unwrap();
    let works: Vec<_> = kept.as_array().unwrap().iter().map(|record| record["work"].as_str().unwrap()).collect();
    assert_eq!(works, ["write-4k"]);
    assert!(kept[0]["median"].as_f64().unwrap() > 0.0 && kept[0]["measured"].is_string(), "{kept}");
}

#[test]
fn results_of_the_first_version_are_shown_with_what_is_said_of_them() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let old = r#"[{"work": "headers", "title": "first bytes", "column": "mount", "link": "20ms", "median": 4.5,
        "min": 4.5, "max": 4.5, "runs": 1, "unit": "s", "requests": 4, "bytes": 100, "memory": 1, "cpu": 0.1,
        "target": "≥ 8 (9.0)", "met": true, "note": null, "scale": "full"}]"#;
    fs::write(path("old.json"), old).unwrap();
    let (begin, end) = ("<!-- results: written by make bench -->", "<!-- end of results -->");
    fs::write(path("page.md"), format!("before\n{begin}\nnothing yet\n{end}\nafter\n")).unwrap();
    let mut command = Command::new(binary("vofs-bench"));
    command.arg("document").arg(path("page.md")).arg("--directory").arg(place.path());
    command.arg("--import").arg(path("old.json"));
    command.args(["--measured=2026-11-21T13:26Z", "--commit=1a2b3c4", "--load=0.31"]);
    run(&mut command).ok();
    let page = fs::read_to_string(path("page.md")).unwrap();
    for line in [
        "| first bytes | mount | 4.50 s | one run | 4 | 100 B | 1 B | 0.100 s | ≥ 8 (9.0) | yes |",
        "* 2026-11-21, commit 1a2b3c4, machine unknown, load 0.31 before: `headers` 13:26",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert!(page.starts_with("before\n") && page.ends_with("after\n") && !page.contains("nothing yet"), "{page}");
}
