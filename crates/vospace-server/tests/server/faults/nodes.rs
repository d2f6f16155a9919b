//! Faults of nodes and listings.

use super::{child, places, value};
use crate::support::{ADA, Bench, EVE, hex, properties};
use std::time::Duration;
use vospace_client::node::property;

#[tokio::test]
async fn fault_01_listing_stale_after_a_put() {
    let bench = Bench::start().await;
    // As the real service does it: until the worker comes.
    bench.control("profile", r#"{"space": "vault", "refresh_interval_ms": 3600000}"#).await;
    bench.write("vault", "/ada/f", b"abc").await;
    let listed = bench.list("vault", "/ada").await;
    let listed = child(&listed, "/ada/f");
    assert_eq!((value(listed, "length"), value(listed, "MD5"), value(listed, "content-date")), (Some("0"), None, None));
    assert_eq!(value(bench.get("/vault/nodes/ada/f").await.text(), "length"), Some("3"), "single GET mends it");
    assert_eq!(value(child(&bench.list("vault", "/ada").await, "/ada/f"), "length"), Some("3"));
    bench.control("profile", r#"{"space": "vault", "refresh_interval_ms": 0}"#).await;
    // And on demand, for a time.
    bench.fault(r#"{"method": "GET", "path": "*/nodes/ada", "for_ms": 1500, "stale": true}"#).await;
    for service in ["vault", "arc"] {
        bench.write(service, "/ada/g", b"abcd").await;
        let listed = bench.list(service, "/ada").await;
        let listed = child(&listed, "/ada/g");
        assert_eq!((value(listed, "length"), value(listed, "MD5")), (Some("0"), None));
        assert_eq!(value(bench.get(&format!("/{service}/nodes/ada/g")).await.text(), "length"), Some("4"));
    }
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while value(child(&bench.list("vault", "/ada").await, "/ada/g"), "length") != Some("4") {
        assert!(tokio::time::Instant::now() < deadline);
    }
}

#[tokio::test]
async fn fault_02_the_date_jumps_with_unchanged_bytes() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let dates = async || {
        let answer = bench.get("/vault/nodes/ada/f").await;
        ["date", "content-date", "MD5"].map(|name| value(answer.text(), name).unwrap().to_owned())
    };
    let before = dates().await;
    bench.fault(r#"{"route": "nodes", "count": 1, "date_shift_ms": 7200000}"#).await;
    let jumped = dates().await;
    assert!(jumped[0] > before[0] && jumped[1..] == before[1..], "{before:?} {jumped:?}");
    // By itself it does so at any change of a property.
    bench.set("vault", "/ada/f", "DataNode", "ivo://my.org/k", "v").await;
    let changed = dates().await;
    assert!(changed[0] > before[0] && changed[1..] == before[1..], "{before:?} {changed:?}");
}

#[tokio::test]
async fn fault_03_a_single_node_is_stale_and_reads_lead_to_old_bytes() {
    let bench = Bench::with(|options| options.sites = 2).await;
    bench.write("vault", "/ada/f", b"old").await;
    bench.control("profile", r#"{"harvest_delay_ms": 3600000}"#).await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    assert_eq!(bench.send("PUT", &endpoint, None, &[], "newer").await.status, 201);
    assert_eq!(value(bench.get("/vault/nodes/ada/f").await.text(), "length"), Some("3"));
    let mut seen = std::collections::BTreeMap::new();
    while seen.len() < 2 {
        let answer = bench.send("GET", bench.get("/vault/files/ada/f").await.location(), None, &[], "").await;
        let header = |name| answer.header(name).unwrap().to_owned();
        seen.insert(answer.text().to_owned(), (header("digest"), header("x-artifact-id")));
    }
    assert_ne!(seen["old"], seen["newer"], "told apart by checksum and identity");
    bench.control("profile", r#"{"harvest_delay_ms": 0}"#).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while value(bench.get("/vault/nodes/ada/f").await.text(), "length") != Some("5") {
        assert!(tokio::time::Instant::now() < deadline);
    }
    // The same of one answer, on demand.
    bench.fault(r#"{"path": "*/nodes/ada/f", "count": 1, "stale": true}"#).await;
    let stale = bench.get("/vault/nodes/ada/f").await;
    assert_eq!((value(stale.text(), "length"), value(stale.text(), "MD5")), (Some("0"), None));
}

#[tokio::test]
async fn fault_12_checksums_with_a_prefix_or_in_upper_case() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/f", b"abc").await;
    let md5 = async || value(bench.get("/arc/nodes/ada/f").await.text(), "MD5").unwrap().to_owned();
    assert_eq!(md5().await, hex(b"abc"));
    for (form, wanted) in [
        ("upper_case", hex(b"abc").to_uppercase()),
        ("prefixed", format!("md5:{}", hex(b"abc"))),
        ("wrong", "5a".repeat(16)),
    ] {
        bench.fault(&format!(r#"{{"route": "nodes", "count": 1, "md5_form": "{form}"}}"#)).await;
        assert_eq!(md5().await, wanted);
    }
    bench.write("arc", "/ada/f", b"abcd").await;
    assert_eq!(md5().await, format!("md5:{}", hex(b"abcd")), "by itself after an overwrite");
}

#[tokio::test]
async fn fault_23_delete_says_204_or_404_after_a_retry_or_is_refused() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/d").await;
    bench.mkdir("vault", "/ada/d/e").await;
    let answer = bench.delete("/vault/nodes/ada/d").await;
    assert_eq!((answer.status, answer.text()), (400, "container node 'd' is not empty"));
    bench.fault(r#"{"method": "DELETE", "count": 1, "answer_status": 204}"#).await;
    let answer = bench.delete("/vault/nodes/ada/d/e").await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(bench.get("/vault/nodes/ada/d/e").await.status, 404, "done");
    bench.fault(r#"{"method": "DELETE", "count": 1, "lose_answer": true}"#).await;
    assert!(bench.try_send("DELETE", "/vault/nodes/ada/d", ADA, &[], "").await.is_err());
    assert_eq!(bench.delete("/vault/nodes/ada/d").await.status, 404);
    bench.mkdir("vault", "/ada/d").await;
    assert_eq!(bench.delete("/vault/nodes/ada/d").await.status, 200);
}

#[tokio::test]
async fn fault_24_a_node_is_made_though_the_answer_is_lost_or_500() {
    let bench = Bench::start().await;
    bench.fault(r#"{"method": "PUT", "route": "nodes", "count": 1, "lose_answer": true}"#).await;
    let document = "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
        xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" uri=\"vos://cadc.nrc.ca~vault/ada/f\" \
        xsi:type=\"vos:DataNode\"/>";
    let put = || bench.try_send("PUT", "/vault/nodes/ada/f", ADA, &[("content-type", "text/xml")], document);
    assert!(put().await.is_err());
    assert_eq!(put().await.unwrap().status, 409);
    bench.fault(r#"{"method": "PUT", "route": "nodes", "count": 1, "answer_status": 500}"#).await;
    assert_eq!(bench.node("PUT", "vault", "/ada/d", "ContainerNode", "").await.status, 500);
    assert_eq!(bench.get("/vault/nodes/ada/d").await.status, 200);
    let answer = bench.node("PUT", "vault", "/ada/none/d", "ContainerNode", "").await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().starts_with("ContainerNotFound"), "{}", answer.text());
}

#[tokio::test]
async fn fault_25_listings_that_are_not_what_was_asked_for() {
    let bench = Bench::start().await;
    for name in ["a", "b", "c", "d"] {
        bench.mkdir("vault", &format!("/ada/{name}")).await;
    }
    let page = "/vault/nodes/ada?limit=2&uri=vos://cadc.nrc.ca~vault/ada/b";
    let text = async || bench.get(page).await.text().to_owned();
    let right = text().await;
    assert!(right.contains("/ada/b\"") && right.contains("/ada/c\"") && !right.contains("/ada/d\""));

    // Text that ends in the middle, and nothing else says so.
    bench.fault(r#"{"route": "nodes", "count": 1, "end_after": 700}"#).await;
    let ended = text().await;
    assert!(ended.len() == 700 && right.starts_with(&ended), "{} of {}", ended.len(), right.len());
    vospace_client::xml::read::read_node(ended.as_bytes()).unwrap_err();

    bench.fault(r#"{"route": "nodes", "query": "limit", "count": 1, "listing": "duplicates"}"#).await;
    assert_eq!(text().await.matches("/ada/b\"").count(), 2);
    bench.fault(r#"{"route": "nodes", "query": "limit", "count": 1, "listing": "reversed"}"#).await;
    let places = places(&text().await, &["/ada/c\"", "/ada/b\""]);
    assert!(places.is_sorted(), "{places:?}");
    bench.fault(r#"{"route": "nodes", "query": "limit", "count": 1, "listing": "unlimited"}"#).await;
    assert!(text().await.contains("/ada/d\""));
    bench.fault(r#"{"route": "nodes", "query": "uri=", "count": 1, "listing": "no_marker"}"#).await;
    assert_eq!(bench.get("/vault/nodes/ada?limit=2").await.status, 200);
    let answer = bench.get(page).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().starts_with("OptionNotSupported"), "{}", answer.text());
    assert_eq!(bench.get("/arc/nodes/ada?limit=2&uri=vos://cadc.nrc.ca~arc/ada/b").await.status, 400, "by itself");
    // 10⁵ to 10⁶ children: see `scale`.
}

#[tokio::test]
async fn fault_26_an_unreadable_container_is_an_empty_list() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        let public = properties(&[(property::IS_PUBLIC, Some("true"))]);
        bench.node("POST", service, "/ada", "ContainerNode", &public).await;
        bench.mkdir(service, "/ada/d").await;
        bench.mkdir(service, "/ada/d/e").await;
        let answer = bench.send("GET", &format!("/{service}/nodes/ada/d?detail=max"), EVE, &[], "").await;
        assert_eq!((answer.status, answer.text().contains("/ada/d/e")), (200, false));
        assert_eq!(value(answer.text(), "readable"), None);
        let own = bench.get(&format!("/{service}/nodes/ada/d?detail=max")).await;
        assert!(own.text().contains("/ada/d/e"));
        assert_eq!(value(own.text(), "readable"), Some("true"));
    }
}

#[tokio::test]
async fn fault_30_clocks_that_differ_and_dates_of_other_forms() {
    let bench = Bench::start().await;
    let date = async |name: &str| value(bench.get("/vault/nodes/ada/f").await.text(), name).unwrap().to_owned();
    let now = jiff::Timestamp::now();
    // Backwards first: of two uploads the one with the later date is the last.
    for hours in [-1, 1] {
        bench.control("clock", &format!("{{\"offset_ms\": {}}}", hours * 3_600_000)).await;
        bench.write("vault", "/ada/f", b"abc").await;
        let written = vospace_client::node::parse_date(&date("content-date").await).unwrap();
        let ahead = written.duration_since(now).as_secs() - hours * 3600;
        assert!((-1..120).contains(&ahead), "{ahead} s");
    }
    bench.control("clock", "{\"offset_ms\": 0}").await;
    let right = date("date").await;
    assert_eq!(right.len(), "2026-01-01T00:00:00.000".len());
    for (form, wanted) in
        [("seconds", right[..19].to_owned()), ("zulu", format!("{right}Z")), ("invalid", "yesterday".to_owned())]
    {
        bench.fault(&format!(r#"{{"route": "nodes", "count": 2, "date_form": "{form}"}}"#)).await;
        assert_eq!(date("date").await, wanted);
        assert_ne!(date("content-date").await.len(), right.len());
    }
}

#[tokio::test]
async fn fault_31_names() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/a", b"abc").await;
    for name in ["%20x", "b%22", "b%3C", "b%5B1%5D", "100%25"] {
        assert_eq!(bench.get(&format!("/vault/nodes/ada/{name}")).await.status, 500, "{name}");
    }
    for name in [".hidden", "semi%3Bcolon", &"n".repeat(255), "e%CC%81"] {
        let path = format!("/vault/nodes/ada/{name}");
        let document = format!(
            "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" uri=\"vos://cadc.nrc.ca~vault/ada/{name}\" \
             xsi:type=\"vos:DataNode\"/>"
        );
        assert_eq!(bench.send("PUT", &path, ADA, &[], document).await.status, 201, "{name}");
        assert_eq!(bench.get(&path).await.status, 200, "{name}");
    }
    assert_eq!(bench.get("/vault/nodes/ada/%C3%A9").await.status, 404, "listed as NFC, found as NFD only");
    // Another node is meant than the one that is named.
    assert!(bench.get("/vault/nodes/ada/a%23b").await.text().contains("/ada/a\""));
    assert_eq!(bench.delete("/vault/nodes/ada/a%3Fb").await.status, 200);
    assert_eq!(bench.get("/vault/nodes/ada/a").await.status, 404);
}

#[tokio::test]
async fn fault_33_the_group_service_is_down_or_says_no_for_once() {
    let bench = Bench::start().await;
    let groups = properties(&[(property::GROUP_READ, Some("ivo://cadc.nrc.ca/gms?team"))]);
    for service in ["vault", "arc"] {
        let eve = async || bench.send("GET", &format!("/{service}/nodes/ada?limit=0"), EVE, &[], "").await;
        bench.node("POST", service, "/ada", "ContainerNode", &groups).await;
        assert_eq!(eve().await.status, 200);
        bench.control("groups", r#"{"down": true}"#).await;
        let answer = eve().await;
        assert_eq!(answer.status, 500);
        assert!(answer.text().contains("group service"), "{}", answer.text());
        bench.control("groups", r#"{"down": false}"#).await;
        bench.fault(r#"{"route": "nodes", "count": 1, "status": 403, "text": "PermissionDenied"}"#).await;
        let answer = eve().await;
        assert_eq!((answer.status, answer.text()), (403, "PermissionDenied"));
        assert_eq!(eve().await.status, 200);
    }
}
