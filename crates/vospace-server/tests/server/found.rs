//! What was found on the real services and must be here too: each test names the finding.

use crate::support::{ADA, Answer, Bench, EVE, digest, hex, negotiation, properties, relocation};
use vospace_client::node::property;

async fn begin(bench: &Bench, path: &str, total: &str) -> (String, String) {
    let endpoint = bench.endpoint("vault", path, "pushToVoSpace").await;
    let headers = [("x-put-txn-op", "start"), ("x-total-length", total), ("content-length", "0")];
    let answer = bench.send("PUT", &endpoint, None, &headers, "").await;
    assert_eq!(answer.status, 202);
    (endpoint, answer.header("x-put-txn-id").unwrap().to_owned())
}

async fn append(bench: &Bench, (endpoint, id): &(String, String), bytes: &[u8]) -> Answer {
    bench.send("PUT", endpoint, None, &[("x-put-txn-id", id)], bytes.to_vec()).await
}

async fn commit(bench: &Bench, (endpoint, id): &(String, String)) -> Answer {
    let headers = [("x-put-txn-id", id.as_str()), ("x-put-txn-op", "commit"), ("content-length", "0")];
    bench.send("PUT", endpoint, None, &headers, "").await
}

async fn settled(bench: &Bench, (endpoint, id): &(String, String)) -> (Option<String>, Option<String>) {
    let answer = bench.send("HEAD", endpoint, None, &[("x-put-txn-id", id)], "").await;
    let text = |name| answer.header(name).map(str::to_owned);
    (text("content-length"), text("digest"))
}

#[tokio::test]
async fn a_listing_that_breaks_off_looks_whole() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        for name in ["a", "b", "c"] {
            bench.mkdir(service, &format!("/ada/{name}")).await;
        }
    }
    bench.fault(r#"{"method": "GET", "path": "/nodes/ada", "truncate_listing": 2}"#).await;
    for service in ["vault", "arc"] {
        let text = bench.list(service, "/ada").await;
        assert!(text.contains("/ada/b\"") && !text.contains("/ada/c\""));
        assert!(text.ends_with("</vos:node>"), "well-formed: {text}");
        vospace_client::xml::read::read_node(text.as_bytes()).unwrap();
    }
}

#[tokio::test]
async fn a_group_service_that_fails_is_no_denial_and_breaks_full_listings() {
    let bench = Bench::start().await;
    let group = |key| properties(&[(key, Some("ivo://cadc.nrc.ca/gms?team"))]);
    for service in ["vault", "arc"] {
        bench.node("POST", service, "/ada", "ContainerNode", &properties(&[(property::IS_PUBLIC, Some("true"))])).await;
        for name in ["a", "b", "c"] {
            bench.mkdir(service, &format!("/ada/{name}")).await;
        }
        bench.node("POST", service, "/ada/b", "ContainerNode", &group(property::GROUP_READ)).await;
        let down = async |down: bool| {
            let body = format!("{{\"down\": {down}}}");
            assert_eq!(bench.send("POST", "/_bench/groups", None, &[], body).await.status, 204);
        };
        let eve = async |path: &str| bench.send("GET", &format!("/{service}/nodes{path}"), EVE, &[], "").await;
        assert!(eve("/ada?detail=max").await.text().contains("/ada/c\""));
        down(true).await;
        let answer = eve("/ada?detail=max").await;
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("/ada/a\"") && !answer.text().contains("/ada/b\""), "{}", answer.text());
        assert!(answer.text().ends_with("</vos:node>"));
        assert!(eve("/ada").await.text().contains("/ada/c\""), "nobody has to be asked");
        assert_eq!(eve("/ada/b").await.status, 500);
        assert_eq!(eve("/ada/c").await.status, 200, "shown as empty");
        assert_eq!(bench.get(&format!("/{service}/nodes/ada/b")).await.status, 200, "the owner");
        down(false).await;
        assert_eq!(eve("/ada/b").await.status, 200);
    }
}

#[tokio::test]
async fn a_link_to_a_bad_name_breaks_the_listings_of_cavern() {
    let bench = Bench::start().await;
    bench.mkdir("arc", "/ada/a").await;
    let target = "<vos:target>vos://cadc.nrc.ca~arc/ada/x%20y</vos:target>";
    assert_eq!(bench.node("PUT", "arc", "/ada/l", "LinkNode", target).await.status, 201);
    bench.mkdir("arc", "/ada/z").await;
    let text = bench.list("arc", "/ada").await;
    assert!(text.contains("/ada/a\"") && !text.contains("/ada/z\""), "{text}");
    vospace_client::xml::read::read_node(text.as_bytes()).unwrap();
}

#[tokio::test]
async fn a_transaction_commits_bytes_that_are_not_what_their_md5_says() {
    let bench = Bench::start().await;
    // After a 412: the bytes stay and their checksum does not.
    let upload = begin(&bench, "/ada/refused", "4").await;
    append(&bench, &upload, b"ab").await;
    let headers = [("x-put-txn-id", upload.1.as_str()), ("digest", &digest(b"other"))];
    assert_eq!(bench.send("PUT", &upload.0, None, &headers, "cd").await.status, 412);
    assert_eq!(settled(&bench, &upload).await, (Some("4".to_owned()), Some(digest(b"ab"))));
    let answer = commit(&bench, &upload).await;
    assert_eq!((answer.status, answer.header("digest")), (201, Some(digest(b"ab").as_str())));
    let node = bench.stat("vault", "/ada/refused").await;
    assert_eq!((node.properties.length(), node.properties.get(property::MD5)), (Some(4), Some(hex(b"ab").as_str())));
    assert_eq!(bench.read("vault", "/ada/refused").await, b"abcd");

    // The service is killed within a segment: nothing is rolled back, and the next one goes behind it.
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
async fn two_appends_at_the_same_time_are_both_accepted() {
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
async fn a_commit_through_another_files_url_works() {
    let bench = Bench::start().await;
    let upload = begin(&bench, "/ada/f", "3").await;
    append(&bench, &upload, b"abc").await;
    let other = bench.endpoint("vault", "/ada/g", "pushToVoSpace").await;
    assert_eq!(append(&bench, &(other.clone(), upload.1.clone()), b"x").await.status, 400);
    assert_eq!(commit(&bench, &(other, upload.1)).await.status, 201);
    assert_eq!(bench.read("vault", "/ada/g").await, b"abc");
    assert_eq!(bench.get("/vault/files/ada/f").await.status, 204);
}

#[tokio::test]
async fn a_write_url_outlives_the_node_and_permits_delete() {
    let bench = Bench::start().await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let put = async |bytes: &'static str| bench.send("PUT", &endpoint, None, &[], bytes).await.status;
    assert_eq!(put("one").await, 201);
    bench.set("vault", "/ada/f", "DataNode", property::IS_LOCKED, "true").await;
    assert_eq!(put("two").await, 201, "of a locked node");
    bench.set("vault", "/ada/f", "DataNode", property::IS_LOCKED, "false").await;
    assert_eq!(bench.rename("vault", "/ada/f", "/ada/g").await.0, "COMPLETED");
    assert_eq!(put("three").await, 201);
    assert_eq!(bench.read("vault", "/ada/g").await, b"three");

    assert_eq!(bench.send("DELETE", &endpoint, None, &[], "").await.status, 204);
    assert_eq!(bench.stat("vault", "/ada/g").await.properties.length(), Some(5), "the node keeps what it knew");
    let answer = bench.get("/vault/files/ada/g").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")));
    assert_eq!(bench.head("/vault/files/ada/g").await.status, 200);

    assert_eq!(bench.delete("/vault/nodes/ada/g").await.status, 200);
    assert_eq!(put("orphan").await, 201);
    assert_eq!(bench.get("/vault/nodes/ada/g").await.status, 404);
}

#[tokio::test]
async fn first_puts_of_a_file_at_the_same_time_fail_but_for_one() {
    let bench = Bench::start().await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    bench.fault(r#"{"method": "PUT", "path": "/minoc/", "count": 2, "bytes_per_second": 20}"#).await;
    let put = |bytes: &'static str| bench.send("PUT", &endpoint, None, &[], bytes);
    let (one, two) = tokio::join!(put("aaaaaaaaaa"), put("bbbbbbbbbb"));
    let mut both = [one.status, two.status];
    both.sort_unstable();
    assert_eq!(both, [201, 500]);
    let text = if one.status == 500 { one.text() } else { two.text() }.to_owned();
    assert!(text.contains("DuplicateKeyException"), "{text}");
    for _ in 0..100 {
        let (one, two) = tokio::join!(put("cc"), put("dd"));
        assert_eq!((one.status, two.status), (201, 201), "overwrites: the last one wins");
    }
}

#[tokio::test]
async fn property_updates_at_the_same_time_are_lost() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/d").await;
    bench.fault(r#"{"method": "POST", "path": "/nodes/ada/d", "count": 1, "gap_ms": 500}"#).await;
    let slow = bench.set("vault", "/ada/d", "ContainerNode", "ivo://my.org/slow", "1");
    let quick = async {
        // The slow one has read when its request is in the log of faults.
        while !bench.get("/_bench/fault").await.text().contains("\"count\":0") {}
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        bench.set("vault", "/ada/d", "ContainerNode", "ivo://my.org/quick", "1").await
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!((slow.status, quick.status), (200, 200));
    let node = bench.stat("vault", "/ada/d").await;
    assert_eq!(
        (node.properties.get("ivo://my.org/slow"), node.properties.get("ivo://my.org/quick")),
        (Some("1"), None)
    );
}

#[tokio::test]
async fn a_move_succeeds_though_its_job_says_error() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/a").await;
    let (phase, error) = bench.rename("vault", "/ada/a", "/ada/b%20c").await;
    assert_eq!(phase, "ERROR");
    assert!(error.starts_with("URISyntaxException:"), "{error}");
    assert_eq!(bench.get("/vault/nodes/ada/a").await.status, 404);
    assert!(bench.list("vault", "/ada").await.contains("b%20c"));

    // The same on demand, with a name that is in reach.
    bench.mkdir("vault", "/ada/m").await;
    bench.fault(r#"{"path": "/transfers/", "method": "POST", "misreport_move": true}"#).await;
    assert_eq!(bench.rename("vault", "/ada/m", "/ada/n").await.0, "ERROR");
    assert_eq!(bench.get("/vault/nodes/ada/n").await.status, 200);
}

#[tokio::test]
async fn a_move_to_a_cut_name_replaces_a_file_on_cavern() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/a", b"precious").await;
    bench.write("arc", "/ada/s", b"other").await;
    assert_eq!(bench.rename("arc", "/ada/s", "/ada/a").await.0, "ERROR");
    assert_eq!(bench.rename("arc", "/ada/s", "/ada/a%23b").await.0, "COMPLETED");
    assert_eq!(bench.read("arc", "/ada/a").await, b"other");
}

#[tokio::test]
async fn a_content_range_replaces_the_whole_file() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"0123456789").await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let headers = [("content-range", "bytes 2-3/10"), ("if-none-match", "*")];
    assert_eq!(bench.send("PUT", &endpoint, None, &headers, "xx").await.status, 201);
    assert_eq!(bench.read("vault", "/ada/f").await, b"xx");
}

#[tokio::test]
async fn jobs_that_never_end_or_take_their_time() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/a").await;
    bench.fault(r#"{"path": "/phase", "method": "POST", "count": 1, "job_phase": "EXECUTING"}"#).await;
    let created = bench.transfer("vault", "transfers", &relocation("vault", "/ada/a", "/ada/b")).await;
    let job = created.location().to_owned();
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(bench.send("POST", &format!("{job}/phase"), ADA, &form, "PHASE=RUN").await.status, 303);
    bench.get(&format!("{job}?WAIT=1")).await;
    assert_eq!(bench.get(&format!("{job}/phase")).await.text(), "EXECUTING");
    assert_eq!(bench.get("/vault/nodes/ada/a").await.status, 200);
    bench.fault(r#"{"path": "/phase", "method": "POST", "slow_job_ms": 300}"#).await;
    let start = std::time::Instant::now();
    assert_eq!(bench.rename("vault", "/ada/a", "/ada/b").await.0, "COMPLETED");
    assert!(start.elapsed().as_millis() >= 300);
}

#[tokio::test]
async fn a_site_that_is_down() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let location = bench.get("/vault/files/ada/f").await.location().to_owned();
    let set = async |state: &str| {
        let body = format!("{{\"site\": 1, \"state\": \"{state}\"}}");
        assert_eq!(bench.send("POST", "/_bench/site", None, &[], body).await.status, 204);
    };
    set("dead").await;
    assert_eq!(bench.get("/vault/files/ada/f").await.status, 303, "nobody has noticed");
    assert!(reqwest::get(&location).await.is_err());
    set("down").await;
    let answer = bench.get("/vault/files/ada/f").await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("30")));
    assert_eq!(bench.head("/vault/files/ada/f").await.status, 200);
    let form = "TARGET=vos://cadc.nrc.ca~vault/ada/f&DIRECTION=pullFromVoSpace\
                &PROTOCOL=ivo://ivoa.net/vospace/core%23httpsget";
    let answer = bench.get(&format!("/vault/synctrans?{form}")).await;
    assert_eq!((answer.status, answer.text()), (400, "requested transfer specs not supported"));
    let answer = bench.transfer("vault", "synctrans", &negotiation("vault", "/ada/f", "pullFromVoSpace")).await;
    let answer = bench.get(bench.get(answer.location()).await.location()).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text().contains("endpoint"), "{}", answer.text());
    set("up").await;
    assert_eq!(bench.read("vault", "/ada/f").await, b"abc");
}
