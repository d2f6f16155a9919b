//! Node documents and listings, as a stream.
//!
//! A listing is never held as text: [`ListingReader`] gives one child at a time and keeps nothing. Reading it to the
//! end proves that the document was whole; it does not prove that the *listing* was, because the CADC services close
//! their tags properly when something fails half-way. Whoever lists must know that (see the client's `list`).

use futures_util::FutureExt as _;
use tokio::io::AsyncBufRead;

use super::tree::{Element, Events, Open};
use super::{VOSPACE, VOSPACE_21, XmlError};
use crate::node::{Node, NodeKind, Properties, property};
use crate::uri::VosUri;

/// How a document is written, for who writes one to the same service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manner {
    /// The namespace of its elements.
    pub namespace: &'static str,
    /// The node's URI as it stands there.
    pub uri: String,
}

/// Reads a document with one node. Children, if there are any, are read over and must be well-formed.
///
/// # Errors
/// [`XmlError`] when it is not one whole, well-formed node document.
pub fn read_node(bytes: &[u8]) -> Result<Node, XmlError> {
    Ok(read_node_and_manner(bytes)?.0)
}

/// The same, and how it is written.
///
/// # Errors
/// As [`read_node`].
pub fn read_node_and_manner(bytes: &[u8]) -> Result<(Node, Manner), XmlError> {
    let work = async {
        let mut reader = ListingReader::new(bytes);
        let node = reader.container().await?;
        while reader.skip_child().await? {}
        Ok((node, reader.manner))
    };
    // A slice is always ready, so the future finishes at its first poll.
    work.now_or_never().expect("invariant: reading from memory never waits")
}

/// Streams a container with its children: first [`ListingReader::container`], then [`ListingReader::next`] until it
/// gives none.
#[derive(Debug)]
pub struct ListingReader<R> {
    events: Events<R>,
    state: State,
    manner: Manner,
    child: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing read yet.
    Start,
    /// Within `nodes`.
    Children,
    /// The document was read to its end.
    End,
}

impl<R: AsyncBufRead + Unpin> ListingReader<R> {
    /// Reads from `source` as it is asked to.
    pub fn new(source: R) -> Self {
        ListingReader {
            events: Events::new(source),
            state: State::Start,
            manner: Manner::default(),
            child: String::new(),
        }
    }

    /// How the document is written; known after [`ListingReader::container`].
    pub fn manner(&self) -> &Manner {
        &self.manner
    }

    /// The URI of the child that was given last, as it stands there.
    pub fn child_uri(&self) -> &str {
        &self.child
    }

    /// Reads the node itself, up to its first child. To be called once, first; it works for nodes of every kind.
    ///
    /// # Errors
    /// [`XmlError`] when the document is broken or no node.
    pub async fn container(&mut self) -> Result<Node, XmlError> {
        let Some(Open { element: mut root, empty }) = self.events.open().await? else {
            return Err(XmlError::Missing("root element"));
        };
        let Some(namespace) =
            [VOSPACE, VOSPACE_21].into_iter().find(|known| root.name == "node" && root.namespace == *known)
        else {
            return Err(XmlError::Unexpected { expected: "VOSpace node", found: root.name.into_owned() });
        };
        self.manner = Manner { namespace, uri: root.attribute("uri").unwrap_or_default().to_owned() };
        self.state = State::End;
        let mut open = !empty;
        while open {
            let Some(Open { element: mut child, empty }) = self.events.open().await? else {
                break;
            };
            if child.name == "nodes" && !empty {
                self.state = State::Children;
                open = false;
            } else {
                if !empty {
                    self.events.fill(&mut child).await?;
                }
                root.children.push(child);
            }
        }
        if self.state == State::End {
            self.events.end().await?;
        }
        to_node(&root, Place::Root)
    }

    /// The next child; none when the list, and the document, came to their proper end.
    ///
    /// # Errors
    /// [`XmlError`] when the document breaks off or is otherwise broken: what was read so far is then not a listing.
    pub async fn next(&mut self) -> Result<Option<Node>, XmlError> {
        let Some(element) = self.next_element().await? else { return Ok(None) };
        self.child.clear();
        self.child.push_str(element.attribute("uri").unwrap_or_default());
        to_node(&element, Place::Child).map(Some)
    }

    async fn skip_child(&mut self) -> Result<bool, XmlError> {
        Ok(self.next_element().await?.is_some())
    }

    async fn next_element(&mut self) -> Result<Option<Element>, XmlError> {
        match self.state {
            State::Start => {
                self.container().await?;
                return Box::pin(self.next_element()).await;
            }
            State::End => return Ok(None),
            State::Children => {}
        }
        if let Some(Open { mut element, empty }) = self.events.open().await? {
            if !empty {
                self.events.fill(&mut element).await?;
            }
            return Ok(Some(element));
        }
        // The end of `nodes`. What may follow it in the node is read over.
        while let Some(Open { mut element, empty }) = self.events.open().await? {
            if !empty {
                self.events.fill(&mut element).await?;
            }
        }
        self.events.end().await?;
        self.state = State::End;
        Ok(None)
    }
}

/// Where a node stands in its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    /// Within a listing, where services may leave out the target of a link (pyvospace, observed): it is then empty. A name that
    /// cannot be read hides none of the others: [`VosUri::of_child`].
    Child,
}

fn to_node(element: &Element, place: Place) -> Result<Node, XmlError> {
    if element.name != "node" {
        return Err(XmlError::Unexpected { expected: "node", found: element.name.to_string() });
    }
    let written = element.attribute("uri").ok_or(XmlError::Missing("node uri"))?;
    let uri = match place {
        Place::Root => VosUri::from_wire(written),
        Place::Child => VosUri::of_child(written),
    }?;
    let kind = match element.xsi_type.as_deref() {
        Some("ContainerNode") => NodeKind::Container,
        Some("DataNode" | "UnstructuredDataNode" | "StructuredDataNode") => {
            NodeKind::Data { busy: matches!(element.attribute("busy"), Some("true" | "1")) }
        }
        Some("LinkNode") => {
            let target = element.child_text("target").or((place == Place::Child).then_some(""));
            NodeKind::Link { target: target.ok_or(XmlError::Missing("link target"))?.to_owned() }
        }
        Some(other) => return Err(XmlError::Value { what: "node type", value: other.to_owned() }),
        None => return Err(XmlError::Missing("xsi:type of a node")),
    };
    let mut properties = Properties::new();
    for item in element.child("properties").into_iter().flat_map(|list| list.children("property")) {
        let uri = property::as_sent(item.attribute("uri").ok_or(XmlError::Missing("property uri"))?);
        if item.nil {
            properties.set_nil(uri);
        } else if matches!(item.attribute("readOnly"), Some("true" | "1")) {
            properties.set_read_only(uri, item.text.clone());
        } else {
            properties.set(uri, item.text.clone());
        }
    }
    Ok(Node { uri, kind, properties })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{XSI, write};

    const LISTING: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    uri="vos://bench.example~vault/team" xsi:type="vos:ContainerNode">
  <vos:properties>
    <vos:property uri="ivo://ivoa.net/vospace/core#creator" readOnly="true">jdoe</vos:property>
  </vos:properties>
  <vos:nodes>
    <vos:node uri="vos://bench.example~vault/team/a%20b" xsi:type="vos:DataNode" busy="true">
      <vos:properties>
        <vos:property uri="ivo://ivoa.net/vospace/core#length" readOnly="true">2880</vos:property>
        <vos:property uri="ivo://ivoa.net/vospace/core#title">&lt;a&amp;&#xe9;<![CDATA[<b>]]></vos:property>
      </vos:properties>
      <vos:accepts/><vos:provides><vos:view uri="x"/></vos:provides>
    </vos:node>
    <vos:node uri="vos://bench.example~vault/team/sub" xsi:type="vos:ContainerNode"><vos:properties/><vos:nodes/></vos:node>
    <vos:node uri="vos://bench.example!vault/team/ln" xsi:type="vos:LinkNode">
      <vos:properties/><vos:target>vos://bench.example~vault/team/a.fits</vos:target>
    </vos:node>
  </vos:nodes>
</vos:node>
"#;

    async fn list(text: &str) -> Result<(Node, Vec<Node>), XmlError> {
        let mut reader = ListingReader::new(text.as_bytes());
        let container = reader.container().await?;
        let mut children = Vec::new();
        while let Some(node) = reader.next().await? {
            children.push(node);
        }
        assert_eq!(reader.next().await, Ok(None));
        Ok((container, children))
    }

    #[tokio::test]
    async fn a_listing_is_read_child_by_child() {
        let (container, children) = list(LISTING).await.unwrap();
        assert!(container.is_container());
        assert_eq!(container.properties.creator(), Some("jdoe"));
        let names: Vec<&str> = children.iter().map(|node| node.uri.name()).collect();
        assert_eq!(names, ["a b", "sub", "ln"]);
        assert_eq!(children[0].kind, NodeKind::Data { busy: true });
        assert_eq!(children[0].properties.length(), Some(2880));
        assert_eq!(children[0].properties.get(property::TITLE), Some("<a&é<b>"));
        assert_eq!(children[2].kind, NodeKind::Link { target: "vos://bench.example~vault/team/a.fits".to_owned() });
        assert_eq!(read_node(LISTING.as_bytes()).unwrap(), container);
    }

    #[tokio::test]
    async fn a_child_with_a_name_that_is_no_encoding_hides_none_of_the_others() {
        for name in ["%2F", "%FF", "%2e%2e"] {
            let (_, children) = list(&LISTING.replace("team/sub", &format!("team/{name}"))).await.unwrap();
            let names: Vec<&str> = children.iter().map(|node| node.uri.name()).collect();
            assert_eq!(names, ["a b", name, "ln"]);
        }
        for name in ["..", ".", "../../x"] {
            assert!(list(&LISTING.replace("team/sub", &format!("team/{name}"))).await.is_err(), "{name}");
        }
        assert!(read_node(LISTING.replace("/team\"", "/%2F\"").as_bytes()).is_err());
    }

    /// Most services keep them, a Cavern forgets that they were others.
    #[tokio::test]
    async fn structured_and_unstructured_data_are_files() {
        for kind in ["UnstructuredDataNode", "StructuredDataNode"] {
            let text = LISTING.replace("vos:DataNode", &format!("vos:{kind}"));
            assert_eq!(list(&text).await.unwrap(), list(LISTING).await.unwrap(), "{kind}");
            let alone = format!(r#"<n:node xmlns:n="{VOSPACE}" xmlns:x="{XSI}" uri="vos://a~b/c" x:type="n:{kind}"/>"#);
            assert_eq!(read_node(alone.as_bytes()).unwrap().kind, NodeKind::Data { busy: false });
        }
    }

    #[tokio::test]
    async fn a_listing_cut_anywhere_is_an_error() {
        let end = LISTING.trim_end().len();
        for cut in (0..end).filter(|cut| LISTING.is_char_boundary(*cut)) {
            assert!(list(&LISTING[..cut]).await.is_err(), "cut at {cut}: {}", &LISTING[..cut]);
        }
        assert!(list(&LISTING[..end]).await.is_ok());
        assert_eq!(list(&LISTING[..end - 20]).await.unwrap_err(), XmlError::Truncated);
    }

    #[test]
    fn default_namespace_and_other_prefixes_are_read() {
        let text = r#"<node xmlns="http://www.ivoa.net/xml/VOSpace/v2.0" xmlns:v="http://www.ivoa.net/xml/VOSpace/v2.0"
            xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:type="v:DataNode" uri="vos://a~b/c" version="2.1">
            <properties><v:property uri="k" x:nil="true"/></properties></node>"#;
        let node = read_node(text.as_bytes()).unwrap();
        assert_eq!(node.kind, NodeKind::Data { busy: false });
        assert_eq!(node.properties.property("k").unwrap().value, None);
        assert_eq!(
            read_node(
                LISTING
                    .replace("vos:", "q:")
                    .replace("xmlns:q:", "xmlns:vos:")
                    .replace("xmlns:vos=", "xmlns:q=")
                    .replace("\"q://", "\"vos://")
                    .replace(">q://", ">vos://")
                    .as_bytes()
            )
            .unwrap()
            .properties
            .len(),
            1
        );
    }

    #[tokio::test]
    async fn either_namespace_is_read_and_told() {
        let (_, manner) = read_node_and_manner(LISTING.as_bytes()).unwrap();
        assert_eq!((manner.namespace, manner.uri.as_str()), (VOSPACE, "vos://bench.example~vault/team"));
        let other = LISTING.replace("VOSpace/v2.0", "VOSpace/v2.1").replace("example~vault", "example!vault/");
        let (node, manner) = read_node_and_manner(other.as_bytes()).unwrap();
        assert_eq!((manner.namespace, manner.uri.as_str()), (VOSPACE_21, "vos://bench.example!vault//team"));
        assert_eq!(node.uri.path(), "/team");
        assert_eq!(list(&other).await.unwrap().1.len(), 3);
    }

    #[tokio::test]
    async fn a_link_in_a_listing_may_lack_its_target_but_not_one_by_itself() {
        let without = LISTING.replace("<vos:target>vos://bench.example~vault/team/a.fits</vos:target>", "");
        let (_, children) = list(&without).await.unwrap();
        assert_eq!(children[2].kind, NodeKind::Link { target: String::new() });
        let alone = without.replacen("vos:ContainerNode", "vos:LinkNode", 1);
        assert_eq!(read_node(alone.as_bytes()), Err(XmlError::Missing("link target")));
    }

    #[test]
    fn a_property_that_comes_back_prefixed_is_the_one_that_was_sent() {
        let text = LISTING.replace("core#creator", "core#ivo://my.example/x#y");
        let node = read_node(text.as_bytes()).unwrap();
        assert_eq!(node.properties.get("ivo://my.example/x#y"), Some("jdoe"));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let bomb = format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{}", LISTING.split_once("?>").unwrap().1);
        assert_eq!(read_node(bomb.as_bytes()), Err(XmlError::DocType));
        let entity = LISTING.replace("jdoe", "&jdoe;");
        assert!(matches!(read_node(entity.as_bytes()), Err(XmlError::Malformed(_))));
        for illegal in ["\u{1}", "&#1;", "\u{ffff}", "<![CDATA[\u{8}]]>"] {
            let text = LISTING.replace("jdoe", illegal);
            assert!(matches!(read_node(text.as_bytes()), Err(XmlError::Malformed(_))), "{illegal:?}");
        }
        for illegal in ["core#<b>creator", "core#\u{19}creator", "core#&#25;creator"] {
            let text = LISTING.replace("core#creator", illegal);
            assert!(matches!(read_node(text.as_bytes()), Err(XmlError::Malformed(_))), "{illegal:?}");
        }
        let long = LISTING.replace("jdoe", &"x".repeat(3 << 20));
        assert_eq!(read_node(long.as_bytes()), Err(XmlError::TooLarge("2 MiB")));
        let deep = LISTING.replace("jdoe", &"<d>".repeat(100));
        assert_eq!(read_node(deep.as_bytes()), Err(XmlError::TooLarge("32 levels")));
        let other = LISTING.replace("VOSpace/v2.0", "VOSpace/v9");
        assert!(matches!(read_node(other.as_bytes()), Err(XmlError::Unexpected { .. })));
        for text in ["", "hello", "<html></html>", "<vos:node/>", "\u{feff}", "<a/><b/>"] {
            assert!(read_node(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read_node(&[0xff, 0xfe, 0x00]).is_err());
        let doubled = format!("{LISTING}{LISTING}");
        assert!(read_node(doubled.as_bytes()).is_err());
        let bad_type = LISTING.replace("vos:LinkNode", "vos:Node");
        assert!(read_node(bad_type.as_bytes()).is_ok(), "children of a single node are not looked at");
    }

    #[tokio::test]
    async fn what_the_writer_writes_is_read_back() {
        let mut container = Node::container(VosUri::new("a~b", "/c"));
        container.properties.set(property::TITLE, " <&>\"'\r\n\té ");
        container.properties.set_nil(property::GROUP_READ);
        container.properties.set_read_only(property::CREATOR, "me");
        let mut child = Node::data(VosUri::new("a~b", "/c/d;e é"));
        child.kind = NodeKind::Link { target: "http://x/y?a=b&c".to_owned() };
        let text = write::node(&container, [&child].into_iter());
        let (read, children) = list(&text).await.unwrap();
        assert_eq!((read, children), (container, vec![child]));
    }
}
