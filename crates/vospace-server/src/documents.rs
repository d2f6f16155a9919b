//! Documents of nodes as a service writes them.
//!
//! What a node *is* comes from the space; here are its looks: namespace, form of the URIs, how much of children is shown.
//! [`open`], [`child`] and [`close`] are the pieces of a listing that is streamed. The writer never asks the store.

use crate::profile::documents::{Namespace, OwnKeys};
use crate::space::Space;
use std::fmt::Write as _;
use vospace_client::node::{Node, NodeKind, property};
use vospace_client::xml::write::escape;
use vospace_client::xml::{VOSPACE, XSI};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// Under this key, which no document can name, a node has the type that it is to be shown as, where files of several
/// types are kept apart.
pub const TYPE: &str = "xsi:type";

/// A whole document, without children.
pub fn whole(space: &Space, node: &Node) -> String {
    open(space, node) + close(node)
}

/// The beginning of a document, up to where the first child of a container goes.
pub fn open(space: &Space, node: &Node) -> String {
    let namespace = space.profile.documents.namespace.uri();
    let mut text = DECLARATION.to_owned();
    begin(&mut text, space, &format!(" xmlns:vos=\"{namespace}\" xmlns:xsi=\"{XSI}\""), node, false);
    text
}

/// One child, with its own (empty) list of children if it is a container; a bare one has no target either.
pub fn child(space: &Space, node: &Node, bare: bool) -> String {
    let mut text = String::new();
    begin(&mut text, space, "", node, bare);
    text.push_str(close(node));
    text
}

/// The end that belongs to [`open`].
pub fn close(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::Container => "</vos:nodes></vos:node>\n",
        NodeKind::Data { .. } | NodeKind::Link { .. } => "</vos:node>\n",
    }
}

/// A document that was written in the common namespace, in that of the service.
pub fn in_namespace(space: &Space, text: String) -> String {
    match space.profile.documents.namespace {
        Namespace::V20 => text,
        Namespace::V21 => text.replace(VOSPACE, Namespace::V21.uri()),
    }
}

fn begin(text: &mut String, space: &Space, namespaces: &str, node: &Node, bare: bool) {
    let (kind, busy) = match node.kind {
        NodeKind::Container => ("ContainerNode", ""),
        NodeKind::Data { busy: true } => ("DataNode", " busy=\"true\""),
        NodeKind::Data { busy: false } => ("DataNode", " busy=\"false\""),
        NodeKind::Link { .. } => ("LinkNode", ""),
    };
    let kind = node.properties.get(TYPE).unwrap_or(kind);
    let uri = escape(&space.written(&node.uri));
    push(text, format_args!("<vos:node{namespaces} uri=\"{uri}\" xsi:type=\"vos:{kind}\"{busy}><vos:properties>"));
    let prefixed = space.profile.documents.own_keys == OwnKeys::Prefixed;
    for (uri, entry) in node.properties.iter().filter(|(uri, _)| *uri != TYPE) {
        let prefix = if prefixed && !uri.starts_with(property::CORE) { property::CORE } else { "" };
        push(text, format_args!("\n<vos:property uri=\"{prefix}{}\"", escape(uri)));
        if entry.read_only {
            text.push_str(" readOnly=\"true\"");
        }
        match &entry.value {
            Some(value) => push(text, format_args!(">{}</vos:property>", escape(value))),
            None => text.push_str(" xsi:nil=\"true\"/>"),
        }
    }
    text.push_str("</vos:properties>\n");
    match &node.kind {
        NodeKind::Container => text.push_str("<vos:nodes>"),
        NodeKind::Data { .. } => text.push_str("<vos:accepts/><vos:provides/>"),
        NodeKind::Link { .. } if bare => {}
        NodeKind::Link { target } => push(text, format_args!("<vos:target>{}</vos:target>", escape(target))),
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("invariant: writing to a String cannot fail");
}
