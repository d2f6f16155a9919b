//! Creation, change and removal of nodes: statuses and texts.

use crate::support::{ADA, Bench, properties};
use vospace_client::node::property;

#[tokio::test]
async fn creation_and_its_refusals() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        let put = async |path: &str, kind: &str| bench.node("PUT", service, path, kind, "").await;
        let made = put("/ada/d", "ContainerNode").await;
        assert_eq!((made.status, made.header("content-type")), (201, Some("text/xml")));
        assert_eq!(made.node().properties.creator(), Some("ada"));
        let again = put("/ada/d", "DataNode").await;
        assert_eq!((again.status, again.text()), (409, &*format!("DuplicateNode: vos://cadc.nrc.ca~{service}/ada/d")));
        let orphan = put("/ada/no/d", "ContainerNode").await;
        assert_eq!(
            (orphan.status, orphan.text()),
            (404, &*format!("ContainerNotFound: vos://cadc.nrc.ca~{service}/ada/no"))
        );
        assert_eq!(put("/ada/f", "DataNode").await.status, 201);
        assert_eq!(put("/ada/f/x", "DataNode").await.status, 404, "a file is no parent");
        assert!(put("/ada/t", "Node").await.text().starts_with("TypeNotSupported"));
        assert!(put("/ada/t", "FooNode").await.text().starts_with("InvalidArgument: invalid input: XML failed schema"));

        let form = [("content-type", "application/x-www-form-urlencoded")];
        let url = format!("/{service}/nodes/ada/x");
        assert_eq!(bench.send("PUT", &url, ADA, &form, "x").await.text(), "InvalidArgument: no node document");
        let large = "x".repeat(33 << 10);
        assert_eq!(bench.send("PUT", &url, ADA, &[], large).await.status, 500);
        assert_eq!(bench.send("PUT", &url, ADA, &[], "<not-xml").await.status, 400);
        let bomb = "<!DOCTYPE n [<!ENTITY a \"aaaa\">]><n>&a;</n>";
        assert_eq!(bench.send("PUT", &url, ADA, &[], bomb).await.status, 400);
        let other = bench.get(&format!("/{service}/nodes/ada/d")).await.body;
        let mismatch = bench.send("PUT", &url, ADA, &[], other.clone()).await;
        assert!(mismatch.text().starts_with("InvalidURI: invalid input: vos URI mismatch"), "{}", mismatch.text());
        let mismatch = bench.send("POST", &format!("/{service}/nodes/ada/f"), ADA, &[], other).await;
        assert!(mismatch.text().starts_with("InvalidArgument: invalid input: vos URI mismatch"), "{}", mismatch.text());
        assert_eq!(bench.node("POST", service, "/ada/f", "ContainerNode", "").await.status, 400, "another type");
        assert_eq!(bench.node("POST", service, "/ada/nothing", "DataNode", "").await.status, 404);
    }
}

#[tokio::test]
async fn properties_are_merged() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        let initial = properties(&[("ivo://my.org/k", Some(" one ")), (property::TITLE, Some("a &amp; b"))]);
        assert_eq!(bench.node("PUT", service, "/ada/f", "DataNode", &initial).await.status, 201);
        let change = properties(&[
            (property::TITLE, None),
            ("plain", Some("")),
            (property::CREATOR, Some("eve")),
            (property::LENGTH, Some("77")),
            (property::DATE, Some("2001-01-01T00:00:00.000")),
            (property::GROUP_READ, Some("ivo://cadc.nrc.ca/gms?b ivo://cadc.nrc.ca/gms?a")),
        ]);
        let answer = bench.node("POST", service, "/ada/f", "DataNode", &change).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let node = bench.stat(service, "/ada/f").await;
        assert_eq!(node.properties.get("ivo://my.org/k"), Some("one"), "ends are trimmed");
        assert_eq!((node.properties.get(property::TITLE), node.properties.get("plain")), (None, Some("")));
        assert_eq!((node.properties.creator(), node.properties.length()), (Some("ada"), Some(0)), "without effect");
        assert_eq!(node.properties.get(property::GROUP_READ), Some("ivo://cadc.nrc.ca/gms?a ivo://cadc.nrc.ca/gms?b"));
        for uri in ["mtime", "ctime", "publicread", "immutable"] {
            let uri = format!("ivo://ivoa.net/vospace/core#{uri}");
            let answer = bench.set(service, "/ada/f", "DataNode", &uri, "1").await;
            assert_eq!(answer.status, 400);
            assert!(answer.text().contains("unrecognized property URI in vospace namespace"));
        }
        assert_eq!(bench.set(service, "/ada/f", "DataNode", property::GROUP_READ, "a,b").await.status, 400);
        let locked = bench.set(service, "/ada/f", "DataNode", property::IS_LOCKED, "true").await.node();
        assert_eq!(locked.properties.is_locked(), service == "vault");
    }
}

#[tokio::test]
async fn children_inherit_if_the_container_says_so() {
    let bench = Bench::start().await;
    let rights = properties(&[
        (property::INHERIT_PERMISSIONS, Some("true")),
        (property::IS_PUBLIC, Some("true")),
        (property::GROUP_WRITE, Some("ivo://cadc.nrc.ca/gms?team")),
    ]);
    assert_eq!(bench.node("PUT", "vault", "/ada/d", "ContainerNode", &rights).await.status, 201);
    bench.write("vault", "/ada/d/f", b"x").await;
    bench.mkdir("vault", "/ada/d/sub").await;
    let (file, sub) = (bench.stat("vault", "/ada/d/f").await, bench.stat("vault", "/ada/d/sub").await);
    assert!(file.properties.is_public() && sub.properties.is_public());
    assert_eq!(file.properties.group_write(), ["ivo://cadc.nrc.ca/gms?team"]);
    assert_eq!(sub.properties.get(property::INHERIT_PERMISSIONS), Some("true"));
    assert_eq!(file.properties.get(property::INHERIT_PERMISSIONS), None);
    bench.node("PUT", "arc", "/ada/d", "ContainerNode", &rights).await;
    bench.write("arc", "/ada/d/f", b"x").await;
    assert!(!bench.stat("arc", "/ada/d/f").await.properties.is_public(), "a direct PUT does not inherit");
}

#[tokio::test]
async fn links_are_followed_on_the_way_and_by_files_only() {
    let bench = Bench::start().await;
    bench.mkdir("vault", "/ada/d").await;
    bench.write("vault", "/ada/d/f", b"abc").await;
    let link = async |path: &str, target: &str| {
        let inner = format!("<vos:target>{target}</vos:target>");
        assert_eq!(bench.node("PUT", "vault", path, "LinkNode", &inner).await.status, 201);
    };
    link("/ada/l", "vos://cadc.nrc.ca!vault/ada/d").await;
    link("/ada/lf", "vos://cadc.nrc.ca~vault/ada/l/f").await;
    link("/ada/loop", "vos://cadc.nrc.ca~vault/ada/loop/x").await;
    link("/ada/out", "https://example.org/x").await;
    link("/ada/new", "vos://cadc.nrc.ca~vault/ada/d/born").await;
    assert_eq!(bench.read("vault", "/ada/l/f").await, b"abc");
    assert_eq!(bench.read("vault", "/ada/lf").await, b"abc");
    assert_eq!(bench.stat("vault", "/ada/l/f").await.uri.to_wire(), "vos://cadc.nrc.ca~vault/ada/d/f");
    assert!(bench.list("vault", "/ada/lf").await.contains("LinkNode"));
    assert!(bench.get("/vault/files/ada/loop/x").await.text().starts_with("UnreadableLinkTarget"));
    assert!(bench.get("/vault/files/ada/out").await.text().starts_with("InvalidArgument: cannot navigate external"));
    // A push through a link that leads nowhere makes the target.
    bench.write("vault", "/ada/new", b"born").await;
    assert_eq!(bench.read("vault", "/ada/d/born").await, b"born");
    assert_eq!(bench.delete("/vault/nodes/ada/l").await.status, 200);
    assert_eq!(bench.read("vault", "/ada/d/f").await, b"abc");
}

#[tokio::test]
async fn a_quota_of_nothing_stops_uploads() {
    let bench = Bench::start().await;
    let admin = Some("admin-token");
    let quota = properties(&[(property::QUOTA, Some("1000000"))]);
    let own = async |text: &str| bench.node_as(admin, "POST", "vault", "/admin", "ContainerNode", text).await;
    assert_eq!(own(&quota).await.node().properties.quota(), Some(1_000_000));
    assert_eq!(bench.node("POST", "vault", "/ada", "ContainerNode", &quota).await.node().properties.quota(), None);
    own(&properties(&[(property::QUOTA, Some("0"))])).await;
    let target = "TARGET=vos://cadc.nrc.ca~vault/admin/f&DIRECTION=pushToVoSpace";
    let url = format!("/vault/synctrans?{target}&PROTOCOL=ivo://ivoa.net/vospace/core%23httpsput");
    let answer = bench.send("GET", &url, admin, &[], "").await;
    assert_eq!(answer.status, 413);
    assert!(answer.text().starts_with("QuotaExceeded"));
}
