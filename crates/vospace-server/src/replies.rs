//! Answers that many resources give, as the servlet container writes them.

use crate::fault::Fault;
use crate::names;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, header};

/// 404 as the servlet container writes it.
pub fn not_mounted() -> Fault {
    Fault::plain(404, "<html><body><h1>HTTP Status 404</h1></body></html>")
}

/// 405 with the methods that are there; what the servlet container answers itself for OPTIONS and for methods that it
/// does not know.
pub fn not_allowed(method: &Method, allowed: &'static str) -> Response<Body> {
    let mut response = match *method {
        Method::OPTIONS => Response::new(Body::empty()),
        Method::GET | Method::HEAD | Method::PUT | Method::POST | Method::DELETE | Method::TRACE => {
            Fault::plain(405, format!("unsupported: HTTP {method}")).response()
        }
        _ => return Fault::plain(501, "<html><body><h1>HTTP Status 501</h1></body></html>").response(),
    };
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

/// 303 to a URL.
pub fn see_other(location: &str) -> Response<Body> {
    redirect(StatusCode::SEE_OTHER, location)
}

/// A redirect to a URL.
pub fn redirect(status: StatusCode, location: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    match HeaderValue::from_bytes(&names::latin1(location)) {
        Ok(value) => {
            response.headers_mut().insert(header::LOCATION, value);
            response
        }
        Err(_) => Fault::internal("a location that is no header value").response(),
    }
}

/// 200 with a body of this type.
pub fn ok(content_type: &'static str, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
