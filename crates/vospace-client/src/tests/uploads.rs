//! Uploads that cannot be begun, and what one that failed leaves behind.

use bytes::Bytes;

use crate::ErrorKind;
use crate::dialect::Learned;
use crate::node::{Md5, Node, NodeKind, property};
use crate::testing::{Heard, Reply, Seen, Stub, refused, uri};
use crate::transfer::{PutOptions, UploadSource};
use crate::xml::capabilities::{NODES, SYNC};
use crate::xml::transfer::{self, Direction, Transfer};
use crate::xml::write;

const OWN: &str = "ivo://my.example/vospace#x";

fn nothing() -> UploadSource {
    UploadSource::Bytes(Bytes::new())
}

fn something() -> UploadSource {
    UploadSource::Bytes(Bytes::from_static(b"0123"))
}

fn shown(node: &Node) -> Reply {
    Reply::ok(write::node(node, [].into_iter()))
}

fn file() -> Node {
    let mut node = Node::data(uri("/a"));
    node.properties.set(property::LENGTH, "10");
    node
}

/// A service that takes bytes at the path, where this stands.
async fn standing(node: Node) -> Stub {
    Stub::service(move |seen, _| match seen.line().as_str() {
        "PUT /svc/files/" => Reply::fault(400, "not a data node"),
        "PUT /svc/files/a" => Reply::fault(400, "not a data node"),
        "PUT /svc/nodes/a" => Reply::fault(409, "DuplicateNode"),
        _ => shown(&node),
    })
    .await
}

#[tokio::test]
async fn what_cannot_hold_the_bytes_is_named() {
    let container = standing(Node::container(uri("/a"))).await;
    let emptied = container.client().put(&uri("/a"), nothing(), PutOptions::default()).await;
    refused(emptied, ErrorKind::NotData, "vos://test~svc/a: it is no file; name a file");
    let stored = container.client().put(&uri("/"), something(), PutOptions::default()).await;
    refused(stored, ErrorKind::NotData, "the root container is no file; name a file");
    for (target, kind, text) in [
        ("https://x.org/f", ErrorKind::NotData, "vos://test~svc/a: it is a link to https://x.org/f; name a file"),
        ("vos://test~svc/a", ErrorKind::LinkLoop, "it leads through too many links; repair or remove the link"),
    ] {
        let kind_of_link = NodeKind::Link { target: target.to_owned() };
        let link = standing(Node { kind: kind_of_link, ..Node::data(uri("/a")) }).await;
        refused(link.client().put(&uri("/a"), something(), PutOptions::default()).await, kind, text);
    }
}

#[tokio::test]
async fn a_digest_of_other_bytes_is_refused() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "PUT /svc/files/" => Reply::fault(400, "not a data node"),
        "PUT /svc/files/a" => Reply::status(201),
        _ => shown(&file()),
    })
    .await;
    let options = || PutOptions { md5: Some(Md5([1; 16])), ..PutOptions::default() };
    let nothing = stub.client().put(&uri("/a"), nothing(), options()).await;
    refused(nothing, ErrorKind::ChecksumMismatch, "nothing was to be uploaded, with the digest of something");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    std::fs::write(&path, "0123").unwrap();
    let other = stub.client().put(&uri("/a"), UploadSource::File { path, length: 4 }, options()).await;
    refused(other, ErrorKind::ChecksumMismatch, "the bytes to upload are not those that the digest tells");
}

#[tokio::test]
async fn a_service_without_a_place_is_said_to_have_none() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "PUT /svc/files/" => Reply::status(405),
        "POST /svc/sync" if seen.body.starts_with(b"TARGET") => Reply::fault(400, "no such form"),
        "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
        "GET /svc/transfers/J/phase" => Reply::ok("COMPLETED"),
        "GET /svc/transfers/J/results/transferDetails" => {
            Reply::ok(transfer::write(&Transfer::new("vos://test~svc/a", Direction::PushToVoSpace)))
        }
        _ => shown(&file()),
    })
    .await;
    let stored = stub.client().put(&uri("/a"), something(), PutOptions::default()).await;
    refused(stored, ErrorKind::Service, "the service offers no place for the bytes at present; try again later");
    // One that was known to take bytes at the path, and has no such path any more.
    let stub = Stub::service_of(&[(NODES, "nodes"), (SYNC, "sync")], |seen, _| match seen.method.as_str() {
        "PUT" => Reply::fault(409, "DuplicateNode"),
        _ => shown(&file()),
    })
    .await;
    let client = stub.client();
    client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.direct_put = Learned::Yes);
    let emptied = client.put(&uri("/a"), nothing(), PutOptions::default()).await;
    refused(emptied, ErrorKind::Unsupported, "the service has no files; this service does not offer it");
}

#[tokio::test]
async fn an_empty_file_that_stays_behind_is_named() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "PUT /svc/files/" => Reply::fault(400, "not a data node"),
        "PUT /svc/files/a" | "DELETE /svc/nodes/a" => Reply::fault(403, "no"),
        _ => {
            let mut empty = Node::data(uri("/a"));
            empty.properties.set(property::LENGTH, "0");
            shown(&empty)
        }
    })
    .await;
    let heard = Heard::here();
    let stored = stub.client().put(&uri("/a"), something(), PutOptions::default()).await;
    refused(stored, ErrorKind::PermissionDenied, "ask the owner for access");
    heard.says("the empty file vos://test~svc/a of a failed upload could not be removed: ");
}

/// Vault empties a file by making it anew; here that fails at first, or for good.
#[tokio::test]
async fn a_file_that_is_made_anew_to_be_empty_says_when_it_is_not_there() {
    for (status, heard_it) in [(503, true), (403, false)] {
        let stub = Stub::service(move |seen, n| match seen.line().as_str() {
            "PUT /svc/files/" => Reply::status(405),
            "PUT /svc/nodes/a" if n < 3 => Reply::fault(409, "DuplicateNode"),
            "PUT /svc/nodes/a" => Reply::fault(status, "no"),
            "DELETE /svc/nodes/a" => Reply::status(200),
            _ => shown(&file()),
        })
        .await;
        let client = stub.client();
        client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.empty_put = Learned::No);
        let heard = Heard::here();
        let emptied = client.put(&uri("/a"), nothing(), PutOptions::default()).await.unwrap_err().to_string();
        assert!(emptied.contains("it was deleted to make it empty and could not be made again: "), "{emptied}");
        assert_eq!(heard.has("vos://test~svc/a was deleted to make it empty and is being made again: "), heard_it);
    }
}

/// A service whose negotiation takes properties away, and that answers so when they are to be given back or looked for.
async fn taking(answer: fn(&Seen) -> Option<Reply>, stored: u16) -> (Heard, bool) {
    let taken = std::sync::atomic::AtomicBool::new(false);
    let stub = Stub::service(move |seen, _| {
        use std::sync::atomic::Ordering::SeqCst;
        let mut node = file();
        match seen.line().as_str() {
            "PUT /svc/files/" => return Reply::status(405),
            "POST /svc/sync" => {
                taken.store(true, SeqCst);
                return Reply::redirect("/svc/byte");
            }
            "PUT /svc/byte" => {
                let digest = crate::body::upload::digest_of(b"0123").to_digest_header();
                return Reply::fault(stored, "so").header("Digest", digest);
            }
            _ if taken.load(SeqCst) => {
                if let Some(reply) = answer(seen) {
                    return reply;
                }
            }
            _ => node.properties.set(OWN, "precious"),
        }
        shown(&node)
    })
    .await;
    let heard = Heard::here();
    let put = stub.client().put(&uri("/a"), something(), PutOptions::default()).await;
    (heard, put.is_ok())
}

#[tokio::test]
async fn properties_that_an_upload_took_away_are_named() {
    let (heard, stored) = taking(|seen| (seen.method == "POST").then(|| Reply::fault(400, "no")), 201).await;
    assert!(stored, "the bytes are there");
    heard.says(&format!("vos://test~svc/a lost {OWN} by its upload, and could not be given them back: "));
    let (heard, stored) = taking(|_| Some(Reply::fault(404, "NodeNotFound")), 413).await;
    assert!(!stored);
    heard.says("vos://test~svc/a may have lost properties by an upload that failed, which cannot be seen now: ");
}
