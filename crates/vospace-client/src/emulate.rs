//! A rename where the service has none for files that hold bytes: copied, verified, deleted.
//!
//! It is never done unasked: it moves every byte, others see both names meanwhile, and what they write under the old one
//! is not taken along. What must hold whenever it ends, by itself or by a crash:
//!
//! * Nothing of the source is deleted before all of it stands under the new name: the digest of what was sent is that of
//!   the node, or the bytes were read back and compared.
//! * Only what was copied is deleted, and only if it is still what was copied: its node says so, or its bytes where that
//!   tells nothing of them. A file that was changed meanwhile ends it with both trees in place; so does one that was
//!   added, for its container is not empty.
//! * Nothing is replaced: the new name must be free.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use md5::{Digest as _, Md5 as Md5Hasher};

use crate::inner::Inner;
use crate::node::{Md5, Node, NodeKind, Properties, Timestamp};
use crate::ops::listing::{self, Fill};
use crate::ops::{nodes, remove, rename, stat};
use crate::transfer::from_node::FromNode;
use crate::transfer::keeping::settable;
use crate::transfer::spool::Spool;
use crate::transfer::{PutOptions, UploadSource, Uploaded, download, upload};
use crate::uri::VosUri;
use crate::{Error, ErrorKind, Result};

/// What was copied.
struct Copied {
    /// As it was before.
    node: Node,
    /// The bytes of a file as they were sent.
    sent: Option<Uploaded>,
}

/// Gives a node another name by copying it and all below it.
pub(crate) async fn rename_by_copy(inner: &Arc<Inner>, from: &VosUri, to: &VosUri) -> Result<()> {
    rename::check(from, to)?;
    let (source, ()) = futures_util::try_join!(stat::stat(inner, from), rename::absent(inner, to))?;
    let mut copied = Vec::new();
    copy(inner, source, to.clone(), &mut copied).await?;
    // Children stand behind their container: the last goes first.
    for copied in copied.iter().rev() {
        discard(inner, copied, to).await?;
    }
    Ok(())
}

/// Copies a node and what is below it; notes what was copied.
fn copy<'a>(
    inner: &'a Arc<Inner>,
    source: Node,
    to: VosUri,
    copied: &'a mut Vec<Copied>,
) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>> {
    Box::pin(async move {
        let properties = settable(&source.properties);
        let sent = match &source.kind {
            NodeKind::Container => {
                nodes::create(inner, &to, &NodeKind::Container, &properties).await?;
                let children: Vec<Node> =
                    listing::list(Arc::clone(inner), source.uri.clone(), Fill::Never).try_collect().await?;
                copied.push(Copied { node: source, sent: None });
                for child in children {
                    let below = to.join(child.uri.name());
                    // A listing may be older than its nodes.
                    let child = stat::stat(inner, &child.uri).await?;
                    copy(inner, child, below, copied).await?;
                }
                return Ok(());
            }
            link @ NodeKind::Link { .. } => {
                nodes::create(inner, &to, link, &properties).await?;
                None
            }
            NodeKind::Data { .. } => Some(copy_file(inner, &source, &to, &properties).await?),
        };
        copied.push(Copied { node: source, sent });
        Ok(())
    })
}

async fn copy_file(inner: &Arc<Inner>, source: &Node, to: &VosUri, properties: &Properties) -> Result<Uploaded> {
    let length = source.properties.length();
    let md5 = source.properties.md5().filter(|_| length != Some(0));
    let bytes = match length {
        Some(0) => UploadSource::Bytes(Bytes::new()),
        Some(length) => UploadSource::Supply(Arc::new(FromNode::new(inner, &source.uri, length, md5))),
        // Nobody knows how many bytes it has before they are here.
        None => {
            let body = download::open(inner, &source.uri, None, true).await?.body;
            UploadSource::Supply(Arc::new(Spool::of_stream(body).await?))
        }
    };
    let options = PutOptions {
        md5,
        content_type: source.properties.content_type().map(str::to_owned),
        new: true,
        ..PutOptions::default()
    };
    let uploaded = upload::put(inner, to, bytes, options).await?;
    verify(inner, to, &uploaded).await?;
    if !properties.is_empty() {
        nodes::set_properties(inner, to, &source.kind, properties).await?;
    }
    Ok(uploaded)
}

/// Looks at what is under the new name: by the digest that the service tells, else by the bytes themselves.
async fn verify(inner: &Arc<Inner>, to: &VosUri, uploaded: &Uploaded) -> Result<()> {
    let node = stat::stat(inner, to).await?;
    let mismatch = |text: String| Error::node(ErrorKind::ChecksumMismatch, to, text);
    if let (0, Some(length)) = (uploaded.length, node.properties.length()) {
        return match length {
            0 => Ok(()),
            _ => Err(mismatch(format!("an empty file was stored and has {length} bytes"))),
        };
    }
    if node.properties.md5() == Some(uploaded.md5) && node.properties.length() == Some(uploaded.length) {
        return Ok(());
    }
    // None is told, or that of bytes from before: these themselves are looked at.
    let (length, read) = read(inner, to).await?;
    if (length, read) != (uploaded.length, uploaded.md5) {
        let sent = format!("{} bytes with the MD5 {} were copied", uploaded.length, uploaded.md5);
        return Err(mismatch(format!("{sent} and {length} with {read} are there; the original is untouched")));
    }
    Ok(())
}

/// How many bytes a file has now, and their digest.
async fn read(inner: &Arc<Inner>, uri: &VosUri) -> Result<(u64, Md5)> {
    let body = download::open(inner, uri, None, true).await?.body;
    let (hasher, length) = body
        .try_fold((Md5Hasher::new(), 0_u64), |(mut hasher, length), chunk| async move {
            hasher.update(&chunk);
            Ok((hasher, length + chunk.len() as u64))
        })
        .await?;
    Ok((length, Md5(hasher.finalize().into())))
}

/// Deletes a node that was copied, if it still is what was copied.
async fn discard(inner: &Arc<Inner>, copied: &Copied, to: &VosUri) -> Result<()> {
    let Copied { node: copied, sent } = copied;
    let uri = &copied.uri;
    if copied.is_container() {
        return remove::empty_container(inner, uri).await.map_err(|error| match error.kind() {
            ErrorKind::NotEmpty => {
                let text = format!("something was put into it while it was copied; all else is below {to} now");
                Error::node(ErrorKind::NotEmpty, uri, text)
            }
            _ => error,
        });
    }
    let now = stat::stat(inner, uri).await?;
    let same = identity(&now) == identity(copied)
        && match sent {
            // A length alone is also that of other bytes.
            Some(sent) if is_bare(&now) => read(inner, uri).await? == (sent.length, sent.md5),
            _ => true,
        };
    if !same {
        let text = format!("it was changed while it was copied; the copy at {to} is older, and both are kept");
        return Err(Error::node(ErrorKind::VersionChanged, uri, text));
    }
    inner.redirects.forget(uri);
    remove::delete(inner, uri).await?;
    inner.forget_meant(uri);
    Ok(())
}

/// Whether nothing tells the bytes of a file from others of the same number.
fn is_bare(file: &Node) -> bool {
    let properties = &file.properties;
    properties.length() != Some(0) && properties.md5().is_none() && properties.date().is_none()
}

/// What tells a node from what it was before: the target of a link; the digest of a file, and its date where there is none.
fn identity(node: &Node) -> (Option<&str>, Option<u64>, Option<Md5>, Option<Timestamp>) {
    let target = match &node.kind {
        NodeKind::Link { target } => Some(target.as_str()),
        NodeKind::Container | NodeKind::Data { .. } => None,
    };
    let md5 = node.properties.md5();
    (target, node.properties.length(), md5, node.properties.date().filter(|_| md5.is_none()))
}

#[cfg(test)]
mod tests;
