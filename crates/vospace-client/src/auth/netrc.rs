//! User name and password per host, from a netrc file.

use std::collections::HashMap;
use std::path::Path;

use netrc::Netrc;
use reqwest::header::HeaderValue;

use super::{Secret, basic, unusable};
use crate::Result;

/// Host, with a port or without → `Authorization` header.
#[derive(Debug, Clone)]
pub(crate) struct Logins(HashMap<String, HeaderValue>);

impl Logins {
    /// The header for a host: of the entry with this port, else of the one without. A `default` entry is not used: it
    /// would give a password to every host.
    pub(super) fn header(&self, host: &str, port: u16) -> Option<HeaderValue> {
        let host = host.to_lowercase();
        self.0.get(&format!("{host}:{port}")).or_else(|| self.0.get(&host)).cloned()
    }
}

/// Reads a netrc file.
pub(super) fn load(path: &Path) -> Result<Logins> {
    let remedy = "correct the file, or give a token (--token) or a certificate (--certfile)";
    let netrc = Netrc::from_file(path).map_err(|error| unusable(path, error, remedy))?;
    let logins = netrc.hosts.into_iter().filter(|(host, _)| host != "default").filter_map(|(host, login)| {
        let header = basic::header(&login.login, &Secret::new(login.password)).ok()?;
        Some((host.to_lowercase(), header))
    });
    Ok(Logins(logins.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_host_gets_its_login() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("netrc");
        let text = "machine h.example login me password p:w\nmachine h.example:8443 login a password b\ndefault login you password x\n";
        std::fs::write(&path, text).unwrap();
        let logins = load(&path).unwrap();
        assert_eq!(logins.header("H.example", 443).unwrap().to_str().unwrap(), "Basic bWU6cDp3");
        assert_eq!(logins.header("h.example", 8443).unwrap().to_str().unwrap(), "Basic YTpi");
        assert!(logins.header("other.example", 443).is_none());
        std::fs::write(&path, "machine h.example nonsense").unwrap();
        assert!(load(&path).unwrap_err().to_string().contains("netrc"));
        assert!(load(&directory.path().join("none")).is_err());
    }
}
