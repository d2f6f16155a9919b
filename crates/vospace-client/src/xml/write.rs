//! Node documents as the CADC services write them: prefix `vos`, properties in the order of their URIs.
//!
//! [`node_open`], [`node_child`] and [`node_close`] are the pieces of a listing, for a server that streams it. What a
//! client sends is [`request_node`]: only what changes, and the URI in the form that services compare.

use std::fmt::Write as _;

use super::{VOSPACE, XSI};
use crate::node::{Node, NodeKind, Properties};
use crate::uri::{UriError, VosUri};

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

/// The document of a request that creates or changes a node.
///
/// # Errors
/// [`UriError`] when the URI has a name that no service can address.
pub fn request_node(uri: &VosUri, kind: &NodeKind, properties: &Properties) -> Result<String, UriError> {
    let namespaces = format!(" xmlns:vos=\"{VOSPACE}\" xmlns:xsi=\"{XSI}\"");
    let mut text = DECLARATION.to_owned();
    begin(&mut text, &namespaces, &uri.to_document()?, kind, properties, false);
    text.push_str(match kind {
        NodeKind::Container => "</vos:nodes></vos:node>\n",
        NodeKind::Data { .. } | NodeKind::Link { .. } => "</vos:node>\n",
    });
    Ok(text)
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
pub(super) fn escape(value: &str) -> String {
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
    fn a_request_has_no_views_and_names_the_node_unescaped() {
        let uri = VosUri::new("a~b", "/é;c");
        let text = request_node(&uri, &NodeKind::Data { busy: false }, &Properties::new()).unwrap();
        assert!(text.contains("uri=\"vos://a~b/é;c\"") && !text.contains("accepts"), "{text}");
        let text = request_node(&uri, &NodeKind::Container, &Properties::new()).unwrap();
        assert!(text.contains("<vos:nodes></vos:nodes>"), "{text}");
        assert!(request_node(&VosUri::new("a~b", "/x#y"), &NodeKind::Container, &Properties::new()).is_err());
    }

    #[test]
    fn what_xml_cannot_say_is_replaced() {
        assert_eq!(escape("a\x01\u{fffe}\r<"), "a\u{fffd}\u{fffd}&#13;&lt;");
    }
}
