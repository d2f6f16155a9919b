//! `vtag`: the properties of nodes.
//!
//! What is printed has the form of the Python command (a dictionary, sorted by key), because scripts read it so.

use std::io::Write as _;

use clap::Args;
use vospace_client::node::{Node, Properties, property};

use crate::output::{self, Status};
use crate::session::Session;
use crate::{complete, json, update, wildcard};

mod python;

/// Options of `vtag`.
#[derive(Debug, Args)]
pub(crate) struct TagArgs {
    /// The node; wildcards are expanded (quote them)
    #[arg(add = complete::nodes())]
    node: String,
    /// KEY shows a property, KEY=VALUE sets it, KEY= removes it; without any, all are shown
    #[arg(value_name = "PROPERTY")]
    properties: Vec<String>,
    /// Remove the properties named
    #[arg(long)]
    remove: bool,
    /// Show all properties as one JSON object a line
    #[arg(long, conflicts_with = "properties")]
    json: bool,
    /// Change the whole tree, by a job of the service
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

/// One of the arguments behind the node.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    Show(String),
    Set(String, String),
    Remove(String),
}

/// Shows and changes properties.
pub(crate) async fn run(session: &Session, args: &TagArgs) -> anyhow::Result<Status> {
    let wishes = match args.properties.iter().map(|text| wish(text, args.remove)).collect::<Result<Vec<_>, _>>() {
        Ok(wishes) if args.remove && wishes.is_empty() => {
            output::error("--remove: name the properties to remove");
            return Ok(Status::Usage);
        }
        Ok(wishes) => wishes,
        Err(text) => {
            output::error(text);
            return Ok(Status::Usage);
        }
    };
    if args.recursive && !wishes.iter().any(|wish| !matches!(wish, Wish::Show(_))) {
        output::error("-R changes the properties of a tree: give KEY=VALUE or --remove KEY");
        return Ok(Status::Usage);
    }
    let nodes = std::slice::from_ref(&args.node);
    wildcard::each(session, nodes, async |node, _| tag(session, node, &wishes, args).await).await
}

fn wish(text: &str, remove: bool) -> Result<Wish, String> {
    let refuse = || format!("{text:?} is no property; write KEY, KEY=VALUE or KEY=");
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key.trim(), Some(value)),
        None => (text.trim(), None),
    };
    if key.is_empty() {
        return Err(refuse());
    }
    let uri = property::of_key(key).into_owned();
    Ok(match value {
        None if remove => Wish::Remove(uri),
        None => Wish::Show(uri),
        Some("") => Wish::Remove(uri),
        Some(_) if remove => return Err(format!("{text:?}: --remove takes keys without values")),
        Some(value) => Wish::Set(uri, value.to_owned()),
    })
}

async fn tag(session: &Session, node: &Node, wishes: &[Wish], args: &TagArgs) -> anyhow::Result<()> {
    let recursive = args.recursive;
    // A listing may lag behind the node.
    let node = session.stat(&node.uri).await?;
    if args.json {
        return print(&json::properties(session, &node).to_string());
    }
    if wishes.is_empty() {
        let pairs = node.properties.iter().filter_map(|(uri, property)| Some((short(uri), property.value.as_deref()?)));
        return print(&python::dictionary(pairs));
    }
    let mut changes = Properties::new();
    for wish in wishes {
        match wish {
            Wish::Show(uri) => print(&shown(&node.properties, uri).map_or("None".to_owned(), python::text))?,
            // What is so already costs no request, and no new date.
            Wish::Set(uri, value) if recursive || node.properties.get(uri) != Some(value) => {
                changes.set(uri.clone(), value.clone());
            }
            Wish::Remove(uri) if recursive || node.properties.get(uri).is_some() => changes.set_nil(uri.clone()),
            Wish::Set(..) | Wish::Remove(_) => {}
        }
    }
    if changes.is_empty() {
        return Ok(());
    }
    update::apply(session, &node, &changes, recursive).await
}

/// The value of a property, also by the name under which the whole list has it.
fn shown<'a>(properties: &'a Properties, uri: &str) -> Option<&'a str> {
    properties.get(uri).or_else(|| properties.get(&format!("{}{uri}", property::CORE)))
}

fn short(uri: &str) -> &str {
    uri.strip_prefix(property::CORE).unwrap_or(uri)
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_list_shows_is_shown_by_its_name() {
        let mut properties = Properties::new();
        for uri in [property::MTIME, property::LENGTH, "custom:k"] {
            properties.set(uri, uri);
            assert_eq!(shown(&properties, &property::of_key(short(uri))), Some(uri));
        }
        assert_eq!(shown(&properties, "none"), None);
    }

    #[test]
    fn arguments_say_what_is_wished() {
        let title = format!("{}title", property::CORE);
        assert_eq!(wish("title", false).unwrap(), Wish::Show(title.clone()));
        assert_eq!(wish("title=a=b", false).unwrap(), Wish::Set(title.clone(), "a=b".to_owned()));
        assert_eq!(wish("title=", false).unwrap(), Wish::Remove(title.clone()));
        assert_eq!(wish("title", true).unwrap(), Wish::Remove(title));
        assert_eq!(wish("quality=1", false).unwrap(), Wish::Set("quality".to_owned(), "1".to_owned()));
        assert!(wish("=x", false).is_err() && wish("", false).is_err() && wish("title=x", true).is_err());
    }
}
