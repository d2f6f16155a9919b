//! The plan: which directories are made, which file goes where. Reads both sides, writes nothing.
//!
//! Errors about the whole (destination of the wrong kind, two sources onto one file) are returned: then nothing has
//! happened. A part that cannot be read is a failure within the plan, and the rest goes on.

mod download;
mod relay;
mod remote;
mod upload;

use std::collections::HashMap;
use std::path::PathBuf;

use crate::client::Client;
use crate::uri::VosUri;
use crate::view::View;

use super::{BulkError, Facts, Failure, Options, Place, Source, Target};

/// One file to copy.
#[derive(Debug, Clone)]
pub enum Task {
    /// Out of a VOSpace.
    Download {
        /// The node whose bytes are read; where a link was followed, what it points to.
        from: VosUri,
        /// The local file.
        to: PathBuf,
        /// What was read of the node while planning.
        facts: Facts,
        /// Only this part of it.
        view: Option<View>,
    },
    /// Into a VOSpace.
    Upload {
        /// The local file.
        from: PathBuf,
        /// The node.
        to: VosUri,
        /// What is known of the target.
        known: Known,
        /// Bytes of the file, when it was seen.
        length: u64,
    },
    /// From one place in VOSpace to another.
    Relay {
        /// The node whose bytes are read.
        from: VosUri,
        /// The node that they become.
        to: VosUri,
        /// What was read of the source while planning.
        facts: Facts,
        /// What is known of the target.
        known: Known,
        /// Only this part of it.
        view: Option<View>,
    },
}

impl Task {
    /// Where the bytes come from.
    pub fn source(&self) -> Place {
        match self {
            Task::Download { from, .. } | Task::Relay { from, .. } => from.into(),
            Task::Upload { from, .. } => from.as_path().into(),
        }
    }

    /// Where they go.
    pub fn target(&self) -> Place {
        match self {
            Task::Download { to, .. } => to.as_path().into(),
            Task::Upload { to, .. } | Task::Relay { to, .. } => to.into(),
        }
    }

    /// How many bytes there seem to be: a part of a file counts as nothing, for nobody knows.
    pub(super) fn length(&self) -> u64 {
        match self {
            Task::Download { view: Some(_), .. } | Task::Relay { view: Some(_), .. } => 0,
            Task::Download { facts, .. } | Task::Relay { facts, .. } => facts.length().unwrap_or(0),
            Task::Upload { length, .. } => *length,
        }
    }
}

/// What planning found out about the target of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing yet.
    Nothing,
    /// A complete listing did not show it, or its container is yet to be made.
    Absent,
    /// A listing showed it so.
    Listed(Facts),
}

/// Something at the target that the source does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// What it is.
    pub place: Place,
    /// It may hold more.
    pub directory: bool,
    /// What would be its source, if it had one.
    pub source: Place,
}

/// A directory to make, and what it is a copy of.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    pub(super) source: Place,
    pub(super) target: Place,
}

/// What is to be done.
#[derive(Debug, Default)]
pub struct Plan {
    /// Directories to make, parents before children.
    pub(super) directories: Vec<Directory>,
    /// Files to copy, once the directories stand.
    pub(super) files: Vec<Task>,
    /// Links left out.
    pub(super) links: u64,
    /// Files left out by the filters.
    pub(super) excluded: u64,
    /// What could not be planned.
    pub(super) failures: Vec<Failure>,
    /// What only the target has.
    pub(super) extras: Vec<Extra>,
}

impl Plan {
    /// The files that will be copied or found unchanged.
    pub fn files(&self) -> &[Task] {
        &self.files
    }

    /// What stands at the target and not in the source, if [`Options::extras`] asks for it. Nothing below a directory
    /// that could not be read whole is among it.
    pub fn extras(&self) -> &[Extra] {
        &self.extras
    }

    /// Leaves out the files (and the extras) that `keep` does not want.
    pub fn retain(&mut self, keep: impl Fn(&Place) -> bool) {
        let before = self.files.len();
        self.files.retain(|task| keep(&task.target()));
        self.excluded += (before - self.files.len()) as u64;
        self.extras.retain(|extra| keep(&extra.place));
    }

    fn fail(&mut self, source: impl Into<Place>, error: BulkError) {
        self.failures.push(Failure { source: source.into(), error });
    }

    fn add(&mut self, options: &Options, task: Task) {
        if options.admits(&task.target()) {
            self.files.push(task);
        } else {
            self.excluded += 1;
        }
    }

    fn make(&mut self, source: impl Into<Place>, target: impl Into<Place>) {
        self.directories.push(Directory { source: source.into(), target: target.into() });
    }

    /// Two files onto one target, or a file where a directory is to be: the last one would win and the other be lost.
    fn refuse_collisions(&self) -> Result<(), BulkError> {
        let mut seen: HashMap<Place, Place> = HashMap::with_capacity(self.files.len());
        for directory in &self.directories {
            seen.insert(directory.target.clone(), directory.source.clone());
        }
        for task in &self.files {
            if let Some(first) = seen.insert(task.target(), task.source()) {
                return Err(BulkError::SameTarget { target: task.target(), first, second: task.source() });
            }
        }
        Ok(())
    }
}

/// Plans the copy of `sources` to `target`.
pub async fn plan(client: &Client, sources: Vec<Source>, target: Target, options: &Options) -> Result<Plan, BulkError> {
    let mut plan = Plan::default();
    match target {
        Target::Local { path, directory } => {
            download::plan(client, sources, path, directory, options, &mut plan).await?;
        }
        Target::Remote { uri, directory } if matches!(sources.first(), Some(Source::Remote { .. })) => {
            relay::plan(client, sources, uri, directory, options, &mut plan).await?;
        }
        Target::Remote { uri, directory } => upload::plan(client, sources, uri, directory, options, &mut plan).await?,
    }
    plan.refuse_collisions()?;
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Node;

    fn download(from: &str, to: &str) -> Task {
        let node = Node::data(VosUri::new("cadc.nrc.ca~vault", from));
        Task::Download { facts: Facts::from(&node), from: node.uri, to: to.into(), view: None }
    }

    #[test]
    fn two_sources_onto_one_file_are_refused_by_name() {
        let plan = Plan { files: vec![download("/a/x", "/t/x"), download("/b/x", "/t/x")], ..Plan::default() };
        let text = plan.refuse_collisions().unwrap_err().to_string();
        assert!(text.contains("/a/x") && text.contains("/b/x") && text.contains("/t/x"), "{text}");
    }

    #[test]
    fn a_file_onto_a_directory_of_the_same_copy_is_refused() {
        let mut plan = Plan { files: vec![download("/b/x", "/t/x")], ..Plan::default() };
        plan.make(&VosUri::new("cadc.nrc.ca~vault", "/a/x"), std::path::Path::new("/t/x"));
        assert!(plan.refuse_collisions().is_err());
    }

    #[test]
    fn what_the_filters_leave_out_is_counted() {
        let mut plan = Plan::default();
        let options = Options { exclude: vec![".tmp".into()], ..Options::default() };
        plan.add(&options, download("/a/x.tmp", "/t/x.tmp"));
        plan.add(&options, download("/a/x", "/t/x"));
        assert_eq!((plan.files.len(), plan.excluded), (1, 1));
    }
}
