use futures_util::TryStreamExt as _;

use super::*;
use crate::testing::{Reply, Stub, refused, uri};

const CONTENT: &[u8] = b"0123456789";

fn part(content_range: &str, body: &[u8]) -> Reply {
    Reply::Whole(206, vec![("Content-Range", content_range.to_owned())], body.to_vec())
}

async fn bytes(download: Download) -> Result<Vec<u8>> {
    let chunks: Vec<_> = download.body.try_collect().await?;
    Ok(chunks.concat())
}

async fn read(stub: &Stub, range: Option<Range<u64>>) -> Result<(u64, Option<u64>, Vec<u8>)> {
    let download = stub.client().open(&uri("/a"), range).await?;
    Ok((download.start, download.total, bytes(download).await?))
}

#[tokio::test]
async fn a_range_is_asked_for_and_given() {
    let stub = Stub::service(|_, _| {
        part("bytes 2-5/10", &CONTENT[2..6])
            .header("x-artifact-id", "id-1")
            .header("Digest", "md5=1B2M2Y8AsgTpgAmY7PhCfg==")
            .header("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
    })
    .await;
    let client = stub.client();
    let download = client.open(&uri("/a"), Some(2..6)).await.unwrap();
    assert_eq!((download.start, download.total, download.artifact_id.as_deref()), (2, Some(10), Some("id-1")));
    assert_eq!((download.md5, download.last_modified), (Some(Md5::EMPTY), "1994-11-06T08:49:37Z".parse().ok()));
    assert_eq!(bytes(download).await.unwrap(), b"2345");
    assert_eq!(stub.requests()[0].header("range"), Some("bytes=2-5"));
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().ranges, Learned::Yes);
}

#[tokio::test]
async fn a_range_beyond_the_end_is_cut_by_the_service() {
    let stub = Stub::service(|_, _| part("bytes 8-9/10", &CONTENT[8..])).await;
    assert_eq!(read(&stub, Some(8..100)).await.unwrap(), (8, Some(10), b"89".to_vec()));
    let stub = Stub::service(|_, _| Reply::fault(416, "").header("Content-Range", "bytes */10")).await;
    let beyond = read(&stub, Some(10..20)).await;
    refused(beyond, ErrorKind::RangeNotSatisfiable, "the file has become shorter: open it again");
    assert_eq!(read(&stub, Some(5..5)).await.unwrap(), (5, None, Vec::new()));
}

#[tokio::test]
async fn another_range_than_asked_for_is_refused() {
    for (range, body) in [
        ("bytes 0-3/10", &CONTENT[..4]),
        ("bytes 3-5/10", &CONTENT[3..6]),
        ("bytes 0-5/10", &CONTENT[..6]),
        ("bytes 2-6/10", &CONTENT[2..7]),
        ("bytes 2-4/10", &CONTENT[2..5]),
        ("bytes 2-5/10", &CONTENT[..2]),
        ("bytes 5-2/10", &CONTENT[..4]),
        ("bytes 2-5/4", &CONTENT[2..6]),
        ("", &CONTENT[2..6]),
        ("bytes */10", &CONTENT[2..6]),
    ] {
        let stub = Stub::service(move |_, _| part(range, body)).await;
        assert_eq!(read(&stub, Some(2..6)).await.unwrap_err().kind(), ErrorKind::Protocol, "{range}");
    }
    let stub = Stub::service(|_, _| part("bytes 0-9/10", CONTENT)).await;
    refused(read(&stub, None).await, ErrorKind::Protocol, "it answered with a part of the file where the whole");
}

#[tokio::test]
async fn a_service_without_ranges_gives_the_whole_and_is_not_asked_again() {
    let stub = Stub::service(|_, _| Reply::ok(CONTENT)).await;
    let client = stub.client();
    for _ in 0..2 {
        let download = client.open(&uri("/a"), Some(2..6)).await.unwrap();
        assert_eq!((download.start, download.total), (0, Some(10)));
        assert_eq!(bytes(download).await.unwrap(), CONTENT);
    }
    assert_eq!(client.service(&uri("/")).await.unwrap().dialect().ranges, Learned::No);
    assert_eq!(stub.requests()[1].header("range"), None);
}

#[tokio::test]
async fn an_empty_file_has_no_content() {
    let stub = Stub::service(|_, _| Reply::status(204)).await;
    assert_eq!(read(&stub, Some(0..100)).await.unwrap(), (0, Some(0), Vec::new()));
}

#[tokio::test]
async fn a_short_body_is_an_error_after_what_came() {
    let head = "HTTP/1.1 200 X\r\nContent-Length: 10\r\n\r\n01234";
    let stub = Stub::service(move |_, _| Reply::Raw(head.as_bytes().to_vec())).await;
    let download = stub.client().open(&uri("/a"), None).await.unwrap();
    let items: Vec<_> = download.body.collect().await;
    assert!(items.last().unwrap().is_err(), "{items:?}");
    let got: usize = items.iter().flatten().map(bytes::Bytes::len).sum();
    assert_eq!(got, 5);
}

#[tokio::test]
async fn a_body_without_announced_length_is_held_against_its_range() {
    for (body, text) in
        [("2\r\n23\r\n", "the body ended 2 bytes too early"), ("6\r\n234567\r\n", "the body is longer than announced")]
    {
        let reply = format!(
            "HTTP/1.1 206 X\r\nContent-Range: bytes 2-5/10\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n\r\n"
        );
        let stub = Stub::service(move |_, _| Reply::Raw(reply.clone().into_bytes())).await;
        refused(read(&stub, Some(2..6)).await, ErrorKind::Unreachable, text);
    }
}

#[tokio::test]
async fn the_redirect_is_kept_until_it_no_longer_serves() {
    let stub = Stub::service(|seen, n| match seen.target.as_str() {
        "/svc/files/a" => Reply::redirect(format!("/svc/bytes/{n}")),
        // The first place is gone at the third request.
        "/svc/bytes/0" if n > 2 => Reply::fault(404, "gone"),
        _ => part("bytes 2-5/10", &CONTENT[2..6]),
    })
    .await;
    let client = stub.client();
    for _ in 0..3 {
        let download = client.open(&uri("/a"), Some(2..6)).await.unwrap();
        assert_eq!(bytes(download).await.unwrap(), b"2345");
    }
    let expected = ["GET /files/a", "GET /bytes/0", "GET /bytes/0", "GET /bytes/0", "GET /files/a", "GET /bytes/4"];
    assert_eq!(stub.lines(), expected);
}

#[tokio::test]
async fn another_site_is_asked_when_one_fails() {
    let stub = Stub::service(|seen, n| match (seen.target.as_str(), n) {
        ("/svc/files/a", _) => Reply::redirect(format!("/svc/bytes/{n}")),
        (_, 1) => Reply::fault(503, "down").header("Retry-After", "30"),
        (_, 3) => Reply::Raw(Vec::new()),
        (_, 5) => Reply::fault(404, "not yet"),
        _ => Reply::ok(CONTENT),
    })
    .await;
    assert_eq!(read(&stub, None).await.unwrap().2, CONTENT);
    assert_eq!(stub.lines().len(), 8);
    let stub = Stub::service(|seen, n| match seen.target.as_str() {
        "/svc/files/a" => Reply::redirect(format!("/svc/bytes/{n}")),
        _ => Reply::fault(403, "invalid auth token"),
    })
    .await;
    assert_eq!(read(&stub, None).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(stub.lines().len(), 2);
}

#[tokio::test]
async fn a_file_whose_bytes_are_nowhere_is_not_a_file_that_is_not_there() {
    let node = r#"<vos:node xmlns:vos="http://www.ivoa.net/xml/VOSpace/v2.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" uri="vos://cadc.nrc.ca~vault/a" xsi:type="vos:DataNode"/>"#;
    for (known, kind) in [(true, ErrorKind::Service), (false, ErrorKind::NotFound)] {
        let stub = Stub::service(move |seen, n| match seen.target.as_str() {
            "/svc/files/a" => Reply::redirect(format!("/svc/bytes/{n}")),
            place if known && place.starts_with("/svc/nodes/") => Reply::ok(node),
            _ => Reply::fault(404, "no such artifact"),
        })
        .await;
        let error = read(&stub, None).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(known, error.to_string().contains("has its bytes"), "{error}");
    }
}
