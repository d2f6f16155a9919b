//! Files of the cavern profile: in place, whole, and lost when a PUT fails.

use crate::support::{ADA, Bench, digest, hex};
use vospace_client::node::property;

const FILE: &str = "/arc/files/ada/x";

#[tokio::test]
async fn an_overwrite_that_fails_empties_the_file() {
    let bench = Bench::start().await;
    let put =
        async |headers: &[(&str, &str)], body: &'static str| bench.send("PUT", FILE, ADA, headers, body).await.status;
    assert_eq!(put(&[("digest", &digest(b"0123456789")), ("content-type", "text/x")], "0123456789").await, 201);
    let md5 = async || bench.stat("arc", "/ada/x").await.properties.get(property::MD5).map(str::to_owned);
    assert_eq!(md5().await, Some(hex(b"0123456789")));
    let authorization = [("authorization", "Bearer ada-token")];
    bench.cut_put(FILE, 100, 20, &authorization).await;
    assert_eq!(bench.get(FILE).await.status, 204, "the old content is gone");
    assert_eq!(md5().await, Some(hex(b"0123456789")), "and its checksum stays");
    assert_eq!(put(&[], "0123456789").await, 201);
    assert_eq!(md5().await, Some(format!("md5:{}", hex(b"0123456789"))));
    let whole = bench.send("GET", FILE, ADA, &[("range", "bytes=2-3")], "").await;
    assert_eq!((whole.status, whole.header("content-length"), whole.text()), (200, Some("10"), "0123456789"));
    assert_eq!(whole.header("content-type"), Some("text/x"), "kept from the first PUT");
    assert_eq!((whole.header("accept-ranges"), whole.header("etag")), (None, None));
    for (digest, status) in [("sha-256=abc=", 412), (digest(b"y").as_str(), 412), ("md5=00,sha-256=11", 400)] {
        assert_eq!(put(&[], "0123456789").await, 201);
        assert_eq!(put(&[("digest", digest)], "new").await, status, "{digest}");
        assert_eq!(bench.get(FILE).await.status, 204, "{digest}");
    }
    assert_eq!(put(&[("content-type", "application/x-www-form-urlencoded")], "a=b").await, 500);
    assert_eq!(put(&[], "").await, 201, "an empty file can be put");
}

#[tokio::test]
async fn length_and_date_are_live_and_children_move_the_date_of_their_container() {
    let bench = Bench::start().await;
    let before = bench.stat("arc", "/ada").await.properties.date().unwrap();
    bench.write("arc", "/ada/x", b"abc").await;
    let node = bench.stat("arc", "/ada/x").await;
    assert_eq!(node.properties.length(), Some(3));
    assert_eq!(node.properties.content_date(), None);
    assert!(bench.stat("arc", "/ada").await.properties.date().unwrap() >= before);
    let date = node.properties.date().unwrap();
    assert_eq!(bench.set("arc", "/ada/x", "DataNode", "ivo://my.org/k", "v").await.status, 200);
    assert_eq!(bench.stat("arc", "/ada/x").await.properties.date(), Some(date), "a property is no change of the file");
}

#[tokio::test]
async fn endpoints_are_preauthorised_or_plain() {
    let bench = Bench::start().await;
    bench.mkdir("arc", "/ada/d").await;
    let write = bench.endpoint("arc", "/ada/d/x", "pushToVoSpace").await;
    assert!(write.contains("/arc/files/preauth:"), "{write}");
    assert_eq!(bench.send("PUT", &write, None, &[], "abc").await.status, 201);
    assert_eq!(bench.send("HEAD", &write, None, &[], "").await.status, 403);
    let read = bench.endpoint("arc", "/ada/d/x", "pullFromVoSpace").await;
    assert_eq!(bench.send("GET", &read, None, &[], "").await.text(), "abc");
    assert_eq!(bench.send("GET", &read.replace("/d/x", "/d/y"), None, &[], "").await.status, 403);
    assert_eq!(bench.stat("arc", "/ada/d/x").await.properties.creator(), Some("ada"));
    // A semicolon is not escaped in the endpoint, and what follows it is cut off: the grant is for another path.
    let odd = bench.endpoint("arc", "/ada/d/x%3By", "pushToVoSpace").await;
    assert!(odd.ends_with("/ada/d/x;y"), "{odd}");
    assert_eq!(bench.send("PUT", &odd, None, &[], "zzz").await.status, 403);
}

#[tokio::test]
async fn links_lead_only_into_the_space_and_carry_nothing() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/x", b"abc").await;
    let link = async |path: &str, inner: &str| bench.node("PUT", "arc", path, "LinkNode", inner).await.status;
    assert_eq!(link("/ada/l", "<vos:target>vos://cadc.nrc.ca!arc/ada/x</vos:target>").await, 201);
    assert_eq!(link("/ada/m", "<vos:target>https://example.org/x</vos:target>").await, 400);
    assert_eq!(bench.read("arc", "/ada/l").await, b"abc");
    assert_eq!(bench.send("PUT", "/arc/files/ada/l", ADA, &[], "x").await.text(), "InvalidArgument: not a data node");
    let answer = bench.set("arc", "/ada/l", "LinkNode", "ivo://my.org/k", "v").await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_quota_ends_an_upload_and_empties_the_file() {
    let bench = Bench::with(|options| options.quota = Some(100)).await;
    bench.mkdir("arc", "/ada/d").await;
    bench.write("arc", "/ada/d/a", &[b'a'; 60]).await;
    bench.write("arc", "/ada/b", &[b'b'; 40]).await;
    let put = async |path: &str, length: usize| {
        bench.send("PUT", &format!("/arc/files{path}"), crate::support::ADA, &[], vec![b'x'; length]).await
    };
    let answer = put("/ada/b", 41).await;
    assert_eq!((answer.status, answer.text()), (413, "limit: 40"));
    assert_eq!(bench.get("/arc/files/ada/b").await.status, 204, "what was there is gone");
    assert_eq!(put("/ada/b", 40).await.status, 201, "its own bytes do not count");
    assert_eq!(put("/ada/d/c", 1).await.status, 413);
    assert_eq!(bench.delete("/arc/nodes/ada/d/a").await.status, 200);
    assert_eq!(put("/ada/d/c", 60).await.status, 201);
}
