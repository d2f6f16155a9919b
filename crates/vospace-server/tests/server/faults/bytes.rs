//! Faults of reading bytes.

use crate::support::{ADA, Bench, digest};
use md5::Digest as _;

/// A bench with a file, and the URL of its bytes.
async fn with_file(bytes: &[u8]) -> (Bench, String) {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", bytes).await;
    let url = bench.get("/vault/files/ada/f").await.location().to_owned();
    (bench, url)
}

/// Head and body of a GET as they come over the wire.
async fn fetch(bench: &Bench, url: &str) -> (String, Vec<u8>) {
    let path = url.strip_prefix(&bench.base).unwrap();
    bench.wire(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

#[tokio::test]
async fn fault_09_a_length_that_is_not_that_of_the_body() {
    let (bench, url) = with_file(b"0123456789").await;
    for (off, said, sent) in [(0, 10, 10), (5, 15, 10), (-3, 7, 7)] {
        bench.fault(&format!(r#"{{"route": "bytes", "count": 1, "content_length_off": {off}}}"#)).await;
        let (head, body) = fetch(&bench, &url).await;
        assert!(head.contains(&format!("content-length: {said}\r\n")), "{head}");
        assert_eq!(body.len(), sent, "{head}");
    }
    bench.fault(r#"{"route": "bytes", "count": 1, "content_length_off": 5}"#).await;
    assert!(bench.try_send("GET", &url, None, &[], "").await.is_err(), "it is noticed");
    bench.fault(r#"{"route": "files", "count": 1, "content_length_off": -3}"#).await;
    assert_eq!(bench.head("/vault/files/ada/f").await.header("content-length"), Some("7"));
    bench.fault(r#"{"route": "bytes", "count": 1, "end_after": 4}"#).await;
    let answer = bench.send("GET", &url, None, &[], "").await;
    assert_eq!((answer.text(), answer.header("content-length")), ("0123", None), "short, and nothing says so");
}

#[tokio::test]
async fn fault_10_digests_of_every_kind() {
    let (bench, url) = with_file(b"0123456789").await;
    let right = digest(b"0123456789");
    let sha256 = "sha-256=hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=".to_owned();
    for (form, wanted) in [
        ("wrong", Some(digest_of_hex("5a"))),
        ("missing", None),
        ("sha256", None),
        ("upper_case", Some(right.replace("md5", "MD5"))),
        ("several", Some(format!("unixsum=30637,{right}"))),
    ] {
        bench.fault(&format!(r#"{{"route": "bytes", "count": 2, "digest": "{form}"}}"#)).await;
        let answer = bench.get_range(&url, "bytes=0-3").await;
        assert_eq!((answer.text(), answer.header("digest")), ("0123", wanted.as_deref()), "{form}");
        let answer = bench.send("GET", &url, None, &[], "").await;
        let wanted = if form == "sha256" { Some(sha256.clone()) } else { wanted };
        assert_eq!((answer.text(), answer.header("digest")), ("0123456789", wanted.as_deref()), "{form}");
    }
    let answer = bench.send("GET", &url, None, &[], "").await;
    assert_eq!(answer.header("digest"), Some(right.as_str()));
    // Of the file service, of an upload and of a redirect as well.
    bench.fault(r#"{"method": "PUT", "path": "/arc/files/", "count": 1, "digest": "wrong"}"#).await;
    let answer = bench.send("PUT", "/arc/files/ada/f", ADA, &[], "abc").await;
    assert_eq!((answer.status, answer.header("digest")), (201, Some(digest_of_hex("5a").as_str())));
    bench.fault(r#"{"path": "/vault/files/", "count": 1, "digest": "missing"}"#).await;
    assert_eq!(bench.get("/vault/files/ada/f").await.header("digest"), None);
}

fn digest_of_hex(byte: &str) -> String {
    vospace_client::node::Md5::from_hex(&byte.repeat(16)).unwrap().to_digest_header()
}

#[tokio::test]
async fn fault_11_an_old_digest_with_a_new_length() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/f", b"0123456789").await;
    // A failed upload: nothing is left but the checksum.
    bench.cut_put("/arc/files/ada/f", 10, 5, &[("Authorization", "Bearer ada-token")]).await;
    let answer = bench.head("/arc/files/ada/f").await;
    let old = digest(b"0123456789");
    assert_eq!((answer.header("content-length"), answer.header("digest")), (Some("0"), Some(old.as_str())));
    // A crash of the service: what had come is left with it.
    bench.fault(r#"{"method": "PUT", "count": 1, "tear_upload": 4}"#).await;
    assert!(bench.try_send("PUT", "/arc/files/ada/f", ADA, &[], "abcdefgh").await.is_err());
    let answer = bench.get("/arc/files/ada/f").await;
    assert_eq!((answer.text(), answer.header("digest")), ("abcd", Some(old.as_str())));
}

#[tokio::test]
async fn fault_13_ranges_answered_with_something_else() {
    let (bench, url) = with_file(b"0123456789").await;
    for (form, status, label, body) in [
        ("ignored", 200, None, "0123456789"),
        ("shifted", 206, Some("bytes 3-6/10"), "3456"),
        ("half", 206, Some("bytes 2-3/10"), "23"),
        ("unlabelled", 206, None, "2345"),
        (
            "multipart",
            206,
            None,
            "--part-of-the-file\r\nContent-Range: bytes 2-5/10\r\n\r\n2345\r\n--part-of-the-file--",
        ),
    ] {
        bench.fault(&format!(r#"{{"route": "bytes", "count": 1, "range": "{form}"}}"#)).await;
        let answer = bench.get_range(&url, "bytes=2-5").await;
        assert_eq!((answer.status, answer.header("content-range"), answer.text()), (status, label, body), "{form}");
        let kind = answer.header("content-type").unwrap_or_default();
        assert_eq!(kind.starts_with("multipart/byteranges; boundary=part-of-the-file"), form == "multipart", "{kind}");
    }
    let answer = bench.get_range(&url, "bytes=-3").await;
    assert_eq!((answer.header("content-range"), answer.text()), (Some("bytes 0-3/10"), "0123"), "the suffix defect");
    bench.write("arc", "/ada/f", b"0123456789").await;
    let answer = bench.send("GET", "/arc/files/ada/f", ADA, &[("range", "bytes=2-5")], "").await;
    assert_eq!((answer.status, answer.text()), (200, "0123456789"), "cavern ignores ranges by itself");
}

#[tokio::test]
async fn fault_14_the_file_changes_between_two_ranges() {
    let (bench, url) = with_file(b"0123456789").await;
    let facts = async |range: &str| {
        let answer = bench.get_range(&url, range).await;
        let header = |name| answer.header(name).unwrap().to_owned();
        (header("x-artifact-id"), header("content-range"), answer.text().to_owned())
    };
    let first = facts("bytes=0-3").await;
    bench.write("vault", "/ada/f", b"abcdefghijkl").await;
    let second = facts("bytes=4-7").await;
    assert_ne!(first.0, second.0);
    assert_eq!((first.1.as_str(), second.1.as_str()), ("bytes 0-3/10", "bytes 4-7/12"));
    // On demand, of one answer.
    bench.fault(r#"{"route": "bytes", "count": 1, "headers": {"x-artifact-id": "another"}}"#).await;
    assert_eq!((facts("bytes=4-7").await.0, facts("bytes=4-7").await.0), ("another".to_owned(), second.0));
}

#[tokio::test]
async fn fault_15_the_end_of_a_file_that_others_cut() {
    let (bench, url) = with_file(b"0123456789").await;
    assert_eq!(bench.get_range(&url, "bytes=4-7").await.status, 206);
    bench.write("vault", "/ada/f", b"abc").await;
    let answer = bench.get_range(&url, "bytes=4-7").await;
    assert_eq!((answer.status, answer.header("content-range")), (416, Some("bytes */3")));
}

#[tokio::test]
async fn fault_16_no_content_for_files_that_are_empty_and_that_are_not() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        bench.node("PUT", service, "/ada/empty", "DataNode", "").await;
        let answer = bench.get(&format!("/{service}/files/ada/empty")).await;
        assert_eq!((answer.status, answer.header("content-length")), (204, None), "{service}");
    }
    bench.write("vault", "/ada/f", b"abc").await;
    bench.fault(r#"{"path": "/vault/files/", "count": 1, "stale": true}"#).await;
    assert_eq!(bench.get("/vault/files/ada/f").await.status, 204);
    assert_eq!(bench.stat("vault", "/ada/f").await.properties.length(), Some(3), "the node knows");
    assert_eq!(bench.read("vault", "/ada/f").await, b"abc");
}

#[tokio::test]
async fn fault_19_an_upload_is_seen_while_it_runs() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/f", b"0123456789").await;
    bench.fault(r#"{"method": "PUT", "count": 1, "bytes_per_second": 2000000}"#).await;
    let content = vec![b'x'; 4_000_000];
    let upload = bench.send("PUT", "/arc/files/ada/f", ADA, &[], content.clone());
    let watch = async {
        loop {
            // A file that is emptied while it is sent has a connection that is closed too early.
            let answer = bench.try_send("GET", "/arc/files/ada/f", ADA, &[], "").await;
            if let Some(answer) = answer.ok().filter(|answer| answer.body.starts_with(b"x")) {
                return answer;
            }
        }
    };
    let (answer, seen) = tokio::join!(upload, watch);
    assert_eq!(answer.status, 201);
    assert!(seen.body.len() < content.len(), "{}", seen.body.len());
    assert_eq!(seen.header("digest"), Some(digest(b"0123456789").as_str()), "and it has the old checksum");
    let after = bench.get("/arc/files/ada/f").await;
    assert_eq!(md5::Md5::digest(&after.body), md5::Md5::digest(&content));
}
