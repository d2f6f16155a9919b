//! Credentials that cannot be had, be renewed or be ended, and services that are not found.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use crate::client::Client;
use crate::config::ClientConfig;
use crate::login;
use crate::services::{AuthSettings, FormSettings, OidcSettings, file};
use crate::testing::{Heard, Reply, Seen, Stub, capabilities, refused, settings, uri};
use crate::uri::VosUri;
use crate::xml::capabilities::CAPABILITIES;
use crate::{ErrorKind, Result};

/// An address that nobody listens at.
const NOBODY: &str = "http://127.0.0.1:1";

fn issuer(url: &str, directory: &TempDir) -> OidcSettings {
    let _ = rustls::crypto::ring::default_provider().install_default();
    OidcSettings {
        service: "srcnet".to_owned(),
        issuer: url.parse().unwrap(),
        client_id: "vofs".to_owned(),
        client_secret_file: None,
        scope: "openid".to_owned(),
        token_file: directory.path().join("srcnet.json"),
    }
}

/// An issuer that names these of its resources, and answers what is asked of them.
async fn issuing(named: &'static [&'static str], answer: fn() -> Reply) -> Stub {
    Stub::start(move |seen: &Seen, _| {
        let base = format!("http://{}", seen.header("host").unwrap());
        if seen.target != "/.well-known/openid-configuration" {
            return answer();
        }
        let named: String = named.iter().map(|name| format!(r#", "{name}": "{base}/{name}""#)).collect();
        Reply::ok(format!(r#"{{"issuer": "{base}/", "token_endpoint": "{base}/token"{named}}}"#))
    })
    .await
}

async fn begin(stub: &Stub, directory: &TempDir) -> Result<login::Pending> {
    login::begin(&ClientConfig::default(), &issuer(&stub.base, directory)).await
}

#[tokio::test]
async fn an_issuer_that_gives_no_log_in_says_so() {
    let directory = TempDir::new().unwrap();
    let code = &["device_authorization_endpoint"];
    let none = issuing(&[], || Reply::status(200)).await;
    let text = "the issuer has no log-in by a code (RFC 8628); this service does not offer it";
    refused(begin(&none, &directory).await, ErrorKind::Unsupported, text);
    let refusing = issuing(code, || Reply::Whole(400, vec![], br#"{"error": "invalid_client"}"#.to_vec())).await;
    let text = "the issuer refuses: invalid_client; check client-id and scope in [service.srcnet.auth]";
    refused(begin(&refusing, &directory).await, ErrorKind::Certificate, text);
    let page = issuing(code, || Reply::ok("<html>")).await;
    refused(begin(&page, &directory).await, ErrorKind::Protocol, "an answer of the issuer makes no sense (200 OK)");
    let endless = issuing(code, || Reply::ok(vec![b' '; (1 << 20) + 1])).await;
    refused(begin(&endless, &directory).await, ErrorKind::Protocol, "the answer of the issuer is too large");
    let gone = login::begin(&ClientConfig::default(), &issuer(NOBODY, &directory)).await;
    refused(gone, ErrorKind::Unreachable, "the issuer does not answer: ");
}

#[tokio::test]
async fn a_log_in_that_the_issuer_does_not_end_is_ended_here() {
    let directory = TempDir::new().unwrap();
    let stub = issuing(&["revocation_endpoint"], || Reply::fault(500, "down")).await;
    let settings = issuer(&stub.base, &directory);
    fs::write(&settings.token_file, r#"{"access_token": "a"}"#).unwrap();
    fs::set_permissions(&settings.token_file, fs::Permissions::from_mode(0o644)).unwrap();
    let heard = Heard::here();
    let ended = login::end(&ClientConfig::default(), &settings).await.unwrap();
    assert_eq!((ended, settings.token_file.exists()), (login::Ended::Here, false));
    heard.says("srcnet.json holds a secret and can be read by other users: chmod 600");
    heard.says("the issuer answered the end of the log-in with 500 Internal Server Error");
    heard.says("; the tokens are removed here and end at the issuer by themselves");
}

fn client(stub: &Stub, auth: AuthSettings) -> Client {
    Client::new(ClientConfig { services: vec![settings("ivo://test/svc", auth)], ..stub.config() }).unwrap()
}

#[tokio::test]
async fn a_form_that_lets_nobody_in_says_why() {
    let directory = TempDir::new().unwrap();
    let password_file = directory.path().join("password");
    fs::write(&password_file, "p").unwrap();
    let stub = Stub::service(|_, _| Reply::fault(500, "the database is on holiday")).await;
    let behind = |url: &str| {
        let login_url = format!("{url}/svc/login").parse().unwrap();
        let (user_field, password_field) = ("username".to_owned(), "password".to_owned());
        AuthSettings::Cookie(FormSettings {
            login_url,
            user: "demo".to_owned(),
            password_file: password_file.clone(),
            user_field,
            password_field,
        })
    };
    let deleted = client(&stub, behind(&stub.base)).delete(&uri("/a")).await;
    let text = "the log-in of demo was answered with 500 Internal Server Error: the database is on holiday; try again";
    refused(deleted, ErrorKind::Service, text);
    let deleted = client(&stub, behind(NOBODY)).delete(&uri("/a")).await;
    refused(deleted, ErrorKind::Unreachable, "the form does not answer: ");
}

/// A program that gives a token once, and the token is refused.
#[tokio::test]
async fn a_token_that_is_refused_and_cannot_be_had_anew_is_said() {
    let directory = TempDir::new().unwrap();
    let stub = issuing(&[], || Reply::fault(503, "down")).await;
    let oidc = issuer(&stub.base, &directory);
    fs::write(&oidc.token_file, r#"{"access_token": "a", "refresh_token": "r"}"#).unwrap();
    let service = Stub::service(|_, _| Reply::fault(401, "no")).await;
    let heard = Heard::here();
    let deleted = client(&service, AuthSettings::Oidc(oidc)).delete(&uri("/a")).await;
    refused(deleted, ErrorKind::Unauthorized, "; renew your credentials");
    heard.says("the credentials are refused, and cannot be had anew: ");
}

#[tokio::test]
async fn services_that_are_not_found_say_what_the_registry_knows() {
    let stub = Stub::start(|seen, _| {
        let base = format!("http://{}", seen.header("host").unwrap());
        match seen.target.as_str() {
            "/reg/resource-caps" => {
                Reply::ok(format!("ivo://test/svc = {base}/svc/capabilities\nivo://test/bad = nonsense\n"))
            }
            _ => Reply::ok(capabilities(&base, &[(CAPABILITIES, "capabilities")])),
        }
    })
    .await;
    let client = stub.client();
    let advice = "; check the prefix or authority, and the registry (VOSPACE_REGISTRY_URL)";
    for (uri, said) in [
        (VosUri::new("test~bad", "/"), "has a broken address for it: relative URL without a base"),
        (VosUri::new("test~none", "/"), "/reg/resource-caps does not know it"),
        (uri("/"), "ivo://test/svc: it is no VOSpace service (it has no nodes)"),
    ] {
        refused(client.stat(&uri).await, ErrorKind::UnknownService, &format!("{said}{advice}"));
    }
    let certificate = client.certificate("ivo://test/svc", None).await;
    refused(
        certificate,
        ErrorKind::UnknownService,
        "ivo://test/svc: it does not offer ivo://ivoa.net/std/CDP#proxy-1.0",
    );
}

#[test]
fn a_configuration_that_is_no_file_is_named() {
    let directory = TempDir::new().unwrap();
    let error = file::read(directory.path()).unwrap_err().to_string();
    assert!(error.contains(": the configuration cannot be read: "), "{error}");
}
