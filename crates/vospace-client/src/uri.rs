//! The identifier of a node, `vos://authority~service/path`, and the names that it is made of.
//!
//! A [`VosUri`] is held decoded and normalised: the authority is lower-case with `~` (the standard also allows
//! `!`, services compare both as equal), the path starts with `/`, has no empty components and is in Unicode
//! normalisation form C, because Vault lists every name in that form whatever form it was created with.
//!
//! Invariants: no component is `.` or `..`, none contains `/` or NUL. Everything else may occur, since a listing
//! may show names that no request can address. **A request path is only ever built by [`VosUri::encoded_path`]**,
//! which refuses such names: the services decode a path twice, so that `DELETE …/a%23b` would delete `a`.

mod prefixes;

use std::fmt;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use unicode_normalization::{UnicodeNormalization, is_nfc};

pub use prefixes::Prefixes;

/// Longest name in bytes that every known service accepts (the file system below Cavern sets it; Vault takes 512).
pub const MAX_NAME: usize = 255;

/// Escaped in a request path: all but the unreserved characters of RFC 3986, so that neither a proxy nor the
/// servlet container (which cuts a path at `;`) can give a character a meaning.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Escaped in a URI inside a document: all but the safe set. The CADC services compare the URI of a document with
/// the one they make of the path as text, and that one has the safe characters unescaped.
const DOCUMENT: &AsciiSet = &PATH
    .remove(b':')
    .remove(b';')
    .remove(b',')
    .remove(b'\'')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'*')
    .remove(b'(')
    .remove(b')');

/// Why a text is no usable node URI, or a name cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UriError {
    /// There is no `prefix:` at all.
    #[error("'{0}' has no prefix: write vos:{0} (or arc:{0}, or vos://authority~service/path)")]
    NoPrefix(String),
    /// A URI of another scheme.
    #[error("'{0}' is not a VOSpace URI: write vos:path, arc:path or vos://authority~service/path")]
    NotVospace(String),
    /// The part between `vos://` and the path is not `authority~service`.
    #[error("'{0}' names no service: write vos://authority~service/path")]
    BadAuthority(String),
    /// A percent escape is broken, or what it encodes is not UTF-8.
    #[error("'{0}' is not correctly percent-encoded UTF-8")]
    BadEscape(String),
    /// A name that stands for another directory.
    #[error("'{0}' contains the name '{1}', which cannot be the name of a node")]
    DotName(String, String),
    /// A name that contains the separator, or nothing.
    #[error("'{0}' cannot be the name of a node")]
    BadName(String),
    /// A character that the services truncate at, decode twice or fail on.
    #[error(
        "the name '{name}' contains {}, which VOSpace services cannot address: rename it using letters, digits and : ; , ' & = + ~ @ ! $ * ( ) - _ .",
        describe(*character)
    )]
    Character {
        /// The whole component.
        name: String,
        /// The first offending character.
        character: char,
    },
    /// A character that other services take and this one does not.
    #[error("the name '{name}' contains {}, which this service does not take: rename it", describe(*character))]
    RefusedHere {
        /// The whole component.
        name: String,
        /// The first offending character.
        character: char,
    },
    /// A name longer than [`MAX_NAME`] bytes.
    #[error("the name '{0}' is {1} bytes long; VOSpace services take at most 255")]
    TooLong(String, usize),
    /// The configuration file with the prefixes cannot be used.
    #[error("{path}: {reason}")]
    Config {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
}

fn describe(character: char) -> String {
    match character {
        ' ' => "a space".to_owned(),
        c if c.is_control() || c.is_whitespace() => format!("the character U+{:04X}", c as u32),
        c => format!("the character {c}"),
    }
}

/// Checks one component against the set of characters that every known service handles: letters, digits,
/// `: ; , ' & = + ~ @ ! $ * ( ) - _ .` and what lies outside ASCII except controls and spaces.
///
/// ```
/// use vospace_client::uri::check_name;
///
/// assert!(check_name("M31_(r-band).fits").is_ok());
/// // Services cut a path at this character: `DELETE a#b` would delete `a`.
/// assert!(check_name("a#b").unwrap_err().to_string().contains("the character #"));
/// ```
///
/// # Errors
/// [`UriError`] naming the first character that is refused, or the length.
pub fn check_name(name: &str) -> Result<(), UriError> {
    if name.is_empty() || name.contains('/') {
        return Err(UriError::BadName(name.to_owned()));
    }
    if name == "." || name == ".." {
        return Err(UriError::DotName(name.to_owned(), name.to_owned()));
    }
    if let Some(character) = name.chars().find(|c| !is_safe(*c)) {
        return Err(UriError::Character { name: name.to_owned(), character });
    }
    if name.len() > MAX_NAME {
        return Err(UriError::TooLong(name.to_owned(), name.len()));
    }
    Ok(())
}

fn is_safe(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || ":;,'&=+~@!$*()-_.".contains(c)
    } else {
        !c.is_control() && !c.is_whitespace()
    }
}

/// The text in Unicode normalisation form C, the form in which names are sent and listed.
#[must_use]
pub fn to_nfc(text: &str) -> String {
    if text.is_ascii() || is_nfc(text) { text.to_owned() } else { text.nfc().collect() }
}

/// The URI of a node: service and decoded absolute path. Cheap to compare, to clone and to use as a key.
///
/// ```
/// use vospace_client::VosUri;
///
/// let image = VosUri::new("cadc.nrc.ca~vault", "demo/images").join("M 31.fits");
/// assert_eq!((image.name(), image.path()), ("M 31.fits", "/demo/images/M 31.fits"));
/// assert_eq!(image.resource_id(), "ivo://cadc.nrc.ca/vault");
/// // Other makers write `!` and more slashes, and mean the same node.
/// assert_eq!(VosUri::from_wire("vos://cadc.nrc.ca!vault//demo/images/M%2031.fits")?, image);
/// # Ok::<(), vospace_client::UriError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VosUri {
    authority: Arc<str>,
    path: String,
}

impl VosUri {
    /// Builds a URI of `authority` (`cadc.nrc.ca~vault`, `!` taken) and a *decoded* path (`/a/b`, `a/b`; empty or `/`
    /// is the root). Empty components are dropped and the text is brought into normalisation form C; nothing is
    /// resolved, and a component `.` or `..` is refused later by [`VosUri::check`].
    #[must_use]
    pub fn new(authority: &str, path: &str) -> Self {
        let mut normal = String::with_capacity(path.len() + 1);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            normal.push('/');
            normal.push_str(name);
        }
        if normal.is_empty() {
            normal.push('/');
        }
        let path = if normal.is_ascii() { normal } else { to_nfc(&normal) };
        VosUri { authority: authority.to_lowercase().replace('!', "~").into(), path }
    }

    /// Reads a percent-encoded `vos://authority~service/path` out of a document. Lenient with odd characters, since a
    /// listing may show names that no request can address.
    ///
    /// # Errors
    /// [`UriError`] when it is not of that form, is not UTF-8, or a decoded name is `.` or `..` or contains `/` or NUL.
    pub fn from_wire(text: &str) -> Result<VosUri, UriError> {
        let text = text.trim();
        let rest = text.strip_prefix("vos://").ok_or_else(|| UriError::NotVospace(text.to_owned()))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let named = authority.split_once(['~', '!']).is_some_and(|(a, s)| !a.is_empty() && !s.is_empty());
        if !named || authority.chars().any(|c| c.is_whitespace() || c.is_control() || "?#%[]".contains(c)) {
            return Err(UriError::BadAuthority(text.to_owned()));
        }
        let mut decoded = String::with_capacity(path.len() + 1);
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let name = percent_decode_str(name).decode_utf8().map_err(|_| UriError::BadEscape(text.to_owned()))?;
            if name == "." || name == ".." {
                return Err(UriError::DotName(text.to_owned(), name.into_owned()));
            }
            if name.contains(['/', '\0']) {
                return Err(UriError::BadName(name.into_owned()));
            }
            decoded.push('/');
            decoded.push_str(&name);
        }
        Ok(VosUri::new(authority, &decoded))
    }

    /// The same of a child in a listing, which is called as it is written where its name is no encoding of one (`%FF`, `%2F`):
    /// the service may have names as they are (pyvospace, observed), and others can make such a child in a container that is
    /// not theirs alone. No request can be meant for it, because a name with `%` is never sent.
    ///
    /// # Errors
    /// As [`VosUri::from_wire`], when what is above the child cannot be read, or its name is `.` or `..` as it stands there.
    pub(crate) fn of_child(text: &str) -> Result<VosUri, UriError> {
        let error = match VosUri::from_wire(text) {
            Err(error) => error,
            uri => return uri,
        };
        let (above, name) = text.trim().trim_end_matches('/').rsplit_once('/').unwrap_or_default();
        match VosUri::from_wire(above) {
            Ok(above) if name.contains('%') => Ok(above.join(name)),
            _ => Err(error),
        }
    }

    /// The URI as services write it: `~`, everything outside the safe ASCII set percent-encoded.
    #[must_use]
    pub fn to_wire(&self) -> String {
        let mut text = format!("vos://{}", self.authority);
        for name in self.names() {
            text.push('/');
            text.extend(utf8_percent_encode(name, DOCUMENT));
        }
        text
    }

    /// The URI as a request document names it: as [`VosUri::to_wire`], but letters outside ASCII stay as they are,
    /// because the CADC services compare it as text with the one made of the decoded request path.
    ///
    /// # Errors
    /// [`UriError`] when a name is outside the safe set.
    pub fn to_document(&self) -> Result<String, UriError> {
        self.check()?;
        Ok(format!("vos://{}{}", self.authority, if self.is_root() { "" } else { &self.path }))
    }

    /// `authority~service`.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// `ivo://authority/service`, the name of the service in the registry.
    #[must_use]
    pub fn resource_id(&self) -> String {
        format!("ivo://{}", self.authority.replace('~', "/"))
    }

    /// The decoded absolute path; the root is `/`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last component; empty for the root.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// Whether this is the root container of its service.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.path == "/"
    }

    /// The components from the root down.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.path.split('/').filter(|name| !name.is_empty())
    }

    /// The container that this node is in; none for the root.
    #[must_use]
    pub fn parent(&self) -> Option<VosUri> {
        if self.is_root() {
            return None;
        }
        let end = self.path.rfind('/').unwrap_or(0);
        let path = if end == 0 { "/".to_owned() } else { self.path[..end].to_owned() };
        Some(VosUri { authority: Arc::clone(&self.authority), path })
    }

    /// The node called `name` in this container; a `name` with separators adds several components.
    #[must_use]
    pub fn join(&self, name: &str) -> VosUri {
        let joined = VosUri::new(&self.authority, &format!("{}/{name}", self.path));
        VosUri { authority: Arc::clone(&self.authority), path: joined.path }
    }

    /// Whether this is `ancestor` or lies below it, by component (`/ab` does not start with `/a`).
    #[must_use]
    pub fn starts_with(&self, ancestor: &VosUri) -> bool {
        self.authority == ancestor.authority
            && (ancestor.is_root()
                || self.path.strip_prefix(&ancestor.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }

    /// Checks every name against the safe set.
    ///
    /// # Errors
    /// [`UriError`] naming the name and the character.
    pub fn check(&self) -> Result<(), UriError> {
        self.names().try_for_each(check_name)
    }

    /// The path for a request URL, without leading `/` and each name percent-encoded. The only way to build one.
    ///
    /// # Errors
    /// [`UriError`] when a name is outside the safe set: it could make the service act on another node.
    pub fn encoded_path(&self) -> Result<String, UriError> {
        self.check()?;
        let names: Vec<String> = self.names().map(|name| utf8_percent_encode(name, PATH).to_string()).collect();
        Ok(names.join("/"))
    }
}

impl fmt::Display for VosUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "vos://{}{}", self.authority, self.path)
    }
}

impl fmt::Debug for VosUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn vault(path: &str) -> VosUri {
        VosUri::new("cadc.nrc.ca~vault", path)
    }

    #[test]
    fn both_separators_and_any_case_of_the_authority_are_one_uri() {
        let a = VosUri::from_wire("vos://CADC.nrc.ca!vault/a//b/").unwrap();
        assert_eq!(a, vault("/a/b"));
        assert_eq!(a.to_wire(), "vos://cadc.nrc.ca~vault/a/b");
        assert_eq!(a.resource_id(), "ivo://cadc.nrc.ca/vault");
    }

    #[test]
    fn root_has_no_name_and_no_parent() {
        for text in ["vos://a~b", "vos://a~b/", "vos://a~b//"] {
            let root = VosUri::from_wire(text).unwrap();
            assert_eq!((root.path(), root.name(), root.parent()), ("/", "", None), "{text}");
            assert_eq!(root.encoded_path().unwrap(), "");
            assert_eq!(root.to_document().unwrap(), "vos://a~b");
        }
        assert_eq!(vault("/a").parent(), Some(vault("/")));
        assert_eq!(vault("/").join("a"), vault("a"));
        assert_eq!(vault("a").join("b").name(), "b");
    }

    #[test]
    fn documents_with_dangerous_names_are_refused() {
        for text in ["vos://a~b/x/../y", "vos://a~b/%2e%2E", "vos://a~b/x%2Fy", "vos://a~b/x%00", "vos://a~b/%FF"] {
            let said = match text.rsplit('/').next() {
                Some("%FF") => format!("'{text}' is not correctly percent-encoded UTF-8"),
                Some("y" | "%2e%2E") => format!("'{text}' contains the name '..', which cannot be the name of a node"),
                _ => "' cannot be the name of a node".to_owned(),
            };
            let error = VosUri::from_wire(text).unwrap_err().to_string();
            assert!(error.contains(&said), "{error}");
        }
        for text in ["http://x/y", "vos:a", "vos:///a", "vos://justhost/a", "vos://a~/x", "vos://~b/x", "vos://a ~b/x"]
        {
            assert!(VosUri::from_wire(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_child_whose_name_is_no_encoding_is_called_as_it_is_written_and_never_sent() {
        for name in ["%2F", "%FF", "a%00b", "%2e%2E", "..%2f..%2fx", "%c0%af"] {
            let child = VosUri::of_child(&format!("vos://a!b//d/{name}")).unwrap();
            assert_eq!((child.path(), child.name()), (format!("/d/{name}").as_str(), name));
            assert!(child.encoded_path().is_err() && child.to_document().is_err(), "{name}");
        }
        assert_eq!(VosUri::of_child("vos://a~b/d/a%20b").unwrap().name(), "a b");
        for text in ["vos://a~b/d/..", "vos://a~b/.", "vos://a~b/%2e%2e/x", "vos://a~b/../%2F", "vos://a%2F", "%2F"] {
            assert!(VosUri::of_child(text).is_err(), "{text}");
        }
    }

    #[test]
    fn odd_names_are_shown_but_never_sent() {
        for (wire, character) in
            [("a%23b", '#'), ("a%20b", ' '), ("a%25b", '%'), ("a%5Bb", '['), ("a%C2%A0b", '\u{a0}')]
        {
            let uri = VosUri::from_wire(&format!("vos://a~b/{wire}")).unwrap();
            let found = uri.encoded_path().unwrap_err();
            assert!(matches!(&found, UriError::Character { character: c, .. } if *c == character), "{found}");
            assert_eq!(VosUri::from_wire(&uri.to_wire()).unwrap(), uri);
        }
        assert!(check_name("a#b").unwrap_err().to_string().contains("the character #"));
        assert!(check_name("a\u{2003}b").unwrap_err().to_string().contains("U+2003"));
        let long = check_name(&"é".repeat(128)).unwrap_err().to_string();
        assert!(long.ends_with("' is 256 bytes long; VOSpace services take at most 255"), "{long}");
        assert!(check_name(&"a".repeat(255)).is_ok());
    }

    #[test]
    fn safe_names_are_sent_escaped() {
        assert_eq!(vault("/d/a;b,c é").parent().unwrap().encoded_path().unwrap(), "d");
        assert_eq!(vault("/d/a;b+c@é").encoded_path().unwrap(), "d/a%3Bb%2Bc%40%C3%A9");
        assert_eq!(vault("/d/a;b+é").to_wire(), "vos://cadc.nrc.ca~vault/d/a;b+%C3%A9");
        assert_eq!(vault("/d/a;b+é").to_document().unwrap(), "vos://cadc.nrc.ca~vault/d/a;b+é");
    }

    #[test]
    fn both_unicode_forms_are_one_uri() {
        assert_eq!(vault("/e\u{301}"), vault("/é"));
        assert_eq!(VosUri::from_wire("vos://cadc.nrc.ca~vault/e%CC%81").unwrap().path(), "/é");
        assert_eq!(to_nfc("e\u{301}"), "é");
    }

    #[test]
    fn ancestry_is_by_component() {
        assert!(vault("/a/b").starts_with(&vault("/a")));
        assert!(vault("/a").starts_with(&vault("/a")));
        assert!(vault("/a").starts_with(&vault("/")));
        assert!(!vault("/ab").starts_with(&vault("/a")));
        assert!(!vault("/a").starts_with(&VosUri::new("x~y", "/")));
    }

    proptest! {
        #[test]
        fn wire_form_is_read_back(names in proptest::collection::vec("[^/\\x00]{1,12}", 0..5)) {
            prop_assume!(names.iter().all(|n| n != "." && n != ".."));
            let uri = vault(&names.join("/"));
            prop_assert_eq!(VosUri::from_wire(&uri.to_wire()).unwrap(), uri);
        }

        #[test]
        fn a_sent_path_names_exactly_one_node(path in "[ -~é]{0,20}") {
            let uri = vault(&path);
            if let Ok(sent) = uri.encoded_path() {
                prop_assert!(sent.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%/".contains(&b)));
                let twice = percent_decode_str(&percent_decode_str(&sent).decode_utf8().unwrap()).decode_utf8().unwrap().into_owned();
                prop_assert_eq!(vault(&twice), uri);
            }
        }

        #[test]
        fn reading_never_panics(text in "\\PC{0,60}") {
            let _ = VosUri::from_wire(&text);
            let _ = VosUri::from_wire(&format!("vos://a~b/{text}"));
            let _ = Prefixes::builtin().parse(&text);
        }
    }
}
