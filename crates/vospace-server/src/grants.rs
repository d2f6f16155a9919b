//! Grants: pre-authorised URLs for bytes.
//!
//! A grant says that whoever holds the URL may read or write one thing: an artifact of the byte service, or a path of a
//! file service. It is carried in the path as base64 of the statement, `~`, base64 of its signature, with `/` and `+`
//! replaced, as CADC's services write it (they sign with RSA, this one with Ed25519). A grant has no end: it is good until the key changes, and outlives changes of
//! permission. The statement is taken apart at its `&`, so a grant for a path with that character is good for nothing, as
//! observed. The key is made at the first start and kept in the data directory, so URLs survive a restart.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// What stands before an Ed25519 key in an SPKI (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What a grant permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// GET and HEAD.
    Read,
    /// PUT, transactions, removal, and HEAD; not GET.
    Write,
}

/// A verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What it permits.
    pub permit: Permit,
    /// In whose name.
    pub user: Option<String>,
    /// The job that ends when it is used, if it is good only once.
    pub once: Option<String>,
}

/// The signer and verifier.
pub struct Grants {
    key: Ed25519KeyPair,
}

impl fmt::Debug for Grants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grants")
    }
}

impl Grants {
    /// Reads the key from this file, or makes it.
    pub fn open(file: &Path) -> io::Result<Grants> {
        let secret = match std::fs::read(file) {
            Ok(secret) if secret.len() == 32 => secret,
            Ok(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} is no key", file.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut secret = vec![0; 32];
                SystemRandom::new().fill(&mut secret).map_err(|_| io::Error::other("no random numbers"))?;
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?.write_all(&secret)?;
                secret
            }
            Err(error) => return Err(error),
        };
        let damaged = |_| io::Error::new(io::ErrorKind::InvalidData, format!("{} is no key", file.display()));
        Ok(Grants { key: Ed25519KeyPair::from_seed_unchecked(&secret).map_err(damaged)? })
    }

    /// The public half of the key, with which anyone can check a grant: an SPKI in PEM.
    pub fn public_key(&self) -> String {
        let key = STANDARD.encode([SPKI.as_slice(), self.key.public_key().as_ref()].concat());
        format!("-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n")
    }

    /// The token that permits this for the thing of this name, in the name of this user; if it is to be good once, until
    /// this job has ended.
    pub fn sign(&self, thing: &str, permit: Permit, user: Option<&str>, once: Option<&str>) -> String {
        let grant = match permit {
            Permit::Read => "ReadGrant",
            Permit::Write => "WriteGrant",
        };
        let subject = user.map(|user| format!("&sub={user}")).unwrap_or_default();
        let once = once.map(|job| format!("&job={job}")).unwrap_or_default();
        let statement = format!("uri={thing}&gnt={grant}{subject}{once}");
        let signature = self.key.sign(statement.as_bytes());
        let text = format!("{}~{}", STANDARD.encode(&statement), STANDARD.encode(signature.as_ref()));
        text.replace('/', "-").replace('+', "_")
    }

    /// What the token permits for the thing of this name; `None` if it is not a token for it.
    pub fn verify(&self, token: &str, thing: &str) -> Option<Grant> {
        let text = token.replace('-', "/").replace('_', "+");
        let (statement, signature) = text.split_once('~')?;
        let statement = STANDARD.decode(statement).ok()?;
        let signature = STANDARD.decode(signature).ok()?;
        UnparsedPublicKey::new(&ED25519, self.key.public_key().as_ref()).verify(&statement, &signature).ok()?;
        let statement = String::from_utf8(statement).ok()?;
        let field = |name: &str| statement.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        if field("uri")? != thing {
            return None;
        }
        let permit = match field("gnt")? {
            "ReadGrant" => Permit::Read,
            "WriteGrant" => Permit::Write,
            _ => return None,
        };
        let text = |name| field(name).map(str::to_owned);
        Some(Grant { permit, user: text("sub"), once: text("job") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_for_one_thing_and_survives_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        let token = Grants::open(&file).unwrap().sign("cadc:vault/1", Permit::Write, Some("ada"), Some("7"));
        assert!(!token.contains('/') && !token.contains('+'));
        let grants = Grants::open(&file).unwrap();
        assert_eq!(
            grants.verify(&token, "cadc:vault/1"),
            Some(Grant { permit: Permit::Write, user: Some("ada".into()), once: Some("7".into()) })
        );
        assert_eq!(grants.verify(&token, "cadc:vault/2"), None);
        assert_eq!(grants.verify(&token, "cadc:vault/"), None);
        assert_eq!(grants.verify("garbage", "cadc:vault/1"), None);
        assert_eq!(grants.verify(&grants.sign("/d/a&b", Permit::Read, None, None), "/d/a&b"), None, "cut at &");
        let forged = token.replacen('d', "e", 1);
        assert_eq!(grants.verify(&forged, "cadc:vault/1"), None);
    }
}
