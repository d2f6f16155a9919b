//! Which credentials to use when the user may have several.
//!
//! What is named on the command line comes before the environment, and that before the usual files. What was named
//! and cannot be used is an error: silently being somebody else, or nobody, is worse than stopping.

use std::path::PathBuf;

use super::{Credentials, Secret, certificate, netrc};
use crate::Result;
use crate::services::ServiceSettings;

/// What the command line says about credentials. Fields may be added: write it with `..AuthOptions::default()`.
#[derive(Debug, Clone, Default)]
pub struct AuthOptions {
    /// Bearer token (`--token`).
    pub token: Option<String>,
    /// Certificate file (`--certfile`); an empty name means anonymous.
    pub certfile: Option<PathBuf>,
}

impl AuthOptions {
    /// The option by which credentials were named, for [`crate::ClientConfig::named_by`].
    #[must_use]
    pub fn named_by(&self) -> Option<&'static str> {
        match (&self.token, &self.certfile) {
            (Some(_), _) => Some("--token"),
            (None, Some(path)) if !path.as_os_str().is_empty() => Some("--certfile"),
            _ => None,
        }
    }
}

/// The surroundings, apart so that tests need not change their own.
struct Surroundings<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    home: Option<PathBuf>,
}

/// Chooses for a caller with these services in his configuration, in this order: `--token`, `VOSPACE_TOKEN`, `VOSPACE_TOKEN_FILE`, `--certfile`, `VOSPACE_CERTFILE`,
/// `~/.ssl/cadcproxy.pem` if it is there, `~/.netrc` if it is there, anonymous. An explicit `--certfile` comes before
/// a token from the environment.
///
/// Where one of the services has credentials of its own, those for all others may not be needed: what is wrong with them is
/// [`Credentials::Unusable`] then, and told to who needs them.
///
/// ```
/// use vospace_client::{AuthOptions, Credentials, auth, services};
///
/// let options = AuthOptions { token: Some("abc".to_owned()), ..AuthOptions::default() };
/// assert!(matches!(auth::choose(options, &services::load()?)?, Credentials::Token(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// When the file chosen is missing, unreadable, broken or expired; the error names it and the remedy. A broken
/// `~/.netrc` that nobody named only gives a warning.
pub fn choose(options: AuthOptions, services: &[ServiceSettings]) -> Result<Credentials> {
    let variable = |name: &str| std::env::var(name).ok();
    match choose_in(options, &Surroundings { variable: &variable, home: std::env::home_dir() }) {
        Err(error) if services.iter().any(|service| service.auth.is_some()) => Ok(Credentials::Unusable(error)),
        result => result,
    }
}

fn choose_in(options: AuthOptions, surroundings: &Surroundings<'_>) -> Result<Credentials> {
    // Reading a certificate needs the provider of its key's algorithm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let variable = |name: &str| (surroundings.variable)(name).filter(|value| !value.trim().is_empty());
    let certificate = |path: PathBuf| certificate::load(&path).map(|_| Credentials::Certificate(path));
    if let Some(token) = options.token {
        super::token::check(&Secret::new(token.clone()), "--token")?;
        return Ok(Credentials::Token(Secret::new(token)));
    }
    if let Some(path) = options.certfile {
        return if path.as_os_str().is_empty() { Ok(Credentials::Anonymous) } else { certificate(path) };
    }
    if let Some(token) = variable("VOSPACE_TOKEN") {
        super::token::check(&Secret::new(token.clone()), "VOSPACE_TOKEN")?;
        return Ok(Credentials::Token(Secret::new(token)));
    }
    if let Some(path) = variable("VOSPACE_TOKEN_FILE").map(PathBuf::from) {
        super::token::load(&path)?;
        return Ok(Credentials::TokenFile(path));
    }
    if let Some(path) = variable("VOSPACE_CERTFILE").map(PathBuf::from) {
        return certificate(path);
    }
    let Some(home) = &surroundings.home else { return Ok(Credentials::Anonymous) };
    let path = home.join(".ssl/cadcproxy.pem");
    if path.exists() {
        return certificate(path);
    }
    let path = home.join(".netrc");
    if path.exists() {
        match netrc::load(&path) {
            Ok(_) => return Ok(Credentials::Netrc(path)),
            Err(error) => tracing::warn!("{error}; working anonymously"),
        }
    }
    Ok(Credentials::Anonymous)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(options: AuthOptions, variables: &[(&str, &str)], home: Option<&std::path::Path>) -> Result<Credentials> {
        let variable =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        choose_in(options, &Surroundings { variable: &variable, home: home.map(PathBuf::from) })
    }

    #[test]
    fn the_explicit_comes_before_the_environment_and_that_before_the_usual_files() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let variables = [("VOSPACE_TOKEN", "env"), ("VOSPACE_CERTFILE", "/nowhere.pem")];
        let token = AuthOptions { token: Some("opt".to_owned()), certfile: Some("/nowhere.pem".into()) };
        assert!(matches!(run(token, &variables, Some(home)), Ok(Credentials::Token(t)) if t.expose() == "opt"));
        let none = AuthOptions::default;
        assert!(matches!(run(none(), &variables, Some(home)), Ok(Credentials::Token(t)) if t.expose() == "env"));
        assert!(run(none(), &variables[1..], Some(home)).unwrap_err().to_string().contains("/nowhere.pem"));
        let anonymous = AuthOptions { token: None, certfile: Some(PathBuf::new()) };
        assert!(matches!(run(anonymous, &variables, Some(home)), Ok(Credentials::Anonymous)));
        assert!(matches!(run(none(), &[], Some(home)), Ok(Credentials::Anonymous)));
        assert!(matches!(run(none(), &[], None), Ok(Credentials::Anonymous)));
        std::fs::write(home.join(".netrc"), "machine h login l password p\n").unwrap();
        assert!(matches!(run(none(), &[], Some(home)), Ok(Credentials::Netrc(_))));
        // In its usual place nobody has named it: public data can be read without it.
        let heard = crate::testing::Heard::here();
        std::fs::remove_file(home.join(".netrc")).unwrap();
        std::fs::create_dir(home.join(".netrc")).unwrap();
        assert!(matches!(run(none(), &[], Some(home)), Ok(Credentials::Anonymous)));
        heard.says("; working anonymously");
        std::fs::remove_dir(home.join(".netrc")).unwrap();
        std::fs::create_dir(home.join(".ssl")).unwrap();
        std::fs::write(home.join(".ssl/cadcproxy.pem"), "broken").unwrap();
        assert!(run(none(), &[], Some(home)).unwrap_err().to_string().contains("cadcproxy.pem"));
    }

    #[test]
    fn a_named_token_file_must_be_there() {
        let error = run(AuthOptions::default(), &[("VOSPACE_TOKEN_FILE", "/no/token")], None).unwrap_err();
        assert!(error.to_string().contains("/no/token"));
    }
}
