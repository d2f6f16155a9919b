//! Each service gets its own credentials and nobody else does, in each of the ways that they can be sent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;
use tempfile::TempDir;

use super::*;
use crate::auth::Secret;
use crate::client::Client;
use crate::node::Node;
use crate::services::{FormSettings, ServiceSettings, TokenSource};
use crate::testing::{OFFERED, Reply, Seen, Stub, capabilities, settings, uri};
use crate::uri::VosUri;
use crate::xml::write;
use crate::{Error, ErrorKind};

const SERVICE: &str = "ivo://test/svc";

fn document() -> String {
    write::node(&Node::data(uri("/a")), [].into_iter())
}

fn file(directory: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn token(path: &Path) -> AuthSettings {
    AuthSettings::Token { source: TokenSource::File(path.to_owned()), header: None }
}

/// A client of the stub's service with these credentials; what goes without them has the token `TOKEN`.
fn client(stub: &Stub, auth: AuthSettings) -> Client {
    Client::new(ClientConfig { services: vec![settings(SERVICE, auth)], ..stub.config() }).unwrap()
}

#[tokio::test]
async fn two_services_in_one_run_get_each_its_own_and_neither_the_others() {
    let directory = TempDir::new().unwrap();
    let bases: Arc<Mutex<Vec<String>>> = Arc::default();
    let service = |own: usize| {
        let bases = Arc::clone(&bases);
        move |seen: &Seen, _: usize| {
            let bases = bases.lock();
            match seen.target.as_str() {
                "/reg/resource-caps" => Reply::ok(format!(
                    "ivo://a/svc = {}/svc/capabilities\nivo://b/svc = {}/svc/capabilities\n",
                    bases[0], bases[1]
                )),
                "/svc/capabilities" => Reply::ok(capabilities(&bases[own], OFFERED)),
                // One that would like to see what the other does for this caller.
                target if target.starts_with("/svc/nodes/stray") => {
                    Reply::redirect(format!("{}/svc/nodes/x", bases[1 - own]))
                }
                _ => Reply::ok(document()),
            }
        }
    };
    let (a, b) = (Stub::start(service(0)).await, Stub::start(service(1)).await);
    bases.lock().extend([a.base.clone(), b.base.clone()]);
    let services = [("ivo://a/svc", "of-a"), ("ivo://b/svc", "of-b")]
        .map(|(id, text)| settings(id, token(&file(&directory, text, text))));
    let config = ClientConfig { services: services.into(), ..a.config() };
    let client = Client::new(config).unwrap();
    let (at_a, at_b) = (|path: &str| VosUri::new("a~svc", path), |path: &str| VosUri::new("b~svc", path));
    for uri in [at_a("/x"), at_b("/x"), at_a("/x"), at_a("/stray"), at_b("/stray")] {
        client.stat(&uri).await.unwrap();
    }
    let authorized = |stub: &Stub, target: &str| -> Vec<Option<String>> {
        let seen = stub.requests().into_iter().filter(|seen| seen.target.starts_with(target));
        seen.map(|seen| seen.header("authorization").map(str::to_owned)).collect()
    };
    for (stub, own) in [(&a, "Bearer of-a"), (&b, "Bearer of-b")] {
        assert_eq!(authorized(stub, "/svc/nodes/stray"), [Some(own.to_owned())]);
        let all = authorized(stub, "/svc/nodes/x");
        let (with, without): (Vec<_>, Vec<_>) = all.iter().partition(|header| header.as_deref() == Some(own));
        assert!(!with.is_empty() && without == [&None], "a redirect of another service carries nothing: {all:?}");
    }
}

#[tokio::test]
async fn services_on_one_host_are_told_apart_by_their_paths() {
    let bare = trust::Settings::new(&ClientConfig::default()).unwrap().client(None).unwrap();
    let services =
        vec![settings("ivo://h/one", token(Path::new("/1"))), settings("ivo://h/two", AuthSettings::Anonymous)];
    let config = ClientConfig { services, ..ClientConfig::default() };
    let accounts = Accounts::new(&config, false, &bare).unwrap();
    let url = |text: &str| Url::parse(text).unwrap();
    accounts.trust("ivo://h/one", &url("https://h/one/nodes"));
    accounts.trust("ivo://h/two", &url("https://h/two/nodes"));
    accounts.trust("ivo://other/one", &url("https://o/nodes"));
    assert_eq!(accounts.owner(&url("https://h/one/transfers/1")), Some(accounts.place("ivo://h/one")));
    assert_eq!(accounts.owner(&url("https://h/two/transfers/1")), Some(accounts.place("ivo://H/two")));
    assert_eq!(accounts.owner(&url("https://o/x")), Some(EVERYBODY));
    assert!(accounts.is_same(&url("https://h/one/a"), &url("https://h/one/b")));
    assert!(!accounts.is_same(&url("https://h/one/a"), &url("https://h/two/a")));
    assert!(accounts.of_url(&url("https://h:444/one/nodes")).is_none(), "another port is another origin");
    assert!(accounts.of_url(&url("http://h/one/nodes")).is_none());
    accounts.trust("ivo://h/one", &url("http://h/one/nodes"));
    assert!(
        accounts.of_url(&url("http://h/one/nodes")).is_none(),
        "nothing in plain http that the user did not ask for"
    );
}

#[tokio::test]
async fn a_named_header_and_a_password_are_sent_as_the_service_wants_them() {
    let directory = TempDir::new().unwrap();
    let (secret, password) = (file(&directory, "token", "T\n"), file(&directory, "password", "open sesame\n"));
    let stub = Stub::service(|_, _| Reply::ok(document())).await;
    let source = TokenSource::File(secret);
    let named = AuthSettings::Token { source, header: Some("X-DL-AuthToken".to_owned()) };
    client(&stub, named).stat(&uri("/a")).await.unwrap();
    let basic = AuthSettings::Basic { user: "Aladdin".to_owned(), password_file: password };
    client(&stub, basic).stat(&uri("/a")).await.unwrap();
    client(&stub, AuthSettings::Anonymous).stat(&uri("/a")).await.unwrap();
    let seen = stub.requests();
    let sent: Vec<_> = seen.iter().map(|seen| (seen.header("x-dl-authtoken"), seen.header("authorization"))).collect();
    assert_eq!(
        sent,
        [(Some("T"), None), (None, Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")), (None, None)],
        "and nothing of what is for other services"
    );
}

#[tokio::test]
async fn a_refused_token_of_a_program_is_had_anew_once() {
    let directory = TempDir::new().unwrap();
    let count = directory.path().join("count");
    let script = format!("echo x >> {0}; echo token-$(wc -l < {0})", count.display());
    let command = || {
        let words = ["sh", "-c", &script].map(str::to_owned).to_vec();
        let source = TokenSource::Command { words, limit: Duration::from_secs(30) };
        AuthSettings::Token { source, header: None }
    };
    let stub = Stub::service(|seen, _| match seen.header("authorization") {
        Some("Bearer token-1") => Reply::fault(401, "NotAuthenticated"),
        _ => Reply::ok(document()),
    })
    .await;
    let first = client(&stub, command());
    first.stat(&uri("/a")).await.unwrap();
    first.delete(&uri("/a")).await.unwrap();
    let sent: Vec<_> = stub.requests().iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(sent, ["Bearer token-1", "Bearer token-2", "Bearer token-2"]);
    // One that is refused whatever it is ends there.
    let never = Stub::service(|_, _| Reply::fault(401, "NotAuthenticated")).await;
    assert_eq!(client(&never, command()).stat(&uri("/a")).await.unwrap_err().kind(), ErrorKind::Unauthorized);
    assert_eq!(never.lines().len(), 2);
}

/// A service behind a form; sessions are numbered, and those up to `ended` are over.
async fn behind_a_form(status: u16, ended: usize) -> (Stub, TempDir, AuthSettings) {
    let directory = TempDir::new().unwrap();
    let password_file = file(&directory, "password", "p&w=1\n");
    let logins = Mutex::new(0);
    let stub = Stub::service(move |seen, _| match seen.target.as_str() {
        "/svc/login" if seen.body == b"username=demo&password=p%26w%3D1" => {
            let mut logins = logins.lock();
            *logins += 1;
            Reply::status(200).header("Set-Cookie", format!("PYVOSPACE_COOKIE={logins}; HttpOnly; Path=/"))
        }
        "/svc/login" => Reply::status(403),
        _ => match seen.header("cookie").and_then(|cookie| cookie.strip_prefix("PYVOSPACE_COOKIE=")) {
            Some(number) if number.parse::<usize>().unwrap() > ended => Reply::ok(document()),
            _ => Reply::fault(status, "who are you"),
        },
    })
    .await;
    let form = FormSettings {
        login_url: format!("{}/svc/login", stub.base).parse().unwrap(),
        user: "demo".to_owned(),
        password_file,
        user_field: "username".to_owned(),
        password_field: "password".to_owned(),
    };
    (stub, directory, AuthSettings::Cookie(form))
}

#[tokio::test]
async fn a_session_is_begun_by_the_form_and_again_when_it_has_ended() {
    for status in [401, 403] {
        let (stub, _directory, auth) = behind_a_form(status, 1).await;
        let client = client(&stub, auth);
        client.stat(&uri("/a")).await.unwrap();
        client.stat(&uri("/a")).await.unwrap();
        let lines: Vec<_> = stub.lines().iter().map(|line| line.split('?').next().unwrap().to_owned()).collect();
        let (login, stat) = ("POST /login", "GET /nodes/a");
        assert_eq!(lines, [login, stat, login, stat, stat], "{status}");
        assert!(stub.requests().iter().all(|seen| seen.header("authorization").is_none()));
    }
}

#[tokio::test]
async fn who_may_not_is_not_logged_in_for_every_request() {
    let (stub, _directory, auth) = behind_a_form(403, usize::MAX).await;
    let client = client(&stub, auth);
    for _ in 0..3 {
        assert_eq!(client.stat(&uri("/a")).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
    assert_eq!(stub.lines().iter().filter(|line| line.starts_with("POST /login")).count(), 2);
}

#[tokio::test]
async fn a_wrong_password_is_named_with_its_file() {
    let (stub, directory, auth) = behind_a_form(401, 0).await;
    file(&directory, "password", "wrong\n");
    let error = client(&stub, auth).delete(&uri("/a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Certificate);
    let text = error.to_string();
    assert!(text.contains("does not let demo in") && text.contains("/password") && !text.contains("wrong"), "{text}");
}

#[tokio::test]
async fn what_is_wrong_with_the_credentials_of_one_service_stops_nothing_else() {
    let stub = Stub::service(|_, _| Reply::ok(document())).await;
    let broken = settings("ivo://other/svc", token(Path::new("/no/token")));
    let client = Client::new(ClientConfig { services: vec![broken], ..stub.config() }).unwrap();
    client.stat(&uri("/a")).await.unwrap();
    let error = client.credentials(&VosUri::new("other~svc", "/")).unwrap_err();
    assert!(error.to_string().contains("/no/token"), "{error}");
    // And the other way round.
    let directory = TempDir::new().unwrap();
    let unusable = Error::node(ErrorKind::Certificate, "proxy.pem", "it has expired");
    let config = ClientConfig {
        credentials: Credentials::Unusable(unusable),
        services: vec![settings(SERVICE, token(&file(&directory, "own", "OWN")))],
        ..stub.config()
    };
    let client = Client::new(config).unwrap();
    client.delete(&uri("/a")).await.unwrap();
    assert_eq!(stub.requests().last().unwrap().header("authorization"), Some("Bearer OWN"));
    let error = client.credentials(&VosUri::new("other~svc", "/")).unwrap_err();
    assert!(error.to_string().contains("proxy.pem"), "{error}");
    assert!(!client.is_anonymous(&uri("/a")));
}

/// Whoever names credentials for a run means them to be used: to be nobody instead would show a private directory as empty.
#[tokio::test]
async fn credentials_that_were_named_are_used_or_it_is_said_that_they_are_not() {
    let stub = Stub::service(|_, _| Reply::ok(document())).await;
    let unsaid = || ServiceSettings {
        auth: None,
        base_url: Some(format!("{}/svc", stub.base).parse().unwrap()),
        endpoints: [("nodes".to_owned(), format!("{}/svc/nodes", stub.base).parse().unwrap())].into(),
        ..settings(SERVICE, AuthSettings::Anonymous)
    };
    let config = |named_by, service| ClientConfig { named_by, services: vec![service], ..stub.config() };
    let asked = config(Some("--token"), unsaid());
    assert!(!asked.is_anonymous(&uri("/a")) && asked.overruled(&uri("/a")).is_none());
    let error = Client::new(asked).unwrap().stat(&uri("/a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Certificate);
    for text in ["--token: it is not sent to the base-url of [service.", "write its auth"] {
        assert!(error.to_string().contains(text), "{error}");
    }
    assert!(stub.requests().is_empty(), "neither sent, nor asked anonymously");
    // Nobody named any: those of the environment and the usual files are for others.
    Client::new(config(None, unsaid())).unwrap().stat(&uri("/a")).await.unwrap();
    assert_eq!(stub.requests().last().unwrap().header("authorization"), None);
    // Whose section says who the caller is, is asked as that; it is told.
    let said = ServiceSettings { auth: Some(AuthSettings::Anonymous), ..unsaid() };
    let told = config(Some("--certfile"), said.clone()).overruled(&uri("/a")).unwrap();
    assert!(told.starts_with("--certfile is not used for ") && told.contains("[service."), "{told}");
    Client::new(config(Some("--certfile"), said)).unwrap().stat(&uri("/a")).await.unwrap();
}

#[test]
fn at_an_address_that_only_the_user_names_nobody_is_known_unless_the_user_says_who() {
    let own = |auth: Option<AuthSettings>, base: bool| {
        let mut service = settings(SERVICE, AuthSettings::Anonymous);
        service.base_url = base.then(|| Url::parse("https://h/x").unwrap());
        service.auth = auth;
        let credentials = Credentials::Token(Secret::new("GLOBAL"));
        ClientConfig { services: vec![service], credentials, ..ClientConfig::default() }.is_anonymous(&uri("/a"))
    };
    assert!(own(None, true) && !own(None, false));
    assert!(!own(Some(token(Path::new("/t"))), true) && own(Some(AuthSettings::Anonymous), false));
}
