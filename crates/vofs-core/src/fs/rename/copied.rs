//! Renaming by copying, for services that cannot move what is to be moved (`--emulate-rename`).
//!
//! ```text
//!   (intent in the journal: Begun) ─▶ everything copied, each file verified ─▶ (intent: Verified) ─▶ old ones deleted ─▶ (intent removed)
//! ```
//!
//! Until the intent says Verified nothing of the old name is touched, so that a failure leaves it as it was; what was copied until
//! then is removed again. What was interrupted by a crash is gone on with, in the background: a file that is there under the new
//! name with the same bytes is not copied again, and none is deleted under the old one before its bytes have been compared.
//! Replaced is what the intent says was there, and what is a beginning of the copy; where somebody has put something else
//! meanwhile the rename is given up, and both are kept.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;

use crate::dirty::DirtyFile;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fetch::window::Window;
use crate::file::on_disk;
use crate::journal::{Copying, Digest, Replacement};
use crate::meta::{Kind, Meta};
use crate::path::NodePath;
use crate::remote::{Outgoing, Route, Shown};
use crate::upload;
use crate::version::Version;

use super::Renaming;
use super::steps::Outcome;

/// How much of a file is read at a time.
const PIECE: u64 = 4 * 1024 * 1024;

/// Files that are copied at a time: each goes through the cache disk and over the network twice.
const SIDE_BY_SIDE: usize = 4;

/// Files, links and directories of a tree.
#[derive(Debug, Default)]
struct Tree {
    /// Each before what is in it.
    directories: Vec<NodePath>,
    leaves: Vec<(NodePath, Kind)>,
}

/// What was done so far.
#[derive(Debug, Default)]
struct Done {
    /// Directories that were made, each before what is in it.
    directories: Vec<NodePath>,
    /// Names under which something was begun to be stored, and whether something else was there.
    begun: Mutex<Vec<(NodePath, bool)>>,
    /// Copies with what they are of.
    copies: Vec<Copied>,
}

#[derive(Debug)]
struct Copied {
    from: NodePath,
    to: NodePath,
    /// What was copied; of a link nothing.
    of: Option<Version>,
    /// The copy as it is shown.
    meta: Meta,
}

/// The bytes of a file, in a file of this machine that nobody else knows.
#[derive(Debug)]
struct Brought {
    of: Version,
    local: Arc<DirtyFile>,
    digest: Digest,
}

impl Drop for Brought {
    fn drop(&mut self) {
        self.local.discard();
    }
}

impl Engine {
    /// The service cannot move it: copies it, if the mount was told to, and says what to do otherwise. Gives the copies as they
    /// are: their dates are others than those of what they are of.
    pub(super) async fn move_by_copy(
        self: &Arc<Self>,
        renaming: &Renaming<'_>,
        cause: String,
    ) -> Result<Vec<(NodePath, Meta)>> {
        let (from, to) = (renaming.from.clone(), renaming.to.clone());
        if !self.config.emulate_rename {
            let remedy = "mount with --emulate-rename to have it copied and deleted, or do so with `cp` and `rm`";
            tracing::warn!(%from, %to, %cause, "the service cannot move it: {remedy}");
            return Err(Error::Unsupported { path: from, cause: format!("{cause}; {remedy}") });
        }
        tracing::warn!(%from, %to, %cause, "renamed by copying and deleting (--emulate-rename)");
        let intent = Replacement {
            from: from.as_str().to_owned(),
            to: to.as_str().to_owned(),
            aside: None,
            replaces: renaming.replaced_ids(),
            taken_back: false,
            moved: false,
            detour: None,
            copied: Some(Copying::Begun),
            over: self.found(&to).await?,
        };
        let id = self.journal.begin(&intent).await?;
        let mut done = Done::default();
        if let Err(error) = self.copy_tree(&intent, &mut done).await {
            if self.remove_copies(&done).await {
                self.finish_later(id, intent);
            } else {
                self.journal.end(id).await?;
            }
            return Err(error);
        }
        let verified = Replacement { copied: Some(Copying::Verified), ..intent };
        self.journal.turn(id, &verified).await?;
        let known = done.copies.iter().filter_map(|copy| Some((copy.from.clone(), copy.of.clone()?))).collect();
        let deleted = self.delete_copied(&from, &to, &known).await;
        for copy in &done.copies {
            if let Some(file) = self.files.get(&copy.from)
                && file.state().on_service.is_some()
            {
                file.state().on_service = Some(copy.meta.version.clone());
            }
        }
        let ended = deleted.is_ok().then_some(id);
        upload::durable::apply(self, &to, &self.records(renaming, ended).await?).await?;
        if let Err(error) = deleted {
            tracing::warn!(%from, %to, %error, "copied, and not all of the old ones deleted yet");
            self.finish_later(id, Replacement { replaces: Vec::new(), ..verified });
        }
        Ok(done.copies.into_iter().map(|copy| (copy.to, copy.meta)).collect())
    }

    /// Goes on with a copy that was interrupted.
    pub(super) async fn finish_copy(self: &Arc<Self>, id: i64, intent: &Replacement) -> Result<Outcome> {
        let (from, to) = (NodePath::new(&intent.from), NodePath::new(&intent.to));
        match self.remote.stat(&from).await {
            Ok(_) => {}
            Err(Error::NotFound(_)) => {
                let is_there = self.remote.stat(&to).await.is_ok();
                return Ok(if is_there { Outcome::Moved } else { Outcome::TakenBack });
            }
            Err(error) => return Err(error),
        }
        tracing::warn!(%from, %to, "a rename by copying that was interrupted is gone on with");
        if intent.copied == Some(Copying::Begun) {
            match self.copy_tree(intent, &mut Done::default()).await {
                Err(Error::Exists(taken) | Error::IsADirectory(taken)) => {
                    let kept = "both are kept, and what was copied until then";
                    tracing::warn!(%from, %to, %taken, "a rename by copying is given up: somebody else has taken the name; {kept}");
                    self.names.expire_tree(&to).await?;
                    return Ok(Outcome::TakenBack);
                }
                outcome => outcome?,
            }
            self.journal.turn(id, &Replacement { copied: Some(Copying::Verified), ..intent.clone() }).await?;
        }
        self.delete_copied(&from, &to, &HashMap::new()).await?;
        self.names.expire_tree(&from).await?;
        self.names.expire_tree(&to).await?;
        Ok(Outcome::Moved)
    }

    /// Copies all of the source to the target; what is there with the same bytes is left as it is.
    ///
    /// # Errors
    /// [`Error::Exists`] where something else is there than the intent says; what the service said.
    async fn copy_tree(self: &Arc<Self>, intent: &Replacement, done: &mut Done) -> Result<()> {
        let (from, to) = (&NodePath::new(&intent.from), &NodePath::new(&intent.to));
        let tree = self.tree(from).await?;
        let new = |path: &NodePath| path.moved(from, to).unwrap_or_else(|| to.clone());
        for directory in &tree.directories {
            let made = new(directory);
            match self.remote.make_directory(&made).await {
                Ok(_) => done.directories.push(made),
                Err(Error::Exists(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let begun = &done.begun;
        let mut copies = Vec::with_capacity(tree.leaves.len());
        for (path, kind) in &tree.leaves {
            let over = intent.over.as_ref().filter(|_| path == from);
            copies.push(self.copy(path.clone(), new(path), kind, over, begun).boxed());
        }
        let copies: Vec<Option<Copied>> = stream::iter(copies).buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
        done.copies = copies.into_iter().flatten().collect();
        Ok(())
    }

    async fn tree(&self, from: &NodePath) -> Result<Tree> {
        let mut tree = Tree::default();
        let mut to_look = VecDeque::from([(from.clone(), self.remote.stat(from).await?.kind)]);
        while let Some((path, kind)) = to_look.pop_front() {
            if kind != Kind::Directory {
                tree.leaves.push((path, kind));
                continue;
            }
            let mut children: Vec<(String, Shown)> = self.remote.list(&path).try_collect().await?;
            children.sort_by(|(one, _), (other, _)| one.cmp(other));
            to_look.extend(children.into_iter().map(|(name, shown)| {
                let kind = match shown {
                    Shown::Whole(meta) => meta.kind,
                    Shown::Named(kind) => kind,
                };
                (path.join(&name), kind)
            }));
            tree.directories.push(path);
        }
        Ok(tree)
    }

    /// One file or link.
    async fn copy(
        self: &Arc<Self>,
        from: NodePath,
        to: NodePath,
        kind: &Kind,
        over: Option<&Meta>,
        begun: &Mutex<Vec<(NodePath, bool)>>,
    ) -> Result<Option<Copied>> {
        let there = self.found(&to).await?;
        if let Kind::Link { .. } = kind {
            // A listing may lack the target.
            let Kind::Link { target } = self.remote.stat(&from).await?.kind else { return Err(Error::Stale(from)) };
            let replaces = there.is_some();
            match there {
                Some(Meta { kind: Kind::Link { target: same }, .. }) if same == target => return Ok(None),
                Some(Meta { kind: Kind::Directory, .. }) => return Err(Error::IsADirectory(to)),
                Some(there) if !over.is_some_and(|over| is_still(over, &there)) => return Err(Error::Exists(to)),
                Some(_) => {
                    // Bytes are sent over others; a link is made only where nothing is.
                    begun.lock().push((to.clone(), true));
                    gone(self.remote.delete(&to).await)?;
                }
                None => {}
            }
            let meta = self.remote.make_link(&to, &target).await?;
            if !replaces {
                begun.lock().push((to.clone(), false));
            }
            return Ok(Some(Copied { from, to, of: None, meta }));
        }
        let (source, properties) = self.remote.stat_with_properties(&from).await?;
        let source = self.names.record(&from, source);
        if let Some(meta) = &there
            && is_certainly(&meta.version, &source.version)
        {
            return Ok(None);
        }
        if let Some(there) = &there
            && !over.is_some_and(|over| is_still(over, there))
            && !self.is_beginning(&to, there, &from, &source).await?
        {
            return Err(Error::Exists(to));
        }
        let brought = self.bring(&from, &source).await?;
        begun.lock().push((to.clone(), there.is_some()));
        self.place(&to, &brought).await?;
        let given = properties.into_iter().filter(|property| !property.read_only);
        let given: Vec<_> = given.map(|property| (property.key, property.value)).collect();
        if !given.is_empty() {
            self.remote.give_properties(&to, &given).await?;
        }
        let told = self.remote.stat(&to).await?;
        let now = self.remote.stat(&from).await?;
        if !brought.of.is_told_as(&now.version) {
            return Err(Error::Stale(from));
        }
        let meta = Meta { local_mtime: Some(source.mtime()), ..told };
        Ok(Some(Copied { from, to, of: Some(brought.of.clone()), meta }))
    }

    async fn bring(self: &Arc<Self>, from: &NodePath, source: &Meta) -> Result<Brought> {
        let (of, now) = (source.version.clone(), self.clock.now());
        let local = DirtyFile::create(self.journal.directory(), 0, now).map_err(on_disk(from, "copy"))?;
        let mut brought = Brought { of, local: Arc::new(local), digest: Digest { length: 0, md5: [0; 16] } };
        if brought.of.length > 0 {
            let blocks = self.store.version(from, &brought.of);
            let window = Window::new(self.store.capacity());
            let mut at = 0;
            while at < brought.of.length {
                let end = brought.of.length.min(at + PIECE);
                let bytes = self.fetcher.read(from, &blocks, at..end, &window).await?;
                brought.local.write(at, &bytes, now).map_err(on_disk(from, "copy"))?;
                at = end;
            }
        }
        let read = Arc::clone(&brought.local);
        brought.digest = tokio::task::spawn_blocking(move || read.digest())
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(on_disk(from, "read"))?;
        // Where there is no content-date the digest may be that of older bytes (`version`).
        if brought.of.content_date.is_some() && brought.of.md5.is_some_and(|told| told != brought.digest.md5) {
            let cause = "the bytes that came do not have the digest of the file".to_owned();
            return Err(Error::Io { path: from.clone(), cause });
        }
        Ok(brought)
    }

    /// Stores it, and looks at what is there then.
    async fn place(&self, to: &NodePath, brought: &Brought) -> Result<()> {
        let _place = self.uploads.acquire().await;
        let Brought { local, digest: sent, .. } = brought;
        let outgoing = Outgoing { identity: format!("{}-{}", local.id(), local.length()), ..Outgoing::default() };
        self.remote.put(to, local.place(), local.length(), outgoing).await?;
        let told = self.remote.stat(to).await?.version;
        if told.length == sent.length && (sent.length == 0 || told.md5.is_none_or(|md5| md5 == sent.md5)) {
            return Ok(());
        }
        let cause = format!("{} bytes were sent, and the service has {}, or others", sent.length, told.length);
        Err(Error::Io { path: to.clone(), cause })
    }

    /// The rename has failed: what it made goes. True when something is left that is to be gone on with: a copy that could not
    /// be removed, or a target whose old content may be gone.
    async fn remove_copies(&self, done: &Done) -> bool {
        let begun = std::mem::take(&mut *done.begun.lock());
        let mut is_left = begun.iter().any(|(_, replaced)| *replaced);
        let made = begun.iter().rev().filter(|(_, replaced)| !replaced).map(|(path, _)| (path, false));
        for (path, is_directory) in made.chain(done.directories.iter().rev().map(|path| (path, true))) {
            let outcome = match is_directory {
                true => self.remote.remove_directory(path).await,
                false => self.remote.delete(path).await,
            };
            if let Err(error) = gone(outcome) {
                tracing::warn!(%path, %error, "a copy of a rename that failed was not removed yet");
                is_left = true;
            }
            self.names.remove(path);
        }
        is_left
    }

    /// Deletes what was copied. What is `known` to have been copied only has to be unchanged; the bytes of all else are compared.
    async fn delete_copied(&self, from: &NodePath, to: &NodePath, known: &HashMap<NodePath, Version>) -> Result<()> {
        let tree = self.tree(from).await?;
        for (path, kind) in &tree.leaves {
            let copy = path.moved(from, to).unwrap_or_default();
            let is_copied = match kind {
                Kind::Link { .. } => self.is_same_link(path, &copy).await?,
                Kind::File | Kind::Directory => self.is_copied(path, &copy, known).await?,
            };
            if !is_copied {
                let cause = "it was changed while it was renamed by copying: both are kept".to_owned();
                return Err(Error::Invalid { path: path.clone(), cause });
            }
            gone(self.remote.delete(path).await)?;
        }
        for directory in tree.directories.iter().rev() {
            gone(self.remote.remove_directory(directory).await)?;
        }
        Ok(())
    }

    async fn is_copied(&self, from: &NodePath, to: &NodePath, known: &HashMap<NodePath, Version>) -> Result<bool> {
        let now = self.remote.stat(from).await?.version;
        if let Some(copied) = known.get(from) {
            return Ok(copied.is_told_as(&now));
        }
        let copy = self.remote.stat(to).await?.version;
        Ok(is_certainly(&copy, &now) || now.length == copy.length && self.has_same_bytes(from, to, now.length).await?)
    }

    /// Whether both are links, and lead to the same.
    async fn is_same_link(&self, one: &NodePath, other: &NodePath) -> Result<bool> {
        let (one, other) = (self.remote.stat(one).await?.kind, self.remote.stat(other).await?.kind);
        Ok(matches!(one, Kind::Link { .. }) && one == other)
    }

    /// What is there, if anything is.
    async fn found(&self, path: &NodePath) -> Result<Option<Meta>> {
        match self.remote.stat(path).await {
            Ok(meta) => Ok(Some(meta)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a file holds nothing but what the source begins with: what an upload of it leaves that was interrupted.
    async fn is_beginning(&self, to: &NodePath, there: &Meta, from: &NodePath, source: &Meta) -> Result<bool> {
        let length = there.version.length;
        Ok(there.is_file() && length <= source.version.length && self.has_same_bytes(from, to, length).await?)
    }

    /// Whether the first `length` bytes of two files are the same.
    async fn has_same_bytes(&self, one: &NodePath, other: &NodePath, length: u64) -> Result<bool> {
        if length == 0 {
            return Ok(true);
        }
        let mut rest = length;
        let mut mine = self.remote.open(one, 0..length, Route::Named).await?.body;
        let mut theirs = self.remote.open(other, 0..length, Route::Named).await?.body;
        let (mut left, mut right) = (Bytes::new(), Bytes::new());
        loop {
            let (more_left, more_right) = (fill(&mut left, &mut mine).await?, fill(&mut right, &mut theirs).await?);
            if !more_left || !more_right {
                return Ok(more_left == more_right);
            }
            let both = left.len().min(right.len()).min(usize::try_from(rest).unwrap_or(usize::MAX));
            if left[..both] != right[..both] {
                return Ok(false);
            }
            left.advance(both);
            right.advance(both);
            rest -= both as u64;
            // A service without ranges sends all of a longer one.
            if rest == 0 {
                return Ok(true);
            }
        }
    }
}

/// Has something in `part`, unless the body is at its end.
async fn fill(part: &mut Bytes, body: &mut BoxStream<'static, Result<Bytes>>) -> Result<bool> {
    while part.is_empty() {
        match body.next().await {
            Some(next) => *part = next?,
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// Whether what is there is what was there, as far as that can be told.
fn is_still(over: &Meta, there: &Meta) -> bool {
    over.kind == there.kind && (!there.is_file() || over.version.is_told_as(&there.version))
}

/// What was to be deleted may be so already.
fn gone(outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(Error::NotFound(_)) => Ok(()),
        outcome => outcome,
    }
}

/// True where length and digest of two files are the same; digests may be those of older bytes where there is no content-date.
fn is_certainly(copy: &Version, of: &Version) -> bool {
    let are_equal = copy.length == of.length && copy.md5.is_some() && copy.md5 == of.md5;
    are_equal && copy.content_date.is_some() && of.content_date.is_some()
}
