//! Astro Data Lab: synchronous transfers, endpoints, bytes.

use super::{CORE, FORM, Maker, between, property};
use crate::support::Bench;
use std::time::{Duration, Instant};
use vospace_server::profile::Profile;

#[tokio::test]
async fn a_document_has_to_be_announced_as_a_form_and_begin_with_the_namespace() {
    let maker = Maker::datalab().await;
    let document = maker.negotiation("/ada/f", "pushToVoSpace");
    let answer = maker.send("POST", "/sync", &[("content-type", "text/xml")], &document).await;
    assert_eq!((answer.status, answer.header("content-type")), (500, Some("text/html")));
    let declared = format!("<?xml version=\"1.0\"?>{document}");
    let version_first = document.replace("<vos:transfer ", "<vos:transfer version=\"2.1\" ");
    for bad in [&declared, &version_first] {
        let answer = maker.send("POST", "/sync", &[FORM], bad).await;
        assert_eq!((answer.status, answer.header("content-type")), (500, Some("text/html")), "{bad}");
    }
    assert!(!maker.exists("/ada/f").await);
    let version_last = document.replacen("\">", "\" version=\"2.1\">", 1);
    let answer = maker.send("POST", "/sync", &[FORM], &version_last).await;
    assert_eq!(answer.status, 302);
    assert!(answer.location().starts_with("http://"), "{}", answer.location());
    assert!(maker.get(answer.location()).await.text().contains("<vos:endpoint>"));
}

#[tokio::test]
async fn a_failure_is_an_empty_document_with_200() {
    let maker = Maker::datalab().await;
    let no_view = maker.negotiation("/ada/f", "pushToVoSpace");
    let view = "<vos:view uri=\"ivo://ivoa.net/vospace/core#defaultview\"/>";
    for document in [
        maker.negotiation("/ada/none", "pullFromVoSpace"),
        maker.negotiation("/ada/none/f", "pushToVoSpace"),
        no_view.replace(view, ""),
        maker.transfer("/ada/f", &maker.uri("/ada/g"), "<vos:keepBytes>false</vos:keepBytes>"),
    ] {
        let answer = maker.synchronous(&document).await;
        assert_eq!(answer.status, 302, "{document}");
        let details = maker.get(answer.location()).await;
        let empty = "<vos:transfer xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\"></vos:transfer>";
        assert_eq!((details.status, details.text()), (200, empty), "{document}");
        let job = answer.location().trim_end_matches("/results/transferDetails");
        assert_eq!(maker.phase(job).await, "ERROR");
        let error = maker.get(&format!("{job}/error")).await;
        assert_eq!(error.status, 303);
        assert_eq!(maker.get(error.location()).await.status, 200);
    }
    assert!(!maker.exists("/ada/f").await);
}

#[tokio::test]
async fn there_are_no_parameters() {
    let maker = Maker::datalab().await;
    maker.put("/ada/f", "abc").await;
    let query = format!(
        "TARGET={}&DIRECTION=pullFromVoSpace&PROTOCOL=ivo://ivoa.net/vospace/core%23httpget",
        maker.uri("/ada/f")
    );
    assert_eq!(maker.get(&format!("/sync?{query}")).await.status, 405);
    assert_eq!(maker.send("POST", "/sync", &[FORM], &query).await.status, 500);
}

#[tokio::test]
async fn endpoints_are_good_once_and_over_http() {
    let maker = Maker::datalab().await;
    let inner: String = ["httpsput", "httpput"].map(|name| format!("<vos:protocol uri=\"{CORE}{name}\"/>")).concat();
    let answer = maker.synchronous(&maker.transfer("/ada/f", "pushToVoSpace", &inner)).await;
    let details = maker.get(answer.location()).await;
    assert!(!details.text().contains("#httpsput"), "{}", details.text());
    let endpoint = between(details.text(), "<vos:endpoint>", "<").to_owned();
    assert!(endpoint.starts_with(&format!("{}/datalab/data/", maker.bench.base)), "{endpoint}");
    assert!(maker.exists("/ada/f").await, "the push has made it");
    assert_eq!(maker.anonymously("PUT", &endpoint, "abcdef").await.status, 204, "whoever has it may use it");
    assert_eq!(maker.send("PUT", &endpoint, &[], "xyz").await.status, 400);
    assert_eq!(maker.read("/ada/f").await, b"abcdef");
    let endpoint = maker.endpoint("/ada/f", "pullFromVoSpace").await;
    let head = maker.send("HEAD", &endpoint, &[], "").await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("6")));
    assert_ne!(maker.get(&endpoint).await.status, 200, "HEAD has used it up");
    let endpoint = maker.endpoint("/ada/f", "pullFromVoSpace").await;
    let whole = maker.send("GET", &endpoint, &[("range", "bytes=1-2")], "").await;
    assert_eq!((whole.status, whole.text()), (200, "abcdef"));
}

#[tokio::test]
async fn bytes_come_in_whole_or_not_at_all_and_properties_stay() {
    let maker = Maker::datalab().await;
    maker.make("DataNode", "/ada/f").await;
    assert_eq!(maker.read("/ada/f").await, b"", "never written");
    maker.set("DataNode", "/ada/f", &format!("{CORE}title"), "t").await;
    maker.put("/ada/f", "old").await;
    let endpoint = maker.endpoint("/ada/f", "pushToVoSpace").await;
    maker.bench.cut_put(&endpoint, 100, 10, &[]).await;
    assert_eq!(maker.read("/ada/f").await, b"old");
    assert_eq!(property(&maker.node("/ada/f").await, &format!("{CORE}title")), Some("t"));
    maker.put("/ada/f", "").await;
    assert_eq!(maker.read("/ada/f").await, b"");
}

#[tokio::test]
async fn a_synchronous_transfer_takes_a_second() {
    let bench = Bench::with(|options| options.profiles = vec![Profile::datalab()]).await;
    let document = "<vos:transfer xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\">\
        <vos:target>vos://datalab.noao!vospace/ada/f</vos:target><vos:direction>pushToVoSpace</vos:direction>\
        <vos:view uri=\"ivo://ivoa.net/vospace/core#defaultview\"/>\
        <vos:protocol uri=\"ivo://ivoa.net/vospace/core#httpput\"/></vos:transfer>";
    let begun = Instant::now();
    let answer = bench.send("POST", "/datalab/sync", None, &[FORM, ("x-dl-authtoken", "ada-token")], document).await;
    assert_eq!(answer.status, 302);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}
