//! Headers that are changed: any of them, the length, the checksum.

use super::effect::HeaderChanges;
use crate::headers::DIGEST;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde::{Deserialize, Serialize};
use vospace_client::node::Md5;

/// Longest body that is read to its end for its SHA-256; the checksum of a longer one is left out.
const LONGEST_HASHED: usize = 64 << 20;

/// The checksum of something else.
const WRONG: Md5 = Md5([0x5a; 16]);

/// What is wrong with the `Digest` of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DigestForm {
    /// It is that of something else.
    Wrong,
    /// It is not there.
    Missing,
    /// It is the SHA-256 instead of the MD5, of a whole body; elsewhere it is missing.
    Sha256,
    /// The algorithm is written in capitals.
    UpperCase,
    /// There is another one before it.
    Several,
}

impl DigestForm {
    /// Changes the checksum of this answer.
    pub(super) async fn apply(self, status: StatusCode, headers: &mut HeaderMap, body: Body) -> Body {
        let Some(digest) = headers.remove(DIGEST) else { return body };
        let text = digest.to_str().unwrap_or_default();
        let (new, body) = match self {
            DigestForm::Wrong => (Some(WRONG.to_digest_header()), body),
            DigestForm::Missing => (None, body),
            DigestForm::UpperCase => (Some(text.replacen("md5=", "MD5=", 1)), body),
            DigestForm::Several => (Some(format!("unixsum=30637,{text}")), body),
            DigestForm::Sha256 if status == StatusCode::OK => hashed(body).await,
            DigestForm::Sha256 => (None, body),
        };
        if let Some(Ok(value)) = new.map(HeaderValue::try_from) {
            headers.insert(DIGEST, value);
        }
        body
    }
}

async fn hashed(body: Body) -> (Option<String>, Body) {
    match axum::body::to_bytes(body, LONGEST_HASHED).await {
        Ok(bytes) if !bytes.is_empty() => {
            let sum = digest::digest(&digest::SHA256, &bytes);
            (Some(format!("sha-256={}", STANDARD.encode(sum))), Body::from(bytes))
        }
        _ => (None, Body::empty()),
    }
}

/// Has `Content-Length` say so much more than the body has.
pub(super) fn lengthen(headers: &mut HeaderMap, difference: i64) {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if let Some(length) = length {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length.saturating_add_signed(difference)));
    }
}

/// Puts headers in place of others; names and values that are none are left out.
pub(super) fn put(headers: &mut HeaderMap, changes: &HeaderChanges) {
    for (name, value) in changes {
        replace(headers, name, value.as_deref());
    }
}

/// Puts one header in place of another, or removes it.
pub(super) fn replace(headers: &mut HeaderMap, name: &str, value: Option<&str>) {
    let Ok(name) = HeaderName::try_from(name) else { return };
    match value.map(HeaderValue::from_str) {
        Some(Ok(value)) => {
            headers.insert(name, value);
        }
        _ => {
            headers.remove(name);
        }
    }
}
