//! The control resource `/_bench`, for tests; absent unless the service was started with it.

use crate::call::Call;
use crate::clock;
use crate::control::Mode;
use crate::fault::Fault;
use crate::faults::Rule;
use crate::replies::{not_allowed, not_mounted, ok};
use crate::space::sites::SiteState;
use crate::space::{Lags, Space, dump};
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Nodes that a tree dump shows unless it is asked for another number.
const DUMPED: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    /// Milliseconds that the service's clock is ahead.
    offset_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModeChange {
    mode: Mode,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outage {
    down: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteChange {
    /// From 1.
    site: usize,
    state: SiteState,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileChange {
    /// The service name; without it, the first space.
    space: Option<String>,
    refresh_interval_ms: Option<u64>,
    harvest_delay_ms: Option<u64>,
    /// Fields of the profile.
    habits: Option<Map<String, Value>>,
}

#[derive(Serialize)]
struct ProfileShown {
    space: &'static str,
    spaces: Vec<&'static str>,
    refresh_interval_ms: u64,
    harvest_delay_ms: u64,
    habits: Value,
}

#[derive(Serialize)]
struct SiteShown {
    site: usize,
    state: Option<SiteState>,
    url: String,
}

/// `/_bench/log` (GET, DELETE), `/_bench/fault` (GET, POST of one rule, DELETE of all), `/_bench/tree` (GET),
/// `/_bench/clock`, `/_bench/profile`, `/_bench/site` (GET, POST) and `/_bench/mode`, `/_bench/groups`,
/// `/_bench/registry`, `/_bench/jobs` (POST).
pub async fn serve(call: Call, resource: &str) -> Result<Response<Body>, Fault> {
    let Some(control) = &call.app.control else {
        return Err(not_mounted());
    };
    match (resource, &call.method) {
        ("log", &Method::GET) => json(&control.log.entries()),
        ("log", &Method::DELETE) => {
            control.log.clear();
            Ok(empty(StatusCode::NO_CONTENT))
        }
        ("log", method) => Ok(not_allowed(method, "GET, DELETE")),
        ("fault", &Method::GET) => json(&control.faults.rules()),
        ("fault", &Method::POST) => {
            control.faults.add(posted::<Rule>(&call).await?);
            Ok(empty(StatusCode::CREATED))
        }
        ("fault", &Method::DELETE) => {
            control.faults.clear();
            Ok(empty(StatusCode::NO_CONTENT))
        }
        ("fault", method) => Ok(not_allowed(method, "GET, POST, DELETE")),
        ("tree", &Method::GET) => tree(&call).await,
        ("clock", &Method::GET) => json(&json!({"now_ms": clock::now()})),
        ("clock", &Method::POST) => {
            clock::set_offset(posted::<Clock>(&call).await?.offset_ms);
            json(&json!({"now_ms": clock::now()}))
        }
        ("mode", &Method::POST) => {
            control.set_mode(posted::<ModeChange>(&call).await?.mode);
            Ok(empty(StatusCode::NO_CONTENT))
        }
        ("groups", &Method::POST) => {
            let down = posted::<Outage>(&call).await?.down;
            call.app.spaces.iter().for_each(|space| space.set_group_service_down(down));
            Ok(empty(StatusCode::NO_CONTENT))
        }
        ("registry", &Method::POST) => {
            control.set_registry_down(posted::<Outage>(&call).await?.down);
            Ok(empty(StatusCode::NO_CONTENT))
        }
        ("jobs", &Method::POST) => {
            control.set_jobs_down(posted::<Outage>(&call).await?.down);
            Ok(empty(StatusCode::NO_CONTENT))
        }
        ("site", &Method::POST) => {
            let change: SiteChange = posted(&call).await?;
            let site = change.site.checked_sub(1).unwrap_or(usize::MAX);
            // All spaces have the same sites.
            let known = call.app.redirected().map(|space| space.sites.set(site, change.state));
            if !known.fold(false, |any, this| any | this) {
                return Err(Fault::argument(format!("no site {}", change.site)));
            }
            call.app.set_site(site, change.state == SiteState::Up).await?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        ("profile", &Method::GET) => profile(&call, space_of(&call, call.parameter("space").as_deref())?),
        ("profile", &Method::POST) => {
            let change: ProfileChange = posted(&call).await?;
            let space = space_of(&call, change.space.as_deref())?;
            if let Some(habits) = change.habits {
                space.profile.change(habits).map_err(|error| Fault::argument(error.to_string()))?;
            }
            let before = space.lags();
            let lag = |ms: Option<u64>, before| ms.map_or(before, Duration::from_millis);
            space.set_lags(Lags {
                refresh: lag(change.refresh_interval_ms, before.refresh),
                harvest: lag(change.harvest_delay_ms, before.harvest),
            });
            profile(&call, space)
        }
        ("site", &Method::GET) => {
            let space = call.app.redirected().next().ok_or_else(not_mounted)?;
            let sites = (0..space.sites.count()).map(|site| SiteShown {
                site: site + 1,
                state: space.sites.state(site),
                url: space.sites.url(&call.base, site),
            });
            json(&sites.collect::<Vec<_>>())
        }
        ("tree", method) => Ok(not_allowed(method, "GET")),
        ("mode" | "groups" | "registry" | "jobs", method) => Ok(not_allowed(method, "POST")),
        ("clock" | "site" | "profile", method) => Ok(not_allowed(method, "GET, POST")),
        _ => Err(not_mounted()),
    }
}

/// Everything below a path (the whole space without it): `?space=vault&path=/demo&limit=1000`.
async fn tree(call: &Call) -> Result<Response<Body>, Fault> {
    let space = space_of(call, call.parameter("space").as_deref())?;
    let path = call.parameter("path").unwrap_or_default();
    let limit = call.parameter("limit").and_then(|text| text.parse().ok()).unwrap_or(DUMPED);
    json(&dump::tree(space, path, limit).await?)
}

/// The space of this name, or the first one.
fn space_of<'a>(call: &'a Call, wanted: Option<&str>) -> Result<&'a Arc<Space>, Fault> {
    let space = match wanted {
        Some(service) => call.app.space(service),
        None => call.app.spaces.first(),
    };
    space.ok_or_else(|| Fault::argument("no such space"))
}

/// The habits of a space and how far its truths lag behind each other.
fn profile(call: &Call, space: &Space) -> Result<Response<Body>, Fault> {
    let lags = space.lags();
    let milliseconds = |lag: Duration| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX);
    json(&ProfileShown {
        space: space.profile.service,
        spaces: call.app.spaces.iter().map(|space| space.profile.service).collect(),
        refresh_interval_ms: milliseconds(lags.refresh),
        harvest_delay_ms: milliseconds(lags.harvest),
        habits: space.profile.shown().map_err(Fault::internal)?,
    })
}

async fn posted<T: DeserializeOwned>(call: &Call) -> Result<T, Fault> {
    let text = call.take_body(1 << 16).await?;
    serde_json::from_slice(&text).map_err(|error| Fault::argument(error.to_string()))
}

fn json(value: &impl serde::Serialize) -> Result<Response<Body>, Fault> {
    Ok(ok("application/json", serde_json::to_string(value).map_err(Fault::internal)?))
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
