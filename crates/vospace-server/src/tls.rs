//! TLS: a private certificate authority and the server's certificate, made at the first start.
//!
//! The authority's certificate, `ca.pem`, is what clients have to trust. The server certificate names `localhost`, the
//! loopback addresses and the address that is listened on; it is made anew at every start, so it never runs out. Every
//! user gets a certificate with its key in one file, `users/NAME.pem`, in the form of the proxy certificates that CADC
//! issues. A client may present one and need not; one that is not of this authority, or has expired, ends the handshake.

use crate::clock;
use axum::Extension;
use axum::middleware::AddExtension;
use axum_server::accept::{Accept, NoDelayAcceptor};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fs;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpStream;
use tower_layer::Layer as _;

/// A certificate is good a little before it is made, for clients whose clocks are behind.
const CLOCKS_DIFFER: Duration = Duration::from_secs(300);

/// What can go wrong.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file of the folder.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// A certificate.
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library.
    #[error(transparent)]
    Config(#[from] rustls::Error),
}

/// The name in the client certificate of a connection, if there was one.
#[derive(Clone, Debug)]
pub struct PeerUser(pub Option<Arc<str>>);

/// The configuration of the server, with what is missing in the folder made.
pub fn server_config(dir: &Path, listening: IpAddr, users: &[Arc<str>]) -> Result<Arc<ServerConfig>, TlsError> {
    // A second installation is refused, and the first one is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (authority, root) = prepare(dir, users.iter().map(AsRef::as_ref))?;
    let mut roots = RootCertStore::empty();
    roots.add(root)?;
    let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
        .allow_unauthenticated()
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))?;
    let key = KeyPair::generate()?;
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    if !listening.is_unspecified() && !names.contains(&listening.to_string()) {
        names.push(listening.to_string());
    }
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = name("vospaced");
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &authority)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config = ServerConfig::builder()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate.der().clone()], private)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Makes what is missing in the folder: the authority, and certificates of these users. The server's own certificate is
/// made anew at each start.
pub fn prepare<'a>(
    dir: &Path,
    users: impl IntoIterator<Item = &'a str>,
) -> Result<(Issuer<'static, KeyPair>, CertificateDer<'static>), TlsError> {
    let (authority, root) = authority(dir)?;
    for user in users {
        user_certificate(dir, user, &authority)?;
    }
    Ok((authority, root))
}

/// Reads the authority, or makes it.
fn authority(dir: &Path) -> Result<(Issuer<'static, KeyPair>, CertificateDer<'static>), TlsError> {
    let file = |name: &str| dir.join(name);
    let failed = |name: &'static str| move |error| TlsError::File(name.to_owned(), error);
    if file("ca.pem").exists() && file("ca.key").exists() {
        let certificate = fs::read_to_string(file("ca.pem")).map_err(failed("ca.pem"))?;
        let key = fs::read_to_string(file("ca.key")).map_err(failed("ca.key"))?;
        let root = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|error| rustls::Error::General(format!("ca.pem: {error}")))?;
        return Ok((Issuer::from_ca_cert_pem(&certificate, KeyPair::from_pem(&key)?)?, root));
    }
    fs::create_dir_all(dir).map_err(failed("tls"))?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name = name("vospaced private authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    let certificate = params.self_signed(&key)?;
    // The key first: a certificate without its key would be read as whole.
    write_private(&file("ca.key"), &key.serialize_pem())?;
    fs::write(file("ca.pem"), certificate.pem()).map_err(failed("ca.pem"))?;
    let root = certificate.der().clone();
    Ok((Issuer::new(params, key), root))
}

/// Makes the certificate of a user, if it is missing.
fn user_certificate(dir: &Path, user: &str, authority: &Issuer<'static, KeyPair>) -> Result<(), TlsError> {
    let users = dir.join("users");
    let file = users.join(format!("{user}.pem"));
    if file.exists() {
        return Ok(());
    }
    fs::create_dir_all(&users).map_err(|error| TlsError::File("users".to_owned(), error))?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name = name(user);
    params.not_before = date_time_ymd(2024, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, authority)?;
    write_private(&file, &format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// A certificate for a user with its key, good for so many days, signed by the authority in this folder.
pub fn issue(dir: &Path, user: &str, days: u32) -> Result<String, TlsError> {
    let (authority, _) = authority(dir)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name = name(user);
    let seconds = u64::try_from(clock::now() / 1000).unwrap_or_default();
    let now = date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    params.not_before = now - CLOCKS_DIFFER;
    params.not_after = now + Duration::from_secs(u64::from(days) * 86_400);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, &authority)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// Writes a file that only its owner may read.
fn write_private(file: &Path, text: &str) -> Result<(), TlsError> {
    let mut options = fs::OpenOptions::new();
    let opened = options.write(true).create(true).truncate(true).mode(0o600).open(file);
    opened
        .and_then(|mut opened| opened.write_all(text.as_bytes()))
        .map_err(|error| TlsError::File(file.display().to_string(), error))
}

/// The first common name in a certificate: of a proxy certificate, the user's.
fn common_name(certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
    let (_, certificate) = x509_parser::parse_x509_certificate(certificate).ok()?;
    certificate.subject().iter_common_name().next()?.as_str().ok().map(Arc::from)
}

/// Accepts TLS connections and tells the service who is at the other end.
#[derive(Clone, Debug)]
pub struct CertificateAcceptor(RustlsAcceptor<NoDelayAcceptor>);

impl CertificateAcceptor {
    /// An acceptor with this configuration.
    pub fn new(config: Arc<ServerConfig>) -> CertificateAcceptor {
        CertificateAcceptor(RustlsAcceptor::new(RustlsConfig::from_config(config)).acceptor(NoDelayAcceptor::new()))
    }
}

type Accepted<S> = (<RustlsAcceptor<NoDelayAcceptor> as Accept<TcpStream, S>>::Stream, AddExtension<S, PeerUser>);

impl<S: Send + 'static> Accept<TcpStream, S> for CertificateAcceptor {
    type Stream = <RustlsAcceptor<NoDelayAcceptor> as Accept<TcpStream, S>>::Stream;
    type Service = AddExtension<S, PeerUser>;
    type Future = Pin<Box<dyn Future<Output = io::Result<Accepted<S>>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepting = self.0.accept(stream, service);
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            let chain = stream.get_ref().1.peer_certificates();
            let user = chain.and_then(|chain| chain.first()).and_then(common_name);
            Ok((stream, Extension(PeerUser(user)).layer(service)))
        })
    }
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_authority_and_the_users_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        server_config(dir.path(), "127.0.0.1".parse().unwrap(), &[Arc::from("ada")]).unwrap();
        let read = || ["ca.pem", "users/ada.pem"].map(|name| fs::read(dir.path().join(name)).unwrap());
        let first = read();
        server_config(dir.path(), "0.0.0.0".parse().unwrap(), &[Arc::from("ada"), Arc::from("eve")]).unwrap();
        assert_eq!(read(), first);
        let certificate = CertificateDer::from_pem_slice(&first[1]).unwrap();
        assert_eq!(common_name(&certificate).as_deref(), Some("ada"));
    }
}
