//! Each message that the documents explain is brought about by a test, which says it word for word.
//!
//! A message counts as tested when what is quoted of it stands in a text of a test: what a test expects, it writes down. What a test has a
//! service say (a rule for faults) is no expectation. Few cannot be
//! brought about where tests run; `tests/src/expected/messages.txt` has these, each with the reason. A new message without a test
//! is red, and so is an exception that has a test by now.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::messages::{literals, quoted};
use super::sources;
use crate::project;

/// The texts of all tests: the modules beside the code that only tests have, and what drives the programs.
fn expectations() -> Vec<String> {
    let sources = sources(&["crates", "tests/tests"]);
    let modules: Vec<String> = sources.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let mut all = Vec::new();
    for (path, text) in &sources {
        let drives = path.starts_with("tests/") || path.contains("/tests/");
        let tests = match text.find("#[cfg(test)]\nmod tests {") {
            _ if drives || modules.iter().any(|module| path.starts_with(module.as_str())) => &text[..],
            Some(at) => &text[at..],
            None => continue,
        };
        all.extend(literals(tests).into_iter().filter(|text| !is_rule(text)));
    }
    all
}

/// Whether a text is JSON, or a part of it: a key with what follows.
fn is_rule(text: &str) -> bool {
    text.contains("\": ") || text.contains("\":\"")
}

/// Where the modules of a file are that only tests have; not what stands in for a service, whose texts are no expectations.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let whole = path.trim_end_matches(".rs");
    let place = whole.strip_suffix("/lib").or_else(|| whole.strip_suffix("/main")).unwrap_or(whole);
    let declared = text.split("#[cfg(test)]\n").skip(1).filter_map(|rest| {
        let line = rest.lines().next()?;
        line.trim_start_matches("pub(crate) ").strip_prefix("mod ")?.strip_suffix(';')
    });
    declared.filter(|name| !["fake", "testing"].contains(name)).map(|name| format!("{place}/{name}")).collect()
}

/// What cannot be brought about, by the line: the message, a tab, the reason.
fn exceptions() -> BTreeMap<String, String> {
    let list = fs::read_to_string(project("tests/src/expected/messages.txt")).unwrap();
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (message, reason) = line.split_once('\t').unwrap_or_else(|| panic!("without a reason: {line}"));
            (message.to_owned(), reason.trim().to_owned())
        })
        .collect()
}

#[test]
fn each_message_has_its_test() {
    let (exceptions, texts) = (exceptions(), expectations());
    let quoted: BTreeSet<String> = quoted().into_iter().collect();
    let mut wrong: Vec<String> = exceptions
        .iter()
        .filter(|(message, reason)| !quoted.contains(*message) || reason.is_empty())
        .map(|(message, _)| format!("an exception that no document has, or without a reason: {message}"))
        .collect();
    for message in &quoted {
        let is_tested = texts.iter().any(|text| text.contains(message.as_str()));
        match (is_tested, exceptions.contains_key(message)) {
            (false, false) => wrong.push(format!("no test says: {message}")),
            (true, true) => wrong.push(format!("a test says it, so it is no exception: {message}")),
            (true, false) | (false, true) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
