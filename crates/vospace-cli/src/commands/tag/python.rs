//! Text as Python prints it: the `repr` of a string, and a dictionary as `pprint` lays it out in 80 columns.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Columns that `pprint` fills.
const WIDTH: usize = 80;

/// A dictionary of strings, sorted by key: in one line if it fits, else one entry a line.
pub(super) fn dictionary<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: BTreeMap<&str, &str> = pairs.collect();
    let flat: Vec<String> = pairs.iter().map(|(key, value)| format!("{}: {}", repr(key), repr(value))).collect();
    let flat = format!("{{{}}}", flat.join(", "));
    if width(&flat) <= WIDTH {
        return flat;
    }
    let last = pairs.len().saturating_sub(1);
    let mut text = "{".to_owned();
    for (at, (key, value)) in pairs.iter().enumerate() {
        let key = repr(key);
        let indent = 1 + width(&key) + 2;
        // What follows the last line of the value.
        let closing = 1;
        let _ = write!(text, "{key}: {}", wrapped(value, indent, closing));
        text.push_str(if at == last { "}" } else { ",\n " });
    }
    text
}

/// One string.
pub(super) fn text(value: &str) -> String {
    wrapped(value, 0, 0)
}

/// A string at column `indent`, with `closing` columns kept free behind its end. One that does not fit is broken, at
/// line ends and else behind blanks, into several literals, each on a line of its own.
fn wrapped(value: &str, indent: usize, closing: usize) -> String {
    let whole = repr(value);
    if width(&whole) <= WIDTH.saturating_sub(indent + closing) {
        return whole;
    }
    // At the top level the literals stand between parentheses.
    let outer = indent == 0;
    let (indent, closing) = if outer { (1, 1) } else { (indent, closing) };
    let mut literals: Vec<String> = Vec::new();
    let lines: Vec<&str> = value.split_inclusive('\n').collect();
    for (at, line) in lines.iter().enumerate() {
        let last_line = at + 1 == lines.len();
        let space = |last: bool| WIDTH.saturating_sub(indent + if last { closing } else { 0 });
        if width(&repr(line)) <= space(last_line) {
            literals.push(repr(line));
            continue;
        }
        let words = words(line);
        let mut current = String::new();
        for (at, word) in words.iter().enumerate() {
            let candidate = format!("{current}{word}");
            if !current.is_empty() && width(&repr(&candidate)) > space(last_line && at + 1 == words.len()) {
                literals.push(repr(&current));
                current = (*word).to_owned();
            } else {
                current = candidate;
            }
        }
        literals.push(repr(&current));
    }
    if literals.len() == 1 {
        return whole;
    }
    let joined = literals.join(&format!("\n{}", " ".repeat(indent)));
    if outer { format!("({joined})") } else { joined }
}

/// Pieces of a word and the white space behind it.
fn words(value: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut blank = false;
    for (at, character) in value.char_indices() {
        if blank && !character.is_whitespace() {
            pieces.push(&value[start..at]);
            start = at;
        }
        blank = character.is_whitespace();
    }
    pieces.push(&value[start..]);
    pieces
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// In single quotes, unless it holds some and no double ones.
fn repr(value: &str) -> String {
    let quote = if value.contains('\'') && !value.contains('"') { '"' } else { '\'' };
    let mut text = String::from(quote);
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            character if character == quote => {
                text.push('\\');
                text.push(quote);
            }
            character if character.is_control() => {
                let _ = write!(text, "\\x{:02x}", u32::from(character));
            }
            character => text.push(character),
        }
    }
    text.push(quote);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expectations were printed by the `pprint` of CPython 3.11.

    #[test]
    fn short_dictionaries_take_one_line() {
        assert_eq!(dictionary([("b", "2"), ("a", "it's")].into_iter()), r#"{'a': "it's", 'b': '2'}"#);
        assert_eq!(dictionary(std::iter::empty()), "{}");
    }

    #[test]
    fn long_dictionaries_take_a_line_for_each_entry() {
        let pairs = [("MD5", "b1946ac92492d2347c6235b4d2611184"), ("creator", "CN=some one,OU=cadc,O=hia,C=ca")];
        let expected = "{'MD5': 'b1946ac92492d2347c6235b4d2611184',\n 'creator': 'CN=some one,OU=cadc,O=hia,C=ca'}";
        assert_eq!(dictionary(pairs.into_iter()), expected);
    }

    #[test]
    fn long_strings_break_behind_blanks() {
        let value = "aaaa ".repeat(20);
        let expected = format!("{{'k': '{}'\n      '{}'}}", "aaaa ".repeat(14), "aaaa ".repeat(6));
        assert_eq!(dictionary([("k", value.as_str())].into_iter()), expected);
        let expected = format!("('{}'\n '{}')", "aaaa ".repeat(15), "aaaa ".repeat(5));
        assert_eq!(text(&value), expected);
        let lines = "line one\nline two of it that is really rather long so that something has to be done about it ok?";
        let expected = "{'a': 'line one\\n'\n      'line two of it that is really rather long so that something has to be '\n      'done about it ok?',\n 'b': 'c'}";
        assert_eq!(dictionary([("a", lines), ("b", "c")].into_iter()), expected);
        assert_eq!(text(&"x".repeat(100)), format!("'{}'", "x".repeat(100)));
    }

    #[test]
    fn odd_characters_are_escaped() {
        assert_eq!(text("a\\b\n'\"\u{1}é"), r#"'a\\b\n\'"\x01é'"#);
    }
}
