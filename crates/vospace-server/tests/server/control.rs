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
