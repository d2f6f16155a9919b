//! pjdfstest: each of its cases passes, or stands in `tests/pjdfstest.expected` under the reason why it cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;

use vofs_tests::process::run_within;
use vofs_tests::tools::tool;
use vofs_tests::{Profile, World, every_profile};

every_profile!(each_case_passes_or_has_a_reason);

/// Two users that every system has; the cases act as they.
const CONFIGURATION: &str = r#"
[features]
posix_fallocate = {}
utimensat = {}
utime_now = {}
rename_ctime = {}
[settings]
naptime = 0.002
allow_remount = false
[dummy_auth]
entries = [["nobody", "nogroup"], ["daemon", "daemon"]]
"#;

/// Parts of the suite that run side by side: what takes about as long.
const PARTS: [&[&str]; 4] = [
    &["unlink", "truncate", "utimensat"],
    &["rename"],
    &["link::", "mkfifo", "mknod", "symlink", "posix_fallocate", "chown"],
    &["chmod", "open", "mkdir", "rmdir", "granular", "ftruncate", "chflags"],
];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// The outcome of each case.
fn outcomes(printed: &str) -> BTreeMap<String, Outcome> {
    let outcome = |line: &str| {
        let (name, outcome) = line.split_once(char::is_whitespace)?;
        let outcome = match outcome.trim() {
            "ok" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            "skipped" => Outcome::Skipped,
            _ => return None,
        };
        name.contains("::").then(|| (name.to_owned(), outcome))
    };
    printed.lines().filter_map(outcome).collect()
}

/// The cases of the list of which `is_meant` holds what stands before them.
fn listed(is_meant: impl Fn(Option<&str>) -> bool) -> BTreeSet<String> {
    let list = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("pjdfstest.expected")).unwrap();
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cases = lines.map(|line| line.split_once(' ').map_or((None, line), |(before, case)| (Some(before), case)));
    cases.filter(|(before, _)| is_meant(*before)).map(|(_, case)| case.to_owned()).collect()
}

/// The cases that the list says cannot pass: everywhere, or on this profile. What one Cavern cannot do, another cannot.
fn expected(profile: Profile) -> BTreeSet<String> {
    listed(|only| only.is_none_or(|only| only == profile.name() || only == "cavern" && profile.in_place()))
}

fn each_case_passes_or_has_a_reason(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().options(&["--allow_other"]).start();
    let configuration = world.local_file("pjdfstest.toml", CONFIGURATION);
    let run_part = |(number, part): (usize, &&[&str])| {
        let place = mount.join(format!("part{number}"));
        fs::create_dir(&place).unwrap();
        let mut command = tool("pjdfstest");
        command.arg("-c").arg(&configuration).arg("-p").arg(&place).arg("-s").arg(world.local("")).args(*part);
        run_within(&mut command, std::time::Duration::from_secs(200)).stdout()
    };
    let mut found = BTreeMap::new();
    thread::scope(|scope| {
        let parts: Vec<_> = PARTS.iter().enumerate().map(|part| scope.spawn(move || run_part(part))).collect();
        parts.into_iter().for_each(|part| found.extend(outcomes(&part.join().unwrap())));
    });
    let with = |wanted: Outcome| -> BTreeSet<String> {
        found.iter().filter(|(_, outcome)| **outcome == wanted).map(|(name, _)| name.clone()).collect()
    };
    assert!(found.len() > 390, "only {} cases", found.len());
    assert_eq!(with(Outcome::Skipped), listed(|before| before == Some("skipped")), "left out by the suite");
    let (failed, expected) = (with(Outcome::Failed), expected(profile));
    let without_reason: Vec<_> = failed.difference(&expected).collect();
    assert!(without_reason.is_empty(), "failed, and not in tests/pjdfstest.expected: {without_reason:#?}");
    let at_times = listed(|before| before == Some("at-times"));
    let pass: Vec<_> = expected.difference(&failed).filter(|case| !at_times.contains(*case)).collect();
    assert!(pass.is_empty(), "in tests/pjdfstest.expected, and no failure: {pass:#?}");
}
