//! Names and URIs as a service wants them.
//!
//! The names of answers are never taken from the text of a node's URI as it stands: services write them with two
//! slashes, with `~` or `!`, encoded or not ([`crate::VosUri::from_wire`] reads all of it), and what is asked for keeps the
//! name that it was asked by.

use percent_encoding::percent_decode_str;

use super::{Dialect, GroupSeparator, Learned, NamesInDocuments, Namespace, Separator};
use crate::uri::{UriError, VosUri};
use crate::xml::read::Manner;

impl Dialect {
    /// Checks every name against the characters that this service takes.
    ///
    /// # Errors
    /// [`UriError`] naming the name and the character.
    pub fn check(&self, uri: &VosUri) -> Result<(), UriError> {
        uri.check()?;
        let refused =
            |c: char| self.refused_characters.has(c) || (!c.is_ascii() && self.non_ascii_names == Learned::No);
        for name in uri.names() {
            if let Some(character) = name.chars().find(|c| refused(*c)) {
                return Err(UriError::RefusedHere { name: name.to_owned(), character });
            }
        }
        Ok(())
    }

    /// The URI of a node in its own document.
    ///
    /// # Errors
    /// As [`Dialect::check`].
    pub fn node_uri(&self, uri: &VosUri) -> Result<String, UriError> {
        self.check(uri)?;
        Ok(match self.names_in_documents {
            NamesInDocuments::Unknown | NamesInDocuments::Raw => self.with_authority(uri.to_document()?),
            NamesInDocuments::Encoded => self.with_authority(uri.to_wire()),
        })
    }

    /// The URI of a node in the document of a transfer.
    ///
    /// # Errors
    /// As [`Dialect::check`].
    pub fn transfer_uri(&self, uri: &VosUri) -> Result<String, UriError> {
        self.check(uri)?;
        Ok(match self.names_in_documents {
            NamesInDocuments::Raw => self.with_authority(uri.to_document()?),
            NamesInDocuments::Unknown | NamesInDocuments::Encoded => self.with_authority(uri.to_wire()),
        })
    }

    fn with_authority(&self, uri: String) -> String {
        match self.authority_separator {
            Separator::Unknown | Separator::Tilde => uri,
            Separator::Bang => {
                let end = uri["vos://".len()..].find('/').map_or(uri.len(), |at| at + "vos://".len());
                format!("{}{}", uri[..end].replace('~', "!"), &uri[end..])
            }
        }
    }

    /// A list of groups, separated as the service wants it.
    #[must_use]
    pub fn groups(&self, list: &str) -> String {
        let separator = match self.group_separator {
            GroupSeparator::Unknown | GroupSeparator::Blank => " ",
            GroupSeparator::Comma => ",",
        };
        list.split([' ', ',']).filter(|group| !group.is_empty()).collect::<Vec<_>>().join(separator)
    }

    /// Learns from how a node's document is written.
    pub(crate) fn note_manner(&mut self, manner: &Manner) {
        // What was learned from a change that was lost says more than what answers are written in.
        if self.namespace == Namespace::Unknown {
            self.namespace = Namespace::of(manner.namespace).unwrap_or_default();
        }
        let rest = manner.uri.trim().strip_prefix("vos://").unwrap_or_default();
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        match (authority.contains('!'), authority.contains('~')) {
            (true, false) => self.authority_separator = Separator::Bang,
            (false, true) => self.authority_separator = Separator::Tilde,
            _ => {}
        }
        if !path.is_ascii() {
            self.names_in_documents = NamesInDocuments::Raw;
        }
        if percent_decode_str(path).any(|byte| !byte.is_ascii()) {
            self.non_ascii_names = Learned::Yes;
        }
    }

    /// Learns from a list of groups of a node.
    pub(crate) fn note_groups(&mut self, list: &str) {
        let list = list.trim();
        if list.contains(',') {
            self.group_separator = GroupSeparator::Comma;
        } else if list.contains(' ') {
            self.group_separator = GroupSeparator::Blank;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Characters;
    use crate::xml::{VOSPACE, VOSPACE_21};

    fn manner(namespace: &'static str, uri: &str) -> Manner {
        Manner { namespace, uri: uri.to_owned() }
    }

    #[test]
    fn documents_are_written_as_those_that_were_read() {
        let uri = VosUri::new("icrar.org~vospace", "/d/é~x");
        let mut dialect = Dialect::default();
        assert_eq!(dialect.node_uri(&uri).unwrap(), "vos://icrar.org~vospace/d/é~x");
        assert_eq!(dialect.transfer_uri(&uri).unwrap(), "vos://icrar.org~vospace/d/%C3%A9~x");
        dialect.note_manner(&manner(VOSPACE_21, "vos://icrar.org!vospace//d"));
        assert_eq!(dialect.namespace, Namespace::V21);
        assert_eq!(dialect.transfer_uri(&uri).unwrap(), "vos://icrar.org!vospace/d/%C3%A9~x");
        assert_eq!(dialect.node_uri(&VosUri::new("icrar.org~vospace", "/")).unwrap(), "vos://icrar.org!vospace");
        dialect.note_manner(&manner(VOSPACE, "vos://icrar.org~vospace/é"));
        assert_eq!(dialect.namespace, Namespace::V21, "learned once");
        assert_eq!(dialect.non_ascii_names, Learned::Yes);
        let mut encoded = Dialect::default();
        encoded.note_manner(&manner(VOSPACE, "vos://icrar.org~vospace/d"));
        assert_eq!(encoded.non_ascii_names, Learned::Unknown);
        encoded.note_manner(&manner(VOSPACE, "vos://icrar.org~vospace/%C3%A9"));
        assert_eq!((encoded.non_ascii_names, encoded.names_in_documents), (Learned::Yes, NamesInDocuments::Unknown));
        assert_eq!(dialect.transfer_uri(&uri).unwrap(), "vos://icrar.org~vospace/d/é~x");
        dialect.names_in_documents = NamesInDocuments::Encoded;
        assert_eq!(dialect.node_uri(&uri).unwrap(), "vos://icrar.org~vospace/d/%C3%A9~x");
    }

    #[test]
    fn a_name_that_this_service_does_not_take_is_refused_with_the_character() {
        let uri = |path: &str| VosUri::new("a~b", path);
        let mut dialect = Dialect::default();
        assert!(dialect.check(&uri("/d;e/é")).is_ok());
        assert!(matches!(dialect.check(&uri("/a#b")), Err(UriError::Character { character: '#', .. })));
        dialect.refused_characters = Characters::new(";'").unwrap();
        let error = dialect.check(&uri("/d;e/x")).unwrap_err();
        assert!(error.to_string().contains("'d;e' contains the character ;"), "{error}");
        dialect.non_ascii_names = Learned::No;
        assert!(matches!(dialect.node_uri(&uri("/é")), Err(UriError::RefusedHere { character: 'é', .. })));
    }

    #[test]
    fn groups_are_separated_as_they_came() {
        let mut dialect = Dialect::default();
        assert_eq!(dialect.groups("ivo://x?a, ivo://x?b"), "ivo://x?a ivo://x?b");
        dialect.note_groups("ivo://x?a");
        assert_eq!(dialect.group_separator, GroupSeparator::Unknown);
        dialect.note_groups("ivo://x?a,ivo://x?b");
        assert_eq!(dialect.groups("ivo://x?a ivo://x?b"), "ivo://x?a,ivo://x?b");
        dialect.note_groups("ivo://x?a ivo://x?b");
        assert_eq!(dialect.group_separator, GroupSeparator::Blank);
    }
}
