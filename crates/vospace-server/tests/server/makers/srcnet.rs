//! SRCNet: Cavern with tokens of an OIDC issuer and nothing else.

use crate::support::{ADA, Answer, Bench, EVE, tls_service};
use std::sync::Mutex;
use vospace_server::profile::Profile;
use vospace_server::serve::ServeOptions;

/// The URL of the issuer of the next service; options are adjusted by a function that knows nothing else.
static ISSUER: Mutex<Option<String>> = Mutex::new(None);

async fn srcnet() -> Bench {
    Bench::with(|options| options.profiles = vec![Profile::srcnet()]).await
}

fn negotiation(direction: &str, inner: &str) -> String {
    let protocol = if direction.starts_with("push") { "httpsput" } else { "httpsget" };
    format!(
        "<vos:transfer xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" version=\"2.1\">\
         <vos:target>vos://srcnet.example~cavern/ada/f</vos:target><vos:direction>{direction}</vos:direction>\
         <vos:protocol uri=\"ivo://ivoa.net/vospace/core#{protocol}\">{inner}</vos:protocol></vos:transfer>"
    )
}

async fn details(bench: &Bench, direction: &str, inner: &str) -> Answer {
    let answer = bench.transfer("cavern", "synctrans", &negotiation(direction, inner)).await;
    let answer = bench.get(answer.location()).await;
    bench.get(answer.location()).await
}

#[tokio::test]
async fn it_is_described_with_tokens_only() {
    let bench = srcnet().await;
    let registry = bench.get("/reg/resource-caps").await;
    assert!(registry.text().contains("ivo://srcnet.example/cavern = http://"), "{}", registry.text());
    let capabilities = bench.get("/cavern/capabilities").await.text().to_owned();
    assert!(capabilities.contains("sso#token"), "{capabilities}");
    for absent in ["sso#cookie", "tls-with", "BasicAA"] {
        assert!(!capabilities.contains(absent), "{absent}: {capabilities}");
    }
}

#[tokio::test]
async fn certificates_and_cookies_and_passwords_do_not_count() {
    let bench = srcnet().await;
    assert_eq!(bench.get("/cavern/nodes/ada").await.status, 200);
    let by = async |name: &'static str, value: &'static str| {
        bench.send("GET", "/cavern/nodes/ada?limit=0", None, &[(name, value)], "").await
    };
    assert_eq!(by("authorization", "Bearer none").await.status, 401);
    assert_eq!(by("authorization", "Basic YWRhOmFkYS1wYXNzd29yZA==").await.status, 401);
    let with_cookie = by("cookie", "CADC_SSO=ada-token").await;
    assert_eq!(with_cookie.header("x-vo-authenticated"), None, "not looked at");
    let challenges: Vec<_> = with_cookie.headers.get_all("www-authenticate").iter().collect();
    assert_eq!(challenges, ["Bearer"]);
    let dir = tempfile::tempdir().unwrap();
    let service = tls_service(dir.path()).await;
    service.stop().await;
    let certificate = std::fs::read(dir.path().join("tls/users/ada.pem")).unwrap();
    let options = ServeOptions { profiles: vec![Profile::srcnet()], tls: true, ..ServeOptions::new(dir.path()) };
    let service = vospace_server::serve::start(options).await.unwrap();
    let authority = reqwest::Certificate::from_pem(&std::fs::read(dir.path().join("tls/ca.pem")).unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .identity(reqwest::Identity::from_pem(&certificate).unwrap())
        .build()
        .unwrap();
    let answer = client.get(format!("{}/cavern/nodes/home", service.base())).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers().get("x-vo-authenticated")), (200, None));
    service.stop().await;
}

#[tokio::test]
async fn no_url_is_authorised_by_itself() {
    let bench = srcnet().await;
    assert!(!details(&bench, "pushToVoSpace", "").await.text().contains("endpoint"));
    let token = "<vos:securityMethod uri=\"ivo://ivoa.net/sso#token\"/>";
    let answer = details(&bench, "pushToVoSpace", token).await;
    let endpoint = format!("{}/cavern/files/ada/f", bench.base);
    assert!(answer.text().contains(&format!("<vos:endpoint>{endpoint}</vos:endpoint>")), "{}", answer.text());
    assert!(!answer.text().contains("preauth"), "{}", answer.text());
    assert_ne!(bench.send("PUT", &endpoint, None, &[], "abc").await.status, 201, "anonymously");
    assert_eq!(bench.send("PUT", &endpoint, EVE, &[], "abc").await.status, 403);
    assert_eq!(bench.send("PUT", &endpoint, ADA, &[], "abc").await.status, 201);
    assert!(!details(&bench, "pullFromVoSpace", "").await.text().contains("endpoint"));
    assert!(details(&bench, "pullFromVoSpace", token).await.text().contains(&endpoint));
    assert_eq!(bench.read("cavern", "/ada/f").await, b"abc");
    let parameters = "TARGET=vos://srcnet.example~cavern/ada/f&DIRECTION=pullFromVoSpace\
                      &PROTOCOL=ivo://ivoa.net/vospace/core%23httpsget";
    let answer = bench.get(&format!("/cavern/synctrans?{parameters}")).await;
    assert_eq!((answer.status, answer.text()), (400, "requested transfer specs not supported"));
}

#[tokio::test]
async fn groups_are_those_of_the_network() {
    let bench = srcnet().await;
    let set = async |group: &str| {
        let document = format!(
            "<vos:node xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"vos:ContainerNode\" \
             uri=\"vos://srcnet.example~cavern/ada\"><vos:properties>\
             <vos:property uri=\"ivo://ivoa.net/vospace/core#groupread\">{group}</vos:property></vos:properties>\
             <vos:nodes/></vos:node>"
        );
        bench.send("POST", "/cavern/nodes/ada", ADA, &[("content-type", "text/xml")], document).await.status
    };
    assert_eq!(set("ivo://cadc.nrc.ca/gms?team").await, 400);
    assert_eq!(set("ivo://skao.int/gms?team").await, 200);
    assert_eq!(bench.send("GET", "/cavern/nodes/ada", EVE, &[], "").await.status, 200);
}

/// An issuer on a port of its own: it knows two tokens, one with a name and one without, and fails at a third.
async fn issuer() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let discovery = format!("{{\"issuer\": \"{url}\", \"userinfo_endpoint\": \"{url}/me\"}}");
    let app = axum::Router::new()
        .route("/.well-known/openid-configuration", axum::routing::get(async move || discovery))
        .route(
            "/me",
            axum::routing::get(async |headers: axum::http::HeaderMap| match headers["authorization"].to_str() {
                Ok("Bearer named") => (axum::http::StatusCode::OK, r#"{"sub": "x-1", "preferred_username": "ada"}"#),
                Ok("Bearer unnamed") => (axum::http::StatusCode::OK, r#"{"sub": "eve"}"#),
                Ok("Bearer broken") => (axum::http::StatusCode::INTERNAL_SERVER_ERROR, ""),
                _ => (axum::http::StatusCode::UNAUTHORIZED, "{}"),
            }),
        );
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test]
async fn the_issuer_says_whose_a_token_is() {
    *ISSUER.lock().unwrap() = Some(issuer().await);
    let bench = Bench::with(|options| {
        options.profiles = vec![Profile::srcnet(), Profile::vault()];
        options.issuer = ISSUER.lock().unwrap().take();
    })
    .await;
    let get = async |token, path: &str| bench.send("GET", path, token, &[], "").await;
    let named = get(Some("named"), "/cavern/nodes/ada").await;
    assert_eq!((named.status, named.header("x-vo-authenticated")), (200, Some("ada")));
    assert_eq!(get(Some("unnamed"), "/cavern/nodes/eve").await.header("x-vo-authenticated"), Some("eve"));
    assert_eq!(get(ADA, "/cavern/nodes/ada").await.status, 401, "the fixed tokens count no more");
    assert_eq!(get(Some("broken"), "/cavern/nodes/ada").await.status, 500, "nothing is said of the token");
    assert_eq!(get(None, "/cavern/nodes/home").await.status, 200);
    assert_eq!(get(ADA, "/vault/nodes/ada").await.status, 200, "other profiles do not ask the issuer");
}
