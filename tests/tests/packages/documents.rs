//! The documents: their commands run, their options exist, every message is explained, their links and tests lead somewhere.

mod commands;
mod messages;
mod tested;

use std::fs;
use std::path::Path;
use std::process::Command;

use vofs_tests::process::{built, run, run_within};

use crate::{LIMIT, prepared, project};

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

fn document(name: &str) -> String {
    fs::read_to_string(project(&format!("docs/{name}"))).unwrap()
}

/// The Rust sources below these directories, by their paths.
fn sources(directories: &[&str]) -> Vec<(String, String)> {
    let mut find = Command::new("find");
    find.args(directories).args(["-name", "*.rs"]).current_dir(project("."));
    let found = run(&mut find).ok().stdout();
    found.lines().map(|path| (path.to_owned(), fs::read_to_string(project(path)).unwrap())).collect()
}

/// The rows of all tables that have a column with one of these heads: what stands in it, and the whole row.
fn column(text: &str, heads: &[&str]) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    let mut column = None;
    for line in text.lines() {
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        if !line.starts_with('|') {
            column = None;
        } else if let Some(at) = cells.iter().position(|cell| heads.contains(cell)) {
            column = Some(at);
        } else if let Some(cell) = column.and_then(|at| cells.get(at)).filter(|cell| !cell.starts_with("---")) {
            rows.push(((*cell).to_owned(), line.to_owned()));
        }
    }
    rows
}

/// The tests that these documents name for attacks, and for what makers' services do otherwise than the standard, are there.
#[test]
fn rows_have_their_tests() {
    let sources: String = sources(&["crates", "tests"]).into_iter().map(|(_, text)| text).collect();
    for name in ["security.md", "interoperability.md"] {
        let mut tests = 0;
        let rows = column(&document(name), &["Test"]);
        for (shown, row) in &rows {
            for test in shown.split('`').skip(1).step_by(2).filter(|test| !test.contains([' ', '='])) {
                assert!(sources.contains(&format!("fn {test}(")), "{name}: no test of this name: {test}");
                tests += 1;
            }
            assert!(shown.contains('`'), "{name}: a row without its test: {row}");
        }
        assert!(tests > 25 && rows.len() > 20, "{name}: {tests} tests of {} rows", rows.len());
    }
}

/// docs/security.md lists each `unsafe` of our own, and no other; the compiler (`unsafe_code = "deny"`) sees to it that each says why.
#[test]
fn every_unsafe_is_listed() {
    let mut found: Vec<String> = Vec::new();
    for (path, text) in sources(&["crates", "tests", "bench", "fuzz"]) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let blocks = code.filter(|line| {
            ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].iter().any(|form| line.contains(form))
        });
        // This very file names the forms.
        if !path.ends_with("packages/documents.rs") {
            found.extend(blocks.map(|_| path.clone()));
        }
    }
    found.sort();
    let mut listed: Vec<String> = column(&document("security.md"), &["Unsafe"])
        .into_iter()
        .map(|(cell, _)| cell.trim_matches('`').to_owned())
        .collect();
    listed.sort();
    assert_eq!(found, listed);
    for manifest in [
        "crates/vofs-core",
        "crates/vofs-mount",
        "crates/vospace-client",
        "crates/vospace-cli",
        "crates/vospace-server",
    ] {
        let text = fs::read_to_string(project(&format!("{manifest}/Cargo.toml"))).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{manifest} is not under the lints of the workspace");
    }
}

/// A link to a file of the project leads to one, and one within a document to a heading.
#[test]
fn links_lead_somewhere() {
    for (name, text) in documents() {
        let directory = Path::new(&name).parent().unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let path = if file.is_empty() { project(&name) } else { project(".").join(directory).join(file) };
            assert!(path.exists(), "{name}: {link}");
            if !heading.is_empty() {
                let there = fs::read_to_string(&path).unwrap();
                let anchors: Vec<String> = there.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
                assert!(anchors.iter().any(|anchor| anchor == heading), "{name}: {link} is none of {anchors:?}");
            }
        }
    }
}

/// How a heading is linked to.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The diagrams: who speaks in one is introduced, and every block is closed.
#[test]
fn diagrams_can_be_drawn() {
    let mut drawn = 0;
    for (name, text) in documents() {
        for diagram in text.split("```mermaid\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
            drawn += 1;
            let lines: Vec<&str> = diagram.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            if lines[0] != "sequenceDiagram" {
                assert!(
                    lines[0].starts_with("flowchart ") || lines[0].starts_with("stateDiagram"),
                    "{name}: {}",
                    lines[0]
                );
                continue;
            }
            let known: Vec<&str> =
                lines.iter().filter_map(|line| line.strip_prefix("participant ")?.split(" as ").next()).collect();
            for line in &lines {
                let Some((parts, _)) = line.split_once(':').filter(|(parts, _)| parts.contains(">>")) else { continue };
                let ends: Vec<&str> = parts.split(['-', '>']).filter(|part| !part.is_empty()).collect();
                assert!(ends.len() == 2 && ends.iter().all(|end| known.contains(end)), "{name}: {line}");
            }
            let opened =
                lines.iter().filter(|line| ["alt ", "opt ", "loop ", "par "].iter().any(|word| line.starts_with(word)));
            assert_eq!(opened.count(), lines.iter().filter(|line| **line == "end").count(), "{name}: {diagram}");
        }
    }
    assert!(drawn >= 3, "architecture, the life of a read, the life of a write");
}

/// The picture of `status --watch` can be taken, and the one in the guide shows the same screen.
#[test]
fn the_screen_is_as_it_is_pictured() {
    let out = tempfile::tempdir().unwrap();
    let picture = out.path().join("watch.svg");
    let mut take = Command::new(project("packaging/pictures/status-watch.sh"));
    take.arg(built()).arg(&picture).arg("3").env("PYTHON", prepared("venv").join("bin/python"));
    run_within(&mut take, LIMIT).ok();
    let (taken, kept) = (fs::read_to_string(&picture).unwrap(), document("pictures/status-watch.svg"));
    for text in
        ["service ", "credentials ", " cache ", " read from the cache ", " coming in, ", " not sent yet ", "q ends"]
    {
        assert!(taken.contains(text), "the screen does not show: {text}");
        assert!(
            kept.contains(text),
            "docs/pictures/status-watch.svg is of another release: packaging/pictures/status-watch.sh"
        );
    }
}
