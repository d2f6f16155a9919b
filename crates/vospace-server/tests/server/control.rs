//! The control resource: the request log, and faults on demand.

use crate::support::{ADA, Bench};

#[tokio::test]
async fn the_operation_log_tells_what_was_asked() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"0123456789").await;
    let endpoint = bench.get("/vault/files/ada/f").await.location().to_owned();
    assert_eq!(bench.send("DELETE", "/_bench/log", None, &[], "").await.status, 204);
    bench.get_range(&endpoint, "bytes=2-4").await;
    let text = bench.get("/_bench/log").await.text().to_owned();
    let log: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entries = log.as_array().unwrap();
    assert_eq!(entries.len(), 1, "{text}");
    assert_eq!(entries[0]["method"], "GET");
    assert_eq!(entries[0]["status"], 206);
    assert_eq!(entries[0]["range"], "bytes=2-4");
    assert_eq!(entries[0]["bytes_out"], 3);
    assert_eq!(entries[0]["user"], serde_json::Value::Null);
    let path = entries[0]["path"].as_str().unwrap();
    assert!(path.starts_with("/minoc/files/TOKEN/cadc:vault/"), "{path}");
}

#[tokio::test]
async fn a_refusal_on_demand_does_nothing_and_a_cut_answer_is_noticed() {
    let bench = Bench::start().await;
    let fault = async |rule: &'static str| bench.send("POST", "/_bench/fault", None, &[], rule).await.status;
    assert_eq!(fault(r#"{"method": "PUT", "path": "/nodes/", "count": 1, "status": 503}"#).await, 201);
    let refused = bench.node("PUT", "vault", "/ada/d", "ContainerNode", "").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    bench.mkdir("vault", "/ada/d").await;

    bench.write("vault", "/ada/f", &[b'x'; 100_000]).await;
    let location = bench.get("/vault/files/ada/f").await.location().to_owned();
    assert_eq!(fault(r#"{"path": "/minoc/", "count": 1, "cut_after": 70000}"#).await, 201);
    let mut response = reqwest::get(&location).await.unwrap();
    assert_eq!((response.status().as_u16(), response.content_length()), (200, Some(100_000)));
    let mut got = 0;
    let broken = loop {
        match response.chunk().await {
            Ok(Some(chunk)) => got += chunk.len(),
            Ok(None) => break false,
            Err(_) => break true,
        }
    };
    assert!(broken && got <= 70_000, "{got}");
    assert_eq!(bench.read("vault", "/ada/f").await.len(), 100_000, "once only");

    // A listing that is cut is no listing.
    assert_eq!(fault(r#"{"path": "/nodes/ada", "cut_after": 200}"#).await, 201);
    let request = reqwest::Client::new().get(format!("{}/vault/nodes/ada", bench.base)).bearer_auth(ADA.unwrap());
    assert!(request.send().await.unwrap().text().await.is_err());
    assert_eq!(bench.send("DELETE", "/_bench/fault", None, &[], "").await.status, 204);
    assert!(bench.list("vault", "/ada").await.contains("/ada/f"));
    assert_eq!(fault(r#"{"path": "x", "explode": true}"#).await, 400);

    // Done, but the client cannot know.
    assert_eq!(fault(r#"{"path": "/nodes/ada/f", "method": "DELETE", "lose_answer": true}"#).await, 201);
    let request = reqwest::Client::new().delete(format!("{}/vault/nodes/ada/f", bench.base)).bearer_auth(ADA.unwrap());
    assert!(request.send().await.is_err());
    assert_eq!(bench.get("/vault/nodes/ada/f").await.status, 404);
}

#[tokio::test]
async fn headers_refusals_and_stalls_on_demand() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"0123456789").await;
    let location = bench.get("/vault/files/ada/f").await.location().to_owned();
    let fault = async |rule: &'static str| bench.send("POST", "/_bench/fault", None, &[], rule).await.status;
    let rule = r#"{"path": "/minoc/", "count": 1, "headers": {"digest": null, "content-range": "bytes 7-9/10"}}"#;
    assert_eq!(fault(rule).await, 201);
    let answer = bench.get_range(&location, "bytes=0-2").await;
    assert_eq!((answer.status, answer.header("digest")), (206, None));
    assert_eq!(answer.header("content-range"), Some("bytes 7-9/10"));
    assert_eq!(fault(r#"{"path": "/minoc/", "count": 1, "request_headers": {"range": null}}"#).await, 201);
    assert_eq!(bench.get_range(&location, "bytes=0-2").await.status, 200, "the range is ignored");

    let rule = r#"{"path": "/nodes/", "count": 1, "status": 503, "retry_after": "7", "body": "<html>no</html>"}"#;
    assert_eq!(fault(rule).await, 201);
    let answer = bench.get("/vault/nodes/ada").await;
    assert_eq!((answer.status, answer.header("retry-after"), answer.text()), (503, Some("7"), "<html>no</html>"));
    assert_eq!(answer.header("content-type"), Some("text/html"));

    assert_eq!(fault(r#"{"path": "/minoc/", "count": 1, "stall_after": 4}"#).await, 201);
    let mut response = reqwest::get(&location).await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap().len(), 4);
    let more = tokio::time::timeout(std::time::Duration::from_millis(200), response.chunk()).await;
    assert!(more.is_err(), "nothing more, and no end");
}

#[tokio::test]
async fn read_only_and_offline() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/a").await;
    let mode = async |mode: &str| {
        let body = format!("{{\"mode\": \"{mode}\"}}");
        assert_eq!(bench.send("POST", "/_bench/mode", None, &[], body).await.status, 204);
    };
    mode("read_only").await;
    let refused = bench.node("PUT", "vault", "/ada/b", "ContainerNode", "").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("180")));
    assert_eq!(bench.delete("/vault/nodes/ada/a").await.status, 503);
    assert_eq!(bench.send("PUT", "/arc/files/ada/x", ADA, &[], "x").await.status, 503);
    assert_eq!(bench.get("/vault/nodes/ada").await.status, 200);
    // Jobs and negotiations are forgotten about, as on the real services.
    assert_eq!(bench.rename("vault", "/ada/a", "/ada/c").await.0, "COMPLETED");
    bench.endpoint("vault", "/ada/new", "pushToVoSpace").await;
    assert!(bench.get("/vault/availability").await.text().contains("read-only mode"));
    assert_eq!(bench.get("/vault/availability?detail=min").await.status, 200);
    mode("offline").await;
    assert_eq!(bench.get("/vault/nodes/ada").await.status, 503);
    assert_eq!(bench.get("/vault/capabilities").await.status, 200);
    assert_eq!(bench.get("/vault/availability?detail=min").await.status, 503);
    mode("read_write").await;
    assert_eq!(bench.get("/vault/nodes/ada/c").await.status, 200);
}

#[tokio::test]
async fn the_tree_and_the_clock() {
    let bench = Bench::start().await;
    let body = "{\"offset_ms\": -86400000}";
    assert_eq!(bench.send("POST", "/_bench/clock", None, &[], body).await.status, 200);
    bench.write("vault", "/ada/f", b"abc").await;
    assert_eq!(bench.send("POST", "/_bench/clock", None, &[], "{\"offset_ms\": 0}").await.status, 200);
    let node = bench.stat("vault", "/ada/f").await;
    let age = jiff::Timestamp::now().duration_since(node.properties.content_date().unwrap());
    assert!((86_390..86_500).contains(&age.as_secs()), "{age:?}");

    bench.set("vault", "/ada/f", "DataNode", "ivo://my.org/k", "v").await;
    let text = bench.get("/_bench/tree?space=vault&path=/ada").await.text().to_owned();
    let tree: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&tree[0]["path"], &tree[0]["kind"]), (&"/ada".into(), &"container".into()));
    assert_eq!((&tree[1]["path"], &tree[1]["length"], &tree[1]["owner"]), (&"/ada/f".into(), &3.into(), &"ada".into()));
    assert_eq!(tree[1]["properties"]["ivo://my.org/k"], "v");
    assert_eq!(tree[1]["sites"], serde_json::json!([1]));
    assert_eq!(bench.get("/_bench/tree?space=vault&path=/none").await.text(), "[]");
}

#[tokio::test]
async fn a_slow_network() {
    let bench = Bench::with(|options| {
        options.shape = vospace_server::shaping::Shape {
            latency: std::time::Duration::from_millis(20),
            connection_rate: Some(1_000_000),
            total_rate: None,
        }
    })
    .await;
    let start = std::time::Instant::now();
    bench.get("/vault/nodes/ada").await;
    assert!(start.elapsed().as_millis() >= 20);
    let start = std::time::Instant::now();
    bench.write("vault", "/ada/f", &[b'x'; 200_000]).await;
    assert!(start.elapsed().as_millis() >= 200, "{:?}", start.elapsed());
    let start = std::time::Instant::now();
    assert_eq!(bench.read("vault", "/ada/f").await.len(), 200_000);
    assert!(start.elapsed().as_millis() >= 200, "{:?}", start.elapsed());
}

#[tokio::test]
async fn habits_are_shown_and_changed_while_the_service_runs() {
    let bench = Bench::start().await;
    let shown = async |space: &str| {
        let text = bench.get(&format!("/_bench/profile?space={space}")).await.text().to_owned();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    let before = shown("arc").await;
    assert_eq!(
        (&before["spaces"], &before["habits"]["listing"]),
        (&serde_json::json!(["vault", "arc"]), &"whole".into())
    );
    assert_eq!(bench.node("PUT", "vault", "/ada/f", "DataNode", "").await.status, 201);
    assert_eq!(bench.set("vault", "/ada/f", "DataNode", "ivo://ivoa.net/vospace/core#mtime", "x").await.status, 400);
    bench.control("profile", r#"{"space": "vault", "habits": {"times_accepted": true}}"#).await;
    assert_eq!(bench.set("vault", "/ada/f", "DataNode", "ivo://ivoa.net/vospace/core#mtime", "x").await.status, 200);
    for wrong in [r#"{"habits": {"no_such": 1}}"#, r#"{"space": "none"}"#, r#"{"harvest_delay_ms": -1}"#] {
        assert_eq!(bench.send("POST", "/_bench/profile", None, &[], wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(shown("arc").await, before, "of the other space");
}
