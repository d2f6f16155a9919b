//! Credentials: certificates by name and password (`/cred`), and tokens (`/ac/login`).
//!
//! `GET /cred/priv?daysValid=N` gives a certificate with its key in one file, as CADC's credential service issues proxy
//! certificates: to whoever proves himself by name and password (Basic), by a token, or by a certificate that he has.
//! It is only there where certificates are of use, over TLS. `POST /ac/login` with the fields `username` and `password`
//! gives a token. A name or password that is not good is refused with 401.

use crate::call::Call;
use crate::clock;
use crate::fault::{Fault, FaultKind};
use crate::identity::Caller;
use crate::replies::{not_allowed, not_mounted, ok};
use crate::space::Space;
use crate::store::blocking;
use crate::tls;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use vospace_client::xml::availability::{self, Availability};
use vospace_client::xml::capabilities::{self, Capabilities, Capability, Interface};

/// Days that a certificate is good unless it is asked for another number, as at CADC.
const DAYS: u32 = 10;
/// Most days, as at CADC.
const MOST_DAYS: u32 = 30;

/// The standard's identifier of what issues proxy certificates.
const PROXY: &str = "ivo://ivoa.net/std/CDP#proxy-1.0";
/// The standard's identifier of the login.
const LOGIN: &str = "ivo://ivoa.net/sso#tls-with-password";
/// The names that name and password go by; clients know one or the other.
const BASIC: [&str; 2] = ["ivo://ivoa.net/sso#BasicAA", "http://www.w3.org/Protocols/HTTP/1.0/spec.html#BasicAA"];

/// The services of this module that are there: identifier in the registry, and name.
pub fn services(call: &Call) -> Vec<(&'static str, &'static str)> {
    let mut services = vec![("ivo://cadc.nrc.ca/gms", "ac")];
    if call.app.tls {
        services.push(("ivo://cadc.nrc.ca/cred", "cred"));
    }
    services
}

/// `/cred`.
pub async fn cred(call: &Call, resource: &str) -> Result<Response<Body>, Fault> {
    if !call.app.tls {
        return Err(not_mounted());
    }
    match (resource, &call.method) {
        ("priv", &Method::GET) => certificate(call).await,
        ("priv", method) => Ok(not_allowed(method, "GET")),
        _ => {
            let mut methods: Vec<&str> = BASIC.to_vec();
            methods.extend(["ivo://ivoa.net/sso#token", "ivo://ivoa.net/sso#tls-with-certificate"]);
            describe(call, resource, "cred", PROXY, "priv", &methods)
        }
    }
}

/// `/ac`.
pub async fn login(call: &Call, resource: &str) -> Result<Response<Body>, Fault> {
    match (resource, &call.method) {
        ("login", &Method::POST) => Ok(ok("text/plain", token_for_form(call).await?)),
        ("login", method) => Ok(not_allowed(method, "POST")),
        _ => describe(call, resource, "ac", LOGIN, "login", &[""]),
    }
}

/// `/login` of a space: a form that gives a cookie with a token.
pub async fn form(call: &Call, space: &Space) -> Result<Response<Body>, Fault> {
    if call.method != Method::POST {
        return Ok(not_allowed(&call.method, "POST"));
    }
    let token = token_for_form(call).await.map_err(|_| Fault::denied("invalid username/password combination"))?;
    let mut response = Response::new(Body::empty());
    let cookie = space.profile.access.cookie.as_deref().unwrap_or_default();
    if let Ok(value) = HeaderValue::from_str(&format!("{cookie}={token}; HttpOnly; Path=/")) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    Ok(response)
}

/// A token for the name and the password in the fields of a form.
async fn token_for_form(call: &Call) -> Result<String, Fault> {
    let parameters = call.parameters().await?;
    let value = |name: &str| parameters.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value);
    let user = call.app.users.by_password(value("USERNAME"), value("PASSWORD"))?;
    Ok(call.app.users.issue(&user))
}

/// Capabilities and availability of a service with one resource.
fn describe(
    call: &Call,
    resource: &str,
    service: &str,
    standard_id: &str,
    path: &str,
    methods: &[&str],
) -> Result<Response<Body>, Fault> {
    let entry = |standard_id: &str, path: &str, methods: &[&str]| Capability {
        standard_id: standard_id.to_owned(),
        interfaces: vec![Interface {
            url: format!("{}/{service}/{path}", call.base),
            base: false,
            security_methods: methods.iter().map(|&method| method.to_owned()).collect(),
        }],
    };
    match resource {
        "capabilities" => {
            let document = Capabilities {
                capabilities: vec![
                    entry(capabilities::CAPABILITIES, "capabilities", &[""]),
                    entry(capabilities::AVAILABILITY, "availability", &[""]),
                    entry(standard_id, path, methods),
                ],
            };
            Ok(ok("text/xml", capabilities::write(&document)))
        }
        "availability" => {
            let document = Availability { available: true, notes: vec!["accepting requests".to_owned()] };
            Ok(ok("text/xml", availability::write(&document)))
        }
        _ => Err(not_mounted()),
    }
}

async fn certificate(call: &Call) -> Result<Response<Body>, Fault> {
    let user = match (basic(call), &call.caller) {
        (Some((name, password)), _) => call.app.users.by_password(&name, &password)?,
        (None, Caller::User(name)) => Arc::clone(name),
        (None, Caller::Anonymous | Caller::Granted(_)) => {
            return Err(Fault::new(FaultKind::NotAuthenticated, "who are you?"));
        }
    };
    let days = match call.parameter("daysValid") {
        None => DAYS,
        // At CADC a number may have decimals.
        Some(text) => text
            .parse::<f64>()
            .ok()
            .filter(|days| *days > 0.0)
            .map(|days| days.ceil() as u32)
            .ok_or_else(|| Fault::argument(format!("invalid daysValid: {text}")))?,
    };
    let folder = call.app.authority.clone();
    let issue = move || tls::issue(&folder, &user, days.min(MOST_DAYS)).map_err(Fault::internal);
    let pem = blocking(issue).await?;
    tracing::info!(days, now = clock::now(), "issued a certificate");
    Ok(ok("application/x-pem-file", pem))
}

/// Name and password of the `Authorization` header.
fn basic(call: &Call) -> Option<(String, String)> {
    let (scheme, coded) = call.header("authorization")?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(coded.trim()).ok()?).ok()?;
    let (name, password) = text.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}
