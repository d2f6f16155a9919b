//! What is known of nodes, listings and names.

use futures_util::TryStreamExt as _;

use super::{count, forcing, section};
use crate::ErrorKind;
use crate::client::Client;
use crate::dialect::Learned;
use crate::node::{Md5, Node, NodeKind, Properties, property};
use crate::testing::{Reply, Stub, refused, uri};
use crate::xml::write;

fn shown(node: &Node, children: &[Node]) -> Reply {
    Reply::ok(write::node(node, children.iter()))
}

/// A file that tells all of itself.
fn file(path: &str) -> Node {
    let mut node = Node::data(uri(path));
    node.properties.set(property::LENGTH, "4");
    node.properties.set(property::MD5, Md5([7; 16]).to_string());
    node.properties.set(property::DATE, "2026-01-01T00:00:00.000");
    node
}

#[tokio::test]
async fn ranges() {
    // The service gives the whole, which shows that it has none.
    for (value, ranges) in [("yes", 2), ("no", 0)] {
        let stub = Stub::service(|_, _| Reply::ok("0123")).await;
        let client = forcing(&stub, "ranges", value);
        for _ in 0..2 {
            client.open(&uri("/a"), Some(1..3)).await.unwrap();
        }
        assert_eq!(count(&stub, |seen| seen.header("range").is_some()), ranges, "{value}");
    }
}

#[tokio::test]
async fn paging() {
    let children = || [file("/c/a"), file("/c/b")];
    let listing = write::node(&Node::container(uri("/c")), children().iter());
    let begun = listing[..listing.rfind("<vos:node ").unwrap()].to_owned();
    // One that breaks off is taken up again where there are pages, before that is seen.
    let stub = Stub::service(move |seen, _| match seen.target.contains("uri=") {
        true if seen.target.contains("limit=2") => shown(&Node::container(uri("/c")), &children()[1..]),
        true => shown(&Node::container(uri("/c")), &children()),
        false => Reply::Raw(format!("HTTP/1.1 200 X\r\nContent-Length: 99999\r\n\r\n{begun}").into_bytes()),
    })
    .await;
    let listed: Vec<Node> = forcing(&stub, "paging", "yes").list(&uri("/c")).try_collect().await.unwrap();
    assert_eq!(listed.iter().map(|node| node.uri.name()).collect::<Vec<_>>(), ["a", "b"], "{:?}", stub.lines());
    let stub = Stub::service(move |_, _| shown(&Node::container(uri("/c")), &[file("/c/a")])).await;
    let listed: Vec<Node> = forcing(&stub, "paging", "no").list(&uri("/c")).try_collect().await.unwrap();
    assert_eq!((listed.len(), stub.lines()), (1, vec!["GET /nodes/c".to_owned()]));
}

#[tokio::test]
async fn limit_zero() {
    for (value, sent) in [("yes", [0, 1, 0, 1].as_slice()), ("no", &[1, 1])] {
        let stub = Stub::service(|seen, _| match seen.target.contains("limit=0") {
            true => Reply::fault(400, "limit invalid"),
            false => shown(&file("/a"), &[]),
        })
        .await;
        let client = forcing(&stub, "limit-zero", value);
        for _ in 0..2 {
            client.stat(&uri("/a")).await.unwrap();
        }
        let wanted: Vec<String> = sent.iter().map(|limit| format!("GET /nodes/a?limit={limit}")).collect();
        assert_eq!(stub.lines(), wanted, "{value}");
    }
}

#[tokio::test]
async fn child_properties() {
    // A child that tells something shows that all do, and one that tells nothing that none does.
    for (value, first, asked) in [("yes", Node::data(uri("/c/a")), 0), ("no", file("/c/a"), 1)] {
        let stub = Stub::service(move |seen, _| match seen.target.contains("/c/") {
            true => shown(&file("/c/b"), &[]),
            false => shown(&Node::container(uri("/c")), &[first.clone(), Node::data(uri("/c/b"))]),
        })
        .await;
        let client = forcing(&stub, "child-properties", value);
        client.list(&uri("/c")).try_collect::<Vec<_>>().await.unwrap();
        assert_eq!(count(&stub, |seen| seen.target.contains("/c/")), asked, "{value}: {:?}", stub.lines());
    }
}

/// Each node says by itself whether it has these; what is known of the service is for who asks about it.
#[tokio::test]
async fn dates_and_digests() {
    for (name, is_dates) in [("dates", true), ("digests", false)] {
        let stub = Stub::service(|_, _| shown(&file("/a"), &[])).await;
        let client = forcing(&stub, name, "no");
        client.stat(&uri("/a")).await.unwrap();
        let dialect = client.service(&uri("/")).await.unwrap().dialect();
        let (told, other) = if is_dates { (dialect.dates, dialect.digests) } else { (dialect.digests, dialect.dates) };
        assert_eq!((told, other), (Learned::No, Learned::Yes), "{name}");
    }
}

#[tokio::test]
async fn root() {
    let stub = Stub::service(|seen, _| match seen.target.contains("/nodes/?") {
        true => Reply::fault(500, "java.lang"),
        false => shown(&file("/a"), &[]),
    })
    .await;
    let client = forcing(&stub, "root", "no");
    refused(client.stat(&uri("/")).await, ErrorKind::Unsupported, "the service does not show its root");
    let client = forcing(&stub, "root", "yes");
    client.stat(&uri("/a")).await.unwrap();
    assert_eq!(client.stat(&uri("/")).await.unwrap_err().kind(), ErrorKind::Service, "it is down");
}

#[tokio::test]
async fn names_that_are_refused() {
    let stub = Stub::service(|_, _| shown(&file("/a"), &[])).await;
    let client = forcing(&stub, "refused-characters", ";");
    refused(client.stat(&uri("/a;b")).await, ErrorKind::InvalidName, "the character ;");
    let client = forcing(&stub, "non-ascii-names", "no");
    refused(client.stat(&uri("/é")).await, ErrorKind::InvalidName, "the character é");
    assert_eq!(stub.lines(), [""; 0]);
    forcing(&stub, "non-ascii-names", "yes").stat(&uri("/é")).await.unwrap();
    assert_eq!(stub.lines(), ["GET /nodes/%C3%A9?limit=0"]);
    // It shows another node for a longer name, and so would be taken to cut it.
    let stub = Stub::start(|_, _| shown(&Node::container(uri("/")), &[])).await;
    let lines = format!("base-url = \"{}/svc\"\nquirks = {{ refused-characters = \"\" }}", stub.base);
    let client = Client::new(section(&stub, &lines)).unwrap();
    client.stat(&uri("/a;b")).await.unwrap();
    assert!(stub.lines().contains(&"GET /nodes/a%3Bb?limit=0".to_owned()), "{:?}", stub.lines());
}

/// What a document says is written as the section has it, and not as the answers have it.
#[tokio::test]
async fn documents_are_written_as_the_section_has_it() {
    const OF_20: &str = "http://www.ivoa.net/xml/VOSpace/v2.0";
    const OF_21: &str = "http://www.ivoa.net/xml/VOSpace/v2.1";
    for (name, value, shown_as, sent) in [
        ("namespace", OF_20, (OF_20, OF_21), "VOSpace/v2.0\""),
        ("namespace", OF_21, (OF_20, OF_20), "VOSpace/v2.1\""),
        ("authority-separator", "~", ("test~svc", "test!svc"), "\"vos://test~svc/"),
        ("authority-separator", "!", ("test~svc", "test~svc"), "\"vos://test!svc/"),
        ("group-separator", "blank", ("?b ivo", "?b,ivo"), "?b ivo"),
        ("group-separator", "comma", ("?b ivo", "?b ivo"), "?b,ivo"),
        ("names-in-documents", "encoded", ("/%C3%A9", "/é"), "svc/%C3%A9\""),
    ] {
        let mut node = Node::data(uri("/é"));
        node.properties.set(property::GROUP_READ, "ivo://x/g?b ivo://x/g?c");
        let text = write::node(&node, [].into_iter()).replace(shown_as.0, shown_as.1);
        let stub = Stub::service(move |_, _| Reply::ok(text.clone())).await;
        let client = forcing(&stub, name, value);
        client.stat(&uri("/é")).await.unwrap();
        let mut changes = Properties::new();
        changes.set(property::GROUP_READ, "ivo://x/g?b ivo://x/g?c");
        // Whether the service did it is not what is looked at.
        let _ = client.set_properties(&uri("/é"), &NodeKind::Data { busy: false }, &changes).await;
        let posted = stub.requests().into_iter().find(|seen| seen.method == "POST").unwrap();
        let body = String::from_utf8(posted.body).unwrap();
        assert!(body.contains(sent), "{name} {value}: no {sent} in {body}");
    }
}
