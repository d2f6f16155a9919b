//! Cavern: bytes under `/files`, and negotiated endpoints.

use super::parameters;
use crate::support::{ADA, Bench, EVE, digest, hex, negotiation, properties};
use vospace_client::node::property;

#[tokio::test]
async fn n03_a_media_type_that_is_too_large_deletes_the_file_at_the_end_of_its_upload() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/f", b"precious").await;
    let large = format!("text/{}", "x".repeat(4100));
    let answer = bench.send("PUT", "/arc/files/ada/f", ADA, &[("content-type", &large)], "new").await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(bench.get("/arc/nodes/ada/f").await.status, 404);
}

#[tokio::test]
async fn n04_a_document_with_md5_erases_the_checksum_whatever_it_says() {
    let bench = Bench::start().await;
    let sum = hex(b"abc");
    for value in [Some(sum.as_str()), Some("other"), None] {
        bench.write("arc", "/ada/x", b"abc").await;
        assert!(bench.get("/arc/files/ada/x").await.header("digest").is_some());
        let change = properties(&[(property::MD5, value)]);
        assert_eq!(bench.node("POST", "arc", "/ada/x", "DataNode", &change).await.status, 200);
        assert!(bench.get("/arc/files/ada/x").await.header("digest").is_none(), "{value:?}");
        assert!(bench.stat("arc", "/ada/x").await.properties.md5().is_none());
    }
    bench.write("arc", "/ada/x", b"abc").await;
    let document = String::from_utf8(bench.get("/arc/nodes/ada/x").await.body).unwrap();
    let created = bench.transfer("arc", "async-setprops", &document).await;
    assert_eq!(bench.run(&created).await.0, "COMPLETED");
    assert!(bench.get("/arc/files/ada/x").await.header("digest").is_none(), "its own document sent back by a job");
}

#[tokio::test]
async fn n06_a_push_to_a_name_with_a_semicolon_writes_to_the_name_before_it() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/a", b"precious").await;
    // With a security method the endpoint is the plain URL.
    let document = negotiation("arc", "/ada/a;b", "pushToVoSpace");
    let answer = super::details(&bench, "arc", &document).await;
    let endpoints: Vec<&str> = answer.text().split("<vos:endpoint>").skip(1).collect();
    let plain = endpoints.iter().find(|text| !text.contains("preauth")).unwrap().split('<').next().unwrap();
    assert!(plain.ends_with("/arc/files/ada/a;b"), "{plain}");
    assert_eq!(bench.send("PUT", plain, ADA, &[], "other").await.status, 201);
    assert_eq!(bench.read("arc", "/ada/a").await, b"other");
    assert_eq!(bench.get("/arc/files/ada/a%3Bb").await.status, 204, "the file that was meant stays empty");
    let preauth = endpoints.iter().find(|text| text.contains("preauth")).unwrap().split('<').next().unwrap();
    assert_eq!(bench.send("PUT", preauth, None, &[], "x").await.status, 403);
    // A raw ampersand cuts the statement of the grant.
    let endpoint = bench.get(&parameters("arc", "/ada/a%26b", "pushToVoSpace")).await.location().to_owned();
    let answer = bench.send("PUT", &endpoint, None, &[], "x").await;
    assert_eq!((answer.status, answer.text()), (403, "PermissionDenied: Invalid auth token"));
    assert_eq!(
        bench.send("PUT", "/arc/files/ada/a&b", ADA, &[], "x").await.status,
        201,
        "by its path it can be written"
    );
}

#[tokio::test]
async fn n07_names_outside_ascii_cannot_be_negotiated() {
    let bench = Bench::start().await;
    let answer = super::details(&bench, "arc", &negotiation("arc", "/ada/%C3%A9", "pushToVoSpace")).await;
    assert_eq!(answer.header("content-type"), Some("text/xml;charset=ISO-8859-1"));
    assert!(answer.body.starts_with(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
    assert!(answer.body.windows(5).any(|bytes| bytes == b"/ada/".as_slice()));
    assert!(std::str::from_utf8(&answer.body).is_err(), "a raw byte under another declaration");
    assert!(answer.body.windows(7).any(|bytes| bytes == b"/ada/\xe9<"), "{:?}", String::from_utf8_lossy(&answer.body));
    assert_eq!(bench.get("/arc/files/ada/%C3%A9").await.status, 204, "the empty file is there");

    let answer = super::details(&bench, "arc", &negotiation("arc", "/ada/a%E6%97%A5", "pushToVoSpace")).await;
    assert!(answer.text().contains("/ada/a?<"), "well-formed and wrong: {}", answer.text());
    let answer = bench.get(&parameters("arc", "/ada/%C3%A9", "pushToVoSpace")).await;
    let location = answer.headers["location"].as_bytes();
    assert!(location.ends_with(b"/ada/\xe9"), "{location:?}");
    // Paths that the client escapes itself work.
    assert_eq!(bench.send("PUT", "/arc/files/ada/%C3%A9", ADA, &[], "abc").await.status, 201);
    assert_eq!(bench.read("arc", "/ada/%C3%A9").await, b"abc");
    let answer = super::details(&bench, "vault", &negotiation("vault", "/ada/%C3%A9", "pushToVoSpace")).await;
    assert_eq!(answer.header("content-type"), Some("text/xml"));
}

#[tokio::test]
async fn n10_a_put_that_is_refused_leaves_a_node_of_the_callers_and_succeeds_the_second_time() {
    let bench = Bench::start().await;
    bench.node("POST", "arc", "/ada", "ContainerNode", &properties(&[(property::IS_PUBLIC, Some("true"))])).await;
    let put =
        async |token, name: &str| bench.send("PUT", &format!("/arc/files/ada/{name}"), token, &[], "abc").await.status;
    assert_eq!(put(EVE, "foreign").await, 403);
    let node = bench.stat("arc", "/ada/foreign").await;
    assert_eq!((node.properties.creator(), node.properties.length()), (Some("eve"), Some(0)));
    assert_eq!(put(EVE, "foreign").await, 201);
    assert_eq!(put(None, "anonymous").await, 500);
    assert_eq!(bench.get("/arc/nodes/ada/anonymous").await.status, 404);
    assert_eq!(bench.send("PUT", "/arc/files/top", EVE, &[], "abc").await.status, 403);
    assert_eq!(bench.get("/arc/nodes/top").await.status, 200, "even in the root");
}

#[tokio::test]
async fn n12_during_a_put_a_reader_gets_a_part_with_the_old_digest() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/x", b"old").await;
    bench.fault(r#"{"method": "PUT", "path": "/files/", "count": 1, "bytes_per_second": 2000000}"#).await;
    let bytes = vec![b'x'; 4_000_000];
    let writing = bench.send("PUT", "/arc/files/ada/x", ADA, &[], bytes);
    let reading = async {
        // Emptied first, then it grows: from there on a reader is not cut off.
        while bench.stat("arc", "/ada/x").await.properties.length().is_none_or(|length| length <= 3) {}
        let answer = bench.get("/arc/files/ada/x").await;
        assert_eq!(answer.header("digest"), Some(digest(b"old").as_str()));
        (answer.status, answer.body.len())
    };
    let (written, (status, length)) = tokio::join!(writing, reading);
    assert_eq!((written.status, status), (201, 200));
    assert!(length < 4_000_000, "{length}");
}

#[tokio::test]
async fn n12_a_put_that_fails_leaves_nothing_with_the_old_digest_and_a_crash_leaves_a_part() {
    let bench = Bench::start().await;
    let known = async || {
        let node = bench.stat("arc", "/ada/x").await;
        (node.properties.length(), node.properties.get(property::MD5).map(str::to_owned))
    };
    bench.write("arc", "/ada/x", b"0123456789").await;
    let sum = hex(b"0123456789");
    bench.cut_put("/arc/files/ada/x", 100, 20, &[("authorization", "Bearer ada-token")]).await;
    assert_eq!(known().await, (Some(0), Some(sum.clone())));
    assert_eq!(bench.get("/arc/files/ada/x").await.status, 204, "the old content is gone");
    bench.write("arc", "/ada/x", b"0123456789").await;
    bench.fault(r#"{"method": "PUT", "path": "/files/", "count": 1, "tear_upload": 4}"#).await;
    let torn = bench.try_send("PUT", "/arc/files/ada/x", ADA, &[], "abcdefgh").await;
    assert!(torn.is_err(), "no answer");
    assert_eq!(known().await, (Some(4), Some(format!("md5:{sum}"))));
    let answer = bench.get("/arc/files/ada/x").await;
    assert_eq!((answer.text(), answer.header("digest")), ("abcd", Some(digest(b"0123456789").as_str())));
}

#[tokio::test]
async fn n14_a_preauthorised_read_is_refused_where_the_right_comes_from_a_group() {
    let bench = Bench::start().await;
    let team = properties(&[(property::GROUP_READ, Some("ivo://cadc.nrc.ca/gms?team"))]);
    bench.node("POST", "arc", "/ada", "ContainerNode", &team).await;
    bench.write("arc", "/ada/f", b"abc").await;
    bench.node("POST", "arc", "/ada/f", "DataNode", &team).await;
    let answer = bench.send("GET", &parameters("arc", "/ada/f", "pullFromVoSpace"), EVE, &[], "").await;
    let url = answer.location().to_owned();
    assert!(url.contains("preauth:"), "{url}");
    assert_eq!(bench.send("GET", &url, None, &[], "").await.status, 403);
    assert_eq!(bench.send("GET", &url, EVE, &[], "").await.text(), "abc", "with credentials beside it");
    assert_eq!(bench.send("GET", &url, Some("bad"), &[], "").await.status, 401);
    let own = bench.get(&parameters("arc", "/ada/f", "pullFromVoSpace")).await.location().to_owned();
    assert_eq!(bench.send("GET", &own, None, &[], "").await.text(), "abc", "the owner's needs no group");
    bench.control("groups", r#"{"down": true}"#).await;
    assert_eq!(bench.send("GET", &own, None, &[], "").await.text(), "abc");
}
