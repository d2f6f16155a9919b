//! Planning the way up: local directories are walked, each remote container that exists is listed once.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::bulk::partial::is_partial;
use crate::bulk::{BulkError, Options, Place, Source, follow};
use crate::client::Client;
use crate::error::ErrorKind;
use crate::node::NodeKind;
use crate::uri::{VosUri, check_name, to_nfc};

use super::remote::{self, Children, Standing};
use super::{Extra, Known, Plan, Task};

/// Plans the copy of local `sources` to `uri`.
pub(super) async fn plan(
    client: &Client,
    sources: Vec<Source>,
    uri: VosUri,
    directory: bool,
    options: &Options,
    plan: &mut Plan,
) -> Result<(), BulkError> {
    let there = Place::Remote(uri.clone());
    let standing = remote::destination(client, &uri, directory, sources.len()).await?;
    for source in sources {
        let Source::Local { path: from, contents } = source else {
            return Err(BulkError::Direction("copy local files and nodes apart: two commands, one for each"));
        };
        let entry = match Entry::read(from.clone()) {
            Ok(entry) => entry,
            Err(error) => {
                plan.fail(from.as_path(), BulkError::local(&from, error));
                continue;
            }
        };
        if entry.link && !options.follow_links {
            plan.fail(from.as_path(), BulkError::IsLink(Place::Local(from.clone())));
            continue;
        }
        match (entry.kind, &standing) {
            (EntryKind::Other, _) => plan.fail(from.as_path(), BulkError::NotRegular(from.clone())),
            (EntryKind::Directory, Standing::Data(_)) => return Err(BulkError::TargetIsFile(there)),
            (EntryKind::Directory, Standing::Nothing) => tree(client, from, uri.clone(), false, options, plan).await,
            (EntryKind::Directory, Standing::Container(container)) if contents => {
                tree(client, from, container.clone(), true, options, plan).await;
            }
            // Whether it is there shows when it is listed.
            (EntryKind::Directory, Standing::Container(container)) => match child_uri(container, &from) {
                Ok(to) => tree(client, from, to, true, options, plan).await,
                Err(error) => plan.fail(from.as_path(), error),
            },
            (EntryKind::File, Standing::Container(container)) => match child_uri(container, &from) {
                Ok(to) => plan.add(options, Task::Upload { from, to, known: Known::Nothing, length: entry.length }),
                Err(error) => plan.fail(from.as_path(), error),
            },
            (EntryKind::File, Standing::Data(to)) => {
                let to = to.clone();
                plan.add(options, Task::Upload { from, to, known: Known::Nothing, length: entry.length });
            }
            (EntryKind::File, Standing::Nothing) => {
                let to = uri.clone();
                plan.add(options, Task::Upload { from, to, known: Known::Absent, length: entry.length });
            }
        }
    }
    Ok(())
}

/// Where `path` goes inside `container`; its name is checked here, before anything is sent.
fn child_uri(container: &VosUri, path: &Path) -> Result<VosUri, BulkError> {
    // `.` and `dir/..` have no name of their own.
    let named = match path.file_name() {
        Some(name) => name.to_owned(),
        None => path
            .canonicalize()
            .map_err(|error| BulkError::local(path, error))?
            .file_name()
            .map(ToOwned::to_owned)
            .ok_or_else(|| BulkError::NotText(path.to_owned()))?,
    };
    let name = named.to_str().ok_or_else(|| BulkError::NotText(path.to_owned()))?;
    let name = to_nfc(name);
    check_name(&name).map_err(|error| BulkError::Name { path: path.to_owned(), error })?;
    Ok(container.join(&name))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EntryKind {
    File,
    Directory,
    Other,
}

/// A local entry: what it is (links followed), and whether it is a link.
#[derive(Debug)]
struct Entry {
    path: PathBuf,
    kind: EntryKind,
    link: bool,
    /// Bytes of a file.
    length: u64,
}

impl Entry {
    fn read(path: PathBuf) -> io::Result<Self> {
        let own = std::fs::symlink_metadata(&path)?;
        let link = own.file_type().is_symlink();
        // A dangling link is an error only for who follows it.
        let data = if link { std::fs::metadata(&path).unwrap_or(own) } else { own };
        let kind = if data.is_dir() {
            EntryKind::Directory
        } else if data.is_file() {
            EntryKind::File
        } else {
            EntryKind::Other
        };
        Ok(Self { path, kind, link, length: data.len() })
    }

    fn name(&self) -> Option<&str> {
        self.path.file_name()?.to_str()
    }

    /// The entries of a directory, by name.
    async fn list(directory: PathBuf) -> io::Result<Vec<io::Result<Entry>>> {
        tokio::task::spawn_blocking(move || {
            let mut paths = std::fs::read_dir(directory)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<io::Result<Vec<_>>>()?;
            paths.sort();
            Ok(paths.into_iter().map(Entry::read).collect())
        })
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

/// A directory that waits to be read, with the real paths above it (to notice links that lead back up).
struct Pending {
    from: PathBuf,
    to: VosUri,
    /// It is there, as far as is known.
    exists: bool,
    above: Vec<PathBuf>,
}

async fn tree(client: &Client, from: PathBuf, to: VosUri, exists: bool, options: &Options, plan: &mut Plan) {
    let mut pending = vec![Pending { from, to, exists, above: Vec::new() }];
    while let Some(next) = pending.pop() {
        let from = next.from.clone();
        if let Err(error) = directory(client, next, options, plan, &mut pending).await {
            plan.fail(from.as_path(), error);
        }
    }
}

async fn directory(
    client: &Client,
    Pending { from, to, exists, mut above }: Pending,
    options: &Options,
    plan: &mut Plan,
    pending: &mut Vec<Pending>,
) -> Result<(), BulkError> {
    let entries = Entry::list(from.clone()).await.map_err(|error| BulkError::local(&from, error))?;
    let here: HashSet<String> = entries.iter().flatten().filter_map(|entry| Some(to_nfc(entry.name()?))).collect();
    let there = if exists {
        match Children::list(client, &to, Some(&here).filter(|_| !options.extras), options).await {
            Err(BulkError::Remote { error, .. }) if error.kind() == ErrorKind::NotAContainer => {
                return elsewhere(client, Pending { from, to, exists, above }, pending).await;
            }
            there => there?,
        }
    } else {
        None
    };
    let real = from.canonicalize().map_err(|error| BulkError::local(&from, error))?;
    if above.contains(&real) {
        return Err(BulkError::LinkLoop(Place::Local(from)));
    }
    above.push(real);
    if there.is_none() {
        plan.make(from.as_path(), &to);
    }
    let present = there.unwrap_or_else(Children::none);
    if options.extras && entries.iter().all(Result::is_ok) {
        let extras = present.nodes().filter(|node| !here.contains(&to_nfc(node.uri.name())));
        plan.extras.extend(extras.map(|node| Extra {
            place: (&node.uri).into(),
            directory: node.is_container(),
            source: from.join(node.uri.name()).as_path().into(),
        }));
    }
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                plan.fail(from.as_path(), BulkError::local(&from, error));
                continue;
            }
        };
        if entry.link && !options.follow_links {
            plan.links += 1;
            continue;
        }
        // What an interrupted download keeps for the next one is no file of the user's.
        if entry.name().is_some_and(is_partial) {
            continue;
        }
        if let Err(error) = child(client, &entry, &to, &present, &above, options, plan, pending).await {
            plan.fail(entry.path.as_path(), error);
        }
    }
    Ok(())
}

/// What was taken for a container may be a link to one.
async fn elsewhere(client: &Client, taken: Pending, pending: &mut Vec<Pending>) -> Result<(), BulkError> {
    match remote::standing(client, &taken.to).await? {
        Standing::Container(to) if to != taken.to => {
            pending.push(Pending { to, ..taken });
            Ok(())
        }
        _ => Err(BulkError::TargetIsFile(Place::Remote(taken.to))),
    }
}

#[allow(clippy::too_many_arguments, reason = "one step of the walk; a struct of it would have no other use")]
async fn child(
    client: &Client,
    entry: &Entry,
    container: &VosUri,
    present: &Children,
    above: &[PathBuf],
    options: &Options,
    plan: &mut Plan,
    pending: &mut Vec<Pending>,
) -> Result<(), BulkError> {
    let path = entry.path.as_path();
    let uri = child_uri(container, path)?;
    let standing = match present.get(uri.name()) {
        Some(node) => Some(follow(client, node.clone()).await?),
        None => None,
    };
    let stands = standing.is_some();
    let known = standing.as_ref().map_or(present.absent, |node| Known::Listed(node.into()));
    let container_there = standing.as_ref().is_some_and(|node| node.kind == NodeKind::Container);
    let to = standing.map_or(uri, |node| node.uri);
    match entry.kind {
        EntryKind::Other => Err(BulkError::NotRegular(path.to_owned())),
        EntryKind::File if container_there => Err(BulkError::TargetIsDirectory(Place::Remote(to))),
        EntryKind::File => {
            plan.add(options, Task::Upload { from: path.to_owned(), to, known, length: entry.length });
            Ok(())
        }
        EntryKind::Directory if stands && !container_there => Err(BulkError::TargetIsFile(Place::Remote(to))),
        EntryKind::Directory => {
            let exists = known != Known::Absent;
            pending.push(Pending { from: path.to_owned(), to, exists, above: above.to_owned() });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_service_would_cut_are_refused_with_the_local_path() {
        let container = VosUri::new("cadc.nrc.ca~vault", "/a");
        let text = child_uri(&container, Path::new("/data/x#1.fits")).unwrap_err().to_string();
        assert!(text.contains("/data/x#1.fits") && text.contains('#'), "{text}");
        assert_eq!(child_uri(&container, Path::new("/data/x.fits")).unwrap().path(), "/a/x.fits");
    }

    #[tokio::test]
    async fn entries_tell_links_from_what_they_point_to() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("dir")).unwrap();
        std::fs::write(directory.path().join("file"), b"x").unwrap();
        std::os::unix::fs::symlink("dir", directory.path().join("link")).unwrap();
        let entries = Entry::list(directory.path().to_owned()).await.unwrap();
        let kinds: Vec<_> =
            entries.into_iter().map(|entry| entry.map(|entry| (entry.kind, entry.link)).unwrap()).collect();
        assert_eq!(kinds, [(EntryKind::Directory, false), (EntryKind::File, false), (EntryKind::Directory, true)]);
    }
}
