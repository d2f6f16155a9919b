//! The commands of the package and ours, side by side: the same command line by the same user, on the same tree or on
//! twins. Standard output and whether it worked have to be the same, and what is at the service afterwards, wherever
//! `docs/cli-compatibility.md` does not say otherwise; what it says is in `differs`.
//!
//! The statuses of failures differ on purpose, so only zero, 2 (usage) and what `vlock` says are compared.

use std::collections::BTreeMap;
use std::ffi::OsStr;

use serde_json::Value;
use vofs_tests::Profile;
use vofs_tests::process::Finished;

use crate::bench::Bench;

mod copies;
mod differs;
mod lists;
mod nodes;
mod rights;
mod usage;

/// The containers of twins: what stands for one in a command line is `@`.
const TWINS: [&str; 2] = ["theirs", "twins"];

/// Runs both on the same nodes.
#[track_caller]
fn same(bench: &Bench<'_>, name: &str, arguments: &[impl AsRef<OsStr>]) -> Finished {
    let (theirs, ours) = (bench.run(name, arguments), bench.ours(name, arguments));
    let line: Vec<_> = arguments.iter().map(AsRef::as_ref).collect();
    compare(&format!("{name} {line:?}"), &theirs, &ours, &ours.stdout());
    ours
}

/// Runs each on a container of its own, made by `make`; what is there afterwards has to be the same.
#[track_caller]
fn twins(bench: &Bench<'_>, make: impl Fn(&str), name: &str, arguments: &[&str]) {
    let [theirs, ours] = TWINS.map(|twin| {
        bench.containers(&[twin]);
        make(twin);
        let place = bench.uri(twin);
        let arguments: Vec<String> = arguments.iter().map(|argument| argument.replace('@', &place)).collect();
        if twin == TWINS[0] { bench.run(name, &arguments) } else { bench.ours(name, &arguments) }
    });
    compare(&format!("{name} {arguments:?}"), &theirs, &ours, &ours.stdout().replace(TWINS[1], TWINS[0]));
    let [theirs, ours] = TWINS.map(|twin| tree(bench, twin));
    assert_eq!(ours, theirs, "what {name} {arguments:?} made of it");
}

#[track_caller]
fn compare(line: &str, theirs: &Finished, ours: &Finished, stdout: &str) {
    assert_eq!(stdout, theirs.stdout(), "{line}: {} {}", ours.stderr, theirs.stderr);
    let told = |status: i32| if status == 0 { "worked" } else { "failed" };
    assert_eq!(told(ours.status), told(theirs.status), "{line}: {} {}", ours.stderr, theirs.stderr);
}

/// Everything below a container that both write the same: not dates, nor the types that one of them guesses.
fn tree(bench: &Bench<'_>, container: &str) -> BTreeMap<String, Value> {
    let root = bench.uri(container);
    let listed = bench.world.vospace(&["ls", "-R", "--json", &root]).ok().stdout();
    let nodes = listed.lines().map(|line| {
        let mut node: Value = serde_json::from_str(line).unwrap();
        let name = node["node"].as_str().unwrap().replace(&root, "");
        let fields = node.as_object_mut().unwrap();
        for varying in ["uri", "node", "date"] {
            fields.remove(varying);
        }
        // Of what it sends again, or empties, the package loses the checksum there.
        if bench.profile == Profile::Cavern {
            fields.remove("md5");
        }
        // Each twin's links lead into itself, and services take both separators.
        if let Some(target) = fields["target"].as_str() {
            let target = target.replace(container, "@").replace('!', "~");
            fields.insert("target".to_owned(), target.into());
        }
        (name, node)
    });
    nodes.collect()
}
