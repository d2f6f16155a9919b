//! Repetition, limits and who gets credentials, against a listener in this process.

use futures_util::TryStreamExt as _;

use crate::ErrorKind;
use crate::client::Client;
use crate::config::ClientConfig;
use crate::node::{Node, Properties};
use crate::testing::{Reply, Stub, uri};
use crate::xml::write;

fn document() -> String {
    write::node(&Node::data(uri("/a")), [].into_iter())
}

#[tokio::test]
async fn a_busy_service_is_asked_again_and_the_token_goes_along() {
    let stub = Stub::service(|_, n| match n {
        0 => Reply::fault(503, "busy").header("Retry-After", "0"),
        1 => Reply::fault(502, "<html>"),
        2 => Reply::Raw(Vec::new()),
        _ => Reply::ok(document()),
    })
    .await;
    stub.client().stat(&uri("/a")).await.unwrap();
    assert_eq!(stub.lines(), ["GET /nodes/a?limit=0"; 4]);
    assert!(stub.requests().iter().all(|seen| seen.header("authorization") == Some("Bearer TOKEN")));
    let others: Vec<_> = stub.all().into_iter().filter(|seen| seen.header("authorization").is_none()).collect();
    assert_eq!(others.len(), 2, "registry and capabilities are public");
}

#[tokio::test]
async fn a_long_retry_after_and_a_refusal_are_reported_at_once() {
    for (reply, kind) in [
        (Reply::fault(503, "later").header("Retry-After", "180"), ErrorKind::Service),
        (Reply::fault(503, "System is in read-only mode").header("Retry-After", "0"), ErrorKind::ReadOnlyService),
        (Reply::fault(401, "NotAuthenticated"), ErrorKind::Unauthorized),
        (Reply::fault(404, "NodeNotFound: x"), ErrorKind::NotFound),
    ] {
        let stub = Stub::service(move |_, _| reply.clone()).await;
        let error = stub.client().stat(&uri("/a")).await.unwrap_err();
        assert_eq!((error.kind(), stub.lines().len()), (kind, 1), "{error}");
    }
}

#[tokio::test]
async fn repetition_ends_when_its_time_is_used_up() {
    let stub = Stub::service(|_, _| Reply::fault(503, "busy")).await;
    let mut config = stub.config();
    let millis = std::time::Duration::from_millis;
    config.retry = crate::client::RetryPolicy {
        attempts: 50,
        min_delay: millis(40),
        max_delay: millis(40),
        max_total: millis(100),
    };
    assert_eq!(Client::new(config).unwrap().stat(&uri("/a")).await.unwrap_err().kind(), ErrorKind::Service);
    assert!((2..=3).contains(&stub.lines().len()), "{}", stub.lines().len());
}

#[tokio::test]
async fn a_fault_is_not_asked_for_ever() {
    let stub = Stub::service(|_, _| Reply::fault(500, "unexpected exception: x")).await;
    let error = stub.client().stat(&uri("/a")).await.unwrap_err();
    assert_eq!((error.kind(), stub.lines().len()), (ErrorKind::Service, 3));
    assert!(error.to_string().contains("unexpected exception: x"), "{error}");
}

#[tokio::test]
async fn silence_is_a_timeout_before_and_within_the_answer() {
    let start = b"HTTP/1.1 200 X\r\nContent-Length: 900\r\n\r\n<vos".to_vec();
    for reply in [Reply::Stall(Vec::new()), Reply::Stall(start)] {
        let stub = Stub::service(move |_, _| reply.clone()).await;
        let mut config = stub.config();
        config.retry.attempts = 1;
        let error = Client::new(config).unwrap().stat(&uri("/a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    }
}

#[tokio::test]
async fn an_answer_cut_short_is_asked_for_again() {
    let stub = Stub::service(|_, n| match n {
        0 => Reply::Raw(b"HTTP/1.1 200 X\r\nContent-Length: 900\r\n\r\n<vos:node".to_vec()),
        _ => Reply::ok(document()),
    })
    .await;
    assert!(stub.client().stat(&uri("/a")).await.is_ok());
}

#[tokio::test]
async fn no_connection_is_tried_a_few_times_and_named() {
    let gone = Stub::start(|_, _| Reply::status(200)).await;
    let mut config = gone.config();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    config.registry = Some(format!("http://{}/reg", listener.local_addr().unwrap()));
    drop(listener);
    let error = Client::new(config).unwrap().stat(&uri("/a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.to_string().contains("/reg/resource-caps"), "{error}");
}

#[tokio::test]
async fn a_redirect_to_a_strange_host_gets_no_credentials() {
    let strange = Stub::start(|_, _| Reply::ok("bytes")).await;
    let base = strange.base.clone();
    let stub = Stub::service(move |_, _| Reply::redirect(format!("{base}/grant/x"))).await;
    let client = stub.client();
    let download = client.open(&uri("/a"), None).await.unwrap();
    let chunks: Vec<_> = download.body.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"bytes");
    let error = client.stat(&uri("/a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "not a node document: {error}");
    assert_eq!(strange.all().len(), 2);
    assert!(strange.all().iter().all(|seen| seen.header("authorization").is_none()));
}

#[tokio::test]
async fn a_byte_url_on_the_same_host_gets_no_credentials_either() {
    let stub = Stub::service(|seen, _| match seen.target.as_str() {
        "/svc/files/a" => Reply::redirect("/svc/minoc/TOKEN/x"),
        _ => Reply::ok("bytes"),
    })
    .await;
    stub.client().open(&uri("/a"), None).await.unwrap();
    let seen = stub.requests();
    assert_eq!(seen[0].header("authorization"), Some("Bearer TOKEN"));
    assert_eq!((seen[1].target.as_str(), seen[1].header("authorization")), ("/svc/minoc/TOKEN/x", None));
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    let stub = Stub::service(|_, _| Reply::redirect("/svc/nodes/a")).await;
    let error = stub.client().stat(&uri("/a")).await.unwrap_err();
    assert_eq!((error.kind(), stub.lines().len()), (ErrorKind::Protocol, 8));
}

#[tokio::test]
async fn making_a_node_is_not_repeated_blindly() {
    // The answer to the PUT is lost, but it was done.
    let stub = Stub::service(|seen, _| match seen.method.as_str() {
        "PUT" => Reply::Raw(Vec::new()),
        _ => Reply::ok(document()),
    })
    .await;
    stub.client().create(&uri("/a"), &Properties::new()).await.unwrap();
    assert_eq!(stub.lines(), ["PUT /nodes/a", "GET /nodes/a?limit=0"]);
    // It was not done: only then again.
    let stub = Stub::service(|seen, n| match (seen.method.as_str(), n) {
        ("PUT", 0) => Reply::fault(500, "unexpected exception"),
        ("PUT", _) => Reply::Whole(201, vec![], document().into_bytes()),
        _ => Reply::fault(404, "NodeNotFound"),
    })
    .await;
    stub.client().create(&uri("/a"), &Properties::new()).await.unwrap();
    assert_eq!(stub.lines(), ["PUT /nodes/a", "GET /nodes/a?limit=0", "PUT /nodes/a"]);
}

#[tokio::test]
async fn deleting_what_a_lost_request_deleted_is_success() {
    let stub = Stub::service(|seen, _| match seen.method.as_str() {
        "DELETE" => Reply::Raw(Vec::new()),
        _ => Reply::fault(404, "NodeNotFound"),
    })
    .await;
    stub.client().delete(&uri("/a")).await.unwrap();
    assert_eq!(stub.lines(), ["DELETE /nodes/a", "GET /nodes/a?limit=0"]);
    let stub = Stub::service(|_, _| Reply::fault(400, "container node 'a' is not empty")).await;
    assert_eq!(stub.client().delete(&uri("/a")).await.unwrap_err().kind(), ErrorKind::NotEmpty);
    assert_eq!(stub.client().delete(&uri("/")).await.unwrap_err().kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn properties_that_could_cost_the_file_are_sent_only_where_they_cannot() {
    let mut changes = Properties::new();
    changes.set("custom:k", "x".repeat(5000));
    let kind = crate::NodeKind::Data { busy: false };
    for (status, sent) in [(405, true), (400, false)] {
        let stub = Stub::service(move |seen, _| match seen.line().as_str() {
            "PUT /svc/files/" => Reply::fault(status, "x"),
            _ => {
                let mut node = crate::Node::data(uri("/a"));
                node.properties.set("custom:k", "x".repeat(5000));
                node.properties.set_read_only(crate::property::CREATOR, "me");
                Reply::ok(crate::xml::write::node(&node, [].into_iter()))
            }
        })
        .await;
        let result = stub.client().set_properties(&uri("/a"), &kind, &changes).await;
        assert_eq!(result.is_ok(), sent);
        assert_eq!(stub.lines().contains(&"POST /nodes/a".to_owned()), sent);
    }
}

#[tokio::test]
async fn updates_of_one_node_follow_one_another() {
    let stub = Stub::service(|_, _| Reply::ok(document())).await;
    let client = stub.client();
    let lock = client.inner.update_lock(&uri("/a"));
    let held = lock.lock().await;
    let mut changes = Properties::new();
    changes.set(crate::property::ENCODING, "gzip");
    let kind = crate::NodeKind::Data { busy: false };
    let (a, b) = (uri("/a"), uri("/b"));
    let waiting = client.set_properties(&a, &kind, &changes);
    tokio::pin!(waiting);
    let other = client.set_properties(&b, &kind, &changes);
    tokio::select! {
        biased;
        _ = &mut waiting => panic!("it did not wait"),
        result = other => assert!(result.is_ok(), "another node need not wait"),
    }
    let changed = || stub.lines().into_iter().filter(|line| line.starts_with("POST")).collect::<Vec<_>>();
    assert_eq!(changed(), ["POST /nodes/b"]);
    drop(held);
    waiting.await.unwrap();
    assert_eq!(changed(), ["POST /nodes/b", "POST /nodes/a"]);
}

#[tokio::test]
async fn a_dangerous_name_is_never_sent() {
    let stub = Stub::service(|_, _| Reply::status(200)).await;
    let client = stub.client();
    for path in ["/a#b", "/a?b", "/a%41b", "/a b", "/d/../x"] {
        let uri = uri(path);
        assert_eq!(client.stat(&uri).await.unwrap_err().kind(), ErrorKind::InvalidName, "{path}");
        assert_eq!(client.delete(&uri).await.unwrap_err().kind(), ErrorKind::InvalidName, "{path}");
        assert_eq!(client.rename(&uri, &crate::testing::uri("/x")).await.unwrap_err().kind(), ErrorKind::InvalidName);
    }
    assert!(stub.lines().is_empty());
}

#[test]
fn a_certificate_that_is_not_there_stops_at_the_start() {
    let config =
        ClientConfig { credentials: crate::Credentials::Certificate("/no/such.pem".into()), ..ClientConfig::default() };
    let error = Client::new(config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Certificate);
    assert!(error.to_string().contains("/no/such.pem"), "{error}");
}
