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
/// Nothing that is asked anyway tells: Vault and Cavern announce `/files` in the same words, and answer 200 to OPTIONS both. So it
/// is learned by a PUT without bytes to the root container, which has no effect: Vault has no such method there (405), and Cavern
/// refuses a path at which a container is before it writes anything (both observed). The other makers' services have no `/files`,
/// and one that has is asked only if its own capabilities announce it by CADC's name. What an address of a configuration file
/// does nobody knows: bytes go there where the user names no other way for them, and else are negotiated for.
pub(crate) async fn takes_direct_put(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<bool> {
    match service.dialect().direct_put {
        Learned::Yes => return Ok(true),
        Learned::No => return Ok(false),
        Learned::Unknown if service.is_fixed() => return Ok(service.has_files() && service.sync().is_none()),
        Learned::Unknown => {}
    }
    let Some(url) = service.file(&VosUri::new(uri.authority(), "/"))? else { return Ok(false) };
    let request = Request::new(Method::PUT, url, Grant::Caller);
    let direct = match inner.http.send(&request).await.map_err(|failure| failure.status) {
        Err(Some(StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED | StatusCode::NOT_FOUND)) => false,
        Err(Some(
            StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN | StatusCode::CONFLICT | StatusCode::INTERNAL_SERVER_ERROR,
        )) => true,
        // One that takes it does something else with paths than to store files there. It is not asked so again.
        Ok(_) => false,
        // Anything else says nothing. Negotiation works everywhere.
        Err(_) => return Ok(false),
    };
    service.learn(|dialect| dialect.direct_put = if direct { Learned::Yes } else { Learned::No });
    Ok(direct)
}
