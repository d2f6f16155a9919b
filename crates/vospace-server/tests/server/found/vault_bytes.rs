//! Vault: the byte service behind it.

use super::{append, begin, commit, settled};
use crate::support::{Bench, EVE, digest, hex};
use vospace_client::node::property;

#[tokio::test]
async fn b03_after_a_412_a_transaction_commits_bytes_that_are_not_what_their_md5_says() {
    let bench = Bench::start().await;
    // The checksum of the whole is not met, or there are more bytes than were announced: the bytes stay.
    for (name, total, sum) in [("refused", "4", Some(digest(b"other"))), ("long", "3", None)] {
        let upload = begin(&bench, &format!("/ada/{name}"), total).await;
        append(&bench, &upload, b"ab").await;
        let mut headers = vec![("x-put-txn-id", upload.1.as_str())];
        headers.extend(sum.as_deref().map(|sum| ("digest", sum)));
        assert_eq!(bench.send("PUT", &upload.0, None, &headers, "cd").await.status, 412);
        assert_eq!(settled(&bench, &upload).await, (Some("4".to_owned()), Some(digest(b"ab"))));
        let answer = commit(&bench, &upload).await;
        assert_eq!((answer.status, answer.header("digest")), (201, Some(digest(b"ab").as_str())));
        let node = bench.stat("vault", &format!("/ada/{name}")).await;
        let known = (node.properties.length(), node.properties.get(property::MD5));
        assert_eq!(known, (Some(4), Some(hex(b"ab").as_str())));
        assert_eq!(bench.read("vault", &format!("/ada/{name}")).await, b"abcd");
    }
}

#[tokio::test]
async fn b03_after_a_crash_within_a_segment_its_bytes_stay_and_the_next_go_behind_them() {
    let bench = Bench::start().await;
    let upload = begin(&bench, "/ada/torn", "100").await;
    append(&bench, &upload, b"0123456789").await;
    bench.fault(r#"{"method": "PUT", "path": "/minoc/", "count": 1, "tear_upload": 3}"#).await;
    let headers = [("x-put-txn-id", upload.1.as_str())];
    assert!(bench.try_send("PUT", &upload.0, None, &headers, "abcdef").await.is_err(), "no answer");
    assert_eq!(settled(&bench, &upload).await, (Some("13".to_owned()), Some(digest(b"0123456789"))));
    let answer = append(&bench, &upload, b"xyz").await;
    assert_eq!((answer.status, answer.header("digest")), (202, Some(digest(b"0123456789xyz").as_str())));
    assert_eq!(commit(&bench, &upload).await.status, 201);
    assert_eq!(bench.read("vault", "/ada/torn").await, b"0123456789abcxyz");
}

#[tokio::test]
async fn b03_two_appends_at_the_same_time_are_both_accepted_and_one_is_not_in_the_digest() {
    let bench = Bench::start().await;
    let upload = begin(&bench, "/ada/f", "100").await;
    // Both have their bytes held up, so that both begin before either ends.
    bench.fault(r#"{"method": "PUT", "path": "/minoc/", "bytes_per_second": 20}"#).await;
    let (one, two) = tokio::join!(append(&bench, &upload, b"aaaaaaaaaa"), append(&bench, &upload, b"bbbbbbbbbb"));
    assert_eq!((one.status, two.status), (202, 202));
    let (length, sum) = settled(&bench, &upload).await;
    assert_eq!(length.as_deref(), Some("20"));
    assert!(sum == Some(digest(b"aaaaaaaaaa")) || sum == Some(digest(b"bbbbbbbbbb")), "of one only: {sum:?}");
}

#[tokio::test]
async fn b03_a_segment_that_the_client_cuts_is_rolled_back() {
    let bench = Bench::start().await;
    let upload = begin(&bench, "/ada/f", "300").await;
    append(&bench, &upload, &[b'x'; 100]).await;
    bench.cut_put(&upload.0, 100, 37, &[("x-put-txn-id", &upload.1)]).await;
    assert_eq!(settled(&bench, &upload).await, (Some("100".to_owned()), Some(digest(&[b'x'; 100]))));
}

#[tokio::test]
async fn b04_head_during_an_append_shows_the_bytes_on_disk_and_the_digest_of_the_last_boundary() {
    let bench = Bench::start().await;
    let upload = begin(&bench, "/ada/f", "9000000").await;
    append(&bench, &upload, b"0123456789").await;
    bench.fault(r#"{"method": "PUT", "path": "/minoc/", "count": 1, "bytes_per_second": 2000000}"#).await;
    let segment = vec![b'x'; 4_000_000];
    let appending = append(&bench, &upload, &segment);
    let watching = async {
        loop {
            let (length, sum) = settled(&bench, &upload).await;
            assert_eq!(sum, Some(digest(b"0123456789")), "of the last boundary");
            let length: u64 = length.unwrap().parse().unwrap();
            if length > 10 {
                return length;
            }
        }
    };
    let (appended, length) = tokio::join!(appending, watching);
    assert_eq!(appended.status, 202);
    assert!(length < 4_000_010, "in the middle: {length}");
    let id = async || {
        let answer = bench.send("HEAD", &upload.0, None, &[("x-put-txn-id", &upload.1)], "").await;
        answer.header("x-artifact-id").unwrap().to_owned()
    };
    assert_ne!(id().await, id().await, "an identity that means nothing");
}

#[tokio::test]
async fn b05_a_commit_through_another_files_url_makes_the_bytes_that_files() {
    let bench = Bench::start().await;
    let upload = begin(&bench, "/ada/f", "3").await;
    append(&bench, &upload, b"abc").await;
    let other = (bench.endpoint("vault", "/ada/g", "pushToVoSpace").await, upload.1.clone());
    assert_eq!(append(&bench, &other, b"x").await.status, 400);
    assert_eq!(settled(&bench, &other).await.0.as_deref(), Some("3"), "HEAD is not refused");
    assert_eq!(commit(&bench, &other).await.status, 201);
    assert_eq!(bench.read("vault", "/ada/g").await, b"abc");
    assert_eq!(bench.get("/vault/files/ada/f").await.status, 204);
}

#[tokio::test]
async fn b06_a_write_url_outlives_overwrite_lock_rename_restart_and_the_node_and_permits_delete_and_post() {
    let mut bench = Bench::start().await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let base = bench.base.clone();
    let put = async |bench: &Bench, bytes: &'static str| {
        bench.send("PUT", &endpoint.replace(&base, &bench.base), None, &[], bytes).await.status
    };
    assert_eq!(put(&bench, "one").await, 201);
    bench.set("vault", "/ada/f", "DataNode", property::IS_LOCKED, "true").await;
    assert_eq!(put(&bench, "two").await, 201, "of a locked node");
    bench.set("vault", "/ada/f", "DataNode", property::IS_LOCKED, "false").await;
    assert_eq!(bench.rename("vault", "/ada/f", "/ada/g").await.0, "COMPLETED");
    bench.restart().await;
    assert_eq!(put(&bench, "three").await, 201);
    assert_eq!(bench.read("vault", "/ada/g").await, b"three");

    let endpoint = endpoint.replace(&base, &bench.base);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(bench.send("POST", &endpoint, None, &form, "contentType=image/x").await.status, 202);
    assert_eq!(bench.stat("vault", "/ada/g").await.properties.content_type(), Some("image/x"));
    assert_eq!(bench.send("DELETE", &endpoint, None, &[], "").await.status, 204);
    assert_eq!(bench.stat("vault", "/ada/g").await.properties.length(), Some(5), "the node keeps what it knew");
    let answer = bench.get("/vault/files/ada/g").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")));
    assert_eq!(bench.head("/vault/files/ada/g").await.status, 200);

    assert_eq!(bench.delete("/vault/nodes/ada/g").await.status, 200);
    assert_eq!(bench.send("PUT", &endpoint, None, &[], "orphan").await.status, 201);
    assert_eq!(bench.get("/vault/nodes/ada/g").await.status, 404, "no path leads there");
}

#[tokio::test]
async fn b07_a_bad_credential_beside_a_good_url_is_401_and_another_users_is_ignored() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let read = bench.endpoint("vault", "/ada/f", "pullFromVoSpace").await;
    assert_eq!(bench.send("GET", &read, Some("bad"), &[], "").await.status, 401);
    assert_eq!(bench.send("GET", &read, None, &[("cookie", "CADC_SSO=bad")], "").await.status, 401);
    assert_eq!(bench.send("GET", &read, EVE, &[], "").await.text(), "abc");
    assert_eq!(bench.send("GET", &read, None, &[], "").await.text(), "abc");
}

#[tokio::test]
async fn b13_of_first_puts_of_a_file_at_the_same_time_all_but_one_fail_with_500() {
    let bench = Bench::start().await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    bench.fault(r#"{"method": "PUT", "path": "/minoc/", "count": 2, "bytes_per_second": 20}"#).await;
    let put = |bytes: &'static str| bench.send("PUT", &endpoint, None, &[], bytes);
    let (one, two) = tokio::join!(put("aaaaaaaaaa"), put("bbbbbbbbbb"));
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [201, 500]);
    let text = if one.status == 500 { one.text() } else { two.text() }.to_owned();
    assert!(text.contains("DuplicateKeyException") && text.contains("uri_index"), "{text}");
    for _ in 0..100 {
        let (one, two) = tokio::join!(put("cc"), put("dd"));
        assert_eq!((one.status, two.status), (201, 201), "overwrites: the last one wins");
    }
}

#[tokio::test]
async fn b17_a_put_with_content_range_or_a_condition_replaces_the_whole_file() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"0123456789").await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    for (headers, body) in [
        ([("content-range", "bytes 2-3/10"), ("if-none-match", "*")], "xx"),
        ([("if-match", "\"other\""), ("content-md5", "bm8=")], "yyy"),
    ] {
        assert_eq!(bench.send("PUT", &endpoint, None, &headers, body).await.status, 201);
        assert_eq!(bench.read("vault", "/ada/f").await, body.as_bytes());
    }
}
