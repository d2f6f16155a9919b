//! How a service wants things written, where services contradict each other.
//!
//! What is unknown is written as the CADC services want it, whose manner most others take as well.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::xml::{VOSPACE, VOSPACE_21};

/// The XML namespace of node and transfer documents. The standard has one for 2.0 and 2.1 (VOSpace 2.1 appendix A); a
/// service that made up another drops the properties of documents in this one without a word (pyvospace, observed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Namespace {
    /// No document of it was read yet.
    #[default]
    #[serde(rename = "unknown")]
    Unknown,
    /// That of the standard.
    #[serde(rename = "http://www.ivoa.net/xml/VOSpace/v2.0")]
    V20,
    /// One with the minor version in it.
    #[serde(rename = "http://www.ivoa.net/xml/VOSpace/v2.1")]
    V21,
}

impl Namespace {
    /// What is written into documents.
    #[must_use]
    pub fn uri(self) -> &'static str {
        match self {
            Namespace::Unknown | Namespace::V20 => VOSPACE,
            Namespace::V21 => VOSPACE_21,
        }
    }

    /// That of a document.
    #[must_use]
    pub fn of(uri: &str) -> Option<Namespace> {
        [Namespace::V20, Namespace::V21].into_iter().find(|namespace| namespace.uri() == uri)
    }

    /// The one that is left when this one turned out to be wrong.
    #[must_use]
    pub fn other(self) -> Namespace {
        match self {
            Namespace::Unknown | Namespace::V20 => Namespace::V21,
            Namespace::V21 => Namespace::V20,
        }
    }
}

/// What stands between the authority of a resource id and its name in `vos://authority~name/path` (VOSpace 2.1 §2: either
/// is right, and both mean the same).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Separator {
    /// No URI of it was read yet.
    #[default]
    #[serde(rename = "unknown")]
    Unknown,
    /// `~`.
    #[serde(rename = "~")]
    Tilde,
    /// `!`.
    #[serde(rename = "!")]
    Bang,
}

/// What stands between groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum GroupSeparator {
    /// No list of several was read yet.
    #[default]
    Unknown,
    /// A blank (CADC services).
    Blank,
    /// A comma (VOSpace 2.1 §3.2.3).
    Comma,
}

/// The `Content-Type` of a transfer document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TransferType {
    /// No transfer was accepted yet.
    #[default]
    #[serde(rename = "unknown")]
    Unknown,
    /// XML.
    #[serde(rename = "text/xml")]
    Xml,
    /// That of a form although it is a document (Astro Data Lab, observed).
    #[serde(rename = "application/x-www-form-urlencoded")]
    Form,
}

impl TransferType {
    /// What is sent.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            TransferType::Unknown | TransferType::Xml => "text/xml",
            TransferType::Form => "application/x-www-form-urlencoded",
        }
    }
}

/// Which protocols can stand in a transfer; a service refuses the whole for one that it does not know (pyvospace,
/// observed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OfferedProtocols {
    /// No transfer was accepted yet.
    #[default]
    Unknown,
    /// https only.
    Https,
    /// http only.
    Http,
    /// Either.
    Both,
}

impl OfferedProtocols {
    /// Whether https is asked for.
    #[must_use]
    pub fn https(self) -> bool {
        self != OfferedProtocols::Http
    }

    /// Whether http is, where the caller lets bytes go that way.
    #[must_use]
    pub fn http(self) -> bool {
        self != OfferedProtocols::Https
    }
}

/// How names stand in the URIs of documents that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum NamesInDocuments {
    /// As they are in the documents of nodes, percent-encoded in those of transfers: what the CADC services compare.
    #[default]
    Unknown,
    /// As they are everywhere.
    Raw,
    /// Percent-encoded everywhere.
    Encoded,
}

/// Some characters of ASCII.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Characters(u128);

impl Characters {
    /// These.
    ///
    /// # Errors
    /// The first that is not of ASCII.
    pub fn new(text: &str) -> Result<Self, char> {
        text.chars().try_fold(Characters(0), |all, character| {
            if character.is_ascii() { Ok(Characters(all.0 | 1 << u32::from(character))) } else { Err(character) }
        })
    }

    /// These and one more of ASCII.
    #[must_use]
    pub(crate) fn with(self, character: char) -> Self {
        debug_assert!(character.is_ascii(), "{character}");
        Characters(self.0 | 1 << (u32::from(character) & 127))
    }

    /// Whether it is one of them.
    #[must_use]
    pub fn has(self, character: char) -> bool {
        character.is_ascii() && self.0 & (1 << u32::from(character)) != 0
    }
}

impl fmt::Display for Characters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..=127_u8).map(char::from).filter(|c| self.has(*c)).try_for_each(|c| write!(f, "{c}"))
    }
}

impl fmt::Debug for Characters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

impl Serialize for Characters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Characters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Characters::new(&text).map_err(|character| D::Error::custom(format!("'{character}' is no character of ASCII")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_a_set() {
        let some = Characters::new(";:'").unwrap();
        assert!(some.has(';') && !some.has('a') && !some.has('é'));
        assert_eq!(some.to_string(), "':;");
        assert_eq!(serde_json::from_str::<Characters>("\":;'\"").unwrap(), some);
        assert!(serde_json::from_str::<Characters>("\"é\"").is_err());
    }

    #[test]
    fn a_namespace_is_known_by_its_uri() {
        for namespace in [Namespace::V20, Namespace::V21] {
            assert_eq!(Namespace::of(namespace.uri()), Some(namespace));
            assert_ne!(namespace.other(), namespace);
            assert_eq!(serde_json::to_value(namespace).unwrap(), namespace.uri());
        }
        assert_eq!(Namespace::of("http://x"), None);
        assert_eq!(Namespace::Unknown.other(), Namespace::V21, "the other of what is sent");
    }
}
