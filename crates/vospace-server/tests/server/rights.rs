//! Who may do what, and how it is told: 401, 403, challenges.

use crate::support::{ADA, Bench, EVE, negotiation, properties};
use vospace_client::node::property;

#[tokio::test]
async fn bad_credentials_are_401_and_missing_rights_403() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        bench.write(service, "/ada/f", b"abc").await;
        let url = format!("/{service}/nodes/ada/f");
        let get = async |token| bench.send("GET", &url, token, &[], "").await;
        let own = get(ADA).await;
        assert_eq!(
            (own.status, own.header("x-vo-authenticated"), own.header("www-authenticate")),
            (200, Some("ada"), None)
        );
        let anonymous = get(None).await;
        assert_eq!((anonymous.status, anonymous.header("x-vo-authenticated")), (403, None));
        assert!(anonymous.headers.get_all("www-authenticate").iter().count() > 1);
        assert_eq!(anonymous.text(), format!("PermissionDenied: vos://cadc.nrc.ca~{service}/ada"), "the ancestor");
        assert_eq!(get(EVE).await.status, 403);
        let bad = get(Some("bad")).await;
        assert_eq!(bad.status, 401);
        assert!(bad.header("www-authenticate").unwrap().contains("invalid_token"));
        let root = bench.send("GET", &format!("/{service}/nodes"), None, &[], "").await;
        assert_eq!(root.status, 200, "the root is public");
        assert!(root.header("www-authenticate").is_some(), "also beside a success");
        let cookie = [("cookie", "CADC_SSO=ada-token")];
        assert_eq!(bench.send("GET", &url, None, &cookie, "").await.header("x-vo-authenticated"), Some("ada"));
        let basic = bench.send("GET", &format!("/{service}/nodes"), None, &[("authorization", "Basic eDp5")], "").await;
        assert_eq!(basic.status, if service == "vault" { 200 } else { 401 });
    }
}

#[tokio::test]
async fn an_unreadable_container_looks_empty() {
    let bench = Bench::start().await;
    bench.write("vault", "/ada/f", b"abc").await;
    let answer = bench.send("GET", "/vault/nodes/ada", EVE, &[], "").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.text().contains("/ada/f"));
    let answer = bench.send("GET", "/vault/nodes/ada?detail=max", EVE, &[], "").await;
    assert_eq!(answer.node().properties.get(property::READABLE), None, "the only way to tell");
    assert_eq!(bench.node_as(EVE, "PUT", "vault", "/ada/x", "DataNode", "").await.status, 403);
}

#[tokio::test]
async fn groups_read_and_write() {
    let bench = Bench::start().await;
    for service in ["vault", "arc"] {
        bench.mkdir(service, "/ada/d").await;
        bench.write(service, "/ada/d/f", b"abc").await;
        let team = "ivo://cadc.nrc.ca/gms?team";
        for path in ["/ada", "/ada/d"] {
            let rights = properties(&[(property::GROUP_READ, Some(team))]);
            assert_eq!(bench.node("POST", service, path, "ContainerNode", &rights).await.status, 200);
        }
        let file = format!("/{service}/files/ada/d/f");
        assert_eq!(bench.send("GET", &file, EVE, &[], "").await.status, 403, "the file itself is private");
        assert_eq!(bench.send("HEAD", &file, EVE, &[], "").await.status, 200, "HEAD does not look at the leaf");
        let put = async || bench.node_as(EVE, "PUT", service, "/ada/d/x", "ContainerNode", "").await.status;
        assert_eq!(put().await, 403);
        bench.set(service, "/ada/d", "ContainerNode", property::GROUP_WRITE, team).await;
        assert_eq!(put().await, 201);
        let remove = bench.send("DELETE", &format!("/{service}/nodes/ada/d/f"), EVE, &[], "").await;
        assert_eq!(remove.status, 200, "removal asks for the parent only");
    }
}

#[tokio::test]
async fn a_negotiation_of_what_is_not_there_ends_in_500_and_by_parameters_in_400() {
    let bench = Bench::start().await;
    let missing = bench.transfer("vault", "synctrans", &negotiation("vault", "/ada/no", "pullFromVoSpace")).await;
    let details = bench.get(missing.location()).await;
    let end = bench.get(details.location()).await;
    assert_eq!((end.status, end.text()), (500, "Internal Error: /ada/no"));
    let target = "TARGET=vos://cadc.nrc.ca~vault/ada/no&DIRECTION=pullFromVoSpace";
    let url = format!("/vault/synctrans?{target}&PROTOCOL=ivo://ivoa.net/vospace/core%23httpsget");
    let answer = bench.get(&url).await;
    assert_eq!((answer.status, answer.text()), (400, "target is not a data node"));
}

#[tokio::test]
async fn tokens_are_issued_and_expire() {
    let bench = Bench::with(|options| options.users.set_lifetime(std::time::Duration::from_secs(3600))).await;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let login = async |password: &str| {
        let body = format!("username=ada&password={password}");
        bench.send("POST", "/ac/login", None, &form, body).await
    };
    assert_eq!(login("wrong").await.status, 401);
    let first = login("ada-password").await.text().to_owned();
    assert_eq!(bench.send("GET", "/vault/nodes/ada", Some(&first), &[], "").await.status, 200);
    let clock = "{\"offset_ms\": 3700000}";
    assert_eq!(bench.send("POST", "/_bench/clock", None, &[], clock).await.status, 200);
    for token in [first.as_str(), "ada-token"] {
        let answer = bench.send("GET", "/vault/nodes/ada", Some(token), &[], "").await;
        assert_eq!((answer.status, answer.text()), (401, "NotAuthenticated: expired token"));
        assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"));
    }
    let second = login("ada-password").await.text().to_owned();
    assert_eq!(bench.send("GET", "/vault/nodes/ada", Some(&second), &[], "").await.status, 200);
}
