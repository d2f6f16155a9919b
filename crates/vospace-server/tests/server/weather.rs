//! What the network and unfriendly clients send: documents, paths, methods, heads and speeds that no client should.
//! Each gets its status, nobody else notices, and nothing is lost.

use crate::support::{ADA, Answer, Bench, EVE, negotiation, received, relocation};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const XML: [(&str, &str); 1] = [("content-type", "text/xml")];

/// Longer than any of these answers takes on a machine that is busy, shorter than the patience of the service.
const PROMPT: Duration = Duration::from_secs(20);

async fn prompt(answer: impl Future<Output = Answer>) -> Answer {
    tokio::time::timeout(PROMPT, answer).await.expect("an answer in time")
}

fn node(inner: &str) -> String {
    format!(
        "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" uri=\"vos://cadc.nrc.ca~vault/ada/x\" \
         xsi:type=\"vos:DataNode\"><vos:properties><vos:property uri=\"ivo://my.org/k\">{inner}</vos:property>\
         </vos:properties></vos:node>"
    )
}

/// Documents that are broken or hostile, and what each is.
fn bad_documents() -> Vec<(&'static str, Vec<u8>)> {
    let bomb = (1..10).fold("<!ENTITY e0 \"bang\">".to_owned(), |text, level| {
        format!("{text}<!ENTITY e{level} \"{}\">", format!("&e{};", level - 1).repeat(10))
    });
    let utf16: Vec<u8> = node("v").encode_utf16().flat_map(u16::to_be_bytes).collect();
    vec![
        ("nothing", Vec::new()),
        ("no XML", b"hello".to_vec()),
        ("cut", node("v").into_bytes()[..200].to_vec()),
        ("two roots", node("v").repeat(2).into_bytes()),
        ("entity bomb", format!("<!DOCTYPE x [{bomb}]>{}", node("&e9;")).into_bytes()),
        (
            "entity of a file",
            format!("<!DOCTYPE x [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>{}", node("&f;")).into_bytes(),
        ),
        ("external subset", format!("<!DOCTYPE x SYSTEM \"http://127.0.0.1:1/x.dtd\">{}", node("v")).into_bytes()),
        ("unknown entity", node("&what;").into_bytes()),
        ("deep", node(&"<d>".repeat(9000)).into_bytes()),
        ("unbalanced", node("</vos:node>").into_bytes()),
        ("the same attribute twice", node("<a b='1' b='2'/>").into_bytes()),
        (
            "no UTF-8",
            node("caf\u{e9}").into_bytes().iter().map(|byte| if *byte == 0xa9 { b' ' } else { *byte }).collect(),
        ),
        ("UTF-16 without a word", utf16),
        ("a reference to a null", node("&#0;").into_bytes()),
        ("a null", node("\0").into_bytes()),
        ("another root", b"<html xmlns=\"http://www.w3.org/1999/xhtml\"><body/></html>".to_vec()),
        ("another namespace", node("v").replace("VOSpace/v2.0", "VOSpace/v2.1").into_bytes()),
    ]
}

#[tokio::test]
async fn documents_that_are_broken_or_hostile() {
    let bench = Bench::start().await;
    for (what, document) in bad_documents() {
        for (method, url) in [
            ("PUT", "/vault/nodes/ada/x"),
            ("POST", "/vault/nodes/ada"),
            ("PUT", "/arc/nodes/ada/x"),
            ("POST", "/vault/synctrans"),
            ("POST", "/arc/transfers"),
            ("POST", "/vault/async-setprops"),
        ] {
            let answer = prompt(bench.send(method, url, ADA, &XML, document.clone())).await;
            assert_eq!(answer.status, 400, "{what}: {method} {url}: {}", answer.text());
            assert!(!answer.text().contains("root:"), "{what}");
        }
    }
    for path in ["/vault/nodes/ada/x", "/arc/nodes/ada/x"] {
        assert_eq!(bench.get(path).await.status, 404, "nothing was made");
    }
}

#[tokio::test]
async fn documents_that_are_too_large_or_have_no_end() {
    let bench = Bench::start().await;
    let large = node(&"x".repeat(40_000));
    for url in ["/vault/nodes/ada/x", "/arc/nodes/ada/x"] {
        assert_eq!(prompt(bench.send("PUT", url, ADA, &XML, large.clone())).await.status, 500, "as observed");
        assert_eq!(bench.get(url).await.status, 404);
    }
    let huge = format!("<a>{}", "x".repeat(20_000_000));
    for url in ["/vault/synctrans", "/arc/transfers", "/vault/async-setprops"] {
        let answer = tokio::time::timeout(PROMPT, bench.try_send("POST", url, ADA, &XML, huge.clone())).await;
        // The service may close before all of it is sent; then the client sees no answer.
        match answer.expect("an answer in time") {
            Ok(answer) => assert_eq!(answer.status, 500, "{url}"),
            Err(error) => assert!(error.is_request(), "{url}: {error}"),
        }
    }
    // In chunks, without an end.
    let mut stream = bench.connect().await;
    let head = "PUT /vault/nodes/ada/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada-token\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let mut sent = 0;
    while sent < 200_000_000 && stream.write_all(chunk.as_bytes()).await.is_ok() {
        sent += chunk.len();
    }
    assert!(sent < 200_000_000, "the service stops reading");
    assert_eq!(bench.get("/vault/nodes/ada").await.status, 200);
}

#[tokio::test]
async fn paths_that_try_to_leave() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"mine").await;
    let eve = bench.endpoint("arc", "/ada/f", "pushToVoSpace").await;
    assert_eq!(bench.send("PUT", &eve, None, &[], "mine").await.status, 201);
    // What the client would tidy up itself is sent as it is.
    for path in [
        "/vault/nodes/ada/../../../../etc/passwd",
        "/vault/files/../../../../etc/passwd",
        "/arc/files/ada/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/arc/files/ada/%252e%252e/%252e%252e/etc/passwd",
        "/arc/files/ada/..%2f..%2fetc/passwd",
        "/arc/files/ada/..%5c..%5cetc/passwd",
        "/arc/files/ada/..%255c..%255cetc/passwd",
        "/arc/files/ada/%c0%ae%c0%ae/etc/passwd",
        "/arc/files/ada/..;/..;/etc/passwd",
        "/arc/files//etc/passwd",
        "/arc/files/ada/f%00.txt",
        "/vault/nodes/%2e%2e",
        "/minoc/files/../../../etc/passwd",
        "/minoc/files/x/../../../../etc/passwd",
        "/reg/../../etc/passwd",
        "/../etc/passwd",
        "/arc/nodes/ada/%2F..%2F..%2Fetc%2Fpasswd",
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada-token\r\nContent-Length: 1\r\n\
                 Connection: close\r\n\r\nx"
            );
            let (head, body) = bench.wire(&request).await;
            let status = head.split(' ').nth(1).unwrap_or_default().to_owned();
            assert!(status.starts_with('4') || status == "500", "{method} {path}: {status}");
            assert!(!String::from_utf8_lossy(&body).contains("root:"), "{method} {path}");
        }
    }
    // In the URIs of documents and parameters.
    for target in
        ["/ada/../eve/f", "/ada/%2e%2e/eve/f", "/ada/%252e%252e/eve/f", "/../../etc/passwd", "/ada/./f/../../eve"]
    {
        for service in ["vault", "arc"] {
            let (_, error) = bench.rename(service, "/ada/f", target).await;
            assert!(!error.is_empty(), "{target}");
            let created = bench.transfer(service, "transfers", &relocation(service, target, "/ada/g")).await;
            if created.status == 303 {
                assert_eq!(bench.run(&created).await.0, "ERROR", "{target}");
            }
            let form = [("content-type", "application/x-www-form-urlencoded")];
            let body = format!("target=vos://cadc.nrc.ca~{service}{target}");
            let created = bench.send("POST", &format!("/{service}/async-delete"), ADA, &form, body).await;
            if created.status == 303 {
                assert_eq!(bench.run(&created).await.0, "ERROR", "{target}");
            }
            let answer = bench.transfer(service, "synctrans", &negotiation(service, target, "pushToVoSpace")).await;
            if answer.status == 303 {
                let last = bench.get(answer.location()).await;
                let last = if last.status == 303 { bench.get(last.location()).await } else { last };
                assert!(!last.text().contains("endpoint"), "{target}: {}", last.text());
            }
        }
    }
    // In what names a transaction.
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    for id in ["../../nodes.sqlite", "..", "/etc/passwd", "%2e%2e", ""] {
        for (method, operation) in [("HEAD", ""), ("PUT", ""), ("POST", "abort"), ("PUT", "commit")] {
            let headers = [("x-put-txn-id", id), ("x-put-txn-op", operation)];
            let headers = if operation.is_empty() { &headers[..1] } else { &headers[..] };
            assert_eq!(bench.send(method, &endpoint, None, headers, "").await.status, 400, "{method} {id}");
        }
    }
    assert_eq!(bench.read("vault", "/ada/f").await, b"mine");
    assert_eq!(bench.read("arc", "/ada/f").await, b"mine");
    for service in ["vault", "arc"] {
        let nodes = bench.send("GET", &format!("/{service}/nodes/eve"), EVE, &[], "").await;
        assert!(!nodes.text().contains("/eve/"), "{}", nodes.text());
    }
}

#[tokio::test]
async fn methods_that_a_resource_does_not_have() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let bytes = bench.get("/vault/files/ada/f").await.location().to_owned();
    for (url, methods) in [
        ("/", "GET HEAD"),
        ("/reg/resource-caps", "GET HEAD"),
        ("/vault/capabilities", "GET HEAD"),
        ("/arc/availability", "GET HEAD"),
        ("/vault/nodes/ada", "GET PUT POST DELETE"),
        ("/vault/files/ada/f", "GET HEAD"),
        ("/arc/files/ada/f", "GET HEAD PUT"),
        ("/vault/synctrans", "GET POST"),
        ("/vault/transfers", "GET POST"),
        ("/arc/async-delete", "GET POST"),
        ("/vault/async-setprops", "GET POST"),
        ("/_bench/tree", "GET"),
        ("/_bench/mode", "POST"),
        (bytes.as_str(), "GET HEAD PUT POST DELETE"),
    ] {
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
            if !methods.split(' ').any(|there| there == method) {
                let answer = prompt(bench.send(method, url, ADA, &[], "x")).await;
                assert_eq!(answer.status, 405, "{method} {url}");
                assert!(answer.header("allow").is_some_and(|allowed| !allowed.contains(method)), "{method} {url}");
            }
        }
        for method in ["PATCH", "MOVE", "PROPFIND", "CONNECTED"] {
            assert_eq!(prompt(bench.send(method, url, ADA, &[], "x")).await.status, 501, "{method} {url}");
        }
        assert_eq!(bench.send("OPTIONS", url, ADA, &[], "").await.status, 200, "{url}");
    }
    assert_eq!(bench.get("/nowhere/nodes/ada").await.status, 404);
    assert_eq!(bench.get("/vault/nowhere").await.status, 404);
    assert_eq!(bench.read("vault", "/ada/f").await, b"abc");
}

#[tokio::test]
async fn heads_that_are_too_large_or_no_heads() {
    let bench = Bench::start().await;
    let long = "x".repeat(10_000);
    assert_eq!(bench.get(&format!("/vault/nodes/ada?uri={long}")).await.status, 400);
    assert_eq!(bench.send("GET", "/vault/nodes/ada", ADA, &[("x-long", &long)], "").await.status, 400);
    assert_eq!(bench.send("GET", "/vault/nodes/ada", ADA, &[("expect", "the best")], "").await.status, 417);
    let many = (0..1000).map(|number| format!("x-{number}: y\r\n")).collect::<String>();
    let endless = format!("x-long: {}\r\n", "x".repeat(2_000_000));
    for (what, request) in [
        ("a long path", format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000))),
        ("many headers", format!("GET / HTTP/1.1\r\nHost: x\r\n{many}\r\n")),
        ("a long header", format!("GET / HTTP/1.1\r\nHost: x\r\n{endless}\r\n")),
        ("no HTTP", "\x16\x03\x01\x02\x00\x01\x00\r\n\r\n".to_owned()),
        ("another HTTP", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("two lengths", "PUT /arc/files/ada/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy".to_owned()),
        ("a length below zero", "PUT /arc/files/ada/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_owned()),
        ("a broken chunk", "PUT /arc/files/ada/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada-token\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n".to_owned()),
    ] {
        let mut stream = bench.connect().await;
        // It may close while this is sent.
        let _ = stream.write_all(request.as_bytes()).await;
        let (head, _) = received(&mut stream).await;
        assert!(head.is_empty() || head.starts_with("HTTP/1.1 4") || head.starts_with("HTTP/1.1 5"), "{what}: {head}");
        assert_eq!(bench.get("/vault/nodes/ada").await.status, 200, "{what}");
    }
}

#[tokio::test]
async fn clients_that_are_slow_do_not_keep_others_waiting() {
    let bench = Bench::with(|options| options.patience = Duration::from_secs(2)).await;
    bench.write("vault", "/ada/f", b"precious").await;
    bench.write("arc", "/ada/f", b"precious").await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let vault = endpoint.strip_prefix(&bench.base).unwrap();
    let put = |path: &str| {
        format!("PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada-token\r\nContent-Length: 100\r\n\r\n0123")
    };
    let beginnings = [
        String::new(),
        "GET /vault/nodes/ada HTTP/1.1\r\nHo".to_owned(),
        put("/vault/nodes/ada/x"),
        put("/vault/synctrans"),
        put("/arc/files/ada/f"),
        put(vault).replace("Authorization: Bearer ada-token\r\n", ""),
    ];
    let mut waiting = Vec::new();
    for beginning in &beginnings {
        for _ in 0..20 {
            let mut stream = bench.connect().await;
            stream.write_all(beginning.as_bytes()).await.unwrap();
            waiting.push(stream);
        }
    }
    // Heads drop by drop: each byte comes in time, all of them do not.
    let mut dripping = bench.connect().await;
    let drops = tokio::spawn(async move {
        for _ in 0..1000 {
            if dripping.write_all(b"x").await.is_err() {
                return true;
            }
            let mut byte = [0];
            let pause = Duration::from_millis(100);
            if let Ok(Ok(0) | Err(_)) = tokio::time::timeout(pause, dripping.read(&mut byte)).await {
                return true;
            }
        }
        false
    });
    for _ in 0..20 {
        assert_eq!(prompt(bench.get("/vault/nodes/ada")).await.status, 200);
    }
    for mut stream in waiting {
        let (head, _) = received(&mut stream).await;
        assert!(head.is_empty() || head.starts_with("HTTP/1.1 4") || head.starts_with("HTTP/1.1 500"), "{head}");
    }
    assert!(drops.await.unwrap(), "closed in the end");
    assert_eq!(bench.read("vault", "/ada/f").await, b"precious");
    assert_eq!(bench.read("arc", "/ada/f").await, b"", "as after any upload that fails");
    assert_eq!(bench.get("/vault/nodes/ada/x").await.status, 404);
    // Who is only slow, and not silent, comes to an end.
    bench.fault(r#"{"method": "PUT", "route": "bytes", "count": 1, "bytes_per_second": 20}"#).await;
    assert_eq!(bench.send("PUT", &endpoint, None, &[], vec![b'x'; 100]).await.status, 201);
}
