//! Proxy certificates from the credential service (Credential Delegation Protocol 1.0).

use std::sync::Arc;

use crate::auth::certificate;
use crate::http::{Grant, Request, nonsense};
use crate::inner::Inner;
use crate::xml::capabilities::PROXY_CERTIFICATE;
use crate::{Error, Result};

/// The PEM text of a new certificate with its key, good for `days` days if the service grants as many.
pub(crate) async fn issue(inner: &Arc<Inner>, resource_id: &str, days: Option<u32>) -> Result<String> {
    let mut url = inner.registry.capability(&inner.http, resource_id, PROXY_CERTIFICATE).await?;
    if !inner.http.is_trusted(&url) {
        return Err(Error::Credentials {
            what: url.to_string(),
            reason: "the registry names a plain http address for it".to_owned(),
            remedy: "a password is sent over https only: give an https registry".to_owned(),
        });
    }
    if let Some(days) = days {
        url.query_pairs_mut().append_pair("daysValid", &days.to_string());
    }
    let answer = inner.http.fetch_following(&Request::get(url, Grant::Caller)).await?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    certificate::parse(text.as_bytes()).map_err(|reason| nonsense(&answer.url, format!("no certificate: {reason}")))?;
    Ok(text)
}
