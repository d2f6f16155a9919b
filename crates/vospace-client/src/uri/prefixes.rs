//! The short forms `vos:path`, `arc:path`, `<prefix>:path` and the services that they stand for.
//!
//! Built in are the two services of CADC; the user's existing `vos-config` adds more, and so do the sections for services
//! of `vofs/config.toml` ([`crate::services`]), which count before it. A prefix that nobody defined is taken for `ivo://cadc.nrc.ca/<prefix>`, as today's users expect: it is the registry that says it is unknown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ini::{Ini, ParseOption};

use super::{UriError, VosUri};
use crate::services::{self, ServiceSettings};

/// Authority of the resource ids that undefined prefixes stand for.
const DEFAULT_AUTHORITY: &str = "cadc.nrc.ca";

/// The same when `LOCAL_VOSPACE_WEBSERVICE` points the programs to a local installation.
const LOCAL_AUTHORITY: &str = "opencadc.org";

/// Obsolete id of Vault, still found in configuration files that an old release wrote.
const OLD_VAULT: &str = "cadc.nrc.ca~vospace";

/// Prefix → service. Cheap to build; every program makes one at start, of what the user configured ([`Prefixes::load`]).
///
/// ```
/// use vospace_client::Prefixes;
///
/// let prefixes = Prefixes::builtin();
/// let node = prefixes.parse("vos:demo/a/../image.fits")?;
/// assert_eq!(node.to_string(), "vos://cadc.nrc.ca~vault/demo/image.fits");
/// assert_eq!(prefixes.short(&node), "vos:demo/image.fits");
/// assert!(!prefixes.is_remote("./image.fits"));
/// # Ok::<(), vospace_client::UriError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Prefixes {
    named: BTreeMap<String, String>,
    default_authority: &'static str,
}

impl Prefixes {
    /// Only the built-in ones: `vos` and `vault` for Vault, `arc` for ARC.
    #[must_use]
    pub fn builtin() -> Self {
        let named = [("vos", "vault"), ("vault", "vault"), ("arc", "arc")]
            .map(|(prefix, service)| (prefix.to_owned(), format!("{DEFAULT_AUTHORITY}~{service}")));
        Prefixes { named: named.into(), default_authority: DEFAULT_AUTHORITY }
    }

    /// Built-in prefixes, those of `$VOSPACE_CONFIG_FILE`, else of `~/.config/vos/vos-config` if it exists, and those of
    /// these services. With `LOCAL_VOSPACE_WEBSERVICE` set, every built-in and undefined prefix stands for `ivo://opencadc.org/<prefix>`.
    ///
    /// # Errors
    /// [`UriError::Config`] when the file exists and cannot be used.
    pub fn load(services: &[ServiceSettings]) -> Result<Self, UriError> {
        let mut prefixes = Prefixes::builtin();
        if std::env::var_os("LOCAL_VOSPACE_WEBSERVICE").is_some_and(|value| !value.is_empty()) {
            prefixes = prefixes.local();
        }
        let (path, named) = Prefixes::config_file();
        if let Some(path) = path.filter(|path| named || path.exists()) {
            let text = std::fs::read_to_string(&path).map_err(|error| broken(&path, &error.to_string()))?;
            prefixes.add_config(&text, &path)?;
        }
        prefixes.add_services(services);
        Ok(prefixes)
    }

    /// Those of configured services, in place of what had their names before.
    pub fn add_services(&mut self, services: &[ServiceSettings]) {
        for service in services {
            self.named.insert(service.prefix.clone(), service.authority());
        }
    }

    /// The configuration file: `$VOSPACE_CONFIG_FILE` (then the second is true, and it has to exist), else
    /// `~/.config/vos/vos-config`.
    #[must_use]
    pub fn config_file() -> (Option<PathBuf>, bool) {
        match std::env::var_os("VOSPACE_CONFIG_FILE").filter(|path| !path.is_empty()) {
            Some(path) => (Some(path.into()), true),
            None => (std::env::home_dir().map(|home| home.join(".config/vos/vos-config")), false),
        }
    }

    /// The semantics of `LOCAL_VOSPACE_WEBSERVICE`: short forms belong to `opencadc.org`.
    #[must_use]
    pub fn local(mut self) -> Self {
        self.named.clear();
        self.default_authority = LOCAL_AUTHORITY;
        self
    }

    /// Takes the `[vos] resourceID` list of a configuration file: one `ivo://authority/service [name]` per line.
    fn add_config(&mut self, text: &str, path: &Path) -> Result<(), UriError> {
        let options = ParseOption {
            enabled_quote: false,
            enabled_escape: false,
            enabled_indented_mutiline_value: true,
            ..ParseOption::default()
        };
        let ini = Ini::load_from_str_opt(text, options).map_err(|error| broken(path, &error.to_string()))?;
        let Some(list) = ini.get_from(Some("vos"), "resourceID") else { return Ok(()) };
        let mut words = list.split_whitespace().peekable();
        while let Some(id) = words.next() {
            let Some(authority) = services::authority(id) else {
                return Err(broken(path, &format!("'{id}' is not a resource id such as ivo://cadc.nrc.ca/arc")));
            };
            let name = words.next_if(|word| !word.starts_with("ivo://")).map(str::to_lowercase);
            match name.as_deref() {
                _ if authority == OLD_VAULT => {}
                None => {}
                Some("vos") if authority != format!("{DEFAULT_AUTHORITY}~vault") => {
                    tracing::warn!("{}: the prefix vos is reserved for Vault, '{id} vos' is ignored", path.display());
                }
                Some(name) => {
                    self.named.insert(name.to_owned(), authority);
                }
            }
        }
        Ok(())
    }

    /// The prefixes that have a name, without their colon.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.named.keys().map(String::as_str)
    }

    /// Reads what a user writes: a short form (`.` and `..` are resolved here, as a shell would) or a full URI.
    ///
    /// # Errors
    /// [`UriError`] that says how to write it instead.
    pub fn parse(&self, text: &str) -> Result<VosUri, UriError> {
        let text = text.trim();
        if text.starts_with("vos://") {
            return VosUri::from_wire(text);
        }
        if text.contains("://") {
            return Err(UriError::NotVospace(text.to_owned()));
        }
        let (prefix, path) = split_prefix(text).ok_or_else(|| UriError::NoPrefix(text.to_owned()))?;
        let mut names: Vec<&str> = Vec::new();
        for name in path.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    names.pop();
                }
                name if name.contains('\0') => return Err(UriError::BadName(name.to_owned())),
                name => names.push(name),
            }
        }
        Ok(VosUri::new(&self.authority(prefix), &names.join("/")))
    }

    fn authority(&self, prefix: &str) -> String {
        let prefix = prefix.to_lowercase();
        self.named.get(&prefix).cloned().unwrap_or_else(|| format!("{}~{prefix}", self.default_authority))
    }

    /// The shortest form that [`Prefixes::parse`] reads back: `vos:a/b`, or the full URI when no prefix fits.
    #[must_use]
    pub fn short(&self, uri: &VosUri) -> String {
        let path = uri.path().trim_start_matches('/');
        // The established `vos:` comes before other names of the same service.
        let named = |prefix: &&String| self.named.get(*prefix).is_some_and(|authority| authority == uri.authority());
        let vos = "vos".to_owned();
        if let Some(prefix) = std::iter::once(&vos).chain(self.named.keys()).find(named) {
            return format!("{prefix}:{path}");
        }
        match uri.authority().split_once('~') {
            Some((authority, service))
                if authority == self.default_authority
                    && !self.named.contains_key(service)
                    && split_prefix(&format!("{service}:")).is_some() =>
            {
                format!("{service}:{path}")
            }
            _ => uri.to_wire(),
        }
    }

    /// Whether a command-line argument means a node and not a local file: it has a prefix of two characters or more,
    /// or one that is defined. (A local file with a colon is reached as `./name`.)
    #[must_use]
    pub fn is_remote(&self, text: &str) -> bool {
        split_prefix(text).is_some_and(|(prefix, _)| prefix.len() > 1 || self.named.contains_key(prefix))
    }
}

/// `prefix:rest`, when what stands before the colon looks like a URI scheme (RFC 3986 §3.1, and `_`).
fn split_prefix(text: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = text.split_once(':')?;
    let mut characters = prefix.chars();
    let valid = characters.next()?.is_ascii_alphabetic()
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'));
    valid.then_some((prefix, rest))
}

fn broken(path: &Path, reason: &str) -> UriError {
    UriError::Config { path: path.display().to_string(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[vos]\n# services\nresourceID = \n  ivo://cadc.nrc.ca/vault vos\n  ivo://cadc.nrc.ca/arc arc\n  \
                          ivo://swesrc.chalmers.se/cavern swe\n\n[transfer]\nprotocol = https\n";

    #[test]
    fn short_forms_stand_for_their_services() {
        let prefixes = Prefixes::builtin();
        for (text, id, path) in [
            ("vos:a/b", "ivo://cadc.nrc.ca/vault", "/a/b"),
            ("vos:/a//b/", "ivo://cadc.nrc.ca/vault", "/a/b"),
            ("vault:", "ivo://cadc.nrc.ca/vault", "/"),
            ("arc:home/me/../you/./x", "ivo://cadc.nrc.ca/arc", "/home/you/x"),
            ("arc:../../x", "ivo://cadc.nrc.ca/arc", "/x"),
            ("foo:x", "ivo://cadc.nrc.ca/foo", "/x"),
            ("vos://swesrc.chalmers.se!cavern/a%3Bb", "ivo://swesrc.chalmers.se/cavern", "/a;b"),
        ] {
            let uri = prefixes.parse(text).unwrap();
            assert_eq!((uri.resource_id().as_str(), uri.path()), (id, path), "{text}");
            assert_eq!(prefixes.parse(&prefixes.short(&uri)).unwrap(), uri, "{text}");
        }
        assert_eq!(prefixes.short(&prefixes.parse("vault:a").unwrap()), "vos:a");
    }

    #[test]
    fn what_is_no_node_says_how_to_write_one() {
        let prefixes = Prefixes::builtin();
        let said = |text: &str| prefixes.parse(text).unwrap_err().to_string();
        assert!(said("a/b").starts_with("'a/b' has no prefix: write vos:a/b (or arc:a/b,"), "{}", said("a/b"));
        for text in ["ivo://cadc.nrc.ca/vault", "https://x/y"] {
            assert!(
                said(text).starts_with(&format!("'{text}' is not a VOSpace URI: write vos:path,")),
                "{}",
                said(text)
            );
        }
        assert!(prefixes.parse(":x").is_err());
        assert!(!prefixes.is_remote("./a:b") && !prefixes.is_remote("plain") && !prefixes.is_remote("/a/b:c"));
        assert!(prefixes.is_remote("vos:x") && prefixes.is_remote("vos://a~b/c") && prefixes.is_remote("swe:x"));
    }

    #[test]
    fn configured_names_are_added() {
        let mut prefixes = Prefixes::builtin();
        prefixes.add_config(CONFIG, Path::new("c")).unwrap();
        let uri = prefixes.parse("swe:a").unwrap();
        assert_eq!(uri.authority(), "swesrc.chalmers.se~cavern");
        assert_eq!(prefixes.short(&uri), "swe:a");
        assert_eq!(prefixes.parse("vos:a").unwrap().authority(), "cadc.nrc.ca~vault");
    }

    #[test]
    fn a_vos_that_is_not_vault_is_ignored_and_nonsense_is_an_error() {
        let mut prefixes = Prefixes::builtin();
        let heard = crate::testing::Heard::here();
        prefixes.add_config("[vos]\nresourceID = ivo://x.org/y vos\n", Path::new("c")).unwrap();
        heard.says("c: the prefix vos is reserved for Vault, 'ivo://x.org/y vos' is ignored");
        assert_eq!(prefixes.parse("vos:a").unwrap().authority(), "cadc.nrc.ca~vault");
        let error = prefixes.add_config("[vos]\nresourceID = nonsense\n", Path::new("c")).unwrap_err();
        let text = "'nonsense' is not a resource id such as ivo://cadc.nrc.ca/arc";
        assert!(error.to_string().contains(text), "{error}");
    }

    #[test]
    fn a_local_installation_owns_every_prefix() {
        let prefixes = Prefixes::builtin().local();
        assert_eq!(prefixes.parse("vos:a").unwrap().resource_id(), "ivo://opencadc.org/vos");
        assert_eq!(prefixes.short(&prefixes.parse("cavern:a").unwrap()), "cavern:a");
    }
}
