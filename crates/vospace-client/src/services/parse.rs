//! From a section of the file to what it says of a service.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};
use url::{Host, Url};

use super::section::{Section, unknown};
use super::{AuthSettings, ENDPOINTS, FormSettings, OidcSettings, ServiceSettings, TokenSource, authority};
use crate::places;

/// The resources of a service that only says where it is, as the standard names them (VOSpace 2.1 §2 and §5).
const USUAL: [&str; 3] = ["nodes", "sync", "transfers"];

/// How long a program that prints a token may take, unless the section says otherwise: some ask somebody.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// What is asked of an issuer: who the caller is, and a token to renew it with (OpenID Connect Core 1.0 §11).
const SCOPE: &str = "openid offline_access";

/// The schemes of `auth`.
const SCHEMES: [&str; 6] = ["anonymous", "token", "oidc", "certificate", "basic", "cookie"];

/// What a file with a password is.
const PASSWORD: &str = "a file that holds the password alone";

/// How a command is written.
const AS_LIST: &str = "write [\"program\", \"argument\"], or [\"sh\", \"-c\", \"…\"] for what a shell has to read";

/// What a section says.
pub(super) fn service(name: &str, mut section: Section) -> Result<ServiceSettings, String> {
    let place = section.name.clone();
    // A name is also that of a file with tokens.
    let usual = prefix(name).map_err(|cause| format!("{place}: {cause}"))?;
    let prefix = section.parsed("prefix", prefix)?.unwrap_or(usual);
    let resource_id =
        section.needed("resource-id", "ivo://AUTHORITY/NAME, as its URIs have it (vos://AUTHORITY~NAME/path)")?;
    if authority(&resource_id).is_none() {
        return Err(format!("resource-id in {place}: '{resource_id}' is not of the form ivo://AUTHORITY/NAME"));
    }
    let registry = section.parsed("registry", url)?;
    let base_url = section.parsed("base-url", url)?;
    if registry.is_some() && base_url.is_some() {
        return Err(format!("{place} has a registry and a base-url: it is looked up, or it is there"));
    }
    let endpoints = endpoints(section.within("endpoints")?, base_url.as_ref())?;
    let auth = match section.within("auth")? {
        Some(auth) => Some(self::auth(name, auth, base_url.as_ref())?),
        None => None,
    };
    let groups = section.parsed("groups", group_service)?;
    let quirks = match section.table("quirks")? {
        Some(table) => {
            quirks(&table).ok_or_else(|| format!("quirks in {place}: a value is no text, number or truth"))?
        }
        None => Map::new(),
    };
    section.end()?;
    Ok(ServiceSettings {
        name: name.to_owned(),
        prefix,
        resource_id,
        registry,
        base_url,
        endpoints,
        auth,
        groups,
        quirks,
    })
}

/// What may stand before the colon of a URI (RFC 3986 §3.1, and `_`).
fn prefix(text: &str) -> Result<String, String> {
    let mut characters = text.chars();
    let valid = characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_'));
    if valid {
        Ok(text.to_lowercase())
    } else {
        Err(format!("'{text}' cannot stand before a colon; letters and digits can, a letter first"))
    }
}

/// A service of groups, without the `?` behind which the name of a group stands.
fn group_service(text: &str) -> Result<String, String> {
    let service = text.strip_suffix('?').unwrap_or(text);
    match authority(service) {
        Some(_) if !service.contains(['?', '#']) => Ok(service.to_owned()),
        _ => Err(format!("'{text}' is not of the form ivo://AUTHORITY/NAME (ivo://cadc.nrc.ca/gms)")),
    }
}

fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("'{text}' is no URL: {error}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("'{text}' is not an http or https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a name or password does not belong into a URL; see auth".to_owned());
    }
    Ok(url)
}

/// A URL, or one below the base.
fn below(base: Option<&Url>, text: &str) -> Result<Url, String> {
    match base {
        Some(base) if !text.contains("://") => {
            let base = base.as_str().trim_end_matches('/');
            url(&format!("{base}/{}", text.trim_start_matches('/')))
        }
        _ => url(text),
    }
}

fn endpoints(section: Option<Section>, base: Option<&Url>) -> Result<BTreeMap<String, Url>, String> {
    let mut found = BTreeMap::new();
    match (section, base) {
        (None, None) => {}
        (Some(section), None) => return Err(format!("{} needs a base-url beside it", section.name)),
        (None, Some(base)) => {
            for name in USUAL {
                found.insert(name.to_owned(), below(Some(base), name)?);
            }
        }
        (Some(mut section), Some(base)) => {
            for name in ENDPOINTS {
                if let Some(url) = section.parsed(name, |text| below(Some(base), text))? {
                    found.insert(name.to_owned(), url);
                }
            }
            if !found.contains_key("nodes") {
                found.insert("nodes".to_owned(), below(Some(base), "nodes")?);
            }
            section.end()?;
        }
    }
    Ok(found)
}

fn auth(service: &str, mut section: Section, base: Option<&Url>) -> Result<AuthSettings, String> {
    let place = section.name.clone();
    let scheme = section.needed("scheme", &format!("one of {}", SCHEMES.join(", ")))?;
    let lacks = |key: &str, what: &str| format!("{place} has no {key}: {what}");
    let auth = match scheme.as_str() {
        "anonymous" => AuthSettings::Anonymous,
        "token" => {
            let header = section.parsed("header", header)?;
            AuthSettings::Token { source: token_source(&mut section)?, header }
        }
        "oidc" => AuthSettings::Oidc(oidc(service, &mut section)?),
        "certificate" => AuthSettings::Certificate {
            file: section.path("file")?.ok_or_else(|| lacks("file", "a PEM file with certificate and key"))?,
        },
        "basic" => AuthSettings::Basic {
            user: section.needed("user", "the name at the service")?,
            password_file: section.path("password-file")?.ok_or_else(|| lacks("password-file", PASSWORD))?,
        },
        "cookie" => AuthSettings::Cookie(FormSettings {
            login_url: section
                .parsed("login-url", |text| below(base, text))?
                .ok_or_else(|| lacks("login-url", "where the form is sent"))?,
            user: section.needed("user", "the name at the service")?,
            password_file: section.path("password-file")?.ok_or_else(|| lacks("password-file", PASSWORD))?,
            user_field: section.text("user-field")?.unwrap_or_else(|| "username".to_owned()),
            password_field: section.text("password-field")?.unwrap_or_else(|| "password".to_owned()),
        }),
        other => return Err(unknown("scheme", other, &format!("in {place}"), SCHEMES)),
    };
    section.end()?;
    Ok(auth)
}

fn token_source(section: &mut Section) -> Result<TokenSource, String> {
    let place = section.name.clone();
    let file = section.path("token-file")?;
    let command = section.list("command", AS_LIST)?;
    let limit = section.number("command-timeout")?.map_or(COMMAND_LIMIT, Duration::from_secs);
    match (file, command) {
        (Some(file), None) => Ok(TokenSource::File(file)),
        (None, Some(words)) => Ok(TokenSource::Command { words, limit }),
        (None, None) => Err(format!("{place} has neither a token-file nor a command that prints a token")),
        (Some(_), Some(_)) => Err(format!("{place} has a token-file and a command: one of them is enough")),
    }
}

/// The name of a header (RFC 9110 §5.1) that nothing else uses.
fn header(text: &str) -> Result<String, String> {
    let name =
        reqwest::header::HeaderName::try_from(text).map_err(|_| format!("'{text}' cannot be the name of a header"))?;
    match name.as_str() {
        "host" | "content-length" | "content-type" | "transfer-encoding" | "connection" | "cookie" => {
            Err(format!("'{text}' is sent for other reasons"))
        }
        _ => Ok(text.to_owned()),
    }
}

fn oidc(service: &str, section: &mut Section) -> Result<OidcSettings, String> {
    let place = section.name.clone();
    let issuer = section.parsed("issuer", issuer)?;
    let issuer = issuer.ok_or_else(|| format!("{place} has no issuer: the URL of the OpenID Connect issuer"))?;
    let client_id = section.needed("client-id", "what this program is registered as at the issuer")?;
    let client_secret_file = section.path("client-secret-file")?;
    let scope = section.text("scope")?.unwrap_or_else(|| SCOPE.to_owned());
    let token_file = match section.path("token-file")? {
        Some(path) => path,
        None => usual_token_file(service)
            .ok_or_else(|| format!("{place} has no token-file, and there is no home directory to keep one in"))?,
    };
    Ok(OidcSettings { service: service.to_owned(), issuer, client_id, client_secret_file, scope, token_file })
}

/// An issuer gives tokens, and gets the one that renews them: over plain http to nobody but this machine.
fn issuer(text: &str) -> Result<Url, String> {
    let url = url(text)?;
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "https" || is_here {
        Ok(url)
    } else {
        Err(format!("'{text}' is plain http; an issuer has to be https"))
    }
}

fn usual_token_file(service: &str) -> Option<PathBuf> {
    Some(places::state()?.join("tokens").join(format!("{service}.json")))
}

fn quirks(table: &toml::Table) -> Option<Map<String, Value>> {
    match serde_json::to_value(table) {
        Ok(Value::Object(map)) => Some(map),
        _ => None,
    }
}
