//! TLS: a private certificate authority and the server's certificate, made at the first start.
//!
//! The authority's certificate, `ca.pem`, is what clients have to trust. Its key stays in the folder, for the server
//! certificate of another address and for users' certificates. The server certificate names `localhost`, the loopback
//! addresses and the address that is listened on; it is made anew at every start, so it never runs out.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use thiserror::Error;

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

/// The configuration of the server, with what is missing in the folder made.
pub fn server_config(dir: &Path, listening: IpAddr) -> Result<Arc<ServerConfig>, TlsError> {
    // A second installation is refused, and the first one is the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let authority = authority(dir)?;
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
    let mut config =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Reads the authority, or makes it.
fn authority(dir: &Path) -> Result<Issuer<'static, KeyPair>, TlsError> {
    let file = |name: &str| dir.join(name);
    let failed = |name: &'static str| move |error| TlsError::File(name.to_owned(), error);
    if file("ca.pem").exists() && file("ca.key").exists() {
        let certificate = fs::read_to_string(file("ca.pem")).map_err(failed("ca.pem"))?;
        let key = fs::read_to_string(file("ca.key")).map_err(failed("ca.key"))?;
        return Ok(Issuer::from_ca_cert_pem(&certificate, KeyPair::from_pem(&key)?)?);
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
    let mut private = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file("ca.key"))
        .map_err(failed("ca.key"))?;
    private.write_all(key.serialize_pem().as_bytes()).map_err(failed("ca.key"))?;
    fs::write(file("ca.pem"), certificate.pem()).map_err(failed("ca.pem"))?;
    Ok(Issuer::new(params, key))
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
    fn the_authority_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        server_config(dir.path(), "127.0.0.1".parse().unwrap()).unwrap();
        let first = fs::read(dir.path().join("ca.pem")).unwrap();
        server_config(dir.path(), "0.0.0.0".parse().unwrap()).unwrap();
        assert_eq!(fs::read(dir.path().join("ca.pem")).unwrap(), first);
    }
}
