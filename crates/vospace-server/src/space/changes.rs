//! Changes: what the properties of a document ask for, checked and sorted by where they go.
//!
//! Keys in the standard's namespace are refused unless CADC's services know them; those that the service itself
//! computes are taken without effect, not with a fault (Vault and Cavern, observed). Permissions go to columns, media
//! type and encoding to the artifact, everything else is text. `xsi:nil` removes.

use super::Space;
use crate::documents::TYPE;
use crate::fault::{Fault, FaultKind};
use crate::identity::Caller;
use crate::profile::Metadata;
use crate::profile::documents::OwnKeys;
use crate::store::nodes::Row;
use vospace_client::node::{Node, NodeKind, property};

/// The beginning of the keys that are checked. By prefix, so `…/vospacex` is checked as well, as observed.
const NAMESPACE: &str = "ivo://ivoa.net/vospace";

/// The standard's time of the last change of a file.
pub(super) const MTIME: &str = "ivo://ivoa.net/vospace/core#mtime";

/// The standard's times of a file, which CADC's services refuse.
pub(super) const TIMES: [&str; 3] = [MTIME, "ivo://ivoa.net/vospace/core#ctime", "ivo://ivoa.net/vospace/core#btime"];

/// The keys that only the service sets.
const IMMUTABLE: [&str; 7] = [
    property::CREATOR,
    property::DATE,
    property::LENGTH,
    property::MD5,
    property::CONTENT_DATE,
    property::AVAILABLE_SPACE,
    property::QUOTA,
];

/// What follows `ivo://ivoa.net/vospace/core#` in the keys that are taken.
pub const CORE: [&str; 25] = [
    "title",
    "creator",
    "subject",
    "description",
    "publisher",
    "contributor",
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
    "runid",
    "quota",
    "content-date",
    "length",
    "encoding",
    "MD5",
    "groupread",
    "groupwrite",
    "ispublic",
];

/// What is said to properties of a link where links cannot have any.
pub(super) const LINK_PROPERTIES: &str = "LinkNode properties are not supported";

/// A property that is to get a value, or none.
pub type Text = Option<String>;

/// The changes that a document asks for; `None` leaves a thing alone.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Public or not.
    pub public: Option<bool>,
    /// Locked or not.
    pub locked: Option<bool>,
    /// Children copy permissions or not.
    pub inherit: Option<bool>,
    /// The whole list of reading groups.
    pub group_read: Option<String>,
    /// The whole list of writing groups.
    pub group_write: Option<String>,
    /// The quota, from the administrator only.
    pub quota: Option<Option<u64>>,
    /// The owner, from the administrator only.
    pub owner: Option<String>,
    /// The media type.
    pub content_type: Option<Text>,
    /// The content encoding.
    pub encoding: Option<Text>,
    /// The date was named: it cannot be set, but the row counts as changed.
    pub touched: bool,
    /// Everything else.
    pub texts: Vec<(String, Text)>,
}

impl Changes {
    /// Reads the properties of a document.
    pub fn of(space: &Space, caller: &Caller, node: &Node) -> Result<Changes, Fault> {
        let mut changes = Changes::default();
        if matches!(node.kind, NodeKind::Link { .. }) && space.profile.links.symbolic && !node.properties.is_empty() {
            return Err(Fault::argument(LINK_PROPERTIES));
        }
        for (uri, entry) in node.properties.iter().filter(|(uri, _)| *uri != TYPE) {
            let value = entry.value.as_deref().map(str::trim);
            changes.take(space, caller, uri, value)?;
        }
        Ok(changes)
    }

    fn take(&mut self, space: &Space, caller: &Caller, uri: &str, value: Option<&str>) -> Result<(), Fault> {
        let as_text = space.profile.metadata == Metadata::Live;
        if uri.contains(char::is_whitespace) || uri.is_empty() || (as_text && !uri.is_ascii()) {
            return Err(Fault::argument(format!("invalid property key: {uri}")));
        }
        let documents = &space.profile.documents;
        if documents.own_keys == OwnKeys::InVospace && !in_vospace(uri) {
            return Err(Fault::new(FaultKind::InvalidUri, uri));
        }
        if uri.starts_with(NAMESPACE) && documents.own_keys == OwnKeys::Checked {
            let known = uri.strip_prefix("ivo://ivoa.net/vospace/core#").is_some_and(|key| CORE.contains(&key));
            let time = space.profile.times_accepted && TIMES.contains(&uri);
            if !(known || time) {
                return Err(Fault::argument(format!("{uri}: unrecognized property URI in vospace namespace")));
            }
        }
        let immutable = IMMUTABLE.contains(&uri) || (TIMES.contains(&uri) && !space.profile.times_accepted);
        if space.profile.immutable_refused && !caller.is_administrator() && immutable {
            return Err(Fault::denied(format!("{uri} is set by the service only")));
        }
        let text = || value.map(str::to_owned);
        let flag = || value.map(|value| value.eq_ignore_ascii_case("true"));
        match uri {
            property::IS_PUBLIC if !documents.publicity => self.texts.push((uri.to_owned(), text())),
            property::IS_PUBLIC if value.is_none() && as_text => {}
            property::IS_PUBLIC => self.public = Some(flag().unwrap_or(false)),
            property::INHERIT_PERMISSIONS if value.is_none() && as_text => {}
            property::INHERIT_PERMISSIONS => self.inherit = Some(flag().unwrap_or(false)),
            property::IS_LOCKED if space.profile.locks => self.locked = Some(flag().unwrap_or(false)),
            property::IS_LOCKED => {}
            property::GROUP_READ => self.group_read = Some(groups_of(space, value)?),
            property::GROUP_WRITE => self.group_write = Some(groups_of(space, value)?),
            property::QUOTA if caller.is_administrator() => {
                let number =
                    value.map(|value| value.parse().map_err(|_| Fault::argument(format!("invalid quota: {value}"))));
                self.quota = Some(number.transpose()?);
            }
            property::CREATOR if caller.is_administrator() => self.owner = text(),
            property::MD5 if space.profile.echo_erases_md5 => self.texts.push((uri.to_owned(), None)),
            property::TYPE if !as_text && documents.checksums => self.content_type = Some(text()),
            property::ENCODING if !as_text && documents.checksums => self.encoding = Some(text()),
            property::DATE => self.touched |= !as_text,
            property::LENGTH if as_text && value.is_some_and(|value| value.parse::<u64>().is_err()) => {
                return Err(Fault::argument(format!("invalid length: {}", value.unwrap_or_default())));
            }
            property::CREATOR
            | property::LENGTH
            | property::MD5
            | property::CONTENT_DATE
            | property::AVAILABLE_SPACE
            | property::QUOTA => {}
            _ => {
                // One that comes back as it was shown is the same.
                let shown = uri.strip_prefix(property::CORE).filter(|own| own.contains("://"));
                let own = shown.filter(|_| documents.own_keys == OwnKeys::Prefixed);
                self.texts.push((own.unwrap_or(uri).to_owned(), text()));
            }
        }
        Ok(())
    }

    /// Puts the permissions into a row; tells whether something changed. Access lists of a file system have a group
    /// once: one that may write is no more named as one that may read.
    pub fn apply(&self, row: &mut Row, access_lists: bool) -> bool {
        fn put<T: Clone + PartialEq>(target: &mut T, value: Option<&T>) -> bool {
            match value {
                Some(value) if *value != *target => {
                    *target = value.clone();
                    true
                }
                _ => false,
            }
        }
        let mut changed = put(&mut row.is_public, self.public.as_ref());
        changed |= put(&mut row.locked, self.locked.as_ref());
        changed |= put(&mut row.inherit, self.inherit.as_ref());
        changed |= put(&mut row.group_read, self.group_read.as_ref());
        changed |= put(&mut row.group_write, self.group_write.as_ref());
        changed |= put(&mut row.quota, self.quota.as_ref());
        if access_lists {
            let may_write: Vec<&str> = row.group_write.split(' ').collect();
            let others: Vec<&str> = row.group_read.split(' ').filter(|group| !may_write.contains(group)).collect();
            let others = others.join(" ");
            changed |= put(&mut row.group_read, Some(&others));
        }
        changed | self.touched
    }
}

/// Whether a key is of the form that one maker's services take: a path that begins so, and a fragment.
fn in_vospace(uri: &str) -> bool {
    let path = uri.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
    let fragment = uri.split_once('#').is_some_and(|(_, fragment)| !fragment.is_empty());
    fragment && path.is_some_and(|path| path.starts_with("/vospace"))
}

/// The groups of a list that a service takes.
fn groups_of(space: &Space, value: Option<&str>) -> Result<String, Fault> {
    let (separator, local) = (space.profile.group_separator, space.profile.groups);
    let groups = group_list(value, separator, space.profile.access.group_uris)?;
    if let Some(foreign) = groups.split(' ').find(|group| !group.is_empty() && !group.starts_with(local))
        && space.profile.local_groups_only
    {
        return Err(Fault::argument(format!("non-local groups: {foreign}")));
    }
    Ok(groups)
}

/// A list of groups, sorted and separated by blanks: URIs of the form `ivo://authority/service?name`, if they are checked.
fn group_list(value: Option<&str>, separator: char, checked: bool) -> Result<String, Fault> {
    let parts = value.unwrap_or_default().split(|c: char| c == separator || c.is_whitespace());
    let mut groups: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    for group in groups.iter().filter(|_| checked) {
        if group.contains('#') {
            return Err(Fault::argument(format!("fragment not allowed in uri: {group}")));
        }
        let name = group.strip_prefix("ivo://").and_then(|rest| rest.split_once('?')).map(|(_, name)| name);
        let legal = |c: char| c.is_ascii_alphanumeric() || "_.~-/".contains(c);
        if !name.is_some_and(|name| !name.is_empty() && name.chars().all(legal)) {
            return Err(Fault::argument(format!("invalid group name: {group}")));
        }
    }
    groups.sort_unstable();
    groups.dedup();
    Ok(groups.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_separated_by_blanks() {
        assert_eq!(group_list(Some("ivo://a/gms?b  ivo://a/gms?a"), ' ', true).unwrap(), "ivo://a/gms?a ivo://a/gms?b");
        assert_eq!(group_list(None, ' ', true).unwrap(), "");
        assert_eq!(group_list(Some("ivo://a/gms?b,ivo://a/gms?a"), ' ', true).unwrap_err().status(), 400);
        assert_eq!(group_list(Some("ivo://a/gms?b, ivo://a/gms?a"), ',', true).unwrap(), "ivo://a/gms?a ivo://a/gms?b");
        assert_eq!(group_list(Some("ivo://a/gms#b"), ' ', true).unwrap_err().status(), 400);
        assert_eq!(group_list(Some("staff"), ' ', true).unwrap_err().status(), 400);
        assert_eq!(group_list(Some("staff,all"), ',', false).unwrap(), "all staff");
    }

    #[test]
    fn one_maker_wants_keys_of_a_form() {
        for (uri, taken) in [
            ("ivo://example.org/vospace/my#key", true),
            ("ivo://ivoa.net/vospace/core#title", true),
            ("ivo://example.org/my#key", false),
            ("ivo://example.org/vospace/my", false),
            ("key", false),
        ] {
            assert_eq!(in_vospace(uri), taken, "{uri}");
        }
    }
}
