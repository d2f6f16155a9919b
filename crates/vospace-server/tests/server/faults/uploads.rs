//! Faults of sending bytes.

use super::value;
use crate::put_transactions::Upload;
use crate::support::{ADA, Bench, digest, hex};
use std::collections::HashSet;

#[tokio::test]
async fn fault_08_the_answer_to_a_commit_is_lost() {
    let bench = Bench::start().await;
    let upload = Upload::start(&bench, "/ada/f", "3").await;
    upload.send("PUT", &[], "abc").await;
    bench.fault(r#"{"method": "PUT", "header": "x-put-txn-op: commit", "count": 1, "lose_answer": true}"#).await;
    let headers = [("x-put-txn-id", upload.id.as_str()), ("x-put-txn-op", "commit"), ("content-length", "0")];
    assert!(bench.try_send("PUT", &upload.endpoint, None, &headers, "").await.is_err());
    assert_eq!(upload.send("PUT", &[("x-put-txn-op", "commit"), ("content-length", "0")], "").await.status, 400);
    let answer = bench.send("HEAD", &upload.endpoint, None, &[], "").await;
    assert_eq!((answer.header("content-length"), answer.header("digest")), (Some("3"), Some(digest(b"abc").as_str())));
    // Of a PUT of the whole, in both profiles.
    let endpoint = bench.endpoint("vault", "/ada/g", "pushToVoSpace").await;
    for (url, path) in
        [(endpoint, "/vault/files/ada/g"), (format!("{}/arc/files/ada/g", bench.base), "/arc/files/ada/g")]
    {
        bench.fault(r#"{"method": "PUT", "count": 1, "lose_answer": true}"#).await;
        let token = path.starts_with("/arc").then_some("ada-token");
        assert!(bench.try_send("PUT", &url, token, &[], "abc").await.is_err());
        assert_eq!(bench.head(path).await.header("digest"), Some(digest(b"abc").as_str()));
    }
}

#[tokio::test]
async fn fault_17_a_put_of_nothing_is_refused() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    bench.set("vault", "/ada/f", "DataNode", "ivo://my.org/k", "v").await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    assert_eq!(bench.send("PUT", &endpoint, None, &[("content-length", "0")], "").await.status, 400);
    assert_eq!(bench.read("vault", "/ada/f").await, b"abc");
    // To be removed and made again, and what it had is gone.
    assert_eq!(bench.delete("/vault/nodes/ada/f").await.status, 200);
    assert_eq!(bench.node("PUT", "vault", "/ada/f", "DataNode", "").await.status, 201);
    assert_eq!(bench.get("/vault/files/ada/f").await.status, 204);
    assert_eq!(bench.stat("vault", "/ada/f").await.properties.get("ivo://my.org/k"), None);
    assert_eq!(bench.send("PUT", "/arc/files/ada/f", ADA, &[("content-length", "0")], "").await.status, 201);
}

#[tokio::test]
async fn fault_18_an_overwrite_that_fails_leaves_nothing() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        bench.write(service, "/ada/f", b"precious").await;
        let (url, headers): (String, &[(&str, &str)]) = match service {
            "vault" => (bench.endpoint("vault", "/ada/f", "pushToVoSpace").await, &[]),
            _ => (format!("{}/arc/files/ada/f", bench.base), &[("Authorization", "Bearer ada-token")]),
        };
        bench.cut_put(&url, 100, 20, headers).await;
        // A service that writes in place has lost the old bytes, another keeps them.
        let wanted: &[u8] = if service == "vault" { b"precious" } else { b"" };
        assert_eq!(bench.read(service, "/ada/f").await, wanted, "{service}");
    }
    let answer = bench.head("/arc/files/ada/f").await;
    assert_eq!(answer.header("digest"), Some(digest(b"precious").as_str()), "the mark of a failed upload");
}

#[tokio::test]
async fn fault_20_transactions() {
    let bench = Bench::with(|options| options.sites = 1).await;
    // Without a byte there is no checksum.
    let upload = Upload::start(&bench, "/ada/f", "300").await;
    assert_eq!(upload.settled().await, (Some(0), None));
    assert_eq!(upload.append(b'a', 100).await.status, 202);
    // A cumulative checksum that is wrong, or not there.
    for (form, known) in [("wrong", true), ("missing", false)] {
        bench
            .fault(&format!(r#"{{"method": "HEAD", "header": "x-put-txn-id", "count": 1, "digest": "{form}"}}"#))
            .await;
        let (length, sum) = upload.settled().await;
        assert_eq!((length, sum.is_some()), (Some(100), known));
        assert_ne!(sum, Some(digest(&[b'a'; 100])));
    }
    bench.fault(r#"{"method": "PUT", "header": "x-put-txn-id", "count": 1, "digest": "wrong"}"#).await;
    assert_ne!(
        upload.append(b'b', 100).await.header("digest"),
        Some(digest(&[[b'a'; 100], [b'b'; 100]].concat()).as_str())
    );
    // The last segment cannot be taken back.
    let rule = r#"{"method": "POST", "header": "x-put-txn-op: revert", "count": 1, "status": 400,
                   "text": "transaction not revertable"}"#;
    bench.fault(rule).await;
    let revert = async || upload.send("POST", &[("x-put-txn-op", "revert")], "").await;
    let answer = revert().await;
    assert_eq!((answer.status, answer.text()), (400, "transaction not revertable"));
    assert_eq!(revert().await.status, 202);
    assert_eq!(revert().await.status, 400, "a second time it cannot be by itself");
    assert_eq!(upload.settled().await.0, Some(100));
    // The site is gone and comes back, in the middle of it.
    bench.control("site", r#"{"site": 1, "state": "dead"}"#).await;
    let headers = [("x-put-txn-id", upload.id.as_str())];
    assert!(bench.try_send("HEAD", &upload.endpoint, None, &headers, "").await.is_err());
    bench.control("site", r#"{"site": 1, "state": "up"}"#).await;
    assert_eq!(upload.settled().await, (Some(100), Some(digest(&[b'a'; 100]))));
    // And then it knows nothing of it any more.
    bench.fault(r#"{"method": "HEAD", "header": "x-put-txn-id", "count": 1, "forget_transaction": true}"#).await;
    assert_eq!(upload.send("HEAD", &[], "").await.status, 400);
    let answer = upload.append(b'b', 100).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("unknown transaction"), "{}", answer.text());
    assert_eq!(upload.send("PUT", &[("x-put-txn-op", "commit"), ("content-length", "0")], "").await.status, 400);
}

#[tokio::test]
async fn fault_20_lengths_of_segments() {
    let bench = Bench::start().await;
    bench.control("profile", r#"{"habits": {"least_segment": 50, "longest_segment": 100}}"#).await;
    let upload = Upload::start(&bench, "/ada/f", "160").await;
    assert_eq!(upload.started.header("x-put-segment-minbytes"), Some("50"));
    assert_eq!(upload.started.header("x-put-segment-maxbytes"), Some("100"));
    let answer = upload.append(b'a', 101).await;
    assert_eq!((answer.status, answer.text()), (413, "limit: 100"));
    assert_eq!(upload.append(b'a', 49).await.status, 400);
    assert_eq!(upload.settled().await, (Some(0), None), "what is refused leaves nothing");
    assert_eq!(upload.append(b'a', 100).await.status, 202);
    assert_eq!(upload.append(b'a', 50).await.status, 202);
    assert_eq!(upload.append(b'a', 10).await.status, 202, "the last one may be short");
    let commit = upload.send("PUT", &[("x-put-txn-op", "commit"), ("content-length", "0")], "").await;
    assert_eq!((commit.status, commit.header("digest")), (201, Some(digest(&[b'a'; 160]).as_str())));
}

#[tokio::test]
async fn fault_32_quota_and_a_full_disk() {
    // Of themselves: one refuses a quota of nothing, the other what goes beyond a quota.
    let bench = Bench::with(|options| options.quota = Some(0)).await;
    let form = "/vault/synctrans?TARGET=vos://cadc.nrc.ca~vault/ada/f&DIRECTION=pushToVoSpace\
                &PROTOCOL=ivo://ivoa.net/vospace/core%23httpsput";
    let answer = bench.get(form).await;
    assert_eq!((answer.status, answer.text()), (413, "QuotaExceeded: vos://cadc.nrc.ca~vault/ada/f"));
    let bench = Bench::with(|options| options.quota = Some(10)).await;
    bench.write("arc", "/ada/f", b"precious").await;
    let answer = bench.send("PUT", "/arc/files/ada/f", ADA, &[], "0123456789abcdef").await;
    assert_eq!((answer.status, answer.text()), (413, "limit: 10"));
    assert_eq!(bench.read("arc", "/ada/f").await, b"");
    // On demand, whatever the quota: at the negotiation, at once, and in the middle of the bytes.
    let bench = Bench::start().await;
    bench.fault(r#"{"route": "synctrans", "count": 1, "status": 413, "text": "QuotaExceeded: x"}"#).await;
    let answer = bench.get(form).await;
    assert_eq!((answer.status, answer.text()), (413, "QuotaExceeded: x"));
    let upload = Upload::start(&bench, "/ada/t", "3000000").await;
    bench.fault(r#"{"method": "PUT", "count": 1, "disk_full_after": 1500000}"#).await;
    assert_eq!(upload.append(b'x', 3_000_000).await.status, 500);
    assert_eq!(upload.send("HEAD", &[], "").await.status, 400, "a failure of the disk ends a transaction");
    for service in ["vault", "arc"] {
        bench.write(service, "/ada/f", b"precious").await;
        let (url, token) = match service {
            "vault" => (bench.endpoint("vault", "/ada/f", "pushToVoSpace").await, None),
            _ => ("/arc/files/ada/f".to_owned(), ADA),
        };
        bench.fault(r#"{"method": "PUT", "count": 1, "status": 413, "text": "limit: 10"}"#).await;
        assert_eq!(bench.send("PUT", &url, token, &[], vec![b'x'; 3_000_000]).await.status, 413);
        assert_eq!(bench.read(service, "/ada/f").await, b"precious");
        bench.fault(r#"{"method": "PUT", "count": 1, "disk_full_after": 1500000}"#).await;
        let answer = bench.send("PUT", &url, token, &[], vec![b'x'; 3_000_000]).await;
        assert_eq!(answer.status, 500);
        let wanted: &[u8] = if service == "vault" { b"precious" } else { b"" };
        assert_eq!(bench.read(service, "/ada/f").await, wanted, "{service}");
    }
}

#[tokio::test]
async fn fault_34_somebody_else_wrote_between_open_and_write_back() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"mine").await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let id = async || bench.send("HEAD", &endpoint, None, &[], "").await.header("x-artifact-id").unwrap().to_owned();
    let before = id().await;
    assert_eq!(id().await, before);
    bench.write("vault", "/ada/f", b"theirs").await;
    assert_ne!(id().await, before, "it shows in a HEAD");
    // Nothing in a request keeps the service from replacing it.
    let headers = [("if-match", before.as_str()), ("if-none-match", "*")];
    assert_eq!(bench.send("PUT", &endpoint, None, &headers, "mine").await.status, 201);
    assert_eq!(bench.read("vault", "/ada/f").await, b"mine");
}

#[tokio::test]
async fn fault_35_the_last_of_two_uploads_to_two_sites_wins() {
    let bench = Bench::with(|options| options.sites = 2).await;
    bench.write("vault", "/ada/f", b"old").await;
    bench.control("profile", r#"{"harvest_delay_ms": 3600000}"#).await;
    let mut endpoints = HashSet::new();
    while endpoints.len() < 2 {
        let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
        let path = endpoint.split("/files/").next().unwrap().to_owned();
        if endpoints.iter().all(|other: &String| !other.starts_with(&format!("{path}/"))) {
            endpoints.insert(endpoint);
        }
    }
    let endpoints: Vec<String> = endpoints.into_iter().collect();
    let (one, two) = tokio::join!(
        bench.send("PUT", &endpoints[0], None, &[], "from one"),
        bench.send("PUT", &endpoints[1], None, &[], "from two"),
    );
    assert_eq!((one.status, two.status), (201, 201), "both are told that they have written");
    // A third, certainly later.
    bench.control("clock", r#"{"offset_ms": 1000}"#).await;
    assert_eq!(bench.send("PUT", &endpoints[0], None, &[], "later").await.status, 201);
    bench.control("profile", r#"{"harvest_delay_ms": 0}"#).await;
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    let md5 = async || value(bench.get("/vault/nodes/ada/f").await.text(), "MD5").unwrap_or_default().to_owned();
    while md5().await != hex(b"later") {
        assert!(tokio::time::Instant::now() < deadline, "the latest one is what is left");
    }
    for endpoint in &endpoints {
        while bench.send("HEAD", endpoint, None, &[], "").await.header("digest") != Some(digest(b"later").as_str()) {
            assert!(tokio::time::Instant::now() < deadline, "at both sites");
        }
    }
}
