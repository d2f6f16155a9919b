//! Wildcards in node names: `*`, `?`, `[…]`, expanded here because the shell cannot see a VOSpace.
//!
//! A name that starts with a dot is matched only by a pattern that does so too. Only patterns cost a listing, one for
//! each container that matched so far; a name without wildcards is one node, read by itself.

use std::pin::Pin;

use anyhow::{Context as _, bail};
use futures_util::StreamExt as _;
use glob::{MatchOptions, Pattern};
use vospace_client::bulk;
use vospace_client::error::{Error, ErrorKind};
use vospace_client::node::{Node, NodeKind};
use vospace_client::uri::VosUri;

use crate::output::{self, Status};
use crate::session::Session;

/// The rules of a shell.
const RULES: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// Whether a name is a pattern.
pub(crate) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// The nodes that `text` stands for, by name: one where it holds no wildcard, at least one where it does.
pub(crate) async fn expand(session: &Session, text: &str) -> anyhow::Result<Vec<Node>> {
    let Some(magic) = text.find(['*', '?', '[']) else {
        return Ok(vec![session.stat(&session.uri(text)?).await?]);
    };
    let split = text[..magic].rfind(['/', ':']).map_or(0, |at| at + 1);
    let (base, patterns) = text.split_at(split);
    let mut found = vec![Node::container(session.uri(base)?)];
    let mut components = patterns.split('/').filter(|name| !name.is_empty()).peekable();
    let mut first = true;
    while let Some(component) = components.next() {
        let last = components.peek().is_none();
        let mut next = Vec::new();
        for node in found {
            if is_pattern(component) {
                matching(session, &node.uri, component, first, last, &mut next).await?;
            } else if let Some(child) = literal(session, &node.uri.join(component), last).await? {
                next.push(child);
            }
        }
        found = next;
        first = false;
    }
    if found.is_empty() {
        bail!("nothing matches {text}");
    }
    found.sort_by(|a, b| a.uri.cmp(&b.uri));
    Ok(found)
}

/// Does `work` to every node that `texts` stand for; it is also given the text as the user wrote it. What fails is
/// named, and the rest is done.
pub(crate) async fn each(
    session: &Session,
    texts: &[String],
    work: impl AsyncFn(&Node, &str) -> anyhow::Result<()>,
) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    for text in texts {
        match expand(session, text).await {
            Ok(nodes) => {
                for node in nodes {
                    status = status.and(output::status(work(&node, text).await)?);
                }
            }
            Err(error) => status = output::status(Err(error))?,
        }
    }
    Ok(status)
}

/// Adds the children of `container` that match; of those in the middle of a path only what can hold children.
async fn matching(
    session: &Session,
    container: &VosUri,
    pattern: &str,
    first: bool,
    last: bool,
    found: &mut Vec<Node>,
) -> anyhow::Result<()> {
    let pattern = Pattern::new(pattern).with_context(|| format!("the pattern {pattern} cannot be read"))?;
    let mut children = session.client.list_readable(container).peekable();
    if first
        && let Some(Err(error)) = Pin::new(&mut children).peek().await
        && let Some(other) = behind(session, container, error).await
    {
        children = session.client.list_readable(&other).peekable();
    }
    while let Some(child) = children.next().await {
        let child = match child {
            // What an earlier wildcard matched may be no container, or gone by now.
            Err(error) if !first && matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotAContainer) => break,
            child => child.with_context(|| session.name(container))?,
        };
        if !pattern.matches_with(child.uri.name(), RULES) {
            continue;
        }
        match &child.kind {
            _ if last => found.push(child),
            NodeKind::Container => found.push(child),
            NodeKind::Link { .. } => {
                // A link that leads nowhere cannot hold what the rest of the pattern asks for.
                if let Ok(end) = bulk::follow(&session.client, child).await
                    && end.is_container()
                {
                    found.push(end);
                }
            }
            NodeKind::Data { .. } => {}
        }
    }
    Ok(())
}

/// The container that a name stands for which could not be listed: it is a link itself, or links stand on the way.
async fn behind(session: &Session, uri: &VosUri, error: &Error) -> Option<VosUri> {
    if error.kind() != ErrorKind::NotAContainer {
        return session.around_links(uri, error).await;
    }
    let link = session.client.stat(uri).await.ok()?;
    let end = bulk::follow(&session.client, link).await.ok()?;
    end.is_container().then_some(end.uri)
}

/// A name without wildcards behind one with; it need not exist in every container that matched.
async fn literal(session: &Session, uri: &VosUri, last: bool) -> anyhow::Result<Option<Node>> {
    if !last {
        return Ok(Some(Node::container(uri.clone())));
    }
    match session.client.stat(uri).await {
        Ok(node) => Ok(Some(node)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| session.name(uri)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_follow_the_rules_of_a_shell() {
        let matches = |pattern: &str, name: &str| Pattern::new(pattern).unwrap().matches_with(name, RULES);
        assert!(matches("*.fits", "a.fits"));
        assert!(!matches("*", ".hidden"));
        assert!(matches(".*", ".hidden"));
        assert!(matches("a[0-9]", "a7") && !matches("a[!0-9]", "a7"));
        assert!(!matches("*.fits", "a.FITS"));
    }

    #[test]
    fn a_plain_name_is_no_pattern() {
        assert!(!is_pattern("vos:a/b(1).fits"));
        assert!(is_pattern("vos:a/b*") && is_pattern("vos:a/b?") && is_pattern("vos:a/[bc]"));
    }
}
