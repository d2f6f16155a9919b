//! Renewal against a listener in this process; log-ins from start to end are in the end-to-end tests.

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::testing::{Heard, Reply, Seen, Stub, refused};

fn oidc(stub: &Stub, directory: &TempDir) -> Arc<Oidc> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = OidcSettings {
        service: "srcnet".to_owned(),
        issuer: stub.base.parse().unwrap(),
        client_id: "vofs".to_owned(),
        client_secret_file: None,
        scope: "openid".to_owned(),
        token_file: directory.path().join("srcnet.json"),
    };
    Arc::new(Oidc::new(&settings, reqwest::Client::new()))
}

/// An issuer that answers renewals so; each answer gets the number of renewals before it.
async fn issuer(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Stub {
    let count = Mutex::new(0);
    Stub::start(move |seen, _| match seen.target.as_str() {
        "/.well-known/openid-configuration" => {
            let base = format!("http://{}", seen.header("host").unwrap());
            Reply::ok(format!(r#"{{"issuer": "{base}/", "token_endpoint": "{base}/token"}}"#))
        }
        _ => {
            let mut count = count.lock();
            *count += 1;
            answer(seen, *count - 1)
        }
    })
    .await
}

fn given(access: &str, refresh: &str) -> Reply {
    let text = format!(
        r#"{{"access_token": "{access}", "token_type": "bearer", "expires_in": 3600, "refresh_token": "{refresh}"}}"#
    );
    Reply::ok(text).header("Content-Type", "application/json")
}

/// Tokens that end so many seconds from now.
fn keep(path: &Path, access: &str, refresh: Option<&str>, left: i64) {
    let tokens = Tokens {
        access_token: access.to_owned(),
        refresh_token: refresh.map(str::to_owned),
        expires_at: Some(Timestamp::now().as_second() + left),
        obtained_at: None,
    };
    store::write(path, &tokens).unwrap();
}

fn renewals(stub: &Stub) -> Vec<String> {
    let posts = stub.all().into_iter().filter(|seen| seen.method == "POST");
    posts.map(|seen| String::from_utf8(seen.body).unwrap()).collect()
}

#[tokio::test]
async fn a_token_is_renewed_before_its_end_and_once_for_all_who_wait() {
    let directory = TempDir::new().unwrap();
    let stub = issuer(|_, n| given(&format!("new-{n}"), &format!("refresh-{}", n + 1))).await;
    let oidc = oidc(&stub, &directory);
    let file = &oidc.settings.token_file;
    keep(file, "old", Some("refresh-0"), 3600);
    assert_eq!(oidc.token().await.unwrap().expose(), "old");
    keep(file, "old", Some("refresh-0"), 10);
    // Two in one program, and one that stands for another program: the file is all that they share.
    let other = super::tests::oidc(&stub, &directory);
    let (one, two, three) = tokio::join!(oidc.token(), oidc.token(), other.token());
    for token in [one, two, three] {
        assert_eq!(token.unwrap().expose(), "new-0");
    }
    let asked = renewals(&stub);
    assert_eq!(asked.len(), 1, "{asked:?}");
    assert!(asked[0].contains("grant_type=refresh_token") && asked[0].contains("refresh_token=refresh-0"), "{asked:?}");
    assert!(asked[0].contains("client_id=vofs"), "{asked:?}");
    assert_eq!(store::read(file).unwrap().unwrap().refresh_token.as_deref(), Some("refresh-1"));
    // Refused by a service, though it should be good.
    oidc.forget(&Secret::new("new-0"));
    assert_eq!(oidc.token().await.unwrap().expose(), "new-1");
    assert!(renewals(&stub)[1].contains("refresh_token=refresh-1"));
}

#[tokio::test]
async fn a_log_in_that_has_ended_says_how_to_begin_another() {
    let directory = TempDir::new().unwrap();
    let stub = issuer(|_, _| {
        let text = r#"{"error": "invalid_grant", "error_description": "too old"}"#;
        Reply::Whole(400, vec![("Content-Type", "application/json".to_owned())], text.into())
    })
    .await;
    let oidc = oidc(&stub, &directory);
    let says = |error: Error, text: &str| {
        assert_eq!(error.kind(), ErrorKind::Certificate);
        let shown = error.to_string();
        assert!(shown.contains(text) && shown.contains("vospace login srcnet"), "{shown}");
    };
    says(oidc.token().await.unwrap_err(), "there is none");
    keep(&oidc.settings.token_file, "old", Some("refresh"), -5);
    says(oidc.token().await.unwrap_err(), "too old");
    says(oidc.describe().unwrap_err(), "too old");
    // Believed for a moment: a thousand requests do not ask a thousand times.
    says(oidc.token().await.unwrap_err(), "too old");
    assert_eq!(renewals(&stub).len(), 1);
    // Another program logs in.
    keep(&oidc.settings.token_file, "new", Some("refresh"), 3600);
    assert_eq!(oidc.token().await.unwrap().expose(), "new");
    oidc.describe().unwrap();
    let without = super::tests::oidc(&stub, &directory);
    keep(&without.settings.token_file, "old", None, -5);
    says(without.token().await.unwrap_err(), "nothing to renew it with");
}

#[tokio::test]
async fn an_issuer_that_is_away_costs_nothing_while_the_token_is_good() {
    let directory = TempDir::new().unwrap();
    let stub = issuer(|_, _| Reply::fault(503, "down")).await;
    let oidc = oidc(&stub, &directory);
    keep(&oidc.settings.token_file, "old", Some("refresh"), 10);
    let heard = Heard::here();
    assert_eq!(oidc.token().await.unwrap().expose(), "old");
    heard.says("; the access token is good for a moment yet and stays in use");
    keep(&oidc.settings.token_file, "old", Some("refresh"), -1);
    // That may pass.
    refused(oidc.token().await, ErrorKind::Service, "an answer of the issuer makes no sense (503 Service Unavailable)");
    assert!(store::read(&oidc.settings.token_file).unwrap().is_some());
}

#[tokio::test]
async fn a_renewal_that_nobody_waits_for_any_more_is_kept() {
    let directory = TempDir::new().unwrap();
    let stub = issuer(|_, _| given("new", "refresh-1")).await;
    let oidc = oidc(&stub, &directory);
    let file = oidc.settings.token_file.clone();
    keep(&file, "old", Some("refresh-0"), -5);
    let waiting = tokio::spawn({
        let oidc = Arc::clone(&oidc);
        async move { oidc.token().await }
    });
    // As soon as the issuer is asked, whoever asked goes away.
    while stub.all().is_empty() {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    let kept = async {
        while store::read(&file).unwrap().unwrap().refresh_token.as_deref() != Some("refresh-1") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), kept).await.unwrap();
}

#[tokio::test]
async fn another_issuers_addresses_are_not_believed() {
    let directory = TempDir::new().unwrap();
    let stub = Stub::start(|_, _| {
        Reply::ok(r#"{"issuer": "https://other.example", "token_endpoint": "https://other.example/token"}"#)
    })
    .await;
    let oidc = oidc(&stub, &directory);
    keep(&oidc.settings.token_file, "old", Some("refresh"), -5);
    let error = oidc.token().await.unwrap_err().to_string();
    assert!(error.contains("it says that it is https://other.example"), "{error}");
}
