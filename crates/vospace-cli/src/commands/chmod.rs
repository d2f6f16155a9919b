//! `vchmod`: who may read and write.
//!
//! The rights of a node are a flag (everybody may read) and two lists of groups. `g+` and `g=` both replace the list,
//! as they always have: a group that was left in by mistake would keep its access.

use clap::Args;
use vospace_client::node::{Properties, property};

use crate::output::{self, Status};
use crate::session::Session;
use crate::{complete, groups, update, wildcard};

use mode::Mode;

mod mode;

/// Options of `vchmod`.
#[derive(Debug, Args)]
pub(crate) struct ChmodArgs {
    /// (og|go|o|g)(+|-|=)(rw|wr|r|w), and behind a colon the group: o+r, g-w, g+r:GROUP. Others can only be given read
    mode: Mode,
    /// The node; wildcards are expanded (quote them)
    #[arg(add = complete::nodes())]
    node: String,
    /// For each letter of a mode that gives rights to groups: the group or groups (separated by blanks or commas)
    #[arg(value_name = "GROUPS")]
    groups: Vec<String>,
    /// Change the whole tree, by a job of the service
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

/// Changes rights.
pub(crate) async fn run(session: &Session, args: &ChmodArgs) -> anyhow::Result<Status> {
    let changes = match changes(&args.mode, &args.groups) {
        Ok(changes) => changes,
        Err(text) => {
            output::error(text);
            return Ok(Status::Usage);
        }
    };
    let nodes = std::slice::from_ref(&args.node);
    wildcard::each(session, nodes, async |node, _| {
        let changes = session.groups.identified(&node.uri, &changes)?;
        update::apply(session, node, &changes, args.recursive).await
    })
    .await
}

/// The properties that a mode changes, with groups as the user named them; an `Err` says how to write it instead.
fn changes(mode: &Mode, arguments: &[String]) -> Result<Properties, String> {
    let mut changes = Properties::new();
    if mode.others {
        changes.set(property::IS_PUBLIC, if mode.gives { "true" } else { "false" });
    }
    let lists = mode.letters.iter().map(|letter| match letter {
        'r' => property::GROUP_READ,
        _ => property::GROUP_WRITE,
    });
    let named = match &mode.group {
        Some(_) if !arguments.is_empty() => return Err("the group stands in the mode already; name it once".to_owned()),
        Some(group) => vec![group.clone(); mode.letters.len()],
        None => arguments.to_vec(),
    };
    if !mode.groups || !mode.gives {
        if !named.is_empty() {
            return Err(format!("no group belongs to {}: it takes the right away from all", mode.text));
        }
        if mode.groups {
            lists.for_each(|list| changes.set_nil(list));
        }
        return Ok(changes);
    }
    if named.len() != mode.letters.len() {
        let letters: String = mode.letters.iter().collect();
        return Err(format!(
            "{} group name required for {letters}, {} given; several groups for one letter go in quotes: 'A B'",
            mode.letters.len(),
            named.len()
        ));
    }
    for (list, argument) in lists.zip(&named) {
        changes.set(list, groups::names(argument).collect::<Vec<_>>().join(" "));
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(mode: &str, arguments: &[&str]) -> Result<Vec<(String, Option<String>)>, String> {
        let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
        let changes = changes(&mode.parse::<Mode>()?, &arguments)?;
        let short = |uri: &str| uri.rsplit('#').next().unwrap_or_default().to_owned();
        Ok(changes.iter().map(|(uri, property)| (short(uri), property.value.clone())).collect())
    }

    fn pair(key: &str, value: Option<&str>) -> (String, Option<String>) {
        (key.to_owned(), value.map(str::to_owned))
    }

    #[test]
    fn others_are_a_flag() {
        assert_eq!(changed("o+r", &[]).unwrap(), [pair("ispublic", Some("true"))]);
        assert_eq!(changed("o=r", &[]).unwrap(), [pair("ispublic", Some("true"))]);
        assert_eq!(changed("o-r", &[]).unwrap(), [pair("ispublic", Some("false"))]);
    }

    #[test]
    fn groups_are_lists_one_argument_for_each_letter() {
        let (a, b) = ("A", "B");
        assert_eq!(changed("g+r", &["A"]).unwrap(), [pair("groupread", Some(a))]);
        assert_eq!(changed("g=w", &["A, B"]).unwrap(), [pair("groupwrite", Some(&format!("{a} {b}")))]);
        let both = [pair("groupread", Some(b)), pair("groupwrite", Some(a))];
        assert_eq!(changed("g+wr", &["A", "B"]).unwrap(), both);
        assert_eq!(changed("g+r:A", &[]).unwrap(), [pair("groupread", Some(a))]);
        assert_eq!(changed("g-rw", &[]).unwrap(), [pair("groupread", None), pair("groupwrite", None)]);
    }

    #[test]
    fn wrong_numbers_of_groups_are_refused() {
        for (mode, groups) in [
            ("g+r", &[][..]),
            ("g+rw", &["A"]),
            ("g+r", &["A", "B"]),
            ("g-r", &["A"]),
            ("o+r", &["A"]),
            ("g+r:A", &["B"]),
        ] {
            assert!(changed(mode, groups).is_err(), "{mode} {groups:?}");
        }
    }
}
