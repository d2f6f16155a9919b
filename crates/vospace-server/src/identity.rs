//! Identity: who is calling.
//!
//! A user proves himself by a bearer token (`Authorization: Bearer …`), by the same token in a cookie or in a header of
//! another name, or by a client certificate, whose chain the TLS layer has checked; which of these count is a matter of the
//! service ([`Access`]). Nothing presented means anonymous; something presented that is not good means 401, never silently
//! anonymous, but for services that do just that. [`Users::identify`] is the only place that decides, and [`crate::issuer`]
//! where tokens are those of somebody else.
//! Tokens are kept for comparison and never written to a log.

use crate::clock;
use crate::fault::{Fault, FaultKind};
use crate::profile::access::{Access, Challenges, UnknownScheme};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Owner of the root and of the containers that nobody else owns.
pub const ADMINISTRATOR: &str = "admin";

/// The answer header that names the authenticated user.
pub const AUTHENTICATED: HeaderName = HeaderName::from_static("x-vo-authenticated");

/// How long a token that has expired is still told apart from one that never was.
const EXPIRED_REMEMBERED_MS: i64 = 24 * 3600 * 1000;

/// Who is calling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody in particular.
    Anonymous,
    /// This user.
    User(Arc<str>),
    /// Whoever holds a URL that was given to this user. The group service is asked with the credentials of the caller,
    /// and here there are none: such a caller is in no group.
    Granted(Arc<str>),
}

impl Caller {
    /// The user's name.
    pub fn name(&self) -> Option<&str> {
        match self {
            Caller::Anonymous => None,
            Caller::User(name) | Caller::Granted(name) => Some(name),
        }
    }

    /// The name by which the caller may be in groups.
    pub fn member(&self) -> Option<&str> {
        match self {
            Caller::User(name) => Some(name),
            Caller::Anonymous | Caller::Granted(_) => None,
        }
    }

    /// Whether this is the administrator, who may set owners and quotas.
    pub fn is_administrator(&self) -> bool {
        self.name() == Some(ADMINISTRATOR)
    }
}

/// What a token stands for.
#[derive(Clone)]
struct Token {
    user: Arc<str>,
    /// By the service's clock, in milliseconds since 1970; `None`: never.
    expires: Option<i64>,
}

/// The users, their tokens and their passwords.
#[derive(Default)]
pub struct Users {
    tokens: RwLock<HashMap<String, Token>>,
    passwords: HashMap<Arc<str>, String>,
    lifetime: Option<Duration>,
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Users {
    /// Adds a user with a token; a user may have several.
    pub fn add(&mut self, name: &str, token: &str) {
        let expires = self.end_of_token();
        self.tokens.get_mut().insert(token.to_owned(), Token { user: Arc::from(name), expires });
    }

    /// Gives a user a password.
    pub fn set_password(&mut self, name: &str, password: &str) {
        self.passwords.insert(Arc::from(name), password.to_owned());
    }

    /// Tokens are good for so long from now on: those that are there already, and each that is issued later.
    pub fn set_lifetime(&mut self, lifetime: Duration) {
        self.lifetime = Some(lifetime);
        let expires = self.end_of_token();
        self.tokens.get_mut().values_mut().for_each(|token| token.expires = expires);
    }

    fn end_of_token(&self) -> Option<i64> {
        self.lifetime.map(|lifetime| clock::now() + i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX / 2))
    }

    /// The user of this name and password.
    pub fn by_password(&self, name: &str, password: &str) -> Result<Arc<str>, Fault> {
        match self.passwords.get_key_value(name) {
            Some((name, known)) if known == password => Ok(Arc::clone(name)),
            _ => Err(Fault::new(FaultKind::NotAuthenticated, "invalid username/password combination")),
        }
    }

    /// A new token for a user.
    pub fn issue(&self, user: &Arc<str>) -> String {
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let expires = self.end_of_token();
        let mut tokens = self.tokens.write();
        // Tokens that are over would pile up in a service that runs for long.
        let now = clock::now();
        tokens.retain(|_, token| token.expires.is_none_or(|end| end + EXPIRED_REMEMBERED_MS > now));
        tokens.insert(token.clone(), Token { user: Arc::clone(user), expires });
        token
    }

    /// The users' names.
    pub fn names(&self) -> Vec<Arc<str>> {
        let tokens = self.tokens.read();
        let mut names: Vec<_> = tokens.values().map(|token| Arc::clone(&token.user)).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Who sent these headers over a connection with this certificate. A token goes before a certificate.
    pub fn identify(&self, headers: &HeaderMap, certificate: Option<&str>, access: &Access) -> Result<Caller, Fault> {
        match self.identify_strictly(headers, certificate, access) {
            Err(_) if access.bad_is_anonymous => Ok(Caller::Anonymous),
            other => other,
        }
    }

    fn identify_strictly(
        &self,
        headers: &HeaderMap,
        certificate: Option<&str>,
        access: &Access,
    ) -> Result<Caller, Fault> {
        match presented(headers, access)? {
            Some(token) => return self.by_secret(&token),
            None if !access.certificates => return Ok(Caller::Anonymous),
            None => {}
        }
        match certificate {
            None => Ok(Caller::Anonymous),
            Some(name) => match self.names().into_iter().find(|known| known.as_ref() == name) {
                Some(name) => Ok(Caller::User(name)),
                None => Err(Fault::new(FaultKind::NotAuthenticated, format!("unknown user: {name}"))),
            },
        }
    }

    fn by_secret(&self, token: &str) -> Result<Caller, Fault> {
        match self.tokens.read().get(token) {
            Some(token) if token.expires.is_some_and(|end| end <= clock::now()) => {
                Err(Fault::new(FaultKind::NotAuthenticated, "expired token"))
            }
            Some(token) => Ok(Caller::User(Arc::clone(&token.user))),
            None => Err(Fault::new(FaultKind::NotAuthenticated, "invalid token")),
        }
    }
}

/// The token that these headers present in a way that this service looks at.
///
/// # Errors
/// 401 for an authorisation that the service refuses to look at.
pub fn presented(headers: &HeaderMap, access: &Access) -> Result<Option<String>, Fault> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let value = value.to_str().unwrap_or_default();
        let (scheme, credential) = value.split_once(' ').unwrap_or((value, ""));
        if access.bearer && scheme.eq_ignore_ascii_case("bearer") {
            return Ok(Some(credential.trim().to_owned()));
        }
        if access.unknown_scheme == UnknownScheme::Refused {
            return Err(Fault::new(FaultKind::NotAuthenticated, format!("unsupported scheme: {scheme}")));
        }
    }
    if let Some(value) = access.header.as_deref().and_then(|name| headers.get(name)) {
        return Ok(Some(value.to_str().unwrap_or_default().trim().to_owned()));
    }
    let wanted = access.cookie.as_deref();
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = cookies.flat_map(|value| value.split(';')).filter_map(|cookie| cookie.trim().split_once('='));
    Ok(cookies.find(|(name, _)| Some(*name) == wanted).map(|(_, token)| token.trim_matches('"').to_owned()))
}

/// In which forms these headers present secrets, whether or not a service looks at them.
pub fn forms(headers: &HeaderMap) -> Vec<String> {
    let named = headers.iter().flat_map(|(name, value)| {
        let value = value.to_str().unwrap_or_default();
        match name.as_str() {
            "authorization" => vec![value.split(' ').next().unwrap_or_default().to_owned()],
            "cookie" => {
                value.split(';').filter_map(|cookie| Some(cookie.trim().split_once('=')?.0.to_owned())).collect()
            }
            other if other.contains("auth") || other.contains("token") => vec![other.to_owned()],
            _ => Vec::new(),
        }
    });
    named.collect()
}

/// The challenges that answers to an anonymous caller carry, as CADC's services send them: where a token or a certificate
/// is to be had for a name and a password, or only that there are tokens. `base` is the URL of this server.
pub fn challenges(kind: Challenges, bad_token: bool, base: &str) -> Vec<HeaderValue> {
    if kind == Challenges::None {
        return Vec::new();
    }
    let bearer =
        if bad_token { "Bearer error=\"invalid_token\", error_description=\"invalid token\"" } else { "Bearer" };
    let login = format!("standard_id=\"ivo://ivoa.net/sso#tls-with-password\", access_url=\"{base}/ac/login\"");
    if kind == Challenges::Tokens {
        return vec![HeaderValue::from_static(bearer)];
    }
    let mut challenges = vec![bearer.to_owned(), format!("ivoa_bearer {login}"), format!("ivoa_cookie {login}")];
    if base.starts_with("https:") {
        let basic = "ivo://ivoa.net/sso#BasicAA";
        challenges.push(format!("ivoa_x509 standard_id=\"{basic}\", access_url=\"{base}/cred/priv\""));
    }
    challenges.into_iter().filter_map(|text| HeaderValue::try_from(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_forms_of_secrets_are_told_and_the_secrets_are_not() {
        let mut all = headers(header::AUTHORIZATION, "Bearer secret");
        all.insert(header::COOKIE, HeaderValue::from_static("a=secret; b=secret"));
        all.insert("x-dl-authtoken", HeaderValue::from_static("secret"));
        all.insert("content-type", HeaderValue::from_static("text/xml"));
        let mut told = forms(&all);
        told.sort();
        assert_eq!(told, ["Bearer", "a", "b", "x-dl-authtoken"]);
    }

    #[test]
    fn a_bad_credential_is_never_anonymous() {
        let mut users = Users::default();
        users.add("ada", "secret");
        let of = |name, value| users.identify(&headers(name, value), None, &Access::CADC);
        assert_eq!(of(header::AUTHORIZATION, "Bearer secret").unwrap().name(), Some("ada"));
        assert_eq!(of(header::AUTHORIZATION, "Bearer other").unwrap_err().status(), 401);
        assert_eq!(of(header::COOKIE, "a=b; CADC_SSO=secret").unwrap().name(), Some("ada"));
        assert_eq!(of(header::COOKIE, "CADC_SSO=other").unwrap_err().status(), 401);
        assert_eq!(of(header::AUTHORIZATION, "Basic eDp5").unwrap(), Caller::Anonymous);
        let refusing = Access { unknown_scheme: UnknownScheme::Refused, ..Access::CADC };
        let refused = users.identify(&headers(header::AUTHORIZATION, "Basic eDp5"), None, &refusing);
        assert_eq!(refused.unwrap_err().status(), 401);
        let by_certificate = |name| users.identify(&HeaderMap::new(), Some(name), &Access::CADC);
        assert_eq!(by_certificate("ada").unwrap().name(), Some("ada"));
        assert_eq!(by_certificate("eve").unwrap_err().status(), 401);
        let bad = users.identify(&headers(header::AUTHORIZATION, "Bearer x"), Some("ada"), &Access::CADC);
        assert_eq!(bad.unwrap_err().status(), 401, "a good certificate does not make up for a bad token");
        assert!(!format!("{users:?}").contains("secret"));

        let other = Profile::pyvospace().access;
        let by_cookie = users.identify(&headers(header::COOKIE, "PYVOSPACE_COOKIE=secret"), None, &other);
        assert_eq!(by_cookie.unwrap().name(), Some("ada"));
        for (name, value) in [(header::COOKIE, "PYVOSPACE_COOKIE=x"), (header::AUTHORIZATION, "Bearer secret")] {
            assert_eq!(users.identify(&headers(name, value), None, &other).unwrap(), Caller::Anonymous, "{value}");
        }
        let named = headers(HeaderName::from_static("x-dl-authtoken"), "secret");
        let by_header = users.identify(&named, Some("eve"), &Profile::datalab().access);
        assert_eq!(by_header.unwrap().name(), Some("ada"));

        users.set_password("ada", "word");
        assert_eq!(users.by_password("ada", "other").unwrap_err().status(), 401);
        assert_eq!(users.by_password("eve", "word").unwrap_err().status(), 401);
        let token = users.issue(&users.by_password("ada", "word").unwrap());
        assert_eq!(users.by_secret(&token).unwrap().name(), Some("ada"));
        users.set_lifetime(Duration::ZERO);
        assert_eq!(users.by_secret(&token).unwrap_err().detail(), "expired token");
        assert_eq!(users.by_secret(&users.issue(&Arc::from("ada"))).unwrap_err().status(), 401);
    }
}
