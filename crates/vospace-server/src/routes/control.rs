//! The control resource `/_bench`, for tests; absent unless the service was started with it.

use crate::app::{Call, not_allowed, not_mounted, ok};
use crate::fault::Fault;
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};

/// `GET /_bench/log` and `DELETE /_bench/log`.
pub fn serve(call: &Call, resource: &str) -> Result<Response<Body>, Fault> {
    let (Some(log), "log") = (&call.app.log, resource) else {
        return Err(not_mounted());
    };
    match call.method {
        Method::GET => {
            let text = serde_json::to_string(&log.entries()).map_err(Fault::internal)?;
            Ok(ok("application/json", text))
        }
        Method::DELETE => {
            log.clear();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            Ok(response)
        }
        _ => Ok(not_allowed(&call.method, "GET, DELETE")),
    }
}
