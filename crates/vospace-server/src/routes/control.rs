//! The control resource `/_bench`, for tests; absent unless the service was started with it.

use crate::app::{Call, not_allowed, not_mounted, ok};
use crate::fault::Fault;
use crate::faults::Rule;
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};

/// `/_bench/log` (GET, DELETE) and `/_bench/fault` (GET, POST of one rule, DELETE of all).
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
            let text = call.take_body(1 << 16).await?;
            let rule: Rule = serde_json::from_slice(&text).map_err(|error| Fault::argument(error.to_string()))?;
            control.faults.add(rule);
            Ok(empty(StatusCode::CREATED))
        }
        ("fault", &Method::DELETE) => {
            control.faults.clear();
            Ok(empty(StatusCode::NO_CONTENT))
        }
        ("fault", method) => Ok(not_allowed(method, "GET, POST, DELETE")),
        _ => Err(not_mounted()),
    }
}

fn json(value: &impl serde::Serialize) -> Result<Response<Body>, Fault> {
    Ok(ok("application/json", serde_json::to_string(value).map_err(Fault::internal)?))
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
