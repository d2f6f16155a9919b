//! Planning the way down: containers are listed once, each name becomes a local path.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;

use crate::bulk::partial::is_partial;
use crate::bulk::{BulkError, Options, Place, Source, follow};
use crate::client::Client;
use crate::node::{Node, NodeKind};
use crate::uri::{VosUri, check_name, to_nfc};
use crate::view::View;

use super::{Extra, Plan, Task};

/// What stands at the local destination.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Nothing,
    Directory,
    File,
}

impl Standing {
    fn of(path: &Path) -> Result<Self, BulkError> {
        match std::fs::metadata(path) {
            Ok(data) if data.is_dir() => Ok(Standing::Directory),
            Ok(_) => Ok(Standing::File),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Standing::Nothing),
            Err(error) => Err(BulkError::local(path, error)),
        }
    }
}

/// Plans the copy of remote `sources` to the local `path`.
pub(super) async fn plan(
    client: &Client,
    sources: Vec<Source>,
    path: PathBuf,
    directory: bool,
    options: &Options,
    plan: &mut Plan,
) -> Result<(), BulkError> {
    let here = Place::Local(path.clone());
    let standing = Standing::of(&path)?;
    if directory && standing == Standing::Nothing {
        return Err(BulkError::NoSuchDirectory(here));
    }
    if standing != Standing::Directory && (sources.len() > 1 || directory) {
        return Err(BulkError::NeedsDirectory(here));
    }
    for source in sources {
        let Source::Remote { node, contents, view } = source else {
            return Err(BulkError::Direction("both ends are local files; use cp for that"));
        };
        // A link that is followed keeps its own name on this side.
        let name = format!("{}{}", node.uri.name(), view.as_ref().map(View::suffix).unwrap_or_default());
        let origin = node.uri.clone();
        let node = match (&node.kind, options.follow_links) {
            (NodeKind::Link { .. }, false) => {
                plan.fail(&origin, BulkError::IsLink(Place::Remote(origin.clone())));
                continue;
            }
            (NodeKind::Link { .. }, true) => match follow(client, node).await {
                Ok(node) => node,
                Err(error) => {
                    plan.fail(&origin, error);
                    continue;
                }
            },
            (NodeKind::Data { .. } | NodeKind::Container, _) => node,
        };
        let inside = standing == Standing::Directory;
        if node.kind == NodeKind::Container {
            if matches!(view, Some(View::Pixels(_) | View::Circle { .. })) {
                plan.fail(&origin, BulkError::PartOfContainer(Place::Remote(origin.clone())));
                continue;
            }
            if standing == Standing::File {
                return Err(BulkError::TargetIsFile(here));
            }
            let to = if inside && !contents { path.join(&name) } else { path.clone() };
            tree(client, node.uri, to, view.as_ref(), options, plan).await;
        } else {
            let to = if inside { path.join(&name) } else { path.clone() };
            file(&node, to, view, options, plan);
        }
    }
    Ok(())
}

/// A container that waits to be listed, with the containers above it (to notice links that lead back up).
struct Pending {
    from: VosUri,
    to: PathBuf,
    above: Vec<VosUri>,
}

async fn tree(client: &Client, from: VosUri, to: PathBuf, view: Option<&View>, options: &Options, plan: &mut Plan) {
    let mut pending = vec![Pending { from, to, above: Vec::new() }];
    while let Some(Pending { from, to, above }) = pending.pop() {
        if above.contains(&from) {
            plan.fail(&from, BulkError::LinkLoop(Place::Remote(from.clone())));
            continue;
        }
        match Standing::of(&to) {
            Ok(Standing::File) => {
                plan.fail(&from, BulkError::TargetIsFile(Place::Local(to)));
                continue;
            }
            Ok(Standing::Nothing | Standing::Directory) => plan.make(&from, to.as_path()),
            Err(error) => {
                plan.fail(&from, error);
                continue;
            }
        }
        let mut children = client.list_readable(&from);
        // The names of all children, as long as the listing is whole.
        let mut there = Some(HashSet::new());
        while let Some(child) = children.next().await {
            let child = match child {
                Ok(child) => child,
                Err(error) => {
                    plan.fail(&from, BulkError::remote(&from, error));
                    there = None;
                    break;
                }
            };
            if let Some(names) = there.as_mut().filter(|_| options.extras) {
                names.insert(to_nfc(child.uri.name()));
            }
            let to = to.join(child.uri.name());
            let origin = child.uri.clone();
            let child = match (&child.kind, options.follow_links) {
                (NodeKind::Link { .. }, false) => {
                    plan.links += 1;
                    continue;
                }
                (NodeKind::Link { .. }, true) => match follow(client, child).await {
                    Ok(child) => child,
                    Err(error) => {
                        plan.fail(&origin, error);
                        continue;
                    }
                },
                (NodeKind::Data { .. } | NodeKind::Container, _) => child,
            };
            if child.kind == NodeKind::Container {
                let mut above = above.clone();
                above.push(from.clone());
                pending.push(Pending { from: child.uri, to, above });
            } else {
                file(&child, to, view.cloned(), options, plan);
            }
        }
        if options.extras
            && let Some(there) = there
            && let Err(error) = extras(&from, &to, &there, plan)
        {
            plan.fail(&from, error);
        }
    }
}

/// Notes what stands in `to` and was not among the children of `from`.
fn extras(from: &VosUri, to: &Path, there: &HashSet<String>, plan: &mut Plan) -> Result<(), BulkError> {
    let entries = match std::fs::read_dir(to) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(BulkError::local(to, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| BulkError::local(to, error))?;
        // A name that no node can have was not copied from there: it is the user's own.
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| check_name(&to_nfc(name)).is_ok()) else { continue };
        if !there.contains(&to_nfc(name)) && !is_partial(name) {
            let directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let source = Place::Remote(from.join(&to_nfc(name)));
            plan.extras.push(Extra { place: entry.path().as_path().into(), directory, source });
        }
    }
    Ok(())
}

fn file(node: &Node, to: PathBuf, view: Option<View>, options: &Options, plan: &mut Plan) {
    if to.is_dir() {
        plan.fail(&node.uri, BulkError::TargetIsDirectory(Place::Local(to)));
    } else {
        plan.add(options, Task::Download { from: node.uri.clone(), to, facts: node.into(), view });
    }
}
