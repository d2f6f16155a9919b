//! A node and its properties, as services tell them.
//!
//! Owns the meaning of the property URIs and the leniency that reading them needs: MD5 with and without `md5:`,
//! dates with and without fraction or zone, groups separated by blanks (CADC) or commas (VOSpace 2.1 §3.2.3).
//! The children of a container never live in its [`Node`]: a listing is a stream.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::uri::VosUri;

/// The property URIs that this crate gives a meaning to.
pub mod property {
    /// Size of the bytes, decimal.
    pub const LENGTH: &str = "ivo://ivoa.net/vospace/core#length";
    /// Hex MD5 of the bytes.
    pub const MD5: &str = "ivo://ivoa.net/vospace/core#MD5";
    /// Vault: last change of the node's row. Cavern: modification time of the file.
    pub const DATE: &str = "ivo://ivoa.net/vospace/core#date";
    /// Vault only: when the present bytes were stored.
    pub const CONTENT_DATE: &str = "ivo://ivoa.net/vospace/core#content-date";
    /// When the bytes were changed, on services that have no [`DATE`]; elsewhere a text of the user's.
    pub const MTIME: &str = "ivo://ivoa.net/vospace/core#mtime";
    /// `true` when anybody may read.
    pub const IS_PUBLIC: &str = "ivo://ivoa.net/vospace/core#ispublic";
    /// Groups that may read.
    pub const GROUP_READ: &str = "ivo://ivoa.net/vospace/core#groupread";
    /// Groups that may read and write.
    pub const GROUP_WRITE: &str = "ivo://ivoa.net/vospace/core#groupwrite";
    /// Bytes that the tree below a container may use.
    pub const QUOTA: &str = "ivo://ivoa.net/vospace/core#quota";
    /// Media type of the bytes.
    pub const TYPE: &str = "ivo://ivoa.net/vospace/core#type";
    /// Content coding of the bytes, such as `gzip`.
    pub const ENCODING: &str = "ivo://ivoa.net/vospace/core#encoding";
    /// Display form of the owner; never to be parsed for decisions.
    pub const CREATOR: &str = "ivo://ivoa.net/vospace/core#creator";
    /// Bytes left to use.
    pub const AVAILABLE_SPACE: &str = "ivo://ivoa.net/vospace/core#availableSpace";
    /// Free text.
    pub const TITLE: &str = "ivo://ivoa.net/vospace/core#title";
    /// Free text.
    pub const DESCRIPTION: &str = "ivo://ivoa.net/vospace/core#description";
    /// `true` when neither update nor deletion is allowed (Vault).
    pub const IS_LOCKED: &str = "ivo://cadc.nrc.ca/vospace/core#islocked";
    /// `true` when new children copy the container's permissions.
    pub const INHERIT_PERMISSIONS: &str = "ivo://cadc.nrc.ca/vospace/core#inheritPermissions";
    /// Computed for the caller, only with `detail=max`, and only to be believed with `readOnly="true"`.
    pub const READABLE: &str = "ivo://cadc.nrc.ca/vospace/core#readable";
    /// As [`READABLE`], for writing.
    pub const WRITABLE: &str = "ivo://cadc.nrc.ca/vospace/core#writable";

    /// What standard property URIs begin with; the rest is the key that users write.
    pub const CORE: &str = "ivo://ivoa.net/vospace/core#";

    /// Keys of the standard, as the Python client has them; any other key is a property URI as it stands.
    const STANDARD: [&str; 24] = [
        "title",
        "creator",
        "subject",
        "description",
        "publisher",
        "contributer",
        "date",
        "type",
        "format",
        "identifier",
        "source",
        "language",
        "relation",
        "coverage",
        "rights",
        "availableSpace",
        "groupread",
        "groupwrite",
        "publicread",
        "quota",
        "length",
        "MD5",
        "ispublic",
        "encoding",
    ];

    /// The URI of the property that users call `key`.
    #[must_use]
    pub fn of_key(key: &str) -> std::borrow::Cow<'_, str> {
        if STANDARD.contains(&key) { format!("{CORE}{key}").into() } else { key.into() }
    }

    /// What users call the property `uri`; [`of_key`] leads back.
    #[must_use]
    pub fn key_of(uri: &str) -> &str {
        uri.strip_prefix(CORE).filter(|key| STANDARD.contains(key)).unwrap_or(uri)
    }

    /// Every URI above.
    const KNOWN: [&str; 19] = [
        MTIME,
        LENGTH,
        MD5,
        DATE,
        CONTENT_DATE,
        IS_PUBLIC,
        GROUP_READ,
        GROUP_WRITE,
        QUOTA,
        TYPE,
        ENCODING,
        CREATOR,
        AVAILABLE_SPACE,
        TITLE,
        DESCRIPTION,
        IS_LOCKED,
        INHERIT_PERMISSIONS,
        READABLE,
        WRITABLE,
    ];

    /// The URI as it was once sent: a service puts the namespace of the standard before those of others (Astro Data Lab,
    /// observed: `…core#ivo://my.example/x`). No key of the standard has a colon in it.
    #[must_use]
    pub fn as_sent(uri: &str) -> std::borrow::Cow<'static, str> {
        intern(uri.strip_prefix(CORE).filter(|key| key.contains(':')).unwrap_or(uri))
    }

    /// The URI, without an allocation of its own if it is a usual one: nodes are kept by the hundred thousand.
    #[must_use]
    pub fn intern(uri: &str) -> std::borrow::Cow<'static, str> {
        match KNOWN.into_iter().find(|known| *known == uri) {
            Some(known) => known.into(),
            None => uri.to_owned().into(),
        }
    }

    /// Properties that belong to the service: sending them is ignored at best, and on Cavern an echoed MD5 erases
    /// the stored one while an echoed `readable` is stored for everybody.
    pub const COMPUTED: [&str; 9] =
        [LENGTH, MD5, DATE, CONTENT_DATE, QUOTA, CREATOR, AVAILABLE_SPACE, READABLE, WRITABLE];
}

/// One node, without children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it is.
    pub uri: VosUri,
    /// What it is.
    pub kind: NodeKind,
    /// What the service says of it.
    pub properties: Properties,
}

impl Node {
    /// A container without properties.
    #[must_use]
    pub fn container(uri: VosUri) -> Self {
        Node { uri, kind: NodeKind::Container, properties: Properties::new() }
    }

    /// A data node without properties.
    #[must_use]
    pub fn data(uri: VosUri) -> Self {
        Node { uri, kind: NodeKind::Data { busy: false }, properties: Properties::new() }
    }

    /// Whether this is a container.
    #[must_use]
    pub fn is_container(&self) -> bool {
        matches!(self.kind, NodeKind::Container)
    }
}

/// The three kinds of node that CADC services have. Structured and unstructured data nodes read as `Data`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// A directory.
    Container,
    /// A file.
    Data {
        /// Whether the service says that the bytes are being written.
        busy: bool,
    },
    /// A link; the target is kept as text, for it may be any URI, of any service, dangling or not.
    Link {
        /// Where it points.
        target: String,
    },
}

/// One property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its text; none means that it is to be deleted (`xsi:nil`).
    pub value: Option<String>,
    /// Whether the service says that it cannot be changed.
    pub read_only: bool,
}

/// Property URI → property, ordered by URI.
///
/// As changes of a node, those that are set are set, those marked nil are deleted, and all others stay as they are.
///
/// ```
/// use vospace_client::{Properties, property};
///
/// let mut changes = Properties::new();
/// changes.set(property::TITLE, "M31, r band");
/// changes.set("ivo://example.org/survey#seeing", "0.7");
/// changes.set_nil(property::DESCRIPTION);
/// assert_eq!(changes.get(property::TITLE), Some("M31, r band"));
/// assert_eq!(changes.get(property::DESCRIPTION), None);
/// assert!(changes.property(property::DESCRIPTION).is_some());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Properties(BTreeMap<Cow<'static, str>, Property>);

impl Properties {
    /// None at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The text of a property that is set.
    #[must_use]
    pub fn get(&self, uri: &str) -> Option<&str> {
        self.0.get(uri)?.value.as_deref()
    }

    /// The property itself, deleted ones too.
    #[must_use]
    pub fn property(&self, uri: &str) -> Option<&Property> {
        self.0.get(uri)
    }

    /// Sets a property, replacing what was there.
    pub fn set(&mut self, uri: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.0.insert(uri.into(), Property { value: Some(value.into()), read_only: false });
    }

    /// Sets a property that the service marks as read-only.
    pub fn set_read_only(&mut self, uri: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        self.0.insert(uri.into(), Property { value: Some(value.into()), read_only: true });
    }

    /// Marks a property for deletion.
    pub fn set_nil(&mut self, uri: impl Into<Cow<'static, str>>) {
        self.0.insert(uri.into(), Property { value: None, read_only: false });
    }

    /// Forgets a property; it is then neither set nor marked for deletion.
    pub fn remove(&mut self, uri: &str) -> Option<Property> {
        self.0.remove(uri)
    }

    /// All of them, in the order of their URIs.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Property)> {
        self.0.iter().map(|(uri, property)| (uri.as_ref(), property))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Size of the bytes. One that no file can have (above 2^63 - 1, `off_t`) is none.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        self.number(property::LENGTH).filter(|length| i64::try_from(*length).is_ok())
    }

    /// MD5 of the bytes.
    #[must_use]
    pub fn md5(&self) -> Option<Md5> {
        Md5::from_hex(self.get(property::MD5)?)
    }

    /// See [`property::DATE`], and [`property::MTIME`] where that is missing.
    #[must_use]
    pub fn date(&self) -> Option<Timestamp> {
        parse_date(self.get(property::DATE).or_else(|| self.get(property::MTIME))?)
    }

    /// See [`property::CONTENT_DATE`].
    #[must_use]
    pub fn content_date(&self) -> Option<Timestamp> {
        parse_date(self.get(property::CONTENT_DATE)?)
    }

    /// Whether anybody may read.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.flag(property::IS_PUBLIC)
    }

    /// Group URIs that may read.
    #[must_use]
    pub fn group_read(&self) -> Vec<String> {
        self.list(property::GROUP_READ)
    }

    /// Group URIs that may write.
    #[must_use]
    pub fn group_write(&self) -> Vec<String> {
        self.list(property::GROUP_WRITE)
    }

    /// Bytes that the tree below may use.
    #[must_use]
    pub fn quota(&self) -> Option<u64> {
        self.number(property::QUOTA)
    }

    /// Media type.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.get(property::TYPE)
    }

    /// Display form of the owner.
    #[must_use]
    pub fn creator(&self) -> Option<&str> {
        self.get(property::CREATOR)
    }

    /// Whether the node is locked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.flag(property::IS_LOCKED)
    }

    fn number(&self, uri: &str) -> Option<u64> {
        self.get(uri)?.trim().parse().ok()
    }

    fn flag(&self, uri: &str) -> bool {
        self.get(uri).is_some_and(|text| text.trim().eq_ignore_ascii_case("true"))
    }

    fn list(&self, uri: &str) -> Vec<String> {
        let text = self.get(uri).unwrap_or_default();
        text.split([' ', ',', '\t', '\n', '\r']).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }
}

impl FromIterator<(String, String)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(items: I) -> Self {
        let mut properties = Properties::new();
        items.into_iter().for_each(|(uri, value)| properties.set(uri, value));
        properties
    }
}

/// Reads a date leniently: `2026-03-01T12:00:00.000` is UTC, and fraction and zone are optional; a number is seconds since
/// 1970 (pyvospace, observed: `1772366400.25`).
#[must_use]
pub fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    Timestamp::from_str(text)
        .ok()
        .or_else(|| DateTime::from_str(text).ok()?.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp()))
        .or_else(|| parse_seconds(text))
}

fn parse_seconds(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    // As digits, not as a floating number: two texts of one time have to give one date.
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let nanoseconds: String = fraction.chars().chain(std::iter::repeat('0')).take(9).collect();
    Timestamp::new(whole.parse().ok()?, nanoseconds.parse().ok()?).ok()
}

/// Writes a date as CADC services do: UTC, milliseconds, no zone.
#[must_use]
pub fn format_date(date: Timestamp) -> String {
    format!("{:.3}", TimeZone::UTC.to_datetime(date))
}

/// An MD5 digest. Displays as 32 lower-case hex digits.
///
/// ```
/// use vospace_client::Md5;
///
/// let digest = Md5::from_hex("md5:D41D8CD98F00B204E9800998ECF8427E").unwrap();
/// assert_eq!(digest, Md5::EMPTY);
/// assert_eq!(digest.to_digest_header(), "md5=1B2M2Y8AsgTpgAmY7PhCfg==");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Md5(pub [u8; 16]);

impl Md5 {
    /// The digest of no bytes at all.
    pub const EMPTY: Md5 =
        Md5([0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e]);

    /// Reads 32 hex digits of any case, with or without `md5:` (Cavern writes both). None if it is anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Md5> {
        let text = text.trim();
        let hex = match text.split_at_checked(4) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("md5:") => rest,
            _ => text,
        };
        if hex.len() != 32 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        Some(Md5(u128::from_str_radix(hex, 16).ok()?.to_be_bytes()))
    }

    /// Reads the value of a `Digest` header (RFC 3230): `md5=<base64>` in any case of the word, alone or among others.
    #[must_use]
    pub fn from_digest_header(text: &str) -> Option<Md5> {
        text.split(',').find_map(|item| {
            let (algorithm, value) = item.trim().split_once('=')?;
            if !algorithm.eq_ignore_ascii_case("md5") {
                return None;
            }
            STANDARD.decode(value).ok()?.try_into().ok().map(Md5)
        })
    }

    /// The value of a `Digest` header. Send it alone: every other algorithm or form makes Cavern lose the file.
    #[must_use]
    pub fn to_digest_header(&self) -> String {
        format!("md5={}", STANDARD.encode(self.0))
    }
}

impl fmt::Display for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn md5_is_read_in_all_forms_seen() {
        let hex = "d41d8cd98f00b204e9800998ecf8427e";
        for text in [
            hex,
            "md5:d41d8cd98f00b204e9800998ecf8427e",
            "MD5:D41D8CD98F00B204E9800998ECF8427E",
            " d41d8cd98f00b204e9800998ecf8427e\n",
        ] {
            assert_eq!(Md5::from_hex(text), Some(Md5::EMPTY), "{text}");
        }
        for text in ["", "md5:", "d41d8cd9", "+41d8cd98f00b204e9800998ecf8427e", "é1d8cd98f00b204e9800998ecf8427e"] {
            assert_eq!(Md5::from_hex(text), None, "{text}");
        }
        assert_eq!(Md5::EMPTY.to_string(), hex);
    }

    #[test]
    fn digest_header_is_read_and_written() {
        let header = "md5=1B2M2Y8AsgTpgAmY7PhCfg==";
        assert_eq!(Md5::EMPTY.to_digest_header(), header);
        for text in [header, "MD5=1B2M2Y8AsgTpgAmY7PhCfg==", "sha-256=AAAA, md5=1B2M2Y8AsgTpgAmY7PhCfg=="] {
            assert_eq!(Md5::from_digest_header(text), Some(Md5::EMPTY), "{text}");
        }
        for text in ["sha-256=AAAA", "md5=xx", "md5=d41d8cd98f00b204e9800998ecf8427e", ""] {
            assert_eq!(Md5::from_digest_header(text), None, "{text}");
        }
    }

    #[test]
    fn dates_are_read_leniently_and_written_in_one_form() {
        let expected: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        for text in [
            "2026-03-01T12:00:00.000",
            "2026-03-01T12:00:00",
            "2026-03-01T12:00:00Z",
            "2026-03-01T13:00:00+01:00",
            "2026-03-01T12:00:00.000+0000",
            "1772366400",
            "1772366400.0",
        ] {
            assert_eq!(parse_date(text), Some(expected), "{text}");
        }
        assert_eq!(parse_date("1772366400.2512345678"), "2026-03-01T12:00:00.251234567Z".parse().ok());
        for text in ["yesterday", "", "-1", "1e9", ".5", "99999999999999999999"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
        assert_eq!(format_date(expected), "2026-03-01T12:00:00.000");
        assert_eq!(format_date("2026-03-01T12:00:00.1239Z".parse().unwrap()), "2026-03-01T12:00:00.123");
    }

    #[test]
    fn properties_answer_with_their_meaning() {
        let mut properties = Properties::new();
        properties.set(property::GROUP_READ, "ivo://x/gms?a ivo://x/gms?b,ivo://x/gms?c");
        properties.set(property::IS_PUBLIC, "TRUE");
        properties.set_read_only(property::LENGTH, "12");
        properties.set(property::QUOTA, "lots");
        properties.set_nil(property::TITLE);
        assert_eq!(properties.group_read().len(), 3);
        assert!(properties.is_public() && !properties.is_locked());
        assert_eq!((properties.length(), properties.quota()), (Some(12), None));
        assert_eq!(properties.date(), None);
        properties.set(property::MTIME, "1772366400.5");
        assert_eq!(properties.date(), "2026-03-01T12:00:00.5Z".parse().ok());
        properties.set(property::DATE, "2026-03-01T12:00:00");
        assert_eq!(properties.date(), "2026-03-01T12:00:00Z".parse().ok());
        assert_eq!(properties.get(property::TITLE), None);
        assert!(
            properties.property(property::TITLE).is_some() && properties.property(property::LENGTH).unwrap().read_only
        );
    }
}
