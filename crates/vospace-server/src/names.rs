//! Names: from the path of a request to the path of a node, with all that goes wrong on the way.
//!
//! The real services are written on a servlet container that decodes the path, and then paste the decoded text into a
//! URI, which decodes once more. So names that are not safe act on other nodes: `#` and `?` cut the rest off, `%41`
//! becomes `A`, `;` starts a path parameter, and blanks and brackets make the URI constructor fail with 500. A client
//! that does not guard itself loses data at CADC; it must lose the same data here, where that costs nothing.

use crate::fault::{Fault, FaultKind};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// The path as the servlet container hands it on: parameters cut off, decoded, `.` and `..` resolved, no empty names.
pub fn servlet_path(raw: &str) -> Result<String, Fault> {
    let refused = || Fault::plain(400, "<html><body><h1>HTTP Status 400</h1></body></html>");
    let mut names: Vec<String> = Vec::new();
    for part in raw.split('/') {
        let part = part.split(';').next().unwrap_or_default();
        let name = percent_decode_str(part).decode_utf8().map_err(|_| refused())?;
        if name.contains(['/', '\\', '\0']) {
            return Err(refused());
        }
        match name.as_ref() {
            "" | "." => {}
            ".." => {
                names.pop().ok_or_else(refused)?;
            }
            _ => names.push(name.into_owned()),
        }
    }
    Ok(format!("/{}", names.join("/")))
}

/// The path, decoded once and by nothing but that; no empty names.
pub fn decoded(raw: &str) -> Result<String, Fault> {
    let refused = || Fault::new(FaultKind::InvalidUri, raw);
    let path = percent_decode_str(raw).decode_utf8().map_err(|_| refused())?;
    let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
    if path.contains('\0') || names.iter().any(|name| matches!(*name, "." | "..")) {
        return Err(refused());
    }
    Ok(format!("/{}", names.join("/")))
}

/// The path that comes out when a decoded path is pasted into a URI and read again.
pub fn pasted(path: &str) -> Result<String, Fault> {
    let fail = |character: char| {
        Fault::new(FaultKind::Internal, format!("BUG: VOSURI syntax: Illegal character {character:?} in path: {path}"))
    };
    let cut = path.split(['#', '?']).next().unwrap_or_default();
    for (at, character) in cut.char_indices() {
        match character {
            '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '}' | '|' | '[' | ']' => return Err(fail(character)),
            other if other.is_control() || other.is_whitespace() => return Err(fail(other)),
            '%' => {
                let digits = cut.as_bytes().get(at + 1..at + 3).unwrap_or_default();
                if digits.len() < 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(fail('%'));
                }
            }
            _ => {}
        }
    }
    let decoded = percent_decode_str(cut).decode_utf8_lossy();
    let names: Vec<&str> = decoded.split('/').filter(|name| !name.is_empty()).collect();
    if decoded.contains('\0') || names.iter().any(|name| matches!(*name, "." | "..")) {
        return Err(Fault::plain(400, format!("Nul character or relative name not allowed: {path:?}")));
    }
    Ok(format!("/{}", names.join("/")))
}

/// What has to be escaped in the path of a URL: all but the safe set of a path.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b';');

/// As [`PATH`], but `;` stays: the endpoints that a file service negotiates are written so, and lead elsewhere.
const ENDPOINT: &AsciiSet = &PATH.remove(b';');

/// A node path for a URL.
pub fn encoded(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// A name that is to be the last of a URL, without protection against being cut at `;`.
pub fn encoded_in_url(name: &str) -> String {
    utf8_percent_encode(name, ENDPOINT).to_string()
}

/// A node path in an endpoint that a file service negotiates: letters outside ASCII stay as they are.
pub fn raw_endpoint(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for part in path.split_inclusive(|c: char| !c.is_ascii()) {
        let ascii = part.trim_end_matches(|c: char| !c.is_ascii());
        text.extend(utf8_percent_encode(ascii, ENDPOINT));
        text.push_str(&part[ascii.len()..]);
    }
    text
}

/// A text in Latin-1, with `?` for what that cannot hold.
pub fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect()
}

/// The last name of a path and the path before it; `None` for the root.
pub fn split(path: &str) -> Option<(&str, &str)> {
    let (parent, name) = path.rsplit_once('/')?;
    if name.is_empty() { None } else { Some((if parent.is_empty() { "/" } else { parent }, name)) }
}

/// The path of a child.
pub fn join(parent: &str, name: &str) -> String {
    if parent == "/" { format!("/{name}") } else { format!("{parent}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_decodes_once() {
        assert_eq!(servlet_path("//a/./b%20c/../d%3Be;x=1/").unwrap(), "/a/d;e");
        assert_eq!(servlet_path("/a/%C3%A9").unwrap(), "/a/é");
        assert_eq!(servlet_path("/a%2Fb").unwrap_err().status(), 400);
        assert_eq!(servlet_path("/a%5Cb").unwrap_err().status(), 400);
        assert_eq!(servlet_path("/..").unwrap_err().status(), 400);
    }

    #[test]
    fn the_uri_decodes_again() {
        assert_eq!(pasted("/d/a#b").unwrap(), "/d/a");
        assert_eq!(pasted("/d/#x").unwrap(), "/d");
        assert_eq!(pasted("/d/a%41b").unwrap(), "/d/aAb");
        assert_eq!(pasted("/d/a;b+c&d'(é)").unwrap(), "/d/a;b+c&d'(é)");
        for bad in ["/a%00b", "/a/%2e%2e", "/a/%2E/b"] {
            assert_eq!(pasted(bad).unwrap_err().status(), 400, "{bad}");
        }
        for bad in ["/a b", "/a%", "/a%4", "/a[1]", "/a\u{a0}b", "/a\tb", "/a|b"] {
            assert_eq!(pasted(bad).unwrap_err().status(), 500, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_request_leads_to_a_name_that_is_none(raw in "[a.%/;#?\\\\]{0,12}|\\PC{0,12}|(%2[0-9eEfF5]|/|a){0,8}") {
            let Ok(path) = servlet_path(&raw).and_then(|path| pasted(&path)) else { return Ok(()) };
            proptest::prop_assert!(path.starts_with('/'));
            for name in path.split('/').skip(1).filter(|_| path != "/") {
                proptest::prop_assert!(!matches!(name, "" | "." | "..") && !name.contains('\0'), "{}", path);
            }
        }
    }

    #[test]
    fn endpoints_of_a_file_service_are_hardly_escaped() {
        assert_eq!(raw_endpoint("/d/a;b&é日c"), "/d/a;b&é日c");
        assert_eq!(latin1("/é日"), b"/\xe9?");
    }

    #[test]
    fn splitting_and_joining() {
        assert_eq!(split("/a/b"), Some(("/a", "b")));
        assert_eq!(split("/a"), Some(("/", "a")));
        assert_eq!(split("/"), None);
        assert_eq!(join("/", "a"), "/a");
        assert_eq!(join("/a", "b"), "/a/b");
    }
}
