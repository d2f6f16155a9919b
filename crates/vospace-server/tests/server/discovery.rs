//! Registry, capabilities, availability, and what is not there.

use crate::support::Bench;
use vospace_client::xml::{availability, capabilities};

#[tokio::test]
async fn a_client_finds_everything_from_the_registry() {
    let bench = Bench::start().await;
    let registry = bench.get("/reg/resource-caps").await;
    assert_eq!((registry.status, registry.header("content-type")), (200, Some("text/plain")));
    for service in ["vault", "arc"] {
        let line =
            registry.text().lines().find(|line| line.starts_with(&format!("ivo://cadc.nrc.ca/{service}"))).unwrap();
        let (_, url) = line.split_once('=').unwrap();
        assert!(!url.contains('='), "the Python client splits at every equals sign");
        let answer = bench.get(url.trim()).await;
        assert!(answer.text().contains("xmlns:xsi="), "the Python client wants the prefix on the root");
        let document = capabilities::read(&answer.body).unwrap();
        for (id, base, path) in [
            (capabilities::NODES, true, "nodes"),
            (capabilities::FILES, true, "files"),
            (capabilities::TRANSFERS, false, "transfers"),
            (capabilities::SYNC, false, "synctrans"),
            (capabilities::RECURSIVE_DELETE, false, "async-delete"),
            (capabilities::RECURSIVE_PROPERTIES, false, "async-setprops"),
        ] {
            let capability = document.capabilities.iter().find(|capability| capability.standard_id == id).unwrap();
            assert_eq!(capability.interfaces[0].url, format!("{}/{service}/{path}", bench.base));
            assert_eq!(capability.interfaces[0].base, base);
        }
        let url = document.url(capabilities::AVAILABILITY, None).unwrap();
        assert!(availability::read(&bench.get(url).await.body).unwrap().available);
        assert_eq!(bench.get(&format!("{url}?detail=min")).await.text(), "");
    }
}

#[tokio::test]
async fn what_is_not_mounted_is_404_and_wrong_methods_are_405() {
    let bench = Bench::start().await;
    for path in ["/nothing", "/vault/views", "/arc/protocols", "/reg/x", "/_bench/x", "/vault/nodes/ada/nothing"] {
        assert_eq!(bench.get(path).await.status, 404, "{path}");
    }
    let answer = bench.head("/vault/nodes/ada").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, PUT, POST, DELETE")));
    let answer = bench.send("PUT", "/vault/files/ada/x", crate::support::ADA, &[], "bytes").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(answer.text(), "unsupported: HTTP PUT");
}

#[tokio::test]
async fn the_public_key_checks_the_grants_of_byte_urls() {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use ring::signature::{ED25519, UnparsedPublicKey};
    let bench = Bench::start().await;
    assert_eq!(bench.get("/arc/pubkey").await.status, 404);
    let pem = bench.send("GET", "/vault/pubkey", None, &[], "").await;
    let coded = pem.text().lines().filter(|line| !line.starts_with("-----")).collect::<String>();
    let key = STANDARD.decode(coded).unwrap().split_off(12);
    let url = bench.endpoint("vault", "/ada/f", "pushToVoSpace").await;
    let token = url.split('/').find(|part| part.contains('~')).unwrap().replace('-', "/").replace('_', "+");
    let (statement, signature) = token.split_once('~').unwrap();
    let (statement, signature) = (STANDARD.decode(statement).unwrap(), STANDARD.decode(signature).unwrap());
    UnparsedPublicKey::new(&ED25519, key).verify(&statement, &signature).unwrap();
    assert!(String::from_utf8(statement).unwrap().ends_with("&gnt=WriteGrant&sub=ada"));
}

#[tokio::test]
async fn spaces_side_by_side_have_bytes_of_their_own() {
    use vospace_server::profile::Profile;
    let bench = Bench::with(|options| options.profiles = vec![Profile::strict(), Profile::vault()]).await;
    for service in ["strict", "vault"] {
        let endpoint = bench.endpoint(service, "/ada/f", "pushToVoSpace").await;
        assert_eq!(bench.send("PUT", &endpoint, None, &[], service).await.status, 201);
        assert_eq!(bench.read(service, "/ada/f").await, service.as_bytes());
        let other = endpoint.replace(&format!("cadc:{service}"), "cadc:other");
        assert_eq!(bench.send("PUT", &other, None, &[], "x").await.status, 403);
    }
    assert_eq!(bench.read("strict", "/ada/f").await, b"strict");
}
