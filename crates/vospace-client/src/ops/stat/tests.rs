use futures_util::TryStreamExt as _;

use super::*;
use crate::node::property;
use crate::testing::{Reply, Stub, uri};
use crate::xml::write;

fn container(children: usize) -> Node {
    let mut node = Node::container(uri("/c"));
    node.properties.set("custom:children", children.to_string());
    node
}

fn listing(children: usize) -> String {
    let nodes: Vec<Node> = (0..children).map(|n| Node::data(uri(&format!("/c/n{n}")))).collect();
    write::node(&container(children), nodes.iter())
}

/// pyvospace: `limit=0` is refused. Handled as the standard would have it, nothing could be read there.
#[tokio::test]
async fn a_service_that_refuses_no_children_is_asked_for_one_and_remembered() {
    let stub = Stub::service(|seen, _| {
        if seen.target.contains("limit=0") {
            Reply::fault(400, "Invalid URI. limit invalid.")
        } else {
            Reply::ok(listing(1))
        }
    })
    .await;
    let client = stub.client();
    for _ in 0..2 {
        assert_eq!(client.stat(&uri("/c")).await.unwrap(), container(1));
    }
    assert_eq!(stub.lines(), ["GET /nodes/c?limit=0", "GET /nodes/c?limit=1", "GET /nodes/c?limit=1"]);
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().limit_zero, Learned::No);
}

/// Astro Data Lab and pyvospace may send the whole listing: what follows the node's own properties is not waited for.
#[tokio::test]
async fn of_a_listing_only_the_beginning_is_read() {
    let whole = listing(3);
    let head = whole[..whole.find("<vos:nodes>").unwrap() + "<vos:nodes>".len()].to_owned();
    let raw = format!("HTTP/1.1 200 X\r\nContent-Length: 1000000\r\n\r\n{head}");
    let stub = Stub::service(move |seen, _| {
        if seen.target.contains("limit=0") { Reply::fault(400, "no") } else { Reply::Stall(raw.clone().into_bytes()) }
    })
    .await;
    assert_eq!(stub.client().stat(&uri("/c")).await.unwrap(), container(3));
}

/// Astro Data Lab takes no notice of `limit=0`: neither a large container fails by what it holds, nor is all of that read
/// each time.
#[tokio::test]
async fn a_container_that_is_shown_with_all_its_children_is_read_up_to_the_first() {
    for children in [5000, 60_000] {
        let whole = listing(children);
        let stub = Stub::service(move |_, _| Reply::ok(whole.clone())).await;
        let client = stub.client();
        for _ in 0..2 {
            assert_eq!(client.stat(&uri("/c")).await.unwrap(), container(children));
        }
        assert_eq!(stub.lines().last().unwrap(), "GET /nodes/c?limit=1");
        assert_eq!(client.service(&uri("/")).await.unwrap().dialect().limit_zero, Learned::No);
    }
}

/// pyvospace: the limit is looked at before the node is. What is said of the node is the answer.
#[tokio::test]
async fn a_missing_node_is_missing_whatever_is_refused() {
    let stub = Stub::service(|seen, _| {
        if seen.target.contains("limit=0") {
            Reply::fault(400, "limit invalid")
        } else {
            Reply::fault(404, "NodeNotFound")
        }
    })
    .await;
    let client = stub.client();
    assert_eq!(client.stat(&uri("/none")).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().limit_zero, Learned::No);
}

#[tokio::test]
async fn a_bad_request_for_another_reason_teaches_nothing() {
    for (said, kind) in [
        ("InvalidArgument: bad", ErrorKind::BadRequest),
        ("InvalidURI: The requested URI is invalid", ErrorKind::InvalidName),
        ("LinkFoundFault: /c/l", ErrorKind::LinkInPath),
    ] {
        let stub = Stub::service(move |_, _| Reply::fault(400, said)).await;
        let client = stub.client();
        assert_eq!(client.stat(&uri("/c")).await.unwrap_err().kind(), kind);
        assert_eq!(client.service(&uri("/")).await.unwrap().dialect().limit_zero, Learned::Unknown);
    }
}

/// Answers tell how documents are to be written: nothing is sent to learn it.
#[tokio::test]
async fn a_document_teaches_how_documents_are_written() {
    let mut node = container(0);
    node.properties.set(property::GROUP_READ, "ivo://x/g?a,ivo://x/g?b");
    let text = write::node(&node, [].into_iter());
    let text = text.replace("VOSpace/v2.0", "VOSpace/v2.1").replace("test~svc/", "test!svc//");
    let stub = Stub::service(move |_, _| Reply::ok(text.clone())).await;
    let client = stub.client();
    assert_eq!(client.stat(&uri("/c")).await.unwrap().uri, uri("/c"));
    let dialect = client.service(&uri("/")).await.unwrap().dialect();
    assert_eq!(dialect.node_uri(&uri("/d")).unwrap(), "vos://test!svc/d");
    assert_eq!(dialect.namespace, Namespace::V21);
    assert_eq!(dialect.groups("a b"), "a,b");
}

#[tokio::test]
async fn what_files_tell_of_themselves_is_noted() {
    let mut file = Node::data(uri("/c/f"));
    file.properties.set(property::LENGTH, "5");
    let stub = Stub::service(move |_, n| {
        let mut file = file.clone();
        if n > 0 {
            file.properties.set(property::MD5, crate::node::Md5([7; 16]).to_string());
            file.properties.set(property::MTIME, "1772366400.5");
        }
        Reply::ok(write::node(&file, [].into_iter()))
    })
    .await;
    let client = stub.client();
    let known =
        async || client.service(&uri("/")).await.map(|service| (service.dialect().digests, service.dialect().dates));
    client.stat(&uri("/c/f")).await.unwrap();
    assert_eq!(known().await.unwrap(), (Learned::No, Learned::No));
    client.stat(&uri("/c/f")).await.unwrap();
    assert_eq!(known().await.unwrap(), (Learned::Yes, Learned::Yes));
}

/// Astro Data Lab: the root answers 500, everything below it works.
#[tokio::test]
async fn a_root_that_is_not_shown_is_told_from_a_service_that_is_down() {
    let stub = Stub::service(|seen, _| {
        if seen.target.contains("/nodes/?") { Reply::fault(500, "java.lang") } else { Reply::ok(listing(0)) }
    })
    .await;
    let client = stub.client();
    assert_eq!(client.stat(&uri("/")).await.unwrap_err().kind(), ErrorKind::Service, "it may be down");
    client.stat(&uri("/c")).await.unwrap();
    let error = client.stat(&uri("/")).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Unsupported && error.to_string().contains("below it"), "{error}");
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().root, Learned::No);
}

#[tokio::test]
async fn an_empty_container_below_a_root_that_is_not_shown_is_one() {
    let stub = Stub::service(|seen, _| {
        if seen.target.contains("/nodes/?") { Reply::fault(500, "java.lang") } else { Reply::ok(listing(0)) }
    })
    .await;
    let children: Vec<_> = stub.client().list_readable(&uri("/c")).try_collect().await.unwrap();
    assert!(children.is_empty());
}
