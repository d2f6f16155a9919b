//! One row of `vls`, column for column as the Python client prints it (permissions, creator, read group, write group,
//! lock, size, date, name), because scripts cut it at blanks and at positions.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use vospace_client::node::{Node, NodeKind, property};

use crate::groups::Groups;
use crate::sizes;

/// Printed for a creator that the service does not tell.
const UNKNOWN_CREATOR: &str = "unknown_000";

/// Printed for a length that the service does not tell.
const UNKNOWN_SIZE: &str = "-";

/// Which columns are shown, and how.
#[derive(Debug)]
pub(super) struct Layout {
    columns: bool,
    creator: bool,
    human: bool,
    groups: Groups,
    zone: TimeZone,
    year: i16,
}

impl Layout {
    /// `-l`, `-g` and `-h`; `-g` alone leaves the creator out.
    pub(super) fn new(long: bool, group: bool, human: bool, groups: Groups) -> Self {
        let now = Zoned::now();
        Self { columns: long || group, creator: long, human, groups, zone: now.time_zone().clone(), year: now.year() }
    }

    /// The row of `node`, called `name`.
    pub(super) fn row(&self, name: &str, node: &Node) -> String {
        if !self.columns {
            return name.to_owned();
        }
        let properties = &node.properties;
        let mut row = format!("{:<11}", permissions(node));
        if self.creator {
            row += &format!(" {:<20}", creator(properties.creator()));
        }
        let lock = if properties.is_locked() { "LOCKED" } else { "" };
        row += &format!(
            " {:<15} {:<15} {lock:<8}{:>12} {}{name}",
            self.groups(node, &properties.group_read()),
            self.groups(node, &properties.group_write()),
            self.size(node),
            self.date(properties.date()),
        );
        if let NodeKind::Link { target } = &node.kind {
            row += &format!(" -> {target}");
        }
        row
    }

    fn groups(&self, node: &Node, identifiers: &[String]) -> String {
        if identifiers.is_empty() { "NONE".to_owned() } else { self.groups.shown(&node.uri, identifiers) }
    }

    /// A file of which the service tells no length may have any; containers and links without one have no bytes.
    fn size(&self, node: &Node) -> String {
        match (node.properties.length(), &node.kind) {
            (None, NodeKind::Data { .. }) => UNKNOWN_SIZE.to_owned(),
            (length, _) => sizes::shown(length.unwrap_or(0), self.human),
        }
    }

    /// Local time, with the offset that was in force on that date; a blank ends it.
    fn date(&self, date: Option<Timestamp>) -> String {
        let Some(date) = date else { return format!("{:<13}", "-") };
        let date = date.to_zoned(self.zone.clone());
        let format = if date.year() == self.year { "%b %d %H:%M " } else { "%b %d  %Y " };
        date.strftime(format).to_string()
    }
}

/// Ten characters. The owner's are always `rw`: a listing does not tell what the caller may do.
fn permissions(node: &Node) -> String {
    let properties = &node.properties;
    let kind = match node.kind {
        NodeKind::Container => 'd',
        NodeKind::Link { .. } => 'l',
        NodeKind::Data { .. } => '-',
    };
    let flag = |set: bool, flag: char| if set { flag } else { '-' };
    format!(
        "{kind}rw-{}{}-{}--",
        flag(properties.get(property::GROUP_READ).is_some(), 'r'),
        flag(properties.get(property::GROUP_WRITE).is_some(), 'w'),
        flag(properties.is_public(), 'r'),
    )
}

/// The common name of a distinguished name, in a form without blanks; anything else as it is.
fn creator(creator: Option<&str>) -> String {
    let Some(creator) = creator else { return UNKNOWN_CREATOR.to_owned() };
    let at = creator.find("CN=").or_else(|| creator.find("cn="));
    match at {
        Some(at) => {
            let name = &creator[at + "CN=".len()..];
            name.split(',').next().unwrap_or_default().replace(' ', "_").to_lowercase()
        }
        None => creator.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vospace_client::uri::VosUri;

    fn layout(creator: bool) -> Layout {
        Layout { columns: true, creator, human: false, groups: Groups::default(), zone: TimeZone::UTC, year: 2026 }
    }

    fn node(name: &str, kind: NodeKind, properties: &[(&'static str, &str)]) -> Node {
        let mut node = Node::data(VosUri::new("cadc.nrc.ca~vault", name));
        node.kind = kind;
        for (uri, value) in properties {
            node.properties.set(*uri, *value);
        }
        node
    }

    // The four rows are as the Python client printed them.
    #[test]
    fn long_rows_have_the_documented_columns() {
        let node = node(
            "big.bin",
            NodeKind::Data { busy: false },
            &[
                (property::CREATOR, "CN=Some One,OU=cadc,O=hia,C=ca"),
                (property::LENGTH, "6000000"),
                (property::DATE, "2026-11-21T00:02:09.000"),
            ],
        );
        assert_eq!(
            layout(true).row("big.bin", &node),
            "-rw-------  some_one             NONE            NONE                         6000000 Nov 21 00:02 big.bin"
        );
        assert_eq!(
            layout(false).row("big.bin", &node),
            "-rw-------  NONE            NONE                         6000000 Nov 21 00:02 big.bin"
        );
    }

    #[test]
    fn groups_locks_and_public_files_show() {
        let node = node(
            "t.txt",
            NodeKind::Data { busy: false },
            &[
                (property::CREATOR, "CN=Some One,OU=cadc"),
                (property::LENGTH, "6"),
                (property::DATE, "2026-11-21T00:05:00.000"),
                (property::IS_PUBLIC, "true"),
                (property::IS_LOCKED, "true"),
                (property::GROUP_READ, "ivo://cadc.nrc.ca/gms?A ivo://cadc.nrc.ca/gms?B,ivo://cadc.nrc.ca/gms?C"),
            ],
        );
        assert_eq!(
            layout(true).row("t.txt", &node),
            "-rw-r--r--  some_one             A B C           NONE            LOCKED             6 Nov 21 00:05 t.txt"
        );
    }

    #[test]
    fn links_show_their_target_and_old_dates_their_year() {
        let link = NodeKind::Link { target: "vos://cadc.nrc.ca!vault/home/d1/a.txt".into() };
        let link =
            node("lnk", link, &[(property::CREATOR, "CN=Some One"), (property::DATE, "2025-11-01T00:04:00.000")]);
        assert_eq!(
            layout(true).row("lnk", &link),
            "lrw-------  some_one             NONE            NONE                               0 Nov 01  2025 lnk -> \
             vos://cadc.nrc.ca!vault/home/d1/a.txt"
        );
    }

    #[test]
    fn a_length_that_is_not_told_is_none_and_not_zero() {
        let date = [(property::DATE, "2026-11-21T00:02:09.000")];
        for human in [false, true] {
            let layout = Layout { human, ..layout(false) };
            for (kind, size) in [(NodeKind::Data { busy: false }, '-'), (NodeKind::Container, '0')] {
                let row = layout.row("x", &node("x", kind, &date));
                assert!(row.ends_with(&format!("NONE                               {size} Nov 21 00:02 x")), "{row}");
            }
        }
    }

    #[test]
    fn a_date_is_shown_with_the_offset_of_its_own_season() {
        let mut layout = layout(true);
        layout.zone = TimeZone::get("America/Vancouver").unwrap();
        let summer = "2026-07-01T00:00:00Z".parse().unwrap();
        let winter = "2026-01-01T12:00:00Z".parse().unwrap();
        assert_eq!(layout.date(Some(summer)), "Jun 30 17:00 ");
        assert_eq!(layout.date(Some(winter)), "Jan 01 04:00 ");
    }

    #[test]
    fn creators_without_a_common_name_stay_as_they_are() {
        assert_eq!(creator(Some("demo")), "demo");
        assert_eq!(creator(Some("cn=jdoe_123,ou=cadc")), "jdoe_123");
        assert_eq!(creator(None), "unknown_000");
    }
}
