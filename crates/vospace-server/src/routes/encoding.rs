//! Documents of requests: from bytes to text that an XML reader may be given.
//!
//! The encoding that a document declares is honoured as far as the services were seen to (UTF-8 and ISO-8859-1), and
//! characters that XML does not have are refused, written as they are or as references: values that hold them could
//! never be read back.

use crate::fault::Fault;

/// How far into a document its declaration reaches at most.
const DECLARATION: usize = 200;

/// The text of a document.
pub fn text(bytes: &[u8]) -> Result<String, Fault> {
    let refused = |what: &str| Fault::argument(format!("invalid input: XML failed schema validation: {what}"));
    let text = match declared(bytes).as_str() {
        // The first 256 characters of Unicode are those of ISO-8859-1.
        "iso-8859-1" | "latin1" => bytes.iter().map(|&byte| char::from(byte)).collect(),
        _ => String::from_utf8(bytes.to_vec()).map_err(|_| refused("invalid UTF-8"))?,
    };
    if text.chars().any(|character| !is_xml(character)) {
        return Err(refused("a character that XML does not have"));
    }
    let mut references = text.split("&#").skip(1).filter_map(|rest| rest.split_once(';'));
    if references.any(|(number, _)| !referenced(number).is_some_and(is_xml)) {
        return Err(refused("a reference to a character that XML does not have"));
    }
    Ok(text)
}

/// The encoding in the declaration, in lower case, or nothing.
fn declared(bytes: &[u8]) -> String {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(DECLARATION)]);
    let declaration = start.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"));
    let encoding = declaration.and_then(|(inside, _)| inside.split_once("encoding="));
    let quoted = encoding.and_then(|(_, rest)| rest.split(['"', '\'']).nth(1));
    quoted.unwrap_or_default().to_ascii_lowercase()
}

fn referenced(number: &str) -> Option<char> {
    let code = match number.strip_prefix('x') {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}

/// Whether XML 1.0 §2.2 has the character.
fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_and_characters() {
        let latin = b"<?xml version=\"1.0\" encoding='ISO-8859-1'?><a>caf\xe9</a>";
        assert!(text(latin).unwrap().ends_with("<a>caf\u{e9}</a>"));
        assert_eq!(text("<a>\t&#233;&#xe9; \u{1f600}</a>".as_bytes()).unwrap(), "<a>\t&#233;&#xe9; \u{1f600}</a>");
        assert_eq!(text(b"").unwrap(), "");
        for bad in [
            &b"<a>caf\xe9</a>"[..],
            b"<a>\0</a>",
            b"<a>&#0;</a>",
            b"<a>&#x1F;</a>",
            b"<a>&#xD800;</a>",
            b"&#99999999999;",
        ] {
            assert_eq!(text(bad).unwrap_err().status(), 400, "{bad:?}");
        }
    }
}
