//! Answers that are no answers: documents, listings, bodies and redirects.

use std::time::Duration;

use futures_util::TryStreamExt as _;

use crate::client::Client;
use crate::node::Node;
use crate::testing::{Reply, Stub, refused, uri};
use crate::xml::{VOSPACE, write};
use crate::{ErrorKind, Result};

fn node() -> String {
    write::node(&Node::data(uri("/a")), [].into_iter())
}

async fn stat(reply: Reply) -> Result<Node> {
    Stub::service(move |_, _| reply.clone()).await.client().stat(&uri("/a")).await
}

async fn read(reply: Reply) -> Result<Vec<bytes::Bytes>> {
    let stub = Stub::service(move |_, _| reply.clone()).await;
    stub.client().open(&uri("/a"), None).await?.body.try_collect().await
}

#[tokio::test]
async fn documents_that_cannot_be_read_say_why() {
    let root = format!("<node xmlns=\"{VOSPACE}\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"");
    let deep = "<a>".repeat(40) + &"</a>".repeat(40);
    for (document, said) in [
        (format!("{root}></other>"), "the document is not well-formed XML: "),
        (node()[..node().len() - 12].to_owned(), "the document ends too early"),
        (format!("<!DOCTYPE node>{}", node()), "the document declares a DOCTYPE, which is refused"),
        (format!("{root}>{deep}</node>"), "the document has a part larger than 32 levels"),
        ("<html></html>".to_owned(), "expected a VOSpace node document and found <html>"),
        (format!("{root} xsi:type=\"DataNode\"></node>"), "the document has no node uri"),
        (
            format!("{root} xsi:type=\"Cupboard\" uri=\"vos://test~svc/a\"></node>"),
            "the document has the node type 'Cupboard', which is not valid",
        ),
    ] {
        let advice = "; this is not how a VOSpace service answers: check the address, or report it";
        let error = stat(Reply::ok(document.clone())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{document}: {error}");
        let shown = error.to_string();
        assert!(shown.contains(said) && shown.ends_with(advice), "{document}: {shown}");
    }
}

#[tokio::test]
async fn a_document_without_an_end_is_given_up() {
    let endless = "<!-- -->".repeat(crate::http::MAX_DOCUMENT / 8 + 1);
    let stub = Stub::start(move |_, _| Reply::ok(endless.clone())).await;
    refused(stub.client().stat(&uri("/a")).await, ErrorKind::Protocol, "the answer is larger than 4194304 bytes");
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up() {
    let mut config =
        Stub::service(|_, _| Reply::Stall(b"HTTP/1.1 200 X\r\nContent-Length: 9\r\n\r\n0123".to_vec())).await.config();
    config.deadlines.idle = Duration::from_millis(1200);
    let body = Client::new(config).unwrap().open(&uri("/a"), None).await.unwrap().body;
    let read: Result<Vec<_>> = body.try_collect().await;
    refused(read, ErrorKind::Timeout, "no byte came for 1 s; try again later");
}

#[tokio::test]
async fn redirects_that_lead_nowhere_are_not_followed() {
    for (reply, said) in [
        (Reply::status(303), "a redirect without a usable Location"),
        (Reply::redirect("http://["), "a redirect to what is no URL: "),
        (
            Reply::redirect("file:///etc/passwd"),
            "a redirect from http to file (file:///etc/passwd), which is not followed",
        ),
    ] {
        refused(read(reply).await, ErrorKind::Protocol, said);
    }
}
