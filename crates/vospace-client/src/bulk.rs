//! The copy engine behind `vcp` and `vsync`: plan, then bounded parallel work, then a report.
//!
//! A copy has three steps, and each ends before the next begins:
//!
//! 1. [`plan()`] walks the sources and says which directories are made and which file goes where. Nothing is written.
//!    Whatever would lose data (two sources onto one file, a directory onto a file) is refused here, while all is
//!    still as it was.
//! 2. [`run()`] makes the directories and copies the files, a bounded number at a time. A file that fails is recorded
//!    and the others go on.
//! 3. The [`Report`] tells what was copied, what was there already, and every failure with its name and remedy.
//!
//! Invariants: a local file is replaced only by a rename of a complete, verified copy; a file is called unchanged only
//! after its own node was asked (a listing may lag behind the service by half a minute); bytes are hashed while they
//! stream and are read once more only where a comparison needs it.
//!
//! ```
//! use vospace_client::bulk::{self, Event, Options, Source, Target};
//! use vospace_client::{Client, VosUri};
//!
//! # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/doc/stub.rs"));
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let client = Client::new(configured(&[("GET /nodes/d/f", 200, FILE), ("GET /nodes/d", 200, CONTAINER),
//! #     ("PUT /nodes/d/f", 409, "DuplicateNode"), ("PUT /files/d/f", 201, "")]))?;
//! # let directory = tempfile::tempdir()?;
//! # std::fs::write(directory.path().join("f"), "other")?;
//! let source = Source::Local { path: directory.path().join("f"), contents: false };
//! let target = Target::Remote { uri: VosUri::from_wire("vos://lab.example~vospace/d")?, directory: true };
//! let options = Options::default();
//! let plan = bulk::plan(&client, vec![source], target, &options).await?;
//! let report = bulk::run(&client, plan, &options, &|event: &Event<'_>| println!("{event:?}")).await;
//! assert_eq!((report.copied, report.failures.len()), (1, 0));
//! # Ok(())
//! # }
//! ```
//!
//! `examples/backup.rs` is a program that does nothing else.
//!
//! The engine never asks the user anything, never prints, and follows no link unless told to.

mod compare;
mod digest;
mod links;
mod partial;
mod plan;
mod pour;
mod receive;
mod relay;
mod remove;
mod report;
mod run;
mod send;
mod standing;
mod store;
mod watch;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::node::{Md5, Node};
use crate::uri::{UriError, VosUri};
use crate::view::View;

pub use compare::Facts;
pub use links::{around_links, follow};
pub use plan::{Extra, Known, Plan, Task, plan};
pub use pour::pour;
pub use remove::remove_extras;
pub use report::{Event, Failure, Report};
pub use run::run;
pub use store::store;
pub use watch::Watch;

/// Files in flight at once unless the caller says otherwise: enough to hide the round trips of small files, and well
/// below the number of connections at which services start to refuse.
pub const DEFAULT_STREAMS: usize = 8;

/// Small files in flight at once unless the caller says otherwise: they cost round trips and next to no bytes.
pub const DEFAULT_SMALL_STREAMS: usize = MAX_STREAMS;

/// Most files in flight that make sense, as in the Python client.
pub const MAX_STREAMS: usize = 30;

/// What a copy starts from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file or directory of this machine.
    Local {
        /// The path.
        path: PathBuf,
        /// What a directory holds is copied, not the directory around it.
        contents: bool,
    },
    /// A node that has just been read from the service.
    Remote {
        /// The node itself (a link is not yet followed).
        node: Node,
        /// Written with a trailing slash: the children are copied, not the container around them.
        contents: bool,
        /// Only this part of each file.
        view: Option<View>,
    },
}

/// Where a copy goes to.
#[derive(Debug, Clone)]
pub enum Target {
    /// A path of this machine.
    Local {
        /// The path.
        path: PathBuf,
        /// Written with a trailing slash: it must be a directory that exists.
        directory: bool,
    },
    /// A place in a VOSpace.
    Remote {
        /// The place.
        uri: VosUri,
        /// Written with a trailing slash: it must be a container that exists.
        directory: bool,
    },
}

/// A file or directory on either side.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// On this machine.
    Local(PathBuf),
    /// In a VOSpace.
    Remote(VosUri),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Local(path) => write!(f, "{}", path.display()),
            Place::Remote(uri) => write!(f, "{uri}"),
        }
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Place::Local(path.to_owned())
    }
}

impl From<&VosUri> for Place {
    fn from(uri: &VosUri) -> Self {
        Place::Remote(uri.clone())
    }
}

/// Asked before an existing file that differs is replaced; `false` leaves it alone. May block.
pub type Confirm = Arc<dyn Fn(&Place) -> bool + Send + Sync>;

/// How a copy is made. Fields may be added: write it with `..Options::default()`.
#[derive(Clone)]
pub struct Options {
    /// Substrings of the target path; a file that contains one is left out.
    pub exclude: Vec<String>,
    /// Substrings of the target path; where any is given, exactly the files that contain one are copied. It has the
    /// last word over `exclude`, as in the Python client.
    pub include: Vec<String>,
    /// Copy what links point to. Otherwise links are counted and left out.
    pub follow_links: bool,
    /// Files in flight at once (at least one is).
    pub streams: usize,
    /// The same while all of them are small, if that is more.
    pub small_streams: usize,
    /// Asked before a file is replaced.
    pub confirm: Option<Confirm>,
    /// How a file is found to be the same already.
    pub compare: Compare,
    /// Note what stands at the target and not in the source, see [`Plan::extras`].
    pub extras: bool,
    /// Find out and tell what would be done, and do nothing.
    pub dry_run: bool,
    /// Told how the bytes get on.
    pub watch: Option<Arc<dyn Watch>>,
}

/// How a file is found to be the same already, and left alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compare {
    /// By digest, each node being asked for by itself: certain, one request a file.
    #[default]
    Nodes,
    /// By digest, taking the word of a listing that a file is the same: one request a container. What another client
    /// wrote within the last half minute may not show in it.
    Listings,
    /// By length, and the copy being the newer one; from listings.
    Times,
    /// Not at all: everything is copied.
    Nothing,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            exclude: Vec::new(),
            include: Vec::new(),
            follow_links: false,
            streams: DEFAULT_STREAMS,
            small_streams: DEFAULT_SMALL_STREAMS,
            confirm: None,
            compare: Compare::default(),
            extras: false,
            dry_run: false,
            watch: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("exclude", &self.exclude)
            .field("include", &self.include)
            .field("follow_links", &self.follow_links)
            .field("streams", &self.streams)
            .field("small_streams", &self.small_streams)
            .field("confirm", &self.confirm.is_some())
            .field("compare", &self.compare)
            .field("extras", &self.extras)
            .field("dry_run", &self.dry_run)
            .finish()
    }
}

impl Options {
    /// Whether the file that would become `target` is to be copied.
    fn admits(&self, target: &Place) -> bool {
        let path = match target {
            Place::Local(path) => path.to_string_lossy(),
            Place::Remote(uri) => uri.path().into(),
        };
        let any = |parts: &[String]| parts.iter().any(|part| path.contains(part.as_str()));
        if self.include.is_empty() { !any(&self.exclude) } else { any(&self.include) }
    }
}

/// Why a copy, or one file of it, did not happen. Each text names the thing and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BulkError {
    /// The service refused, or could not be reached.
    #[error("{node}: {error}")]
    Remote {
        /// The node that was asked for.
        node: VosUri,
        /// What the client says.
        error: Error,
    },
    /// A file of this machine could not be read or written.
    #[error("{}: {error}", path.display())]
    Local {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Standard output, or whatever else took the bytes.
    #[error("cannot write: {0}")]
    Output(io::Error),
    /// A local name that no VOSpace node can have.
    #[error("{}: {error}; rename it, then copy again", path.display())]
    Name {
        /// The local file.
        path: PathBuf,
        /// Which character, and why.
        error: UriError,
    },
    /// A local name that is not text.
    #[error("{}: the name is not valid UTF-8 and cannot be a node's name; rename it, then copy again", .0.display())]
    NotText(PathBuf),
    /// A device, socket or pipe.
    #[error("{}: neither a file nor a directory; only these can be copied", .0.display())]
    NotRegular(PathBuf),
    /// A link given by name, without leave to follow it.
    #[error("{0} is a link; add -L to copy what it points to")]
    IsLink(Place),
    /// A link whose target is not a node.
    #[error("{link} points outside VOSpace, to {target}; copy that directly")]
    ExternalLink {
        /// The link.
        link: VosUri,
        /// Its target, as it is stored.
        target: String,
    },
    /// Links that lead back to themselves, or a directory into itself.
    #[error("{0}: links lead round in a circle; remove one of them, or copy without -L")]
    LinkLoop(Place),
    /// A file is to go where a directory stands.
    #[error("{0} is a directory; a file cannot replace it")]
    TargetIsDirectory(Place),
    /// A directory is to go where a file stands.
    #[error("cannot copy a directory onto the file {0}; remove it first or choose another destination")]
    TargetIsFile(Place),
    /// Several sources, and a destination that is no directory.
    #[error("{0} is not a directory that exists; several sources need one (create it first)")]
    NeedsDirectory(Place),
    /// A destination written with a trailing slash that does not exist.
    #[error("{0}/ does not exist; create it first, or leave off the trailing slash to copy under that name")]
    NoSuchDirectory(Place),
    /// A part of a FITS file that would replace a whole one.
    #[error("{} is a FITS file of its own; give the header another name", .0.display())]
    HeaderOntoFile(PathBuf),
    /// A part of something that has no pixels.
    #[error("{0} is a container; a part can only be cut out of a file")]
    PartOfContainer(Place),
    /// Source and target are one.
    #[error("{0} cannot be copied onto itself")]
    Itself(Place),
    /// A container is to be copied into the tree below it.
    #[error("{container} cannot be copied into {target}, which is below it")]
    IntoItself {
        /// The container.
        container: VosUri,
        /// Where it was to go.
        target: VosUri,
    },
    /// Two sources would become the same file.
    #[error("{first} and {second} would both become {target}; nothing was copied: rename one, or copy them apart")]
    SameTarget {
        /// The file that both would become.
        target: Place,
        /// One source.
        first: Place,
        /// The other.
        second: Place,
    },
    /// Both ends are on the same side.
    #[error("{0}")]
    Direction(&'static str),
    /// The bytes that came do not have the digest that the service announced.
    #[error(
        "{node}: the bytes received have MD5 {actual}, the service announces {expected}; copy it again later. If that \
         does not help, its last upload failed or it was changed past the service: store it there anew"
    )]
    Corrupt {
        /// The node.
        node: VosUri,
        /// Announced by the service.
        expected: Md5,
        /// Of the bytes.
        actual: Md5,
    },
    /// The bytes stopped coming half-way.
    #[error("{node}: {error}")]
    Broken {
        /// The node.
        node: VosUri,
        /// What the client says.
        error: Error,
    },
    /// Fewer or more bytes came than the service announced.
    #[error("{node}: {actual} bytes received, {expected} announced; copy it again")]
    Length {
        /// The node.
        node: VosUri,
        /// Announced by the service, in bytes.
        expected: u64,
        /// Received, in bytes.
        actual: u64,
    },
    /// A tree of which some could not be removed.
    #[error("{node}: {failed} nodes in it could not be removed; list what is left with vls")]
    RemovedInPart {
        /// The container.
        node: VosUri,
        /// Nodes left.
        failed: u64,
    },
    /// A file whose directory could not be made.
    #[error("{0}: not copied, its directory could not be created")]
    NoParent(Place),
}

impl BulkError {
    fn remote(node: &VosUri, error: Error) -> Self {
        BulkError::Remote { node: node.clone(), error }
    }

    fn local(path: &Path, error: io::Error) -> Self {
        BulkError::Local { path: path.to_owned(), error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn include_has_the_last_word_over_exclude() {
        let mut options = Options { exclude: vec![".tmp".into()], ..Options::default() };
        let target = |name: &str| Place::Local(PathBuf::from("/data").join(name));
        assert!(options.admits(&target("a.fits")));
        assert!(!options.admits(&target("a.tmp")));
        options.include = vec!["a.".into()];
        assert!(options.admits(&target("a.tmp")));
        assert!(!options.admits(&target("b.fits")));
    }
}
