//! TLS with a certificate authority of this test: who is trusted, and who gets to see the client's certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::*;
use crate::ErrorKind;
use crate::auth::Credentials;
use crate::client::Client;
use crate::dialect::OfferedProtocols;
use crate::node::Node;
use crate::testing::{Heard, OFFERED, Reply, Stub, capabilities, refused, uri};
use crate::transfer::{PutOptions, UploadSource};
use crate::xml::capabilities::{NODES, PROXY_CERTIFICATE, SYNC};
use crate::xml::transfer::{self, Direction, HTTP_PUT, Protocol, Transfer};
use crate::xml::write;

#[test]
fn a_bundle_that_is_none_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ca.pem");
    std::fs::write(&path, "nothing").unwrap();
    for path in [path, directory.path().join("missing.pem")] {
        let config = ClientConfig { extra_roots: vec![path.clone()], ..ClientConfig::default() };
        let error = Settings::new(&config).err().unwrap().to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
}

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut parameters = CertificateParams::new(vec![]).unwrap();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    /// A bundle with its certificate, in a directory for this test.
    fn bundle(&self) -> (TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let roots = directory.path().join("ca.pem");
        std::fs::write(&roots, self.0.pem()).unwrap();
        (directory, roots)
    }

    fn acceptor(&self) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &self.0).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let clients = WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated().build().unwrap();
        let key = key.serialize_der().try_into().unwrap();
        let config = ServerConfig::builder().with_client_cert_verifier(clients);
        TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate.der().clone()], key).unwrap()))
    }

    /// Writes a client's certificate with key; gives its DER.
    fn issue(&self, path: &Path) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["user".to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        std::fs::write(path, format!("{}{}", certificate.pem(), key.serialize_pem())).unwrap();
        certificate.der().to_vec()
    }
}

/// A service whose file leads to `bytes`, and its configuration.
async fn service(authority: &Authority, bytes: String) -> (Stub, impl Fn(&Path, &Path) -> ClientConfig) {
    let stub = Stub::start_tls(authority.acceptor(), move |seen, _| {
        let base = format!("https://{}", seen.header("host").unwrap());
        match seen.target.as_str() {
            "/reg/resource-caps" => Reply::ok(format!("ivo://test/svc = {base}/svc/capabilities\n")),
            "/svc/capabilities" => Reply::ok(capabilities(&base, OFFERED)),
            "/svc/files/a" => Reply::redirect(bytes.clone()),
            _ => Reply::ok(write::node(&Node::data(uri("/a")), [].into_iter())),
        }
    })
    .await;
    let config = stub.config();
    let configure = move |roots: &Path, certificate: &Path| ClientConfig {
        extra_roots: vec![roots.to_owned()],
        credentials: Credentials::Certificate(certificate.to_owned()),
        ..config.clone()
    };
    (stub, configure)
}

#[tokio::test]
async fn the_certificate_is_shown_to_the_service_alone_and_renewed_without_restart() {
    let authority = Authority::new();
    let (directory, roots) = authority.bundle();
    let proxy = directory.path().join("proxy.pem");
    let first = authority.issue(&proxy);
    let site = Stub::start_tls(authority.acceptor(), |_, _| Reply::ok("bytes")).await;
    let (stub, configure) = service(&authority, format!("{}/grant/x", site.base)).await;
    let client = Client::new(configure(&roots, &proxy)).unwrap();
    client.stat(&uri("/a")).await.unwrap();
    let download = client.open(&uri("/a"), None).await.unwrap();
    let chunks: Vec<_> = download.body.try_collect().await.unwrap();
    assert_eq!(chunks.concat(), b"bytes");
    assert_eq!(site.all().len(), 1);
    assert!(site.all()[0].certificate.is_none(), "a pre-authorised URL needs none");
    assert!(stub.requests().iter().all(|seen| seen.certificate.as_ref() == Some(&first)));
    let second = authority.issue(&proxy);
    client.stat(&uri("/a")).await.unwrap();
    assert_eq!(stub.requests().last().unwrap().certificate.as_ref(), Some(&second));
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_refused_and_a_redirect_to_plain_http_too() {
    let authority = Authority::new();
    let (directory, roots) = Authority::new().bundle();
    let proxy = directory.path().join("proxy.pem");
    authority.issue(&proxy);
    let plain = Stub::start(|_, _| Reply::ok("bytes")).await;
    let (_stub, configure) = service(&authority, format!("{}/grant/x", plain.base)).await;
    let error = Client::new(configure(&roots, &proxy)).unwrap().stat(&uri("/a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    assert!(
        error
            .to_string()
            .ends_with("check the clock, and the certificate authorities (VOSPACE_CA_BUNDLE adds a PEM file)")
    );
    std::fs::write(&roots, authority.0.pem()).unwrap();
    let client = Client::new(configure(&roots, &proxy)).unwrap();
    let error = client.open(&uri("/a"), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert!(error.to_string().contains("a redirect from https to http (http://"), "{error}");
    assert!(
        error.to_string().contains("), which is not followed; this is not how a VOSpace service answers"),
        "{error}"
    );
    assert!(plain.all().is_empty());
}

/// Behind an https registry nothing that is secret goes to an address that is none itself.
#[tokio::test]
async fn what_is_not_encrypted_is_named() {
    let authority = Authority::new();
    let (_directory, roots) = authority.bundle();
    let offered = &[(NODES, "nodes"), (PROXY_CERTIFICATE, "priv")];
    let plain = Stub::service_of(offered, |_, _| Reply::ok(write::node(&Node::data(uri("/a")), [].into_iter()))).await;
    let list = format!("ivo://test/svc = {}/svc/capabilities\n", plain.base);
    let registry = Stub::start_tls(authority.acceptor(), move |_, _| Reply::ok(list.clone())).await;
    let client = Client::new(ClientConfig { extra_roots: vec![roots.clone()], ..registry.config() }).unwrap();
    let heard = Heard::here();
    client.stat(&uri("/a")).await.unwrap();
    heard.says("/svc/nodes is plain http and gets no credentials, for the registry is https");
    assert!(plain.all().iter().all(|seen| seen.header("authorization").is_none()));
    let certificate = client.certificate("ivo://test/svc", None).await;
    refused(
        certificate,
        ErrorKind::Certificate,
        "the registry names a plain http address for it; a password is sent over",
    );
    std::fs::write(&roots, "none").unwrap();
    let none = Client::new(ClientConfig { extra_roots: vec![roots], ..registry.config() });
    refused(none, ErrorKind::Certificate, "ca.pem: it contains no certificate; VOSPACE_CA_BUNDLE must name a PEM file");
}

/// A service behind https, which gives places for bytes over plain http.
#[tokio::test]
async fn bytes_that_would_go_unencrypted_go_nowhere() {
    let authority = Authority::new();
    let (_directory, roots) = authority.bundle();
    for (offered, protocols, text) in [
        (
            &[(NODES, "nodes"), (SYNC, "sync")][..],
            OfferedProtocols::Unknown,
            "it gives places for bytes over plain http only, w",
        ),
        (OFFERED, OfferedProtocols::Http, "no protocol for its bytes is allowed here; this service does not offer it"),
    ] {
        let stub = Stub::start_tls(authority.acceptor(), move |seen, _| {
            let base = format!("https://{}", seen.header("host").unwrap());
            match seen.line().as_str() {
                "GET /reg/resource-caps" => Reply::ok(format!("ivo://test/svc = {base}/svc/capabilities\n")),
                "GET /svc/capabilities" => Reply::ok(capabilities(&base, offered)),
                "PUT /svc/files/" => Reply::status(405),
                "POST /svc/sync" if seen.body.starts_with(b"TARGET") => Reply::fault(400, "no such form"),
                "POST /svc/sync" => {
                    let mut given = Transfer::new("vos://test~svc/a", Direction::PushToVoSpace);
                    let endpoint = Some("http://127.0.0.1:1/byte".to_owned());
                    given.protocols.push(Protocol { uri: HTTP_PUT.to_owned(), endpoint, security_methods: vec![] });
                    Reply::ok(transfer::write(&given))
                }
                _ => Reply::ok(write::node(&Node::data(uri("/a")), [].into_iter())),
            }
        })
        .await;
        let client = Client::new(ClientConfig { extra_roots: vec![roots.clone()], ..stub.config() }).unwrap();
        client.service(&uri("/")).await.unwrap().learn(|dialect| dialect.protocols = protocols);
        let put = client.put(&uri("/a"), UploadSource::Bytes("0123".into()), PutOptions::default()).await;
        refused(put, ErrorKind::Unsupported, text);
    }
}
