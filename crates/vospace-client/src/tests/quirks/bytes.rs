//! What is known of places for bytes, and of asking for them.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::{count, forcing, lines, section};
use crate::ErrorKind;
use crate::body::upload::digest_of;
use crate::client::Client;
use crate::config::ClientConfig;
use crate::node::{Node, property};
use crate::testing::{Reply, Seen, Stub, uri};
use crate::transfer::{PutOptions, UploadSource};
use crate::xml::capabilities::{NODES, SYNC};
use crate::xml::transfer::{self, Direction, HTTP_GET, HTTP_PUT, HTTPS_GET, Protocol, Transfer};
use crate::xml::write;

const CONTENT: &[u8] = b"0123";

/// What a service without `/files` offers: its places are good once, unless it is told otherwise.
const WITHOUT_FILES: &[(&str, &str)] = &[(NODES, "nodes"), (SYNC, "sync")];

const DETAILS: &str = "GET /svc/transfers/J/results/transferDetails";

fn stored() -> Reply {
    Reply::status(201).header("Digest", digest_of(CONTENT).to_digest_header())
}

fn is_short(seen: &Seen) -> bool {
    seen.body.starts_with(b"TARGET")
}

/// The one place for bytes, as a document.
fn offer(seen: &Seen) -> Reply {
    let mut offered = Transfer::new("vos://test~svc/a", Direction::PushToVoSpace);
    let endpoint = Some(format!("http://{}/svc/byte", seen.header("host").unwrap()));
    for uri in [HTTP_PUT, HTTP_GET] {
        offered.protocols.push(Protocol { uri: uri.to_owned(), endpoint: endpoint.clone(), security_methods: vec![] });
    }
    Reply::ok(transfer::write(&offered))
}

/// A service that keeps `/a`, with four bytes and a property, and gives one place for bytes in the long and the short way.
fn usual(seen: &Seen) -> Reply {
    let mut node = Node::data(uri("/a"));
    node.properties.set(property::LENGTH, "4");
    node.properties.set("ivo://my.example/vospace#x", "precious");
    match seen.line().as_str() {
        "PUT /svc/files/" => Reply::fault(405, "unsupported: HTTP PUT"),
        "PUT /svc/nodes/a" => Reply::fault(409, "DuplicateNode"),
        "POST /svc/sync" if is_short(seen) => Reply::redirect("/svc/byte"),
        "POST /svc/sync" => Reply::redirect("/svc/transfers/J/results/transferDetails"),
        DETAILS => offer(seen),
        "PUT /svc/byte" | "PUT /svc/files/a" => stored(),
        _ => Reply::ok(write::node(&node, [].into_iter())),
    }
}

async fn put(client: &Client) -> crate::Result<()> {
    let source = UploadSource::Bytes(Bytes::from_static(CONTENT));
    client.put(&uri("/a"), source, PutOptions::default()).await.map(drop)
}

/// The same of a client for which four bytes are a large file.
fn in_segments(stub: &Stub, name: &str, value: &str) -> Client {
    let quirks = format!("quirks = {{ {name} = \"{value}\" }}");
    Client::new(ClientConfig { segment: 2, ..section(stub, &quirks) }).unwrap()
}

#[tokio::test]
async fn direct_put() {
    // Bytes are refused at the path, or would be taken there.
    for (value, refused, there) in [("yes", true, 2), ("no", false, 0)] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "PUT /svc/files/a" if refused => Reply::fault(405, "unsupported: HTTP PUT"),
            "PUT /svc/files/" => Reply::fault(400, "not a data node"),
            _ => usual(seen),
        })
        .await;
        let client = forcing(&stub, "direct-put", value);
        for _ in 0..2 {
            put(&client).await.unwrap();
        }
        let found = (lines(&stub, "PUT /files/a"), lines(&stub, "PUT /files/"), lines(&stub, "PUT /byte"));
        assert_eq!(found, (there, 0, 2), "{value}: {:?}", stub.lines());
    }
}

#[tokio::test]
async fn empty_put() {
    // An upload of nothing is refused, or would be taken.
    for (value, takes, uploads) in [("yes", false, 2), ("no", true, 0)] {
        let gone = AtomicBool::new(false);
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "DELETE /svc/nodes/a" => {
                gone.store(true, Ordering::SeqCst);
                Reply::status(204)
            }
            "PUT /svc/nodes/a" if gone.swap(false, Ordering::SeqCst) => Reply::status(201),
            "PUT /svc/byte" if !takes => Reply::fault(400, "no bytes"),
            "PUT /svc/byte" => Reply::status(201).header("Digest", digest_of(b"").to_digest_header()),
            _ => usual(seen),
        })
        .await;
        let client = forcing(&stub, "empty-put", value);
        for _ in 0..2 {
            client.put(&uri("/a"), UploadSource::Bytes(Bytes::new()), PutOptions::default()).await.unwrap();
        }
        let tried = lines(&stub, "PUT /byte");
        assert!(if uploads == 0 { tried == 0 } else { tried >= uploads }, "{value}: {:?}", stub.lines());
        assert_eq!(lines(&stub, "DELETE /nodes/a"), 2, "{value}");
        let last = stub.lines().iter().rposition(|line| line == "PUT /byte");
        let first = stub.lines().iter().position(|line| line == "DELETE /nodes/a");
        assert!(last.is_none() || last > first, "{value}: it is tried again although it failed");
    }
}

#[tokio::test]
async fn short_negotiation() {
    for (value, refused, asked) in [("yes", true, 2), ("no", false, 0)] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "POST /svc/sync" if refused && is_short(seen) => Reply::fault(400, "no such form"),
            _ => usual(seen),
        })
        .await;
        let client = forcing(&stub, "short-negotiation", value);
        for _ in 0..2 {
            put(&client).await.unwrap();
        }
        assert_eq!(count(&stub, is_short), asked, "{value}");
    }
}

#[tokio::test]
async fn transactions() {
    let starts = |seen: &Seen| seen.header("x-put-txn-op") == Some("start");
    for (value, begun) in [("yes", 2), ("no", 0)] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "PUT /svc/byte" if starts(seen) => Reply::fault(400, "no transactions"),
            "HEAD /svc/byte" => Reply::fault(400, "no such transaction"),
            _ => usual(seen),
        })
        .await;
        let client = in_segments(&stub, "transactions", value);
        for _ in 0..2 {
            put(&client).await.unwrap();
        }
        let asked = count(&stub, |seen| seen.method == "HEAD");
        assert_eq!((count(&stub, starts), asked), (begun, 0), "{value}: {:?}", stub.lines());
    }
}

#[tokio::test]
async fn one_use_endpoints() {
    // Taken to be lasting where there are files, and good once where there are none.
    for (value, offered, next) in [("yes", crate::testing::OFFERED, "POST /sync"), ("no", WITHOUT_FILES, "PUT /byte")] {
        let failed = AtomicBool::new(false);
        let stub = Stub::service_of(offered, move |seen, _| match seen.line().as_str() {
            "PUT /svc/byte" if !failed.swap(true, Ordering::SeqCst) => Reply::fault(503, "busy"),
            _ => usual(seen),
        })
        .await;
        put(&forcing(&stub, "one-use-endpoints", value)).await.unwrap();
        let lines = stub.lines();
        let first = lines.iter().position(|line| line == "PUT /byte").unwrap();
        assert_eq!(lines[first + 1], next, "{value}: {lines:?}");
    }
}

#[tokio::test]
async fn head_endpoints() {
    for (value, offered, asked) in [("yes", WITHOUT_FILES, 1), ("no", crate::testing::OFFERED, 0)] {
        let stub = Stub::service_of(offered, |seen, _| match seen.method.as_str() {
            "HEAD" => Reply::status(200),
            _ => usual(seen),
        })
        .await;
        put(&in_segments(&stub, "head-endpoints", value)).await.unwrap();
        assert_eq!(lines(&stub, "HEAD /byte"), asked, "{value}: {:?}", stub.lines());
    }
}

#[tokio::test]
async fn endpoint_credentials() {
    // Bytes are refused with credentials, or without.
    for (value, with) in [("yes", true), ("no", false)] {
        let stub = Stub::service_of(WITHOUT_FILES, move |seen, _| match seen.line().as_str() {
            "POST /svc/sync" if is_short(seen) => Reply::fault(400, "no such form"),
            "PUT /svc/byte" if seen.header("authorization").is_some() == with => Reply::fault(403, "not so"),
            _ => usual(seen),
        })
        .await;
        let refused = put(&forcing(&stub, "endpoint-credentials", value)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{value}");
        let sent: Vec<bool> = stub
            .requests()
            .iter()
            .filter(|seen| seen.line() == "PUT /svc/byte")
            .map(|seen| seen.header("authorization").is_some())
            .collect();
        assert_eq!(sent, [with], "{value}");
    }
}

#[tokio::test]
async fn push_clears_properties() {
    // It keeps them, which the first upload shows.
    for (value, looks) in [("yes", 4), ("no", 0)] {
        let stub = Stub::service(|seen, _| usual(seen)).await;
        let client = forcing(&stub, "push-clears-properties", value);
        for _ in 0..2 {
            put(&client).await.unwrap();
        }
        assert_eq!(count(&stub, |seen| seen.method == "GET"), looks, "{value}: {:?}", stub.lines());
    }
}

/// Each request for a place, in the documents of one that refuses them all or of one that takes them.
async fn asked(name: &str, value: &str, takes: bool) -> Vec<(String, String)> {
    let stub = Stub::service_of(WITHOUT_FILES, move |seen, _| match seen.line().as_str() {
        "POST /svc/sync" if !takes => Reply::fault(400, "not so"),
        _ => usual(seen),
    })
    .await;
    let opened = forcing(&stub, name, value).open(&uri("/é"), None).await;
    assert_eq!(opened.is_ok(), takes, "{name} {value}");
    let posted = stub.requests().into_iter().filter(|seen| seen.method == "POST");
    posted
        .map(|seen| (seen.header("content-type").unwrap().to_owned(), String::from_utf8(seen.body).unwrap()))
        .collect()
}

#[tokio::test]
async fn documents_of_transfers() {
    const FORM: &str = "application/x-www-form-urlencoded";
    for (name, value, takes, is_so) in [
        ("transfer-type", "text/xml", false, (|kind, _| kind == "text/xml") as fn(&str, &str) -> bool),
        ("transfer-type", FORM, true, |kind, _| kind == FORM),
        ("transfer-view", "yes", true, |_, text| text.contains("<vos:view ")),
        ("transfer-view", "no", false, |_, text| !text.contains("<vos:view ")),
        ("protocols", "http", true, |_, text| !text.contains(HTTPS_GET)),
        ("protocols", "https", true, |_, text| !text.contains(HTTP_GET)),
        ("protocols", "both", false, |_, text| text.contains(HTTPS_GET) && text.contains(HTTP_GET)),
        ("names-in-documents", "raw", true, |_, text| text.contains("svc/é<")),
        ("names-in-documents", "encoded", true, |_, text| text.contains("svc/%C3%A9<")),
    ] {
        let documents = asked(name, value, takes).await;
        assert!(!documents.is_empty());
        for (kind, text) in documents {
            assert!(is_so(&kind, &text), "{name} {value}: {kind} {text}");
        }
    }
}
