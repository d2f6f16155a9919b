//! PUT transactions: the golden transcript of an upload with resume, and the edges.

use crate::support::{Answer, Bench, digest, hex};
use vospace_client::node::property;

/// An upload in segments.
pub(crate) struct Upload<'a> {
    bench: &'a Bench,
    pub(crate) endpoint: String,
    pub(crate) id: String,
    pub(crate) started: Answer,
}

impl<'a> Upload<'a> {
    pub(crate) async fn start(bench: &'a Bench, path: &str, total: &str) -> Upload<'a> {
        let endpoint = bench.endpoint("vault", path, "pushToVoSpace").await;
        let headers = [("x-put-txn-op", "start"), ("x-total-length", total), ("content-length", "0")];
        let answer = bench.send("PUT", &endpoint, None, &headers, "").await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(answer.header("digest"), None);
        let id = answer.header("x-put-txn-id").unwrap().to_owned();
        Upload { bench, endpoint, id, started: answer }
    }

    pub(crate) async fn send(&self, method: &str, headers: &[(&str, &str)], body: impl Into<reqwest::Body>) -> Answer {
        let mut all = vec![("x-put-txn-id", self.id.as_str())];
        all.extend_from_slice(headers);
        self.bench.send(method, &self.endpoint, None, &all, body).await
    }

    pub(crate) async fn append(&self, byte: u8, count: usize) -> Answer {
        self.send("PUT", &[], vec![byte; count]).await
    }

    pub(crate) async fn settled(&self) -> (Option<u64>, Option<String>) {
        let answer = self.send("HEAD", &[], "").await;
        assert_eq!(answer.status, 200);
        let length = answer.header("content-length").map(|text| text.parse().unwrap());
        (length, answer.header("digest").map(str::to_owned))
    }
}

#[tokio::test]
async fn a_cut_segment_is_lost_and_the_rest_goes_on() {
    let mut bench = Bench::start().await;
    let upload = Upload::start(&bench, "/ada/new.dat", "300").await;
    assert_eq!(upload.started.header("x-put-segment-minbytes"), Some("1"));
    assert_eq!(bench.stat("vault", "/ada/new.dat").await.properties.length(), Some(0));
    assert_eq!(upload.settled().await, (Some(0), None));
    let answer = upload.append(b'a', 100).await;
    assert_eq!((answer.status, answer.header("digest")), (202, Some(digest(&[b'a'; 100]).as_str())));
    bench.cut_put(&upload.endpoint, 100, 37, &[("x-put-txn-id", &upload.id)]).await;
    assert_eq!(upload.settled().await, (Some(100), Some(digest(&[b'a'; 100]))));
    let (endpoint, id, started) = (upload.endpoint, upload.id, upload.started);

    // The service may restart in between; its port changes in this test, the grant does not.
    let before = bench.base.clone();
    bench.restart().await;
    let upload = Upload { bench: &bench, endpoint: endpoint.replace(&before, &bench.base), id, started };
    assert_eq!(upload.settled().await, (Some(100), Some(digest(&[b'a'; 100]))));
    assert_eq!(upload.append(b'b', 100).await.status, 202);
    let whole = [[b'a'; 100], [b'b'; 100], [b'c'; 100]].concat();
    assert_eq!(upload.append(b'c', 100).await.header("digest"), Some(digest(&whole).as_str()));
    let commit = [("x-put-txn-op", "commit"), ("content-length", "0"), ("content-type", "image/x")];
    let answer = upload.send("PUT", &commit, "").await;
    assert_eq!((answer.status, answer.header("digest")), (201, Some(digest(&whole).as_str())));
    assert_eq!(upload.send("PUT", &commit, "").await.status, 400, "unknown by now");
    assert_eq!(bench.read("vault", "/ada/new.dat").await, whole);
    let node = bench.stat("vault", "/ada/new.dat").await;
    assert_eq!((node.properties.length(), node.properties.content_type()), (Some(300), Some("image/x")));
    assert_eq!(node.properties.get(property::MD5), Some(hex(&whole).as_str()));
}

#[tokio::test]
async fn one_segment_can_be_taken_back() {
    let bench = Bench::start().await;
    let upload = Upload::start(&bench, "/ada/f", "1000").await;
    upload.append(b'a', 10).await;
    upload.append(b'b', 10).await;
    let revert = [("x-put-txn-op", "revert")];
    let answer = upload.send("POST", &revert, "").await;
    assert_eq!((answer.status, answer.header("digest")), (202, Some(digest(&[b'a'; 10]).as_str())));
    let answer = upload.send("POST", &revert, "").await;
    assert_eq!((answer.status, answer.text()), (400, "InvalidArgument: transaction not revertable"));
    upload.append(b'c', 1).await;
    // The announced total is not asked for.
    let answer = upload.send("PUT", &[("x-put-txn-op", "commit"), ("content-length", "0")], "").await;
    assert_eq!(answer.status, 201);
    assert_eq!(bench.read("vault", "/ada/f").await, b"aaaaaaaaaac");
}

#[tokio::test]
async fn a_start_with_data_an_abort_and_wrong_requests() {
    let bench = Bench::start().await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let answer = bench.send("PUT", &endpoint, None, &[("x-put-txn-op", "start")], "hello").await;
    assert_eq!((answer.status, answer.header("digest")), (202, Some(digest(b"hello").as_str())));
    let id = answer.header("x-put-txn-id").unwrap().to_owned();
    let upload = Upload { bench: &bench, endpoint, id, started: answer };
    assert_eq!(upload.append(b'x', 10).await.status, 412, "the total was the length of the first segment");
    assert_eq!(upload.settled().await, (Some(15), Some(digest(b"hello"))), "the bytes stay, their checksum does not");
    assert_eq!(upload.send("PUT", &[("x-put-txn-op", "commit")], "body").await.status, 400);
    let other = bench.endpoint("vault", "/ada/g", "pushToVoSpace").await;
    let foreign = bench.send("PUT", &other, None, &[("x-put-txn-id", &upload.id)], "x").await;
    assert_eq!(foreign.status, 400, "a transaction of another file");
    assert_eq!(upload.send("POST", &[("x-put-txn-op", "abort")], "").await.status, 204);
    assert_eq!(upload.append(b'x', 10).await.status, 400);
    assert_eq!(bench.get("/vault/files/ada/f").await.status, 204, "nothing was stored");

    let upload = Upload::start(&bench, "/ada/h", "4").await;
    let wrong = [("digest", digest(b"other"))];
    let answer = upload.send("PUT", &[("digest", &wrong[0].1)], "abcd").await;
    assert_eq!(answer.status, 412);
    let again = upload.send("PUT", &[("digest", &digest(b"abcd"))], "abcd").await;
    assert_eq!(again.status, 412, "it goes behind the bytes that were refused");
}
