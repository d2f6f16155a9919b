//! Documents of requests, read as a service reads them: strictly, carelessly, or only in the form that its own client sends.
//!
//! What a service does not find in a document it may refuse, fail at, or pass over in silence; the last is how properties
//! are lost. Everything is brought into the common form here, and read by the one reader of documents after that.

use crate::documents::TYPE;
use crate::fault::{Fault, FaultKind};
use crate::profile::documents::{FileTypes, OtherNamespace};
use crate::profile::transfers::{Announced, Https};
use crate::routes::encoding;
use crate::space::Space;
use vospace_client::node::{Node, NodeKind, Properties};
use vospace_client::uri::VosUri;
use vospace_client::xml::read;
use vospace_client::xml::transfer::{self, Direction, Transfer};
use vospace_client::xml::{VOSPACE, XmlError};

/// The types that the standard has beside the plain file.
const STRUCTURED: [&str; 2] = ["vos:StructuredDataNode", "vos:UnstructuredDataNode"];

/// What is said to a document in which there is no target.
const NO_TARGET: &str = "vos:target not found";

/// A node document, and the type that it names if that is echoed and not kept.
pub fn node(bytes: &[u8], space: &Space) -> Result<(Node, Option<&'static str>), Fault> {
    let habits = &space.profile.documents;
    let text = encoding::text(bytes)?;
    if habits.self_closing_fails && root_of(&text).ends_with('/') {
        return Err(Fault::internal("the root has no content"));
    }
    let (text, emptied) = common(text, space)?;
    if text.contains("type=\"vos:Node\"") {
        return Err(Fault::new(FaultKind::TypeNotSupported, "vos:Node"));
    }
    let bare = |kind: &&str| text.contains(&format!("type=\"{kind}\""));
    if habits.validated && ["ContainerNode", "DataNode", "LinkNode"].iter().any(bare) {
        return Err(Fault::internal("java.lang.ArrayIndexOutOfBoundsException: Index 1 out of bounds for length 1"));
    }
    let kind = STRUCTURED.into_iter().find(|kind| text.contains(&format!("type=\"{kind}\"")));
    let text = match kind {
        Some(kind) if habits.file_types == FileTypes::Refused => {
            let class = kind.trim_start_matches("vos:");
            return Err(Fault::plain(400, format!("BUG: no table/columns for class {class}")));
        }
        Some(kind) => text.replace(kind, "vos:DataNode"),
        None => text,
    };
    let text = if space.profile.names.raw_in_documents { with_raw_uri(&text) } else { text };
    let mut node = read::read_node(text.as_bytes()).map_err(|error| malformed(space, &error))?;
    let ends_name = |rest: &str| rest.starts_with(|c: char| c == '>' || c == '/' || c.is_whitespace());
    if habits.validated && node.is_container() && !text.split("nodes").skip(1).any(ends_name) {
        return Err(Fault::argument("invalid input: XML failed schema validation: ContainerNode without nodes"));
    }
    if emptied {
        if matches!(node.kind, NodeKind::Link { .. }) {
            return Err(Fault::argument(NO_TARGET));
        }
        node.properties = Properties::new();
    }
    if !habits.authority_compared {
        let path = space.path_of(&format!("vos://{}{}", space.authority(), node.uri.path()))?;
        node.uri = VosUri::new(space.authority(), &path);
    }
    match kind {
        Some(kind) if habits.file_types == FileTypes::Kept => {
            node.properties.set(TYPE, kind.trim_start_matches("vos:"));
            Ok((node, None))
        }
        kind => Ok((node, kind)),
    }
}

/// A transfer document.
pub fn transfer(bytes: &[u8], space: &Space) -> Result<Transfer, Fault> {
    let habits = &space.profile.transfers;
    let text = encoding::text(bytes)?;
    if habits.announced == Announced::Form {
        let root = root_of(&text);
        let first = root.split_whitespace().nth(1).unwrap_or_default();
        if text.trim_start().starts_with("<?") || !first.starts_with("xmlns") {
            return Err(Fault::internal("the name of a field is no document"));
        }
    }
    let (text, emptied) = common(text, space)?;
    if emptied {
        return Err(Fault::argument(NO_TARGET));
    }
    let transfer = transfer::read(text.as_bytes()).map_err(|error| malformed_transfer(space, &error))?;
    let is_https = |uri: &str| uri.ends_with("#httpsput") || uri.ends_with("#httpsget");
    let bytes_pass = matches!(transfer.direction, Direction::PushToVoSpace | Direction::PullFromVoSpace);
    match transfer.protocols.iter().find(|protocol| is_https(&protocol.uri)) {
        Some(protocol) if bytes_pass && habits.https == Https::Refused => {
            Err(Fault::plain(400, format!("Protocol Not Supported. {}", protocol.uri)))
        }
        _ => Ok(transfer),
    }
}

/// A document in the common namespace, and whether nothing in it is found because it was in another one than the
/// service's.
fn common(text: String, space: &Space) -> Result<(String, bool), Fault> {
    let habits = &space.profile.documents;
    let (own, other) = (habits.namespace.uri(), habits.namespace.other().uri());
    if text.contains(own) || !text.contains(other) {
        return Ok((if own == VOSPACE { text } else { text.replace(own, VOSPACE) }, false));
    }
    match habits.other_namespace {
        OtherNamespace::Refused => {
            let what = format!("invalid input: XML failed schema validation: unknown namespace {other}");
            Err(Fault::argument(what))
        }
        OtherNamespace::Fails => Err(Fault::internal(format!("unknown namespace {other}"))),
        OtherNamespace::Emptied => Ok((text.replace(other, VOSPACE), true)),
    }
}

fn malformed(space: &Space, error: &XmlError) -> Fault {
    match space.profile.documents.malformed_fails {
        true => Fault::internal(error),
        false => Fault::argument(format!("invalid input: XML failed schema validation: {error}")),
    }
}

fn malformed_transfer(space: &Space, error: &XmlError) -> Fault {
    match space.profile.documents.malformed_fails {
        true => Fault::internal(error),
        false => Fault::argument(format!("invalid input: {error}")),
    }
}

/// What stands between the brackets of the root element's first tag.
fn root_of(text: &str) -> &str {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, behind) = after.split_once('>').unwrap_or((after, ""));
        if !tag.starts_with(['?', '!']) {
            return tag;
        }
        rest = behind;
    }
    ""
}

/// The document with the URI of its root written so that the reader, which decodes it, comes to the same text again.
fn with_raw_uri(text: &str) -> String {
    let root = root_of(text);
    let Some((before, value)) = root.split_once(" uri=\"") else { return text.to_owned() };
    let (uri, after) = value.split_once('"').unwrap_or((value, ""));
    text.replacen(root, &format!("{before} uri=\"{}\"{after}", uri.replace('%', "%25")), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_behind_declaration_and_comment() {
        assert_eq!(root_of("<?xml version='1.0'?><!-- a --><v:node a='b'/><x>"), "v:node a='b'/");
        assert_eq!(root_of("nothing"), "");
        assert_eq!(with_raw_uri("<n uri=\"vos://a!b/c%20d\" x=\"%\">"), "<n uri=\"vos://a!b/c%2520d\" x=\"%\">");
    }
}
