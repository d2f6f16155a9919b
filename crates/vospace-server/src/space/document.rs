//! Documents: a row as the node document that a caller gets.

use super::Space;
use super::changes::{MTIME, TIMES};
use crate::documents::TYPE;
use crate::fault::{Fault, FaultKind};
use crate::permissions::Rights;
use crate::profile::Metadata;
use crate::profile::documents::{Dates, FileTypes};
use crate::store::nodes::{Kind, Row};
use crate::store::properties;
use jiff::Timestamp;
use rusqlite::Connection;
use vospace_client::node::{Node, NodeKind, Properties, property};
use vospace_client::uri::{VosUri, to_nfc};

/// How much of each node is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// No properties.
    Min,
    /// The stored properties.
    Properties,
    /// Those, and what the caller may do.
    Max,
}

impl Detail {
    /// The meaning of the `detail` parameter; an unknown word means the default, `max` if it is to be full, unless words
    /// are looked at.
    pub fn of(parameter: Option<&str>, space: &Space) -> Result<Detail, Fault> {
        Ok(match parameter {
            Some("min") => Detail::Min,
            Some("max") => Detail::Max,
            Some("properties") => Detail::Properties,
            Some(other) if space.profile.documents.detail_checked => {
                return Err(Fault::new(FaultKind::InvalidUri, format!("detail={other}")));
            }
            _ if space.profile.full_detail => Detail::Max,
            _ => Detail::Properties,
        })
    }
}

/// A date as documents write it: UTC, milliseconds, no zone.
pub fn date(milliseconds: i64) -> String {
    match Timestamp::from_millisecond(milliseconds) {
        Ok(timestamp) => vospace_client::node::format_date(timestamp),
        Err(_) => "1970-01-01T00:00:00.000".to_owned(),
    }
}

/// Seconds since 1970 with a fraction.
fn seconds(milliseconds: i64) -> String {
    format!("{}.{:03}", milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000))
}

/// A date with its zone, to the second.
fn zoned(milliseconds: i64) -> String {
    format!("{}+0000", date(milliseconds).split('.').next().unwrap_or_default())
}

impl Space {
    /// The document of a row at this path. The URI has the name in NFC, whatever the name is stored as: a node made
    /// under another form is listed under a name that does not find it, as the real services do.
    pub fn document(
        &self,
        db: &Connection,
        row: &Row,
        path: &str,
        detail: Detail,
        rights: &Rights<'_>,
    ) -> Result<Node, Fault> {
        let kind = match row.kind {
            Kind::Container => NodeKind::Container,
            Kind::Data => NodeKind::Data { busy: false },
            Kind::Link => NodeKind::Link { target: self.shown_target(row, path) },
        };
        let uri = VosUri::new(self.authority, &to_nfc(path));
        let mut result = Node { uri, kind, properties: Properties::new() };
        let habits = &self.profile.documents;
        if habits.file_types == FileTypes::Kept
            && let Some(kept) = properties::get(db, row.id, TYPE)?
        {
            result.properties.set(TYPE, kept);
        }
        if detail == Detail::Min {
            return Ok(result);
        }
        let set = &mut result.properties;
        for (uri, value) in properties::all(db, row.id)? {
            set.set(uri, value);
        }
        set.set_read_only(property::CREATOR, row.owner.clone());
        if habits.publicity {
            let is_public = row.is_public || (row.kind == Kind::Link && self.profile.links.symbolic);
            set.set(property::IS_PUBLIC, is_public.to_string());
        }
        let mut modified = row.modified;
        if row.kind == Kind::Data {
            match self.profile.metadata {
                Metadata::Copied => {
                    let copied = &row.copied;
                    if habits.lengths {
                        set.set_read_only(property::LENGTH, copied.length.unwrap_or(0).to_string());
                    }
                    if habits.checksums {
                        if let Some(md5) = &copied.md5 {
                            set.set_read_only(property::MD5, md5.clone());
                        }
                        if let Some(value) = &copied.content_type {
                            set.set(property::TYPE, value.clone());
                        }
                        if let Some(value) = &copied.encoding {
                            set.set(property::ENCODING, value.clone());
                        }
                    }
                    match (copied.content_date, habits.dates) {
                        (Some(time), Dates::Plain) => set.set_read_only(property::CONTENT_DATE, date(time)),
                        (Some(time), Dates::Seconds) => set.set_read_only(MTIME, seconds(time)),
                        (Some(time), Dates::Zoned) => modified = time,
                        (None, _) | (_, Dates::None) => {}
                    }
                }
                Metadata::Live => {
                    let (length, time) = self.store.bytes().stat(&row.storage)?.unwrap_or((0, modified));
                    if habits.lengths {
                        set.set_read_only(property::LENGTH, length.to_string());
                    }
                    if let Some(md5) = set.get(property::MD5).map(str::to_owned) {
                        set.set_read_only(property::MD5, md5);
                    }
                    modified = time;
                }
            }
        }
        match habits.dates {
            Dates::Plain => set.set_read_only(property::DATE, date(modified)),
            Dates::Seconds | Dates::None => {}
            Dates::Zoned => {
                set.set_read_only(property::DATE, zoned(modified));
                for uri in TIMES {
                    // One that somebody has set is shown as it was set.
                    if set.get(uri).is_none() {
                        set.set(uri, zoned(modified));
                    }
                }
            }
        }
        for (uri, groups) in [(property::GROUP_READ, &row.group_read), (property::GROUP_WRITE, &row.group_write)] {
            if !groups.is_empty() {
                set.set(uri, groups.replace(' ', self.profile.group_separator.encode_utf8(&mut [0; 4])));
            }
        }
        for (uri, flag) in [(property::INHERIT_PERMISSIONS, row.inherit), (property::IS_LOCKED, row.locked)] {
            if flag {
                set.set(uri, "true");
            }
        }
        if let Some(quota) = row.quota {
            set.set_read_only(property::QUOTA, quota.to_string());
        }
        if detail == Detail::Max && habits.rights {
            self.ask_groups(rights, row, false)?;
            let may_write = rights.may_write(row) && !row.locked;
            for (uri, may) in [(property::READABLE, rights.may_read(row)), (property::WRITABLE, may_write)] {
                // What a user stored under these keys is shown instead where all text is an attribute of the file.
                if may && !(self.profile.attributes.is_some() && set.get(uri).is_some()) {
                    set.set_read_only(uri, "true");
                }
            }
        }
        Ok(result)
    }
}
