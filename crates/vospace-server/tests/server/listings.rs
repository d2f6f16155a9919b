//! Listings: order, pages, detail, lag.

use crate::support::{ADA, Bench, EVE, properties};
use std::collections::HashSet;
use std::time::Duration;
use vospace_client::node::property;
use vospace_client::xml::read::ListingReader;

async fn names(body: &[u8]) -> Vec<String> {
    let mut reader = ListingReader::new(body);
    reader.container().await.unwrap();
    let mut names = Vec::new();
    while let Some(node) = reader.next().await.unwrap() {
        assert!(node.properties.is_empty() || node.properties.date().is_some(), "a date on every node");
        names.push(node.uri.name().to_owned());
    }
    names
}

#[tokio::test]
async fn vault_pages_by_name_and_cavern_does_not() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        bench.mkdir(service, "/ada/d").await;
        for name in ["b", "A", "a", "c", "_", "1"] {
            bench.node("PUT", service, &format!("/ada/d/{name}"), "DataNode", "").await;
        }
    }
    let list = async |query: &str| names(&bench.get(&format!("/vault/nodes/ada/d?{query}")).await.body).await;
    assert_eq!(list("").await, ["1", "A", "_", "a", "b", "c"]);
    assert_eq!(list("limit=2").await, ["1", "A"]);
    assert_eq!(list("LIMIT=2&uri=vos://cadc.nrc.ca!vault/ada/d/A").await, ["A", "_"], "the marker is included");
    assert_eq!(list("limit=2&uri=vos://cadc.nrc.ca~vault/ada/d/B").await, ["_", "a"], "and need not exist");
    assert_eq!(list("limit=0").await, [""; 0]);
    assert_eq!(list("limit=10&uri=vos://cadc.nrc.ca~vault/ada/d/c").await, ["c"]);
    let status = async |url: &str| bench.get(url).await.text().to_owned();
    let limit = "InvalidArgument: value for limit must be a positive integer.";
    assert_eq!(status("/vault/nodes/ada/d?limit=-1").await, limit);
    assert!(status("/vault/nodes/ada/d?uri=vos://cadc.nrc.ca~vault/ada/x/y").await.starts_with("InvalidURI"));
    assert_eq!(status("/vault/nodes/ada/d?order=asc").await, "sort order asc");
    assert_eq!(status("/arc/nodes/ada/d?sort=x").await, "sort by x");

    let list = async |query: &str| names(&bench.get(&format!("/arc/nodes/ada/d?{query}")).await.body).await;
    assert_eq!(list("limit=2").await, ["b", "A", "a", "c", "_", "1"], "the limit is ignored");
    assert_eq!(list("limit=0").await, [""; 0]);
    let refused = status("/arc/nodes/ada/d?limit=2&uri=vos://cadc.nrc.ca~arc/ada/d/A").await;
    assert_eq!(refused, "OptionNotSupported: batch container node listing: limit ignored, resume not implemented");
}

#[tokio::test]
async fn a_large_container_is_listed_whole() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        // More than two pages of the store, and not a multiple of one.
        for index in 0..1203 {
            let path = format!("/ada/f{index:04}");
            assert_eq!(bench.node("PUT", service, &path, "DataNode", "").await.status, 201);
        }
        let answer = bench.get(&format!("/{service}/nodes/ada")).await;
        assert_eq!(answer.header("content-length"), None, "streamed");
        let names = names(&answer.body).await;
        assert_eq!(names.len(), 1203);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), 1203);
    }
    let page = bench.get("/vault/nodes/ada?limit=700&uri=vos://cadc.nrc.ca~vault/ada/f0600").await;
    let page = names(&page.body).await;
    assert_eq!((page.len(), page[0].as_str(), page[602].as_str()), (603, "f0600", "f1202"));
}

#[tokio::test]
async fn detail_says_more_or_less() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let public = properties(&[(property::IS_PUBLIC, Some("true"))]);
    bench.node("POST", "vault", "/ada", "ContainerNode", &public).await;
    let get = async |detail: &str, token| {
        bench.send("GET", &format!("/vault/nodes/ada/f?detail={detail}"), token, &[], "").await.node()
    };
    assert!(get("min", ADA).await.properties.is_empty());
    let own = get("max", ADA).await;
    assert_eq!(
        (own.properties.get(property::READABLE), own.properties.get(property::WRITABLE)),
        (Some("true"), Some("true"))
    );
    let foreign = get("max", EVE).await;
    assert_eq!((foreign.properties.get(property::READABLE), foreign.properties.length()), (None, Some(3)));
    assert_eq!(get("other", ADA).await.properties.get(property::READABLE), None);
    let redirect = bench.get("/vault/nodes/ada/f?view=data").await;
    assert_eq!((redirect.status, redirect.location().ends_with("/vault/files/ada/f")), (303, true));
}

#[tokio::test]
async fn listings_lag_until_the_node_is_asked_for() {
    // Longer than the test: only the single fetch refreshes.
    let bench = Bench::with(|options| options.lags.refresh = Duration::from_secs(3600)).await;
    // The worker's first round is over before anything is there to refresh.
    tokio::task::yield_now().await;
    bench.mkdir("vault", "/ada/d").await;
    bench.write("vault", "/ada/d/f", b"abc").await;
    let length = |text: &str| text.contains("core#length\" readOnly=\"true\">3<");
    assert!(!length(&bench.list("vault", "/ada/d").await), "the listing shows the old row");
    let node = bench.stat("vault", "/ada/d/f").await;
    assert_eq!(node.properties.length(), Some(3));
    assert!(node.properties.date() >= node.properties.content_date());
    assert!(length(&bench.list("vault", "/ada/d").await));
    // A change of properties loses what was copied, except for the length.
    let answer = bench.set("vault", "/ada/d/f", "DataNode", "ivo://my.org/k", "v").await.node();
    assert_eq!((answer.properties.md5(), answer.properties.length()), (None, Some(3)));
    assert!(!bench.list("vault", "/ada/d").await.contains("core#MD5"));
    assert_eq!(bench.head("/vault/files/ada/d/f").await.status, 200);
    assert!(bench.list("vault", "/ada/d").await.contains("core#MD5"), "a HEAD refreshes as well");
}

#[tokio::test]
async fn listings_catch_up_by_themselves() {
    let bench = Bench::with(|options| options.lags.refresh = Duration::from_millis(20)).await;
    bench.write("vault", "/ada/f", b"abc").await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !bench.list("vault", "/ada").await.contains("core#MD5") {
        assert!(tokio::time::Instant::now() < deadline);
    }
}
