//! Planning from one place in VOSpace to another: each container of either side is listed once.

use std::collections::HashSet;

use futures_util::StreamExt as _;

use crate::bulk::{BulkError, Facts, Options, Place, Source, follow};
use crate::client::Client;
use crate::node::{Node, NodeKind};
use crate::uri::VosUri;
use crate::view::View;

use super::remote::{self, Children, Standing};
use super::{Extra, Known, Plan, Task};

/// Plans the copy of remote `sources` to the remote `uri`.
pub(super) async fn plan(
    client: &Client,
    sources: Vec<Source>,
    uri: VosUri,
    directory: bool,
    options: &Options,
    plan: &mut Plan,
) -> Result<(), BulkError> {
    let standing = remote::destination(client, &uri, directory, sources.len()).await?;
    for source in sources {
        let Source::Remote { node, contents, view } = source else {
            return Err(BulkError::Direction("copy local files and nodes apart: two commands, one for each"));
        };
        let origin = node.uri.clone();
        // A link that is followed keeps its own name on the other side.
        let name = format!("{}{}", node.uri.name(), view.as_ref().map(View::suffix).unwrap_or_default());
        if let Err(error) = one(client, node, &name, contents, view, &standing, &uri, options, plan).await {
            plan.fail(&origin, error);
        }
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "one step of the plan; a struct of it would have no other use")]
async fn one(
    client: &Client,
    node: Node,
    name: &str,
    contents: bool,
    view: Option<View>,
    standing: &Standing,
    uri: &VosUri,
    options: &Options,
    plan: &mut Plan,
) -> Result<(), BulkError> {
    if matches!(node.kind, NodeKind::Link { .. }) && !options.follow_links {
        return Err(BulkError::IsLink(Place::Remote(node.uri)));
    }
    let node = follow(client, node).await?;
    let container = node.kind == NodeKind::Container;
    if container && matches!(view, Some(View::Pixels(_) | View::Circle { .. })) {
        return Err(BulkError::PartOfContainer(Place::Remote(node.uri)));
    }
    // Where it goes, and what stands there.
    let (to, there) = match standing {
        Standing::Container(to) if container && contents => (to.clone(), Standing::Container(to.clone())),
        Standing::Container(parent) => {
            let to = parent.join(name);
            let there = remote::standing(client, &to).await?;
            (to, there)
        }
        Standing::Data(to) => (to.clone(), Standing::Data(to.clone())),
        Standing::Nothing => (uri.clone(), Standing::Nothing),
    };
    match (container, there) {
        (true, Standing::Data(to)) => Err(BulkError::TargetIsFile(Place::Remote(to))),
        (true, Standing::Container(to)) => tree(client, node.uri, to, true, view.as_ref(), options, plan).await,
        (true, Standing::Nothing) => tree(client, node.uri, to, false, view.as_ref(), options, plan).await,
        (false, Standing::Container(to)) => Err(BulkError::TargetIsDirectory(Place::Remote(to))),
        (false, Standing::Data(to)) => file(&node, to, Known::Nothing, view, options, plan),
        (false, Standing::Nothing) => file(&node, to, Known::Absent, view, options, plan),
    }
}

fn file(
    node: &Node,
    to: VosUri,
    known: Known,
    view: Option<View>,
    options: &Options,
    plan: &mut Plan,
) -> Result<(), BulkError> {
    if node.uri == to {
        return Err(BulkError::Itself(Place::Remote(to)));
    }
    plan.add(options, Task::Relay { from: node.uri.clone(), to, facts: node.into(), known, view });
    Ok(())
}

/// A container that waits to be listed, with the containers above it (to notice links that lead back up).
struct Pending {
    from: VosUri,
    to: VosUri,
    /// It is there, as far as is known.
    exists: bool,
    above: Vec<VosUri>,
}

async fn tree(
    client: &Client,
    from: VosUri,
    to: VosUri,
    exists: bool,
    view: Option<&View>,
    options: &Options,
    plan: &mut Plan,
) -> Result<(), BulkError> {
    if from == to {
        return Err(BulkError::Itself(Place::Remote(to)));
    }
    if to.starts_with(&from) {
        return Err(BulkError::IntoItself { container: from, target: to });
    }
    let mut pending = vec![Pending { from, to, exists, above: Vec::new() }];
    while let Some(next) = pending.pop() {
        let from = next.from.clone();
        if let Err(error) = container(client, next, view, options, plan, &mut pending).await {
            plan.fail(&from, error);
        }
    }
    Ok(())
}

async fn container(
    client: &Client,
    Pending { from, to, exists, mut above }: Pending,
    view: Option<&View>,
    options: &Options,
    plan: &mut Plan,
    pending: &mut Vec<Pending>,
) -> Result<(), BulkError> {
    if above.contains(&from) {
        return Err(BulkError::LinkLoop(Place::Remote(from)));
    }
    above.push(from.clone());
    let there = if exists { Children::list(client, &to, None, options).await? } else { None };
    if there.is_none() {
        plan.make(&from, &to);
    }
    let present = there.unwrap_or_else(Children::none);
    let mut names = HashSet::new();
    let mut children = client.list_readable(&from);
    while let Some(child) = children.next().await {
        let child = child.map_err(|error| BulkError::remote(&from, error))?;
        let origin = child.uri.clone();
        names.insert(origin.name().to_owned());
        if matches!(child.kind, NodeKind::Link { .. }) && !options.follow_links {
            plan.links += 1;
            continue;
        }
        let there = present.get(origin.name()).cloned();
        let entry = entry(client, child, there, present.absent, &to, &above, view, options, plan, pending).await;
        if let Err(error) = entry {
            plan.fail(&origin, error);
        }
    }
    // Only a listing that was read to its end tells what it lacks.
    if options.extras {
        plan.extras.extend(present.nodes().filter(|node| !names.contains(node.uri.name())).map(|node| Extra {
            place: (&node.uri).into(),
            directory: node.is_container(),
            source: (&from.join(node.uri.name())).into(),
        }));
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "one step of the walk; a struct of it would have no other use")]
async fn entry(
    client: &Client,
    child: Node,
    there: Option<Node>,
    absent: Known,
    container: &VosUri,
    above: &[VosUri],
    view: Option<&View>,
    options: &Options,
    plan: &mut Plan,
    pending: &mut Vec<Pending>,
) -> Result<(), BulkError> {
    let to = container.join(child.uri.name());
    let child = follow(client, child).await?;
    let there = match there {
        Some(node) => Some(follow(client, node).await?),
        None => None,
    };
    let to = there.as_ref().map_or(to, |node| node.uri.clone());
    match (child.is_container(), there) {
        (true, Some(node)) if !node.is_container() => Err(BulkError::TargetIsFile(Place::Remote(node.uri))),
        (false, Some(node)) if node.is_container() => Err(BulkError::TargetIsDirectory(Place::Remote(node.uri))),
        (true, there) => {
            let exists = there.is_some() || absent != Known::Absent;
            pending.push(Pending { from: child.uri, to, exists, above: above.to_owned() });
            Ok(())
        }
        (false, there) => {
            let known = there.map_or(absent, |node| Known::Listed(Facts::from(&node)));
            file(&child, to, known, view.cloned(), options, plan)
        }
    }
}
