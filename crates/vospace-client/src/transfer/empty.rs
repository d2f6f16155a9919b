//! Files without bytes, which are not simply short files.
//!
//! Vault keeps no bytes for an empty file and refuses to store none: its node is all there is. To *make* a file empty
//! there, the node has to be deleted and made again, with its properties and permissions. Others store no bytes like any
//! others, so that is tried first: nobody sees the file missing, and it stays the same node.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::Method;

use super::keeping::settable;
use super::{PutOptions, UploadSource, Uploaded, upload};
use crate::dialect::Learned;
use crate::http::{Grant, Request};
use crate::inner::Inner;
use crate::node::{Md5, Node, NodeKind, Properties};
use crate::ops::{nodes, remove, stat};
use crate::service::Service;
use crate::uri::VosUri;
use crate::{Error, ErrorKind, Result};

const EMPTY: Uploaded = Uploaded { length: 0, md5: Md5::EMPTY, artifact_id: None };
/// How often a node is made again that was deleted to make it empty; about half a minute with the usual delays.
const PATIENCE: u32 = 6;
const DATA: NodeKind = NodeKind::Data { busy: false };

pub(super) async fn put(
    inner: &Arc<Inner>,
    service: &Arc<Service>,
    uri: &VosUri,
    direct: bool,
    options: &PutOptions,
) -> Result<Uploaded> {
    if options.md5.is_some_and(|md5| md5 != Md5::EMPTY) {
        return Err(Error::node(
            ErrorKind::ChecksumMismatch,
            uri,
            "nothing was to be uploaded, with the digest of something",
        ));
    }
    let node = match nodes::create(inner, uri, &DATA, &Properties::new()).await {
        Ok(_) => return Ok(EMPTY),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => stat::stat(inner, uri).await?,
        Err(error) => return Err(error),
    };
    match node.kind {
        NodeKind::Data { .. } if is_empty(&node) => Ok(EMPTY),
        NodeKind::Data { .. } if direct => truncate(inner, service, uri).await,
        NodeKind::Data { .. } if service.dialect().empty_put != Learned::No => {
            match send(inner, service, uri, options).await? {
                Some(uploaded) => Ok(uploaded),
                None => recreate(inner, uri, &node).await,
            }
        }
        NodeKind::Data { .. } => recreate(inner, uri, &node).await,
        NodeKind::Container | NodeKind::Link { .. } => Err(Error::node(ErrorKind::NotData, uri, "it is no file")),
    }
}

/// Nothing stored. A length of 0 beside another MD5 is what a failed upload leaves on Cavern: that is to be mended.
fn is_empty(node: &Node) -> bool {
    node.properties.length() == Some(0) && node.properties.md5().is_none_or(|md5| md5 == Md5::EMPTY)
}

async fn truncate(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<Uploaded> {
    let Some(url) = service.file(uri)? else {
        return Err(Error::node(ErrorKind::Unsupported, uri, "the service has no files"));
    };
    inner.http.fetch(&Request::new(Method::PUT, url, Grant::Caller)).await?;
    Ok(EMPTY)
}

/// Uploads nothing. None where the service refuses that, which leaves the file as it was (Vault, observed).
async fn send(
    inner: &Arc<Inner>,
    service: &Arc<Service>,
    uri: &VosUri,
    options: &PutOptions,
) -> Result<Option<Uploaded>> {
    let nothing = UploadSource::Bytes(Bytes::new());
    match upload::store(inner, service, uri, &nothing, options, false).await {
        Ok(uploaded) => {
            service.learn(|dialect| dialect.empty_put = Learned::Yes);
            Ok(Some(uploaded))
        }
        Err(error) if matches!(error.kind(), ErrorKind::BadRequest | ErrorKind::Unsupported) => {
            tracing::debug!("{uri} cannot be emptied by an upload: {error}");
            service.learn(|dialect| dialect.empty_put = Learned::No);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn recreate(inner: &Arc<Inner>, uri: &VosUri, node: &Node) -> Result<Uploaded> {
    remove::delete(inner, uri).await?;
    let kept = settable(&node.properties);
    let mut round = 0;
    loop {
        round += 1;
        match nodes::create(inner, uri, &DATA, &kept).await {
            Ok(_) => return Ok(EMPTY),
            // Between the two requests the file does not exist: this is worth more patience than others.
            Err(error) if error.is_transient() && round < PATIENCE => {
                tracing::warn!("{uri} was deleted to make it empty and is being made again: {error}");
                inner.http.pause(round).await;
            }
            Err(error) => {
                let text = format!("it was deleted to make it empty and could not be made again: {error}");
                return Err(Error::node(error.kind(), uri, text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::property;

    #[test]
    fn the_mark_of_a_failed_upload_is_not_emptiness() {
        let mut node = Node::data(VosUri::new("a~b", "/c"));
        assert!(!is_empty(&node), "nobody knows");
        node.properties.set(property::LENGTH, "0");
        node.properties.set(property::MD5, Md5([1; 16]).to_string());
        assert!(!is_empty(&node));
        node.properties.set(property::MD5, Md5::EMPTY.to_string());
        assert!(is_empty(&node));
    }
}
