//! pyvospace: synchronous transfers, endpoints, bytes.

use super::{CORE, FORM, Maker, property};

#[tokio::test]
async fn a_push_makes_the_file_and_the_endpoint_is_good_once() {
    let maker = Maker::pyvospace().await;
    let answer = maker.synchronous(&maker.negotiation("/ada/f", "pushToVoSpace")).await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().starts_with("/vospace/transfers/"), "relative: {}", answer.location());
    let job = answer.location().trim_end_matches("/results/transferDetails").to_owned();
    assert!(maker.exists("/ada/f").await, "before a byte has come");
    assert_eq!(maker.phase(&job).await, "EXECUTING");
    let endpoint = super::between(maker.get(answer.location()).await.text(), "<vos:endpoint>", "<").to_owned();
    assert!(endpoint.starts_with(&format!("{}/vospace/pushToVoSpace/", maker.bench.base)), "{endpoint}");
    assert_eq!(maker.anonymously("PUT", &endpoint, "abc").await.status, 403, "the cookie is asked for");
    assert_eq!(maker.as_eve("PUT", &endpoint, "abc").await.status, 403, "of whoever negotiated");
    assert_eq!(
        maker.send("PUT", &endpoint, &[("content-md5", "AAAA"), ("digest", "md5=AAAA")], "abc").await.status,
        200
    );
    assert_eq!(maker.phase(&job).await, "COMPLETED");
    assert_eq!(maker.send("PUT", &endpoint, &[], "xyz").await.status, 400);
    assert_eq!(maker.read("/ada/f").await, b"abc");
}

#[tokio::test]
async fn every_form_of_put_is_taken() {
    let maker = Maker::pyvospace().await;
    maker.put("/ada/empty", "").await;
    assert_eq!(maker.read("/ada/empty").await, b"");
    let endpoint = maker.endpoint("/ada/chunked", "pushToVoSpace").await;
    let path = endpoint.strip_prefix(&maker.bench.base).unwrap();
    let request = format!(
        "PUT {path} HTTP/1.1\r\nHost: x\r\nCookie: PYVOSPACE_COOKIE=ada-token\r\nConnection: close\r\n\
         Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    );
    let (head, _) = maker.bench.wire(&request).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(maker.read("/ada/chunked").await, b"abcde");
}

#[tokio::test]
async fn a_put_that_breaks_off_leaves_the_old_content() {
    let maker = Maker::pyvospace().await;
    maker.put("/ada/f", "old").await;
    let endpoint = maker.endpoint("/ada/f", "pushToVoSpace").await;
    maker.bench.cut_put(&endpoint, 100, 10, &[("Cookie", "PYVOSPACE_COOKIE=ada-token")]).await;
    assert_eq!(maker.read("/ada/f").await, b"old");
    assert_eq!(maker.send("PUT", &endpoint, &[], "new").await.status, 400, "used up all the same");
}

#[tokio::test]
async fn a_head_uses_the_endpoint_up_and_ranges_are_ignored() {
    let maker = Maker::pyvospace().await;
    maker.put("/ada/f", "abcdef").await;
    let endpoint = maker.endpoint("/ada/f", "pullFromVoSpace").await;
    let head = maker.send("HEAD", &endpoint, &[], "").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("6")));
    assert_eq!(maker.get(&endpoint).await.status, 400);
    let endpoint = maker.endpoint("/ada/f", "pullFromVoSpace").await;
    let whole = maker.send("GET", &endpoint, &[("range", "bytes=1-2")], "").await;
    assert_eq!((whole.status, whole.text(), whole.header("accept-ranges")), (200, "abcdef", None));
    assert_eq!(whole.header("digest"), None);
}

#[tokio::test]
async fn a_file_that_was_never_written_cannot_be_fetched() {
    let maker = Maker::pyvospace().await;
    maker.make("DataNode", "/ada/f").await;
    let answer = maker.synchronous(&maker.negotiation("/ada/f", "pullFromVoSpace")).await;
    assert!(answer.status == 400 && answer.text().contains("not on any storage device"), "{}", answer.text());
    let answer = maker.synchronous(&maker.negotiation("/ada/none", "pullFromVoSpace")).await;
    assert_eq!(answer.status, 404, "a failure is told at once: {}", answer.text());
}

#[tokio::test]
async fn protocols_over_https_are_refused() {
    let maker = Maker::pyvospace().await;
    for protocols in ["httpsput", "httpput httpsput"] {
        let inner: String = protocols.split(' ').map(|name| format!("<vos:protocol uri=\"{CORE}{name}\"/>")).collect();
        let document = maker.transfer("/ada/f", "pushToVoSpace", &inner);
        assert_eq!(maker.synchronous(&document).await.status, 400, "{protocols}");
    }
    assert!(!maker.exists("/ada/f").await, "and nothing is made");
}

#[tokio::test]
async fn parameters_stand_in_the_query_of_a_post() {
    let maker = Maker::pyvospace().await;
    maker.put("/ada/f", "abc").await;
    let query = |protocol: &str, more: &str| {
        let target = maker.uri("/ada/f").replace('!', "%21");
        format!("TARGET={target}&DIRECTION=pullFromVoSpace&PROTOCOL=ivo://ivoa.net/vospace/core%23{protocol}{more}")
    };
    assert_eq!(maker.get(&format!("/synctrans?{}", query("httpget", ""))).await.status, 405);
    assert_eq!(maker.send("POST", "/synctrans", &[FORM], &query("httpget", "")).await.status, 500);
    let answer = maker.send("POST", &format!("/synctrans?{}", query("httpget", "")), &[], "").await;
    assert_eq!(answer.status, 303);
    assert!(answer.location().ends_with("/results/transferDetails"), "{}", answer.location());
    let place = format!("/synctrans?{}", query("httpget", "&REQUEST=redirect"));
    let answer = maker.send("POST", &place, &[], "").await;
    assert_eq!(maker.get(answer.location()).await.text(), "abc");
    let answer = maker.send("POST", &format!("/synctrans?{}", query("httpsget", "&REQUEST=redirect")), &[], "").await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn there_are_no_packages() {
    let maker = Maker::pyvospace().await;
    let document = maker.transfer("/ada", "pullFromVoSpace", "");
    let packaged = document.replace(&format!("{CORE}defaultview"), "vos://cadc.nrc.ca~vospace/CADC/std/Pkg-1.0");
    assert_eq!(maker.synchronous(&packaged).await.status, 400);
}

#[tokio::test]
async fn a_push_clears_the_properties() {
    let maker = Maker::pyvospace().await;
    let inner = format!("<vos:properties><vos:property uri=\"{CORE}title\">t</vos:property></vos:properties>");
    assert_eq!(maker.write("PUT", "UnstructuredDataNode", "/ada/f", &inner).await.status, 201);
    maker.put("/ada/f", "abc").await;
    let text = maker.node("/ada/f").await;
    assert_eq!(property(&text, &format!("{CORE}title")), None);
    assert!(text.contains("vos:UnstructuredDataNode"), "the type stays: {text}");
}
