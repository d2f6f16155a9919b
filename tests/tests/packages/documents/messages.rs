//! Messages and their explanations, compared in both directions: what a document quotes is in the sources, and what the programs can
//! say is quoted in docs/troubleshooting.md or docs/messages.md.

use std::fs;

use super::{column, document, sources};
use crate::project;

/// Where texts for users begin: they are the literals up to the closing bracket.
const OPENERS: [&str; 19] = [
    "#[error(",
    "tracing::warn!(",
    "tracing::error!(",
    "Failure::new(",
    "fail(",
    "bail!(",
    "anyhow!(",
    "ensure!(",
    "context(",
    "output::error(",
    // The function, and no method that notes something.
    "note(",
    "Fault::argument(",
    "Error::node(",
    "Error::CacheDir(",
    "Error::Invalid {",
    "Error::Unsupported {",
    "Error::NotPermitted {",
    "refuse(",
    "broken(",
];

/// Outside of the library for clients, but for its configuration, what is put together and what is returned as an error is for users too. There it is often a
/// part of a message.
const IN_PROGRAMS: [&str; 2] = ["format!(", "Err("];

/// Where what is put together tells how something stands, or what was done, and not what is wrong; or is a statement of SQL.
const TELLING: [&str; 9] = [
    "vofs-core/src/journal/salvage.rs",
    "vofs-core/src/namespace/persist.rs",
    "vofs-mount/src/commands/status.rs",
    "vofs-mount/src/commands/watch.rs",
    "vofs-mount/src/commands/watch/view.rs",
    "vospace-cli/src/commands/doctor.rs",
    "vospace-cli/src/commands/login.rs",
    "vospace-cli/src/telling.rs",
    "vospace-cli/src/bars.rs",
];

/// What the service says before it serves. Its answers are those of the services that it imitates: docs/server.md has these.
const OF_THE_SERVICE: [&str; 7] =
    ["accounts.rs", "args.rs", "args/values.rs", "import.rs", "main.rs", "populate.rs", "serve.rs"];

/// The shortest quote: a shorter one stands in too much else, unless it is all that is said.
const SHORTEST: usize = 8;

/// What is quoted, without the quotes.
pub(super) fn quoted() -> Vec<String> {
    let heads = ["Message", "The log says"];
    let cells = ["troubleshooting.md", "messages.md"].map(|name| column(&document(name), &heads)).concat();
    let messages = cells.into_iter().map(|(cell, _)| cell).filter(|cell| cell.starts_with('`'));
    messages.map(|cell| cell[1..cell.len() - 1].replace("\\`", "`").replace("\\|", "|")).collect()
}

/// The sources of the programs without their tests.
fn programs() -> Vec<(String, String)> {
    let crates = ["crates/vofs-mount", "crates/vofs-core", "crates/vospace-cli", "crates/vospace-client"];
    let tests = ["/tests.rs", "/tests/", "/fake.rs", "/testing.rs", "/examples/", "/life/model/", "/life/spoilt.rs"];
    let mut found = sources(&crates);
    let service = sources(&["crates/vospace-server/src"]).into_iter();
    found.extend(service.filter(|(path, _)| {
        OF_THE_SERVICE.iter().any(|file| path.ends_with(&format!("crates/vospace-server/src/{file}")))
    }));
    found.retain(|(path, _)| !tests.iter().any(|test| path.contains(test)));
    for (_, text) in &mut found {
        if let Some(at) = text.find("#[cfg(test)]\nmod tests {") {
            text.truncate(at);
        }
    }
    found
}

/// What the examples for batch systems say on standard error.
fn scripts() -> Vec<(String, String)> {
    let mut said = Vec::new();
    for entry in fs::read_dir(project("packaging/batch")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.contains(">&2")) {
            said.extend(line.split('"').skip(1).step_by(2).map(|text| (path.display().to_string(), text.to_owned())));
        }
    }
    said
}

/// Where the texts of a file begin.
fn openers(path: &str) -> impl Iterator<Item = &'static str> {
    let of_program = [
        "crates/vofs-mount/",
        "crates/vofs-core/",
        "crates/vospace-cli/",
        "crates/vospace-client/src/services",
        "crates/vospace-server/",
    ];
    let has_more =
        of_program.iter().any(|start| path.contains(start)) && !TELLING.iter().any(|file| path.ends_with(file));
    let more: &[&str] = if has_more { &IN_PROGRAMS } else { &[] };
    OPENERS.iter().chain(more).copied()
}

/// The string literals from `text` up to the bracket that closes the one that is open.
pub(super) fn literals(text: &str) -> Vec<String> {
    let (mut depth, mut found) = (1, Vec::new());
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' => depth -= 1,
            '/' if text[at..].starts_with("//") => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            'r' if text[at..].starts_with("r#\"") || text[at..].starts_with("r##\"") => {
                let hashes = text[at + 1..].chars().take_while(|c| *c == '#').count();
                let begin = at + hashes + 2;
                let length = text[begin..].find(&format!("\"{}", "#".repeat(hashes))).unwrap_or(text.len() - begin);
                found.push(text[begin..begin + length].to_owned());
                while chars.next_if(|(at, _)| *at <= begin + length + hashes).is_some() {}
            }
            // A character, and no lifetime.
            '\'' if text[at + 1..].chars().nth(1) == Some('\'') => {
                chars.nth(1);
            }
            '"' => {
                let mut literal = String::new();
                while let Some((_, c)) = chars.next() {
                    match c {
                        '"' => break,
                        // The text goes on behind the blanks of the next line.
                        '\\' if chars.next_if(|(_, c)| *c == '\n').is_some() => {
                            while chars.next_if(|(_, c)| *c == ' ').is_some() {}
                        }
                        '\\' => literal.extend(chars.next().map(|(_, c)| c)),
                        c => literal.push(c),
                    }
                }
                found.push(literal);
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// The same text as it is quoted: without the breaks of lines in the source.
fn unbroken(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\\n") {
        whole.push_str(&rest[..at]);
        rest = rest[at + 2..].trim_start();
    }
    whole + rest
}

#[test]
fn what_is_quoted_is_said() {
    let sources: String = programs().into_iter().chain(scripts()).map(|(_, text)| unbroken(&text) + "\n").collect();
    let quoted = quoted();
    for message in &quoted {
        let escaped = message.replace('"', "\\\"");
        assert!(sources.contains(message.as_str()) || sources.contains(&escaped), "no program says: {message}");
        let is_long = message.len() >= SHORTEST || sources.contains(&format!("\"{message}\""));
        assert!(is_long, "stands in too much else: {message}");
    }
    assert!(quoted.len() > 200, "{}", quoted.len());
}

/// Texts of three words and more; one that is nothing but what others say (`{path}: {cause}`) has none.
#[test]
fn what_is_said_is_explained() {
    let quoted = quoted();
    let mut missing = Vec::new();
    let mut explained = 0;
    for (path, text) in programs() {
        let advice =
            text.find("fn advice(").map(|at| literals(&text[at + "fn advice(self) -> &'static str {".len()..]));
        let said = openers(&path).flat_map(|opener| {
            let begins = text.match_indices(opener).filter(|(at, _)| opener != "note(" || !text[..*at].ends_with('.'));
            begins.flat_map(|(at, _)| literals(&text[at + opener.len()..])).collect::<Vec<_>>()
        });
        for message in said.chain(advice.into_iter().flatten()) {
            if quoted.iter().any(|quoted| message.contains(quoted.as_str())) {
                explained += 1;
            } else if says_something(&message) {
                missing.push(format!("{path}: {message}"));
            }
        }
    }
    for (path, message) in scripts() {
        if says_something(&message) && !quoted.iter().any(|quoted| message.contains(quoted.as_str())) {
            missing.push(format!("{path}: {message}"));
        }
    }
    missing.sort();
    missing.dedup();
    assert!(missing.is_empty(), "not in docs/messages.md:\n{}", missing.join("\n"));
    assert!(explained > 250, "{explained}");
}

/// Whether three words stand together in it, outside the braces of what is put in.
fn says_something(message: &str) -> bool {
    let mut depth = 0;
    let plain: String = message
        .chars()
        .filter(|c| {
            depth += i32::from(*c == '{') - i32::from(*c == '}');
            depth == 0 && *c != '}'
        })
        .collect();
    let words =
        |piece: &str| piece.split(' ').filter(|word| word.len() > 1 && word.chars().all(char::is_alphabetic)).count();
    plain.split([':', ';', '(']).any(|piece| words(piece) >= 3)
}
