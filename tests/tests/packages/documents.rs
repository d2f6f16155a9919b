//! The documents: their commands run, their messages exist, their links and tests lead somewhere.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use vofs_tests::process::{built, run_within};
use vofs_tests::{Profile, World};

use crate::{LIMIT, project};

/// All documents, with their paths below the project.
fn documents() -> Vec<(String, String)> {
    let mut all = vec![("README.md".to_owned(), fs::read_to_string(project("README.md")).unwrap())];
    for entry in fs::read_dir(project("docs")).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("docs/{}", path.file_name().unwrap().to_str().unwrap());
        if name.ends_with(".md") {
            all.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    all
}

/// The blocks marked `sh run`, one after the other.
fn commands(text: &str) -> String {
    text.split("```sh run\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect()
}

/// All sources, with their tests.
fn sources() -> String {
    let mut find = Command::new("find");
    find.args(["crates", "tests", "-name", "*.rs"]).current_dir(project("."));
    let found = vofs_tests::process::run(&mut find).ok().stdout();
    found.lines().map(|path| fs::read_to_string(project(path)).unwrap()).collect()
}

/// Every block of a document marked for it, in one shell that stops at the first failure.
#[test]
fn commands_work() {
    let mut ran = 0;
    for (name, text) in documents() {
        let script = commands(&text).replace("USER", "demo");
        if script.is_empty() {
            continue;
        }
        ran += 1;
        let world = World::new(Profile::Vault);
        let bin = world.path("bin");
        fs::create_dir(&bin).unwrap();
        for command in ["vls", "vcp", "vsync", "vcat", "vmkdir", "vrm"] {
            symlink(built().join("vospace"), bin.join(command)).unwrap();
        }
        let mut shell = Command::new("bash");
        world.environment(&mut shell);
        let path =
            [bin.to_str().unwrap(), built().to_str().unwrap(), project("packaging/batch").to_str().unwrap()].join(":");
        shell.env("PATH", format!("{path}:/usr/bin:/bin")).env("TMPDIR", world.path("local"));
        let said = run_within(shell.args(["-euxo", "pipefail", "-c", &script]), LIMIT);
        assert_eq!(said.status, 0, "{name}:\n{}\n{}", said.stdout(), said.stderr);
    }
    assert!(ran > 0, "no document has a block to run");
}

/// What is quoted in a column of messages is in the sources, where `…` parts its pieces.
#[test]
fn messages_exist() {
    let text = fs::read_to_string(project("docs/troubleshooting.md")).unwrap();
    let sources = sources();
    let mut messages = 0;
    let mut column = None;
    for line in text.lines() {
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        if !line.starts_with('|') {
            column = None;
        } else if let Some(at) = cells.iter().position(|cell| matches!(*cell, "Message" | "The log says")) {
            column = Some(at);
        } else if let Some(message) = column.and_then(|at| cells.get(at)).filter(|cell| cell.starts_with('`')) {
            let message = message.strip_prefix('`').unwrap().strip_suffix('`').unwrap().replace("\\`", "`");
            assert!(sources.contains(&message), "no program says: {message}");
            messages += 1;
        }
    }
    assert!(messages > 30, "{messages}");
}

/// The tests that docs/security.md names are there.
#[test]
fn attacks_have_their_tests() {
    let text = fs::read_to_string(project("docs/security.md")).unwrap();
    let sources = sources();
    let table = text.split("| Attack |").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut tests = 0;
    for row in table.lines().skip(2) {
        let shown = row.trim_end_matches('|').rsplit(" | ").next().unwrap();
        for name in shown.split('`').skip(1).step_by(2).filter(|name| !name.contains([' ', '='])) {
            assert!(sources.contains(&format!("fn {name}(")), "no test of this name: {name}");
            tests += 1;
        }
    }
    assert!(tests > 15, "{tests}");
}

/// A link to a file of the project leads to one.
#[test]
fn links_lead_somewhere() {
    for (name, text) in documents() {
        let directory = Path::new(&name).parent().unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            let file = link.split('#').next().unwrap();
            if !file.is_empty() && !link.contains("://") {
                let path = project(".").join(directory).join(file);
                assert!(path.exists(), "{name}: {link}");
            }
        }
    }
}
