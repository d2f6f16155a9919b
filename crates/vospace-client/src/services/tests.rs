//! Sections as they are meant, and mistakes in them.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::uri::Prefixes;

/// Two files, of a user and of the system.
fn load(user: &str, system: &str) -> Result<Vec<ServiceSettings>, SettingsError> {
    let directory = TempDir::new().unwrap();
    let places = ["user.toml", "system.toml", "none.toml"].map(|name| directory.path().join(name));
    for (path, text) in places.iter().zip([user, system]) {
        fs::write(path, text).unwrap();
    }
    load_from(&places)
}

#[track_caller]
fn one(text: &str) -> ServiceSettings {
    load(text, "").unwrap().pop().unwrap()
}

#[test]
fn a_service_that_is_where_the_section_says() {
    let service = one(r#"
        [mount]
        cache-limit = "1GiB"
        [service.pyvo]
        resource-id = "ivo://icrar.org/vospace"
        base-url = "http://127.0.0.1:1234/vospace/"
        endpoints = { sync = "synctrans", transfers = "http://other.example/transfers" }
        auth = { scheme = "cookie", login-url = "login", user = "demo", password-file = "/secret" }
        quirks = { paging = "no", namespace = "http://www.ivoa.net/xml/VOSpace/v2.1" }
    "#);
    assert_eq!((service.prefix.as_str(), service.authority().as_str()), ("pyvo", "icrar.org~vospace"));
    let urls: Vec<_> = service.endpoints.iter().map(|(name, url)| (name.as_str(), url.as_str())).collect();
    assert_eq!(
        urls,
        [
            ("nodes", "http://127.0.0.1:1234/vospace/nodes"),
            ("sync", "http://127.0.0.1:1234/vospace/synctrans"),
            ("transfers", "http://other.example/transfers"),
        ]
    );
    assert_eq!(
        service.auth,
        Some(AuthSettings::Cookie(FormSettings {
            login_url: "http://127.0.0.1:1234/vospace/login".parse().unwrap(),
            user: "demo".to_owned(),
            password_file: "/secret".into(),
            user_field: "username".to_owned(),
            password_field: "password".to_owned(),
        }))
    );
    assert_eq!(service.quirks["paging"], "no");
    let usual = one("[service.b]\nresource-id = 'ivo://b.org/x'\nbase-url = 'https://b.org/x'");
    assert_eq!(usual.endpoints.keys().collect::<Vec<_>>(), ["nodes", "sync", "transfers"]);
}

#[test]
fn a_service_that_is_looked_up_has_its_prefix_and_its_credentials() {
    let text = r#"
        [service.srcnet]
        prefix = "Src"
        resource_id = "ivo://srcnet.example/cavern"
        registry = "https://reg.example/reg"
        [service.srcnet.auth]
        scheme = "oidc"
        issuer = "https://iam.example/"
        client-id = "vofs"
    "#;
    let service = one(text);
    assert!(service.endpoints.is_empty() && service.base_url.is_none());
    let Some(AuthSettings::Oidc(oidc)) = &service.auth else { panic!("{:?}", service.auth) };
    assert_eq!((oidc.service.as_str(), oidc.scope.as_str()), ("srcnet", "openid offline_access"));
    assert!(oidc.token_file.ends_with("vospace/tokens/srcnet.json"), "{:?}", oidc.token_file);
    let mut prefixes = Prefixes::builtin();
    prefixes.add_services(&[service]);
    let uri = prefixes.parse("src:a/b").unwrap();
    assert_eq!(uri.resource_id(), "ivo://srcnet.example/cavern");
    assert_eq!(prefixes.parse("vos://srcnet.example!cavern/a/b").unwrap(), uri);
    assert_eq!(prefixes.short(&uri), "src:a/b");
    assert_eq!(prefixes.parse("vos:a").unwrap().resource_id(), "ivo://cadc.nrc.ca/vault");
}

#[test]
fn tokens_come_from_a_file_or_from_a_program_without_a_shell() {
    let auth = |text: &str| one(&format!("[service.a]\nresource-id = 'ivo://a.org/b'\nauth = {text}")).auth.unwrap();
    let command = auth("{ scheme = 'token', command = ['show', '$TOKEN; x'], command-timeout = 5 }");
    let source = TokenSource::Command { words: vec!["show".into(), "$TOKEN; x".into()], limit: Duration::from_secs(5) };
    assert_eq!(command, AuthSettings::Token { source, header: None });
    let named = auth("{ scheme = 'token', header = 'X-DL-AuthToken', token-file = '~/token' }");
    let file = std::env::home_dir().unwrap().join("token");
    let source = TokenSource::File(file.clone());
    assert_eq!(named, AuthSettings::Token { source, header: Some("X-DL-AuthToken".into()) });
    assert_eq!(named.secret_files(), BTreeSet::from([&file]));
    assert_eq!(auth("{ scheme = 'anonymous' }"), AuthSettings::Anonymous);
    assert!(matches!(auth("{ scheme = 'certificate', file = '/my.pem' }"), AuthSettings::Certificate { .. }));
    assert!(matches!(auth("{ scheme = 'basic', user = 'u', password-file = '/p' }"), AuthSettings::Basic { .. }));
}

#[test]
fn the_users_section_counts_whole() {
    let user = "[service.a]\nresource-id = 'ivo://user.org/a'";
    let system =
        "[service.a]\nresource-id = 'ivo://system.org/a'\nprefix = 'z'\n[service.b]\nresource-id = 'ivo://b.org/b'";
    let found = load(user, system).unwrap();
    let names: Vec<_> = found.iter().map(|found| (found.prefix.as_str(), found.resource_id.as_str())).collect();
    assert_eq!(names, [("a", "ivo://user.org/a"), ("b", "ivo://b.org/b")]);
}

#[test]
fn mistakes_are_named_with_the_file_the_section_and_what_was_meant() {
    const OK: &str = "[service.a]\nresource-id = 'ivo://a.org/b'\n";
    for (lines, said) in [
        ("[sevice.a]\n".to_owned(), &["user.toml", "unknown section 'sevice'", "'service'"][..]),
        ("service = 1\n".to_owned(), &["above all sections"]),
        (
            "[service]\nprefix = 'x'\n".to_owned(),
            &["prefix in [service]: a service has a section of its own, [service.NAME]"],
        ),
        ("[service.a]\n".to_owned(), &["[service.a] has no resource-id", "vos://AUTHORITY~NAME"]),
        ("[service.'a/b']\nresource-id = 'ivo://a.org/b'\n".to_owned(), &["'a/b' cannot stand before a colon"]),
        (OK.replace("ivo://a.org/b", "a.org/b"), &["'a.org/b' is not of the form ivo://AUTHORITY/NAME"]),
        (format!("{OK}reource-id = 'x'\n"), &["unknown key 'reource-id' in [service.a]", "'resource-id'"]),
        (format!("{OK}endpoints = {{ nodes = 'nodes' }}\n"), &["[service.a.endpoints] needs a base-url beside it"]),
        (
            format!("{OK}base-url = 'https://h'\nendpoints = {{ node = 'x' }}\n"),
            &["'node' in [service.a.endpoints]", "'nodes'"],
        ),
        (format!("{OK}base-url = 'ftp://h'\n"), &["base-url in [service.a]", "is not an http or https URL"]),
        (format!("{OK}base-url = 'https://u:p@h'\n"), &["a name or password does not belong into a URL"]),
        (format!("{OK}base-url = 'https://h'\nregistry = 'https://r'\n"), &["has a registry and a base-url"]),
        (format!("{OK}auth = {{ scheme = 'cooky' }}\n"), &["unknown scheme 'cooky' in [service.a.auth]", "'cookie'"]),
        (format!("{OK}auth = {{ user = 'x' }}\n"), &["has no scheme", "oidc"]),
        (
            format!("{OK}auth = {{ scheme = 'basic', user = 'x', password = 'y' }}\n"),
            &["has no password-file", "holds the password alone"],
        ),
        (
            format!("{OK}auth = {{ scheme = 'basic', user = 'x', password-file = '/f', password = 'y' }}\n"),
            &["unknown key 'password' in [service.a.auth]", "'password-file'"],
        ),
        (
            format!("{OK}auth = {{ scheme = 'basic', user = 'x', password-file = 'f' }}\n"),
            &["has to begin with / or ~/"],
        ),
        (format!("{OK}auth = {{ scheme = 'token' }}\n"), &["neither a token-file nor a command that prints"]),
        (
            format!("{OK}auth = {{ scheme = 'token', token-file = '/t', command = ['c'] }}\n"),
            &["has a token-file and a command: one of them is enough"],
        ),
        (format!("{OK}base-url = 'https://'\n"), &["'https://' is no URL: "]),
        (format!("{OK}zzzz = 1\n"), &["unknown key 'zzzz' in [service.a]; docs/configuration.md and "]),
        (format!("{OK}prefix = 1\n"), &["prefix in [service.a]: a text is needed, and this is "]),
        (format!("{OK}auth = 1\n"), &["a table is needed, and this is "]),
        (
            format!("{OK}auth = {{ scheme = 'token', command = ['c'], command-timeout = 'x' }}\n"),
            &["a whole number is needed, and this is "],
        ),
        (format!("{OK}auth = {{ scheme = 'token', token = 'x' }}\n"), &["neither a token-file nor a command"]),
        (
            format!("{OK}auth = {{ scheme = 'token', command = 'show it' }}\n"),
            &["a list is needed, and this is ", "\"sh\", \"-c\""],
        ),
        (format!("{OK}auth = {{ scheme = 'token', command = [] }}\n"), &["a list of texts is needed"]),
        (
            format!("{OK}auth = {{ scheme = 'token', token-file = '/t', header = 'a b' }}\n"),
            &["cannot be the name of a header"],
        ),
        (
            format!("{OK}auth = {{ scheme = 'token', token-file = '/t', header = 'Host' }}\n"),
            &["is sent for other reasons"],
        ),
        (format!("{OK}auth = {{ scheme = 'oidc', client-id = 'x' }}\n"), &["has no issuer: the URL of"]),
        (
            format!("{OK}auth = {{ scheme = 'oidc', client-id = 'x', issuer = 'http://iam.example' }}\n"),
            &["an issuer has to be https"],
        ),
        (format!("{OK}[service.c]\nprefix = 'a'\nresource-id = 'ivo://c.org/c'\n"), &["have the prefix in common"]),
        (format!("{OK}[service.c]\nresource-id = 'ivo://a.org/b'\n"), &["have the resource id in common"]),
        ("[service.a\n".to_owned(), &["user.toml", "line 1"]),
    ] {
        let error = load(&lines, "").map(|found| format!("{found:?}")).unwrap_err().to_string();
        assert!(said.iter().all(|part| error.contains(part)), "{lines}: {error}");
    }
}

#[test]
fn the_service_of_groups_is_an_identifier() {
    let with = |groups: &str| format!("[service.b]\nresource-id = 'ivo://b.org/x'\ngroups = '{groups}'");
    for groups in ["ivo://skao.int/gms", "ivo://skao.int/gms?"] {
        assert_eq!(one(&with(groups)).groups.as_deref(), Some("ivo://skao.int/gms"));
    }
    for groups in ["skao.int", "ivo://skao.int", "ivo://skao.int/gms?A", "https://skao.int/gms"] {
        assert!(load(&with(groups), "").unwrap_err().reason.contains("groups in [service.b]"), "{groups}");
    }
}
