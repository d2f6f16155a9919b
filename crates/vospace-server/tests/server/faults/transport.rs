//! Faults of requests and answers of every kind.

use crate::support::{ADA, Bench, received};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LIST: &str =
    "GET /vault/nodes/ada HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada-token\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn fault_05_retry_after_of_every_form() {
    let bench = Bench::start().await;
    for (rule, wanted) in [
        (r#""status": 503"#, Some("1")),
        (r#""status": 503, "retry_after": "120""#, Some("120")),
        (r#""status": 503, "retry_after": "Wed, 21 Oct 2065 07:28:00 GMT""#, Some("Wed, 21 Oct 2065 07:28:00 GMT")),
        (r#""status": 503, "retry_after": """#, None),
        (r#""status": 503, "retry_after": "99999999999999999999""#, Some("99999999999999999999")),
        (r#""status": 503, "retry_after": "soon""#, Some("soon")),
        (r#""status": 429, "retry_after": "5""#, Some("5")),
    ] {
        for url in ["/vault/nodes/ada", "/arc/files/ada/x", "/minoc/files/x/y"] {
            bench.fault(&format!("{{\"count\": 1, {rule}}}")).await;
            let answer = bench.get(url).await;
            assert!(matches!(answer.status, 503 | 429), "{url}");
            assert_eq!(answer.header("retry-after"), wanted);
        }
    }
    assert_eq!(bench.get("/vault/nodes/ada").await.status, 200);
}

#[tokio::test]
async fn fault_06_errors_of_a_proxy() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/d").await;
    let html = "<html><body><h1>Bad Gateway</h1></body></html>";
    for status in [500, 502, 504, 413, 408] {
        bench.fault(&format!(r#"{{"path": "/ada/d", "count": 1, "status": {status}, "body": "{html}"}}"#)).await;
        let answer = bench.delete("/vault/nodes/ada/d").await;
        assert_eq!((answer.status, answer.text(), answer.header("content-type")), (status, html, Some("text/html")));
    }
    assert_eq!(bench.get("/vault/nodes/ada/d").await.status, 200, "nothing was done");
    // By nth request, and by chance.
    bench.fault(r#"{"path": "/ada/d", "skip": 2, "count": 1, "status": 502}"#).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(bench.get("/vault/nodes/ada/d").await.status);
    }
    assert_eq!(seen, [200, 200, 502, 200]);
    bench.no_faults().await;
    bench.fault(r#"{"probability": 0.5, "status": 500}"#).await;
    let mut failed = 0;
    for _ in 0..60 {
        failed += u32::from(bench.get("/vault/nodes/ada/d").await.status == 500);
    }
    assert!((10..50).contains(&failed), "{failed}");
}

#[tokio::test]
async fn fault_07_connections_cut_before_in_and_after() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"precious").await;
    let endpoint = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    // In the body of the request.
    bench.fault(r#"{"method": "PUT", "count": 1, "cut_request_after": 5}"#).await;
    let path = endpoint.strip_prefix(&bench.base).unwrap();
    let (head, _) =
        bench.wire(&format!("PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789")).await;
    assert_eq!(head, "", "no answer");
    assert_eq!(bench.read("vault", "/ada/f").await, b"precious");
    // In the body of the answer.
    let whole = bench.wire(LIST).await.1.len();
    bench.fault(r#"{"route": "nodes", "count": 1, "cut_after": 300}"#).await;
    let (head, body) = bench.wire(LIST).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(!body.is_empty() && body.len() < whole && !body.ends_with(b"0\r\n\r\n"), "{}", body.len());
    // Before the status, whatever the method.
    for method in ["GET", "HEAD", "POST", "DELETE"] {
        bench.fault(&format!(r#"{{"method": "{method}", "path": "/vault/", "count": 1, "lose_answer": true}}"#)).await;
        let (head, body) = bench.wire(&LIST.replace("GET", method)).await;
        assert_eq!((head.as_str(), body.len()), ("", 0), "{method}");
    }
}

#[tokio::test]
async fn fault_28_redirects_that_lead_astray() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let asked = format!("{}/vault/files/ada/f", bench.base);
    let right = bench.get(&asked).await.location().to_owned();
    let path = &right[bench.base.len()..right.find("/files/").unwrap()];
    for (form, status, begins) in [
        ("loop", 303, asked.clone()),
        ("other_scheme", 303, bench.base.replace("http:", "ftp:") + path),
        ("other_host", 303, "http://elsewhere.invalid".to_owned() + path),
        ("moved_permanently", 301, bench.base.clone() + path),
        ("found", 302, bench.base.clone() + path),
        ("temporary", 307, bench.base.clone() + path),
        ("permanent", 308, bench.base.clone() + path),
        ("relative", 303, path.to_owned()),
        ("no_port", 303, "http://127.0.0.1".to_owned() + path),
    ] {
        bench.fault(&format!(r#"{{"route": "files", "count": 1, "redirect": "{form}"}}"#)).await;
        let answer = bench.get(&asked).await;
        assert_eq!(answer.status, status, "{form}");
        assert!(answer.location().starts_with(&begins), "{form}: {}", answer.location());
    }
    bench.fault(r#"{"route": "files", "count": 1, "redirect": "no_location"}"#).await;
    let answer = bench.get(&asked).await;
    assert_eq!((answer.status, answer.header("location")), (303, None));
    // Of jobs as well.
    let document = crate::support::negotiation("vault", "/ada/f", "pullFromVoSpace");
    bench.fault(r#"{"route": "synctrans", "count": 1, "redirect": "temporary"}"#).await;
    assert_eq!(bench.transfer("vault", "synctrans", &document).await.status, 307);
}

#[tokio::test]
async fn fault_28_a_redirect_from_https_to_http() {
    let dir = tempfile::tempdir().unwrap();
    let service = crate::support::tls_service(dir.path()).await;
    let authority = reqwest::Certificate::from_pem(&std::fs::read(dir.path().join("tls/ca.pem")).unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([authority])
        .build()
        .unwrap();
    let base = service.base();
    let rule = r#"{"route": "synctrans", "redirect": "http"}"#;
    let answer = client.post(format!("{base}/_bench/fault")).body(rule).send().await.unwrap();
    assert_eq!(answer.status(), 201);
    let document = crate::support::negotiation("vault", "/ada/f", "pushToVoSpace");
    let request = client.post(format!("{base}/vault/synctrans")).bearer_auth(ADA.unwrap());
    let answer = request.header("content-type", "text/xml").body(document).send().await.unwrap();
    assert_eq!(answer.status(), 303);
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(&base.replace("https:", "http:")), "{location}");
    service.stop().await;
}

#[tokio::test]
async fn fault_29_slow_and_stalled_answers() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"0123456789").await;
    let url = bench.get("/vault/files/ada/f").await.location().to_owned();
    let request = format!("GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", &url[bench.base.len()..]);
    let begin = async || {
        let mut stream = bench.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    };
    // Byte by byte.
    bench.fault(r#"{"route": "bytes", "count": 1, "bytes_per_second": 20}"#).await;
    let start = std::time::Instant::now();
    let mut pieces = 0;
    let mut stream = begin().await;
    let mut buffer = [0; 4096];
    while let Ok(1..) = stream.read(&mut buffer).await {
        pieces += 1;
    }
    assert!(start.elapsed() >= Duration::from_millis(450) && pieces >= 5, "{pieces} in {:?}", start.elapsed());
    // Nothing behind the headers, and nothing behind some of the body.
    for after in [0, 4] {
        bench.fault(&format!(r#"{{"route": "bytes", "count": 1, "stall_after": {after}}}"#)).await;
        let mut stream = begin().await;
        let mut got = Vec::new();
        while !got.windows(4).any(|window| window == b"\r\n\r\n") || got.ends_with(b"\r\n\r\n") && after > 0 {
            let count = stream.read(&mut buffer).await.unwrap();
            assert!(count > 0);
            got.extend_from_slice(&buffer[..count]);
        }
        let more = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut buffer)).await;
        assert!(more.is_err(), "neither more nor an end");
        assert!(after == 0 || got.ends_with(b"0123"));
        assert_eq!(bench.get("/vault/nodes/ada").await.status, 200, "others are served");
    }
    // Long before the first byte.
    bench.fault(r#"{"route": "bytes", "count": 1, "delay_ms": 700}"#).await;
    let mut stream = begin().await;
    let start = std::time::Instant::now();
    assert!(tokio::time::timeout(Duration::from_millis(300), stream.read(&mut buffer)).await.is_err());
    let (head, _) = received(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200") && start.elapsed() >= Duration::from_millis(650));
}
