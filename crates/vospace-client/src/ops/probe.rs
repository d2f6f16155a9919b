//! What a service can, asked of it where no ordinary answer tells.

use std::sync::Arc;

use reqwest::{Method, StatusCode};

use crate::Result;
use crate::dialect::Learned;
use crate::http::{Grant, Request};
use crate::inner::Inner;
use crate::service::Service;
use crate::uri::VosUri;

/// Whether bytes can be PUT to the path of a file, without negotiation. Such a service keeps its nodes in a file system.
///
/// Learned by a PUT without bytes to the root container, where it can do nothing: a service that has no such method
/// says so (405), every other refuses the place.
pub(crate) async fn takes_direct_put(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<bool> {
    match service.dialect().direct_put {
        Learned::Yes => return Ok(true),
        Learned::No => return Ok(false),
        Learned::Unknown => {}
    }
    let Some(url) = service.file(&VosUri::new(uri.authority(), "/"))? else { return Ok(false) };
    let request = Request::new(Method::PUT, url, Grant::Caller);
    let direct = match inner.http.send(&request).await.map_err(|failure| failure.status) {
        Err(Some(StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED | StatusCode::NOT_FOUND)) => false,
        Err(Some(
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::CONFLICT | StatusCode::INTERNAL_SERVER_ERROR,
        )) => true,
        // Anything else says nothing. Negotiation works everywhere.
        Ok(_) | Err(_) => return Ok(false),
    };
    service.learn(|dialect| dialect.direct_put = if direct { Learned::Yes } else { Learned::No });
    Ok(direct)
}
