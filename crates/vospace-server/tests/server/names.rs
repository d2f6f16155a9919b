//! Names that a client must not send: what they do here they do at CADC.

use crate::support::{ADA, Bench, negotiation};

#[tokio::test]
async fn safe_names_work_everywhere() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        for (name, sent) in [
            ("a+b,c'(d)!$*@=&:~", "a+b,c'(d)!$*@=&:~"),
            (".hidden", ".hidden"),
            ("-dash", "-dash"),
            ("é日本", "%C3%A9%E6%97%A5%E6%9C%AC"),
            ("semi;colon", "semi%3Bcolon"),
        ] {
            let path = format!("/ada/{sent}");
            let document = path.replace('&', "&amp;");
            let body = format!(
                "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
                 xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
                 uri=\"vos://cadc.nrc.ca~{service}{document}\" xsi:type=\"vos:DataNode\"><vos:properties/></vos:node>"
            );
            let url = format!("/{service}/nodes{path}");
            let made = bench.send("PUT", &url, ADA, &[], body).await;
            assert_eq!(made.status, 201, "{name}: {}", made.text());
            assert_eq!(bench.stat(service, &path).await.uri.name(), name);
            assert_eq!(bench.delete(&url).await.status, 200);
        }
    }
}

#[tokio::test]
async fn the_minefield() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        bench.write(service, "/ada/a", b"precious").await;
        bench.write(service, "/ada/aAb", b"other").await;
        let url = |name: &str| format!("/{service}/nodes/ada/{name}");
        for name in ["a%20b", "a%5B1%5D", "a%25", "a%7Cb", "a%C2%A0b", "a%09b", "a%22b"] {
            assert_eq!(bench.get(&url(name)).await.status, 500, "{name}");
            assert_eq!(bench.delete(&url(name)).await.status, 500, "{name}");
        }
        assert_eq!(bench.get(&url("a%2Fb")).await.status, 400);
        assert_eq!(bench.get(&url("a%5Cb")).await.status, 400);
        assert_eq!(bench.get(&url("a%2541b")).await.node().uri.name(), "aAb", "decoded twice");
        assert_eq!(bench.get(&url("a%23b")).await.node().uri.name(), "a");
        assert_eq!(
            bench.node("PUT", service, "/ada/a%23b", "DataNode", "").await.status,
            400,
            "path and document differ"
        );
        assert_eq!(bench.get(&url("a;x=1")).await.node().uri.name(), "a", "a path parameter");
        assert_eq!(bench.delete(&url("a%23b")).await.status, 200, "and the wrong node is gone");
        assert_eq!(bench.get(&url("a")).await.status, 404);
    }
}

#[tokio::test]
async fn a_push_to_a_name_that_is_cut_makes_a_file_that_cannot_be_read() {
    let bench = Bench::start().await;
    for (name, other) in [("a%23b", "a"), ("q%3Fr", "q"), ("a%2541b", "aAb")] {
        bench.write("vault", &format!("/ada/{other}"), b"precious").await;
        bench.write("vault", &format!("/ada/{name}"), b"other").await;
        assert_eq!(bench.read("vault", &format!("/ada/{other}")).await, b"precious", "it has bytes of its own");
        let head = bench.head(&format!("/vault/files/ada/{name}")).await;
        assert_eq!((head.status, head.header("content-length")), (200, Some("5")));
        assert_eq!(bench.get(&format!("/vault/files/ada/{name}")).await.status, 503, "for ever");
    }
    // Cavern makes nothing under a name that it cannot write.
    let answer = bench.transfer("arc", "synctrans", &negotiation("arc", "/ada/a%20b", "pushToVoSpace")).await;
    assert_eq!(answer.status, 303);
    assert!(!bench.list("arc", "/ada").await.contains("a%20b"));
}

#[tokio::test]
async fn paths_do_not_lead_out() {
    let bench = Bench::start().await;
    // Sent raw: an HTTP library would resolve the dots itself.
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let host = bench.base.strip_prefix("http://").unwrap();
    for (path, status) in [
        ("/vault/nodes/ada/../../../etc/passwd", "400"),
        ("/vault/nodes/ada/%2e%2e/%2e%2e/%2e%2e/x", "400"),
        ("/vault/nodes/ada/../eve?limit=0", "200"),
        ("/arc/files/../../x", "400"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer ada-token\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(&answer[9..12], status, "{path}");
    }
    let dots = negotiation("vault", "/ada/../eve/x", "pushToVoSpace");
    let answer = bench.transfer("vault", "synctrans", &dots).await;
    assert_eq!(answer.status, 303);
    let job = answer.location().replace("/results/transferDetails", "/phase");
    assert_eq!(bench.get(&job).await.text(), "ERROR");
}
