//! What the services do in the corners: methods, challenges, digests, groups, names in headers.

use crate::support::{ADA, Bench, EVE, digest, negotiation, properties};
use vospace_client::node::property;

#[tokio::test]
async fn methods_that_are_not_there() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        let send = async |method: &str, resource: &str| {
            bench.send(method, &format!("/{service}/{resource}/ada"), ADA, &[], "").await.status
        };
        assert_eq!(send("OPTIONS", "nodes").await, 200);
        assert_eq!((send("PATCH", "nodes").await, send("MOVE", "nodes").await), (501, 501));
        assert_eq!((send("HEAD", "nodes").await, send("POST", "files").await), (405, 405));
    }
    assert_eq!(bench.get("/arc/files").await.status, 500, "no path at all");
    assert_eq!(bench.get("/arc/files/").await.status, 400);
}

#[tokio::test]
async fn challenges_say_where_a_token_is_to_be_had() {
    let bench = Bench::start().await;
    let answer = bench.send("GET", "/vault/capabilities", None, &[], "").await;
    let all: Vec<&str> =
        answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
    let bearer = all.iter().find(|text| text.starts_with("ivoa_bearer ")).unwrap();
    let login = bearer.split("access_url=\"").nth(1).unwrap().trim_end_matches('"');
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let token = bench.send("POST", login, None, &form, "username=ada&password=ada-password").await;
    assert_eq!(bench.send("GET", "/vault/nodes/ada", Some(token.text()), &[], "").await.status, 200);
    assert!(all.contains(&"Bearer"));
}

#[tokio::test]
async fn availability_is_no_probe_for_credentials() {
    let bench = Bench::start().await;
    let get = async |url: &str| bench.send("GET", url, Some("bad"), &[], "").await.status;
    assert_eq!((get("/vault/availability").await, get("/vault/capabilities").await), (503, 401));
    assert_eq!((get("/arc/availability").await, get("/arc/capabilities").await), (401, 401));
    bench.control("mode", r#"{"mode": "offline"}"#).await;
    let minimal = async |service: &str| bench.get(&format!("/{service}/availability?detail=min")).await.status;
    assert_eq!((minimal("vault").await, minimal("arc").await), (503, 200));
    let text = bench.get("/arc/availability").await.text().to_owned();
    assert!(text.contains(">false<") && text.contains("offline"), "{text}");
}

#[tokio::test]
async fn several_digests_are_refused_even_if_one_is_right() {
    let bench = Bench::start().await;
    let both = format!("{},sha-256=abc=", digest(b"abc"));
    let headers = [("digest", both.as_str())];
    bench.write("vault", "/ada/f", b"old").await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    assert_eq!(bench.send("PUT", &endpoint, None, &headers, "abc").await.status, 400);
    assert_eq!(bench.read("vault", "/ada/f").await, b"old");
    bench.write("arc", "/ada/f", b"old").await;
    assert_eq!(bench.send("PUT", "/arc/files/ada/f", ADA, &headers, "abc").await.status, 400);
    assert_eq!(bench.get("/arc/files/ada/f").await.status, 204, "read after the upload, when the file is gone");
}

#[tokio::test]
async fn transactions_are_undone_by_post_only() {
    let bench = Bench::start().await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let start = [("x-put-txn-op", "start"), ("x-total-length", "9")];
    let answer = bench.send("PUT", &endpoint, None, &start, "abc").await;
    let id = answer.header("x-put-txn-id").unwrap().to_owned();
    let send = async |method: &str, id: &str, operation: &str| {
        bench.send(method, &endpoint, None, &[("x-put-txn-id", id), ("x-put-txn-op", operation)], "").await.status
    };
    assert_eq!((send("PUT", &id, "revert").await, send("PUT", &id, "abort").await), (202, 202));
    let head = bench.send("HEAD", &endpoint, None, &[("x-put-txn-id", &id)], "").await;
    assert_eq!(head.header("content-length"), Some("3"), "nothing was done");
    assert_eq!(send("POST", &id, "dance").await, 400);
    assert_eq!((send("POST", &id, "abort").await, send("POST", &id, "abort").await), (204, 500));
    assert_eq!((send("POST", "garbage", "abort").await, send("PUT", &id, "commit").await), (400, 400));
}

#[tokio::test]
async fn a_date_that_is_named_is_set_to_now() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/d").await;
    let date = async || bench.stat("vault", "/ada/d").await.properties.date().unwrap();
    let before = date().await;
    bench.set("vault", "/ada/d", "ContainerNode", property::CREATOR, "eve").await;
    assert_eq!(date().await, before, "nothing differs");
    bench.control("clock", r#"{"offset_ms": 3600000}"#).await;
    bench.set("vault", "/ada/d", "ContainerNode", property::DATE, "2001-01-01T00:00:00.000").await;
    assert!(date().await > before);
}

#[tokio::test]
async fn groups_of_cavern_are_access_lists() {
    let bench = Bench::start().await;
    let (a, b) = ("ivo://cadc.nrc.ca/gms?a", "ivo://cadc.nrc.ca/gms?b");
    let change = properties(&[(property::GROUP_READ, Some(&format!("{a} {b}"))), (property::GROUP_WRITE, Some(b))]);
    for (service, reading) in [("vault", format!("{a} {b}")), ("arc", a.to_owned())] {
        bench.mkdir(service, "/ada/d").await;
        let node = bench.node("POST", service, "/ada/d", "ContainerNode", &change).await.node();
        assert_eq!(node.properties.get(property::GROUP_READ), Some(reading.as_str()));
        let foreign = bench.set(service, "/ada/d", "ContainerNode", property::GROUP_READ, "ivo://x.org/gms?a").await;
        assert_eq!(foreign.status, if service == "arc" { 400 } else { 200 });
        let key = bench.set(service, "/ada/d", "ContainerNode", "ivo://my.org/é", "v").await;
        assert_eq!(key.status, if service == "arc" { 400 } else { 200 });
        let length = bench.set(service, "/ada/d", "ContainerNode", property::LENGTH, "x").await;
        assert_eq!(length.status, if service == "arc" { 400 } else { 200 });
    }
    // A link with properties is refused, and there.
    let inner =
        format!("{}<vos:target>vos://cadc.nrc.ca~arc/ada/d</vos:target>", properties(&[("ivo://k", Some("v"))]));
    assert_eq!(bench.node("PUT", "arc", "/ada/l", "LinkNode", &inner).await.status, 400);
    assert!(bench.get("/arc/nodes/ada/l").await.text().contains("LinkNode"));
    // Links of a tree are counted as failures, and the rest is done.
    let document = String::from_utf8(bench.get("/arc/nodes/ada").await.body).unwrap();
    let document =
        document.replace("</vos:properties>", "<vos:property uri=\"ivo://k\">v</vos:property></vos:properties>");
    let start = document.find("<vos:nodes>").unwrap();
    let document = format!("{}<vos:nodes/></vos:node>", &document[..start]);
    let created = bench.transfer("arc", "async-setprops", &document).await;
    assert_eq!(bench.run(&created).await.0, "ABORTED");
    assert_eq!(bench.stat("arc", "/ada/d").await.properties.get("ivo://k"), Some("v"));
}

#[tokio::test]
async fn a_put_in_place_needs_no_read_right_on_the_container() {
    let bench = Bench::start().await;
    bench.node("POST", "arc", "/ada", "ContainerNode", &properties(&[(property::IS_PUBLIC, Some("true"))])).await;
    bench.mkdir("arc", "/ada/d").await;
    bench.write("arc", "/ada/d/f", b"old").await;
    bench.set("arc", "/ada/d/f", "DataNode", property::GROUP_WRITE, "ivo://cadc.nrc.ca/gms?team").await;
    assert_eq!(bench.send("GET", "/arc/files/ada/d/f", EVE, &[], "").await.status, 403);
    assert_eq!(bench.send("PUT", "/arc/files/ada/d/f", EVE, &[], "new").await.status, 201);
    assert_eq!(bench.read("arc", "/ada/d/f").await, b"new");
}

#[tokio::test]
async fn names_in_content_disposition() {
    let bench = Bench::start().await;
    bench.write("arc", "/ada/a%C3%A9%E6%97%A5", b"x").await;
    let answer = bench.get("/arc/files/ada/a%C3%A9%E6%97%A5").await;
    assert_eq!(answer.headers["content-disposition"].as_bytes(), b"inline; filename=\"a\xe9?\"");
    bench.write("vault", "/ada/semi%3Bcolon", b"x").await;
    let redirect = bench.get("/vault/files/ada/semi%3Bcolon").await;
    let answer = bench.send("GET", redirect.location(), None, &[], "").await;
    assert_eq!(answer.header("content-disposition"), Some("inline; filename=\"semi\""), "cut");
    assert_eq!(answer.text(), "x");
}

#[tokio::test]
async fn a_view_that_is_not_there() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"x").await;
    bench.write("arc", "/ada/f", b"x").await;
    let view = "</vos:direction><vos:view uri=\"ivo://x.org/view\"/>";
    let document = |service: &str| negotiation(service, "/ada/f", "pullFromVoSpace").replace("</vos:direction>", view);
    let ask = async |service: &str| {
        let answer = bench.transfer(service, "synctrans", &document(service)).await;
        let step = bench.get(answer.location()).await;
        let end = bench.get(step.location()).await;
        let error = bench.get(&answer.location().replace("results/transferDetails", "error")).await;
        (end.status, end.text().contains("endpoint"), error.status, error.text().to_owned())
    };
    assert_eq!(ask("vault").await, (200, false, 200, "ViewNotSupported (ivo://x.org/view)".to_owned()));
    let (status, _, error, _) = ask("arc").await;
    assert_eq!((status, error), (404, 404), "and nobody says why");
}
