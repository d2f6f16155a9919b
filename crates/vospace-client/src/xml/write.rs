//! Node documents as the CADC services write them: prefix `vos`, properties in the order of their URIs.
//!
//! [`node_open`], [`node_child`] and [`node_close`] are the pieces of a listing, for a server that streams it. What a
//! client sends is [`request_node`]: only what changes, and the URI in the form that services compare.

use std::fmt::Write as _;

use super::{VOSPACE, XSI};
use crate::node::{Node, NodeKind, Properties};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A whole document: the node, and for a container its children.
pub fn node<'a>(node: &Node, children: impl Iterator<Item = &'a Node>) -> String {
    let mut text = node_open(node);
    for child in children {
        text.push_str(&node_child(child));
    }
    text.push_str(node_close(node));
    text
}

/// The beginning of a document, up to where the first child of a container goes.
#[must_use]
pub fn node_open(node: &Node) -> String {
    let namespaces = format!(" xmlns:vos=\"{VOSPACE}\" xmlns:xsi=\"{XSI}\"");
    let mut text = DECLARATION.to_owned();
    begin(&mut text, &namespaces, &node.uri.to_wire(), &node.kind, &node.properties, true);
    text
}

/// One child, with its own (empty) list of children if it is a container.
#[must_use]
pub fn node_child(node: &Node) -> String {
    let mut text = String::new();
    begin(&mut text, "", &node.uri.to_wire(), &node.kind, &node.properties, true);
    text.push_str(node_close(node));
    text
}

/// The end that belongs to [`node_open`].
#[must_use]
pub fn node_close(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::Container => "</vos:nodes></vos:node>\n",
        NodeKind::Data { .. } | NodeKind::Link { .. } => "</vos:node>\n",
    }
}

/// The document of a request that creates or changes a node; `uri` as the service wants it. There is no XML declaration,
/// no element that closes itself at the root, and a container always has its list of children: services refuse one or
/// the other and none needs it (Astro Data Lab, Cavern, observed).
#[must_use]
pub fn request_node(namespace: &str, uri: &str, kind: &NodeKind, properties: &Properties) -> String {
    let namespaces = format!(" xmlns:vos=\"{namespace}\" xmlns:xsi=\"{XSI}\"");
    let mut text = String::new();
    begin(&mut text, &namespaces, uri, kind, properties, false);
    text.push_str(match kind {
        NodeKind::Container => "</vos:nodes></vos:node>\n",
        NodeKind::Data { .. } | NodeKind::Link { .. } => "</vos:node>\n",
    });
    text
}

fn begin(text: &mut String, namespaces: &str, uri: &str, kind: &NodeKind, properties: &Properties, views: bool) {
    let (kind_name, busy) = match kind {
        NodeKind::Container => ("ContainerNode", ""),
        NodeKind::Data { busy: true } => ("DataNode", " busy=\"true\""),
        NodeKind::Data { busy: false } => ("DataNode", " busy=\"false\""),
        NodeKind::Link { .. } => ("LinkNode", ""),
    };
    push(text, format_args!("<vos:node{namespaces} uri=\"{}\" xsi:type=\"vos:{kind_name}\"{busy}>", escape(uri)));
    text.push_str("<vos:properties>");
    for (uri, property) in properties.iter() {
        push(text, format_args!("\n<vos:property uri=\"{}\"", escape(uri)));
        if property.read_only {
            text.push_str(" readOnly=\"true\"");
        }
        match &property.value {
            Some(value) => push(text, format_args!(">{}</vos:property>", escape(value))),
            None => text.push_str(" xsi:nil=\"true\"/>"),
        }
    }
    text.push_str("</vos:properties>\n");
    match kind {
        NodeKind::Container => text.push_str("<vos:nodes>"),
        NodeKind::Data { .. } if views => text.push_str("<vos:accepts/><vos:provides/>"),
        NodeKind::Data { .. } => {}
        NodeKind::Link { target } => push(text, format_args!("<vos:target>{}</vos:target>", escape(target))),
    }
}

pub(super) fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.write_fmt(arguments).expect("invariant: writing to a String cannot fail");
}

/// Escapes for content and for attributes. White space other than the blank goes as character references, or a reader
/// would normalise it; characters that XML 1.0 cannot express become U+FFFD.
#[must_use]
pub fn escape(value: &str) -> String {
    let mut text = String::with_capacity(value.len() + 8);
    for character in value.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            '\t' => text.push_str("&#9;"),
            '\n' => text.push_str("&#10;"),
            '\r' => text.push_str("&#13;"),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => text.push('\u{fffd}'),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_what_every_service_takes() {
        let request = |kind: NodeKind| request_node("urn:x", "vos://a~b/é;c", &kind, &Properties::new());
        let link = NodeKind::Link { target: "vos://a~b/d".to_owned() };
        for kind in [NodeKind::Data { busy: false }, NodeKind::Container, link] {
            let text = request(kind);
            assert!(
                text.starts_with("<vos:node xmlns:vos=\"urn:x\" xmlns:xsi="),
                "no declaration, xmlns first: {text}"
            );
            assert!(text.trim_end().ends_with("</vos:node>"), "no root that closes itself: {text}");
            assert!(text.contains("uri=\"vos://a~b/é;c\"") && !text.contains("accepts"), "{text}");
        }
        assert!(request(NodeKind::Container).contains("<vos:nodes></vos:nodes>"));
    }

    #[test]
    fn what_xml_cannot_say_is_replaced() {
        assert_eq!(escape("a\x01\u{fffe}\r<"), "a\u{fffd}\u{fffd}&#13;&lt;");
    }
}
