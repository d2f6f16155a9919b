use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};

use super::*;
use crate::node::{Node, format_date, property};
use crate::testing::{Reply, Seen, Stub, refused, uri};
use crate::transfer::{ByteStream, Supply};
use crate::xml::transfer::{Direction, HTTP_PUT, HTTPS_PUT, Protocol, Transfer};
use crate::xml::{transfer as document, write};

const CONTENT: &[u8] = b"0123456789";

fn source() -> UploadSource {
    UploadSource::Bytes(Bytes::from_static(CONTENT))
}

fn digest() -> String {
    digest_of(CONTENT).to_digest_header()
}

fn stored() -> Reply {
    Reply::status(201).header("Digest", digest())
}

fn node(length: Option<u64>) -> Reply {
    aged_node(length, Duration::ZERO)
}

/// The node as a service tells it that thinks it is `age` old.
fn aged_node(length: Option<u64>, age: Duration) -> Reply {
    let now = Timestamp::now();
    let mut node = Node::data(uri("/a"));
    node.properties.set(property::DATE, format_date(now - age));
    if let Some(length) = length {
        node.properties.set(property::LENGTH, length.to_string());
    }
    let clock = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap();
    Reply::ok(write::node(&node, [].into_iter())).header("Date", clock)
}

/// The requests that every upload has, for a service that takes bytes at the path (`direct`) or not.
fn usual(seen: &Seen, direct: bool) -> Option<Reply> {
    match seen.line().as_str() {
        "PUT /svc/files/" if direct => Some(Reply::fault(400, "not a data node")),
        "PUT /svc/files/" => Some(Reply::fault(405, "unsupported: HTTP PUT")),
        "PUT /svc/nodes/a" => Some(Reply::Whole(201, vec![], b"".to_vec())),
        "GET /svc/nodes/a?limit=0" => Some(node(Some(0))),
        "DELETE /svc/nodes/a" => Some(Reply::status(200)),
        "POST /svc/sync" if seen.body.starts_with(b"TARGET") => Some(Reply::fault(400, "no such form")),
        "POST /svc/sync" => Some(Reply::redirect("/svc/transfers/J/results/transferDetails")),
        "GET /svc/transfers/J/results/transferDetails" => Some(Reply::redirect("/svc/xfer/J")),
        _ => None,
    }
}

/// A transfer document with these endpoints.
fn offer(seen: &Seen, endpoints: &[&str]) -> Reply {
    let host = seen.header("host").unwrap();
    let mut offered = Transfer::new("vos://test~svc/a", Direction::PushToVoSpace);
    offered.protocols = endpoints
        .iter()
        .map(|path| Protocol {
            uri: HTTP_PUT.to_owned(),
            endpoint: Some(format!("http://{host}{path}")),
            security_methods: vec![],
        })
        .collect();
    Reply::ok(document::write(&offered))
}

#[tokio::test]
async fn bytes_go_to_the_path_where_the_service_takes_them() {
    let stub = Stub::service(|seen, _| usual(seen, true).unwrap_or_else(stored)).await;
    let client = stub.client();
    let options = PutOptions { content_type: Some("image/fits".to_owned()), ..PutOptions::default() };
    let uploaded = client.put(&uri("/a"), source(), options).await.unwrap();
    assert_eq!((uploaded.length, uploaded.md5), (10, digest_of(CONTENT)));
    let put = stub.requests().pop().unwrap();
    assert_eq!((put.line().as_str(), put.body.as_slice()), ("PUT /svc/files/a", CONTENT));
    assert_eq!(put.header("digest"), Some(digest().as_str()));
    assert_eq!(put.header("content-type"), Some("image/fits"));
    assert_eq!(put.header("authorization"), Some("Bearer TOKEN"));
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().direct_put, Learned::Yes);
}

#[tokio::test]
async fn bytes_go_to_the_negotiated_place_without_credentials() {
    let stub = Stub::service(|seen, _| {
        usual(seen, false).unwrap_or_else(|| match seen.line().as_str() {
            "GET /svc/xfer/J" => offer(seen, &["/svc/dead", "/svc/byte/1"]),
            "PUT /svc/dead" => Reply::fault(404, "gone"),
            "PUT /svc/byte/1" => stored().header("x-artifact-id", "id-7"),
            other => panic!("{other}"),
        })
    })
    .await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("f");
    std::fs::write(&path, CONTENT).unwrap();
    let source = UploadSource::File { path, length: 10 };
    let sent = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let noted = Arc::clone(&sent);
    let progress: crate::transfer::Progress = Arc::new(move |bytes| noted.lock().push(bytes));
    let options = PutOptions { progress: Some(progress), ..PutOptions::default() };
    let uploaded = stub.client().put(&uri("/a"), source, options).await.unwrap();
    assert_eq!(uploaded.artifact_id.as_deref(), Some("id-7"));
    assert_eq!(*sent.lock(), [0, 10, 0, 10], "the second place got everything from the start");
    for seen in stub.requests().iter().filter(|seen| seen.target.contains("byte") || seen.target.contains("dead")) {
        assert_eq!(seen.header("authorization"), None, "{}", seen.line());
    }
    let asked = stub.requests().into_iter().filter(|seen| seen.method == "POST").nth(1).unwrap();
    assert_eq!(asked.header("content-type"), Some("text/xml"));
    let wanted = document::read(&asked.body).unwrap();
    assert_eq!(wanted.target(), "vos://test~svc/a");
    assert!(wanted.protocols.iter().any(|protocol| protocol.uri == HTTPS_PUT && protocol.security_methods.len() == 1));
}

/// Vault and Cavern both refuse bytes for their root, each in its way. Who takes them means something else by its paths.
#[tokio::test]
async fn a_service_that_takes_bytes_for_its_root_gets_no_more_of_them() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "PUT /svc/files/" => Reply::status(201),
        "GET /svc/xfer/J" => offer(seen, &["/svc/byte"]),
        "PUT /svc/byte" => stored(),
        _ => usual(seen, false).unwrap(),
    })
    .await;
    let client = stub.client();
    for _ in 0..2 {
        client.put(&uri("/a"), source(), PutOptions::default()).await.unwrap();
    }
    let asked: Vec<_> = stub.requests().into_iter().filter(|seen| seen.target.starts_with("/svc/files")).collect();
    assert_eq!((asked.len(), asked[0].body.len()), (1, 0), "{:?}", stub.lines());
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().direct_put, Learned::No);
}

/// pyvospace and Astro Data Lab tell no digest of what they stored: the node tells how many bytes it was.
#[tokio::test]
async fn without_a_digest_the_length_that_the_node_tells_is_compared() {
    for (told, kind) in [(Some(10), None), (None, None), (Some(7), Some(ErrorKind::ChecksumMismatch))] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "GET /svc/nodes/a?limit=0" => node(told),
            "GET /svc/xfer/J" => offer(seen, &["/svc/byte"]),
            "PUT /svc/byte" => Reply::status(200),
            _ => usual(seen, false).unwrap(),
        })
        .await;
        let put = stub.client().put(&uri("/a"), source(), PutOptions::default()).await;
        match kind {
            None => assert_eq!(put.unwrap().length, 10),
            Some(kind) => refused(put, kind, "were sent and 7 bytes stored"),
        }
    }
}

#[tokio::test]
async fn one_request_finds_a_place_and_the_long_way_others() {
    for dead in [false, true] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "POST /svc/sync" if seen.body.starts_with(b"TARGET") => Reply::redirect("/svc/byte/0"),
            "PUT /svc/byte/0" if dead => Reply::fault(500, "broken disk"),
            "PUT /svc/byte/0" | "PUT /svc/byte/1" => stored(),
            "HEAD /svc/byte/0" => Reply::fault(404, "x"),
            "GET /svc/xfer/J" => offer(seen, &["/svc/byte/1"]),
            _ => usual(seen, false).unwrap(),
        })
        .await;
        let client = stub.client();
        client.put(&uri("/a"), source(), PutOptions::default()).await.unwrap();
        let lines = stub.lines();
        let negotiated = lines.iter().filter(|line| *line == "POST /sync").count();
        assert_eq!(negotiated, if dead { 2 } else { 1 }, "{lines:?}");
        assert_eq!(lines.contains(&"PUT /byte/1".to_owned()), dead);
        assert_eq!(client.service(&uri("/")).await.unwrap().dialect().short_negotiation, Learned::Yes);
        assert!(
            stub.requests()
                .iter()
                .filter(|seen| seen.target.contains("byte"))
                .all(|seen| seen.header("authorization").is_none())
        );
    }
}

#[tokio::test]
async fn a_forbidden_put_is_never_repeated_and_leaves_nothing() {
    let stub =
        Stub::service(|seen, _| usual(seen, true).unwrap_or_else(|| Reply::fault(403, "PermissionDenied"))).await;
    let error = stub.client().put(&uri("/a"), source(), PutOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let lines = stub.lines();
    assert_eq!(lines.iter().filter(|line| *line == "PUT /files/a").count(), 1);
    assert_eq!(lines.last().unwrap(), "DELETE /nodes/a", "the node that this upload made is removed");
}

#[tokio::test]
async fn who_may_not_make_may_still_overwrite() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "PUT /svc/nodes/a" => Reply::fault(403, "PermissionDenied"),
        _ => usual(seen, true).unwrap_or_else(stored),
    })
    .await;
    stub.client().put(&uri("/a"), source(), PutOptions::default()).await.unwrap();
}

#[tokio::test]
async fn a_node_that_was_there_before_is_not_removed() {
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "PUT /svc/nodes/a" => Reply::fault(409, "DuplicateNode"),
        _ => usual(seen, true).unwrap_or_else(|| Reply::fault(403, "PermissionDenied")),
    })
    .await;
    assert!(stub.client().put(&uri("/a"), source(), PutOptions::default()).await.is_err());
    assert!(stub.lines().iter().all(|line| !line.starts_with("DELETE")));
}

#[tokio::test]
async fn after_a_lost_answer_the_service_is_asked_before_anything_is_sent_again() {
    for (found, length, digest) in
        [(true, "10", digest()), (false, "7", digest()), (false, "10", Md5::EMPTY.to_digest_header())]
    {
        let stub = Stub::service(move |seen, n| {
            usual(seen, true).unwrap_or_else(|| match seen.line().as_str() {
                "PUT /svc/files/a" if n < 4 => Reply::Raw(Vec::new()),
                "PUT /svc/files/a" => stored(),
                "HEAD /svc/files/a" => {
                    Reply::status(200).header("Digest", digest.clone()).header("Content-Length", length)
                }
                other => panic!("{other}"),
            })
        })
        .await;
        stub.client().put(&uri("/a"), source(), PutOptions::default()).await.unwrap();
        let puts = stub.lines().iter().filter(|line| *line == "PUT /files/a").count();
        assert_eq!(puts, if found { 1 } else { 2 });
    }
}

#[tokio::test]
async fn other_bytes_stored_than_sent_are_an_error() {
    let stub = Stub::service(|seen, _| {
        usual(seen, true).unwrap_or_else(|| Reply::status(201).header("Digest", Md5::EMPTY.to_digest_header()))
    })
    .await;
    let error = stub.client().put(&uri("/a"), source(), PutOptions::default()).await.unwrap_err();
    refused(Err::<(), _>(error), ErrorKind::ChecksumMismatch, "stored; try again; if it persists, report it");
}

#[tokio::test]
async fn a_file_that_shrank_is_named_and_not_stored() {
    let stub = Stub::service(|seen, _| usual(seen, true).unwrap_or_else(stored)).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("shrunk.fits");
    std::fs::write(&path, CONTENT).unwrap();
    let source = UploadSource::File { path, length: 20 };
    let error = stub.client().put(&uri("/a"), source, PutOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("shrunk.fits") && error.to_string().ends_with("; check the file"), "{error}");
    assert!(matches!(error.kind(), ErrorKind::Local(_)));
}

#[tokio::test]
async fn a_refused_negotiation_tells_the_reason_of_its_job() {
    let stub = Stub::service(|seen, _| {
        usual(seen, false).unwrap_or_else(|| match seen.line().as_str() {
            "GET /svc/xfer/J" => offer(seen, &[]),
            "GET /svc/transfers/J/phase" => Reply::ok("ERROR"),
            "GET /svc/transfers/J/error" => Reply::ok("QuotaExceeded"),
            other => panic!("{other}"),
        })
    })
    .await;
    let error = stub.client().put(&uri("/a"), source(), PutOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
    assert_eq!(stub.lines().last().unwrap(), "DELETE /nodes/a");
}

#[tokio::test]
async fn a_failed_negotiation_removes_only_the_node_that_it_made() {
    for (age, removed) in [(0, true), (60, false)] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "POST /svc/sync" if seen.body.starts_with(b"TARGET") => Reply::redirect("/svc/byte/0"),
            "PUT /svc/byte/0" => Reply::fault(413, "limit: 5"),
            "GET /svc/nodes/a?limit=0" => aged_node(Some(0), Duration::from_secs(age)),
            _ => usual(seen, false).unwrap(),
        })
        .await;
        let error = stub.client().put(&uri("/a"), source(), PutOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
        assert_eq!(stub.lines().contains(&"DELETE /nodes/a".to_owned()), removed, "{age}");
    }
    // Where empty files have no date (pyvospace, observed), one that was not there before is of this upload.
    for there in [false, true] {
        let stub = Stub::service(move |seen, n| match seen.line().as_str() {
            "POST /svc/sync" if seen.body.starts_with(b"TARGET") => Reply::redirect("/svc/byte/0"),
            "PUT /svc/byte/0" => Reply::fault(413, "limit: 5"),
            "GET /svc/nodes/a?limit=0" if !there && n < 2 => Reply::fault(404, "NodeNotFound"),
            "GET /svc/nodes/a?limit=0" => Reply::ok(write::node(&Node::data(uri("/a")), [].into_iter())),
            _ => usual(seen, false).unwrap(),
        })
        .await;
        assert!(stub.client().put(&uri("/a"), source(), PutOptions::default()).await.is_err());
        assert_eq!(stub.lines().contains(&"DELETE /nodes/a".to_owned()), !there, "{:?}", stub.lines());
    }
    // A file that was stored a moment ago, which the service still shows as it was before.
    let stub = Stub::service(|seen, n| match seen.line().as_str() {
        "POST /svc/sync" => Reply::redirect("/svc/byte/0"),
        "PUT /svc/byte/0" if n < 4 => stored(),
        "PUT /svc/byte/0" => Reply::fault(413, "limit: 5"),
        "GET /svc/nodes/a?limit=0" => aged_node(Some(0), Duration::ZERO),
        _ => usual(seen, false).unwrap(),
    })
    .await;
    let client = stub.client();
    client.put(&uri("/a"), source(), PutOptions::default()).await.unwrap();
    assert!(client.put(&uri("/a"), source(), PutOptions::default()).await.is_err());
    assert!(!stub.lines().contains(&"DELETE /nodes/a".to_owned()));
    // Once deleted, a later leftover is one again.
    client.delete(&uri("/a")).await.unwrap();
    let before = stub.lines().len();
    assert!(client.put(&uri("/a"), source(), PutOptions::default()).await.is_err());
    assert!(stub.lines()[before..].contains(&"DELETE /nodes/a".to_owned()));
}

/// A source that counts the bytes that are read of it.
#[derive(Debug, Default)]
struct Counted(AtomicU64);

impl Supply for Counted {
    fn length(&self) -> u64 {
        CONTENT.len() as u64
    }

    fn read(&self, range: Range<u64>) -> ByteStream {
        self.0.fetch_add(range.end - range.start, Ordering::Relaxed);
        let part = &CONTENT[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        stream::iter([Ok(Bytes::from_static(part))]).boxed()
    }
}

#[tokio::test]
async fn what_is_sent_and_verified_is_read_once() {
    for direct in [true, false] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "POST /svc/sync" => Reply::redirect("/svc/byte/0"),
            _ => usual(seen, direct).unwrap_or_else(stored),
        })
        .await;
        let source = Arc::new(Counted::default());
        let supply = UploadSource::Supply(Arc::<Counted>::clone(&source));
        let uploaded = stub.client().put(&uri("/a"), supply, PutOptions::default()).await.unwrap();
        assert_eq!(uploaded.md5, digest_of(CONTENT));
        assert_eq!(source.0.load(Ordering::Relaxed), uploaded.length, "{direct}");
    }
}

#[tokio::test]
async fn a_small_new_file_costs_two_requests() {
    let new = || PutOptions { new: true, ..PutOptions::default() };
    // Negotiated: no node is made first, and nobody is asked afterwards.
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "POST /svc/sync" => Reply::redirect("/svc/byte/0"),
        "PUT /svc/byte/0" => stored(),
        _ => usual(seen, false).unwrap(),
    })
    .await;
    let client = stub.client();
    client.put(&uri("/a"), source(), new()).await.unwrap();
    // The service is asked once what it can.
    assert_eq!(stub.lines(), ["PUT /files/", "POST /sync", "PUT /byte/0"]);
    client.put(&uri("/b"), source(), new()).await.unwrap();
    assert_eq!(stub.lines()[3..], ["POST /sync", "PUT /byte/0"]);
    // To the path: the node is made, whether or not there is one, and told apart by the answer alone.
    for status in [201, 409] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "PUT /svc/nodes/b" if status == 409 => Reply::fault(409, "DuplicateNode"),
            line @ ("PUT /svc/nodes/a" | "PUT /svc/nodes/b") => {
                let document = write::node(&Node::data(uri(&line["PUT /svc/nodes".len()..])), [].into_iter());
                Reply::Whole(201, vec![], document.into_bytes())
            }
            _ => usual(seen, true).unwrap_or_else(stored),
        })
        .await;
        let client = stub.client();
        client.put(&uri("/a"), source(), PutOptions::default()).await.unwrap();
        let before = stub.lines().len();
        client.put(&uri("/b"), source(), PutOptions::default()).await.unwrap();
        assert_eq!(stub.lines()[before..], ["PUT /nodes/b", "PUT /files/b"], "{status}");
    }
}

/// Empties a file where bytes go to a negotiated place, which answers so.
async fn emptied(place: fn() -> Reply, times: usize) -> Vec<String> {
    let is_there = AtomicBool::new(true);
    let stub = Stub::service(move |seen, _| match seen.line().as_str() {
        "PUT /svc/nodes/a" if is_there.swap(true, Ordering::Relaxed) => Reply::fault(409, "DuplicateNode"),
        "GET /svc/nodes/a?limit=0" => node(Some(10)),
        "DELETE /svc/nodes/a" => {
            is_there.store(false, Ordering::Relaxed);
            Reply::status(200)
        }
        "GET /svc/xfer/J" => offer(seen, &["/svc/byte/1"]),
        "PUT /svc/byte/1" => place(),
        _ => usual(seen, false).unwrap(),
    })
    .await;
    let client = stub.client();
    let empty = UploadSource::Bytes(Bytes::new());
    for _ in 0..times {
        let uploaded = client.put(&uri("/a"), empty.clone(), PutOptions::default()).await.unwrap();
        assert_eq!((uploaded.length, uploaded.md5), (0, Md5::EMPTY));
    }
    stub.lines()
}

#[tokio::test]
async fn a_file_is_made_empty_by_making_it_anew_where_nothing_else_works() {
    let lines = emptied(|| Reply::fault(400, "invalid contentLength: 0"), 2).await;
    let changes = |lines: &[String]| -> Vec<String> {
        lines.iter().filter(|line| line.contains("/byte/") || line.starts_with("DELETE")).cloned().collect()
    };
    assert_eq!(changes(&lines), ["PUT /byte/1", "DELETE /nodes/a", "DELETE /nodes/a"], "the second time at once");
    assert_eq!(lines.iter().rfind(|line| !line.starts_with("GET")).unwrap(), "PUT /nodes/a");
    // The node stays where it can be emptied by an upload.
    let stored = || Reply::status(201).header("Digest", Md5::EMPTY.to_digest_header());
    assert_eq!(changes(&emptied(stored, 1).await), ["PUT /byte/1"]);
    // Where bytes go to the path, no bytes do too.
    let stub = Stub::service(|seen, _| match seen.line().as_str() {
        "PUT /svc/nodes/a" => Reply::fault(409, "DuplicateNode"),
        "GET /svc/nodes/a?limit=0" => node(Some(10)),
        _ => usual(seen, true).unwrap_or_else(|| Reply::status(201)),
    })
    .await;
    let empty = UploadSource::Bytes(Bytes::new());
    stub.client().put(&uri("/a"), empty, PutOptions::default()).await.unwrap();
    assert_eq!(stub.lines().last().unwrap(), "PUT /files/a");
}

#[test]
fn form_types_are_never_sent() {
    for text in ["application/x-www-form-urlencoded", "Multipart/Form-Data; boundary=x", "", "a\nb"] {
        assert!(storable(text).is_none(), "{text}");
    }
    assert_eq!(storable(" image/fits ").unwrap(), "image/fits");
}
