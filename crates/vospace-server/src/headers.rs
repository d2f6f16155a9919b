//! Names of headers that the HTTP library has no constants for.

use axum::http::HeaderName;

/// The checksum (RFC 3230).
pub const DIGEST: HeaderName = HeaderName::from_static("digest");
