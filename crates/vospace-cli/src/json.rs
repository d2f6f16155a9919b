//! Nodes for programs: one JSON object a line, with the names that the options of the commands use.

use serde_json::{Value, json};
use vospace_client::node::{Node, NodeKind, Property, property};

use crate::session::Session;

/// A node with what `vls -l` shows of it.
pub(crate) fn node(session: &Session, node: &Node) -> Value {
    let properties = &node.properties;
    let (kind, target) = match &node.kind {
        NodeKind::Container => ("container", None),
        NodeKind::Data { .. } => ("data", None),
        NodeKind::Link { target } => ("link", Some(target)),
    };
    json!({
        "uri": node.uri.to_wire(),
        "node": session.name(&node.uri),
        "name": node.uri.name(),
        "type": kind,
        "target": target,
        "length": properties.length(),
        "md5": properties.md5().map(|md5| md5.to_string()),
        "date": properties.date().map(|date| date.to_string()),
        "creator": properties.get(property::CREATOR),
        "public": properties.is_public(),
        "locked": properties.is_locked(),
        "groupread": properties.group_read(),
        "groupwrite": properties.group_write(),
    })
}

/// All properties of a node.
pub(crate) fn properties(session: &Session, node: &Node) -> Value {
    let value = |property: &Property| property.value.clone();
    let properties: serde_json::Map<String, Value> =
        node.properties.iter().map(|(uri, property)| (uri.to_owned(), value(property).into())).collect();
    json!({ "node": session.name(&node.uri), "properties": properties })
}
