//! https: the private authority, and users by certificate.

use crate::support::tls_service;
use reqwest::{Certificate, Client, Identity};

fn client(data: &std::path::Path, identity: Option<&[u8]>) -> Client {
    let root = std::fs::read(data.join("tls/ca.pem")).unwrap();
    let builder = Client::builder().tls_certs_only([Certificate::from_pem(&root).unwrap()]);
    match identity {
        Some(pem) => builder.identity(Identity::from_pem(pem).unwrap()).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

#[tokio::test]
async fn a_certificate_names_its_user() {
    let data = tempfile::tempdir().unwrap();
    let service = tls_service(data.path()).await;
    let registry = service.registry();
    assert!(registry.starts_with("https://"));
    let anonymous = client(data.path(), None);
    let text = anonymous.get(&registry).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("= https://127.0.0.1:"), "{text}");
    let capabilities = format!("{}/vault/capabilities", service.base());
    let text = anonymous.get(&capabilities).send().await.unwrap().text().await.unwrap();
    assert!(text.contains("sso#tls-with-certificate"));

    let home = format!("{}/vault/nodes/ada?limit=0", service.base());
    assert_eq!(anonymous.get(&home).send().await.unwrap().headers().get("x-vo-authenticated"), None);
    let pem = std::fs::read(data.path().join("tls/users/ada.pem")).unwrap();
    let user = client(data.path(), Some(&pem));
    assert_eq!(user.get(&home).send().await.unwrap().headers()["x-vo-authenticated"], "ada");
    let bad = user.get(&home).bearer_auth("bad").send().await.unwrap();
    assert_eq!(bad.status(), 401, "a bad token is not made up for");

    // Someone else's authority: the handshake ends.
    let other = tempfile::tempdir().unwrap();
    let elsewhere = tls_service(other.path()).await;
    let foreign = std::fs::read(other.path().join("tls/users/ada.pem")).unwrap();
    assert!(client(data.path(), Some(&foreign)).get(&home).send().await.is_err());
    assert!(client(other.path(), None).get(&home).send().await.is_err(), "an authority that is not trusted");
    elsewhere.stop().await;
    service.stop().await;
}

#[tokio::test]
async fn name_and_password_give_a_certificate() {
    let data = tempfile::tempdir().unwrap();
    let service = tls_service(data.path()).await;
    let anonymous = client(data.path(), None);
    let registry = anonymous.get(service.registry()).send().await.unwrap().text().await.unwrap();
    let line = registry.lines().find(|line| line.starts_with("ivo://cadc.nrc.ca/cred")).unwrap();
    let url = line.split_once('=').unwrap().1.trim();
    let text = anonymous.get(url).send().await.unwrap().bytes().await.unwrap();
    let document = vospace_client::xml::capabilities::read(&text).unwrap();
    let method = Some("ivo://ivoa.net/sso#BasicAA");
    let url = format!("{}?daysValid=2", document.url("ivo://ivoa.net/std/CDP#proxy-1.0", method).unwrap());

    assert_eq!(anonymous.get(&url).send().await.unwrap().status(), 401);
    let wrong = anonymous.get(&url).basic_auth("ada", Some("wrong")).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    let issued = anonymous.get(&url).basic_auth("ada", Some("ada-password")).send().await.unwrap();
    assert_eq!(issued.status(), 200);
    let pem = issued.bytes().await.unwrap();
    let (_, first) = x509_parser::pem::parse_x509_pem(&pem).unwrap();
    let validity = first.parse_x509().unwrap().validity().clone();
    let ends_in = validity.not_after.timestamp() - jiff::Timestamp::now().as_second();
    assert!((2 * 86_400 - 600..=2 * 86_400 + 60).contains(&ends_in), "{ends_in}");
    let user = client(data.path(), Some(&pem));
    let home = format!("{}/vault/nodes/ada?limit=0", service.base());
    assert_eq!(user.get(&home).send().await.unwrap().headers()["x-vo-authenticated"], "ada");
    let by_token = anonymous.get(&url).bearer_auth("ada-token").send().await.unwrap();
    assert_eq!(by_token.status(), 200);
    let bad = anonymous.get(url.replace("=2", "=x")).bearer_auth("ada-token").send().await.unwrap();
    assert_eq!(bad.status(), 400);
    service.stop().await;
}
