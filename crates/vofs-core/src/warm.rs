//! Fetching ahead of any program, because the user says so: `mountvofs warm`, and what `pin` keeps.
//!
//! Two steps: what there is to be fetched, which is held against the room in the cache before a byte is asked for, and the
//! fetching. Files that are changed here are here already.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::{StreamExt, stream};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fetch::window::Window;
use crate::listing::Place;
use crate::meta::{Kind, Meta};
use crate::path::NodePath;

/// Directories that are listed, and files that are fetched, at a time. A large file is fetched by several requests anyway.
const SIDE_BY_SIDE: usize = 8;

/// How much of a file is read at a time.
const STEP: u64 = 4 * 1024 * 1024;

/// What pins and fetches ahead may take of the cache: an eighth stays for what programs read besides.
pub(crate) const SHARE: (u64, u64) = (7, 8);

/// What is to be fetched.
#[derive(Debug, Clone, Default)]
pub struct WarmPlan {
    files: Vec<(NodePath, Meta)>,
    /// All bytes of the files.
    pub bytes: u64,
    /// Those that are in the cache already.
    pub present: u64,
    /// Links, which are not followed.
    pub links: usize,
}

impl WarmPlan {
    /// How many files there are.
    pub fn files(&self) -> usize {
        self.files.len()
    }
}

/// How far it is.
#[derive(Debug, Default)]
pub struct WarmProgress {
    files: AtomicU64,
    bytes: AtomicU64,
}

impl WarmProgress {
    /// Files that are done.
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Bytes that are there.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Engine {
    /// Looks what there is at and below `paths`, and whether it fits.
    ///
    /// # Errors
    /// What the service said of one of them or of a directory below; [`Error::TooLarge`] when the cache has no room for it
    /// beside what is pinned.
    pub async fn plan_warm(self: &Arc<Self>, paths: &[NodePath]) -> Result<WarmPlan> {
        let mut plan = WarmPlan::default();
        let mut directories = Vec::new();
        for path in paths {
            let meta = self.resolve(path).await?;
            self.sort_in(&mut plan, &mut directories, path.clone(), meta);
        }
        while !directories.is_empty() {
            let level = std::mem::take(&mut directories);
            let mut listings = stream::iter(level)
                .map(|directory| async move {
                    let children = self.children_of(&directory).await;
                    (directory, children)
                })
                .buffer_unordered(SIDE_BY_SIDE);
            while let Some((directory, children)) = listings.next().await {
                for (name, meta) in children? {
                    self.sort_in(&mut plan, &mut directories, directory.join(&name), meta);
                }
            }
        }
        plan.files.sort_by(|(one, _), (other, _)| one.cmp(other));
        plan.files.dedup_by(|(one, _), (other, _)| one == other);
        plan.bytes = plan.files.iter().map(|(_, meta)| meta.version.length).sum();
        plan.present = plan.files.iter().map(|(path, meta)| self.store.present(path, &meta.version)).sum();
        self.check_fit(paths, &plan)?;
        Ok(plan)
    }

    fn sort_in(&self, plan: &mut WarmPlan, directories: &mut Vec<NodePath>, path: NodePath, meta: Meta) {
        match meta.kind {
            Kind::Directory if !self.local.is_directory(&path) => directories.push(path),
            Kind::Link { .. } => plan.links += 1,
            Kind::File if self.files.get(&path).is_none_or(|file| file.state().dirty.is_none()) => {
                plan.files.push((path, meta));
            }
            Kind::File | Kind::Directory => {}
        }
    }

    async fn children_of(self: &Arc<Self>, directory: &NodePath) -> Result<Vec<(String, Meta)>> {
        self.names.load(directory).await?;
        let children = self.children(directory);
        let (mut all, mut untold) = (Vec::new(), Vec::new());
        while let Place::Child(child) = children.get(all.len() + untold.len()).await? {
            match child.meta() {
                Some(meta) => all.push((child.name().to_owned(), meta)),
                None => untold.push(child.name().to_owned()),
            }
        }
        let questions = untold.into_iter().map(|name| async move {
            let answer = self.resolve(&directory.join(&name)).await;
            (name, answer)
        });
        let mut answers = stream::iter(questions).buffer_unordered(SIDE_BY_SIDE);
        while let Some((name, answer)) = answers.next().await {
            match answer {
                Ok(meta) => all.push((name, meta)),
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    fn check_fit(&self, paths: &[NodePath], plan: &WarmPlan) -> Result<()> {
        let room = self.store.lasting() / SHARE.1 * SHARE.0;
        let pinned = self.store.pinned(paths);
        if plan.bytes <= room.saturating_sub(pinned) {
            return Ok(());
        }
        let path = paths.first().cloned().unwrap_or_default();
        let cause = format!(
            "{} bytes in {} files; the cache may hold {room} bytes of such, {pinned} of them are pinned: \
             `mountvofs limits --cache-limit` raises that, as far as the disk goes",
            plan.bytes,
            plan.files.len()
        );
        Err(Error::TooLarge { path, cause })
    }

    /// Fetches it. Returns what could not be fetched, and why.
    pub async fn warm(self: &Arc<Self>, plan: &WarmPlan, progress: &WarmProgress) -> Vec<(NodePath, Error)> {
        let fetching = stream::iter(plan.files.clone()).map(|(path, meta)| async move {
            let outcome = self.warm_file(&path, &meta, progress).await;
            progress.files.fetch_add(1, Ordering::Relaxed);
            outcome.err().map(|error| (path, error))
        });
        fetching.buffer_unordered(SIDE_BY_SIDE).filter_map(|failed| async move { failed }).collect().await
    }

    async fn warm_file(self: &Arc<Self>, path: &NodePath, meta: &Meta, progress: &WarmProgress) -> Result<()> {
        let done = AtomicU64::new(0);
        match self.fetch_whole(path, meta, progress, &done).await {
            Err(Error::Stale(_)) => {
                // Replaced since it was listed: the new one, from its beginning.
                progress.bytes.fetch_sub(done.swap(0, Ordering::Relaxed), Ordering::Relaxed);
                let meta = self.ask(path).await?;
                self.fetch_whole(path, &meta, progress, &done).await
            }
            outcome => outcome,
        }
    }

    async fn fetch_whole(
        self: &Arc<Self>,
        path: &NodePath,
        meta: &Meta,
        progress: &WarmProgress,
        done: &AtomicU64,
    ) -> Result<()> {
        if meta.version.length == 0 {
            return Ok(());
        }
        let blocks = self.store.version(path, &meta.version);
        let window = Window::new(self.store.capacity());
        let mut at = 0;
        while at < blocks.length() {
            let end = blocks.length().min(at + STEP);
            self.fetcher.read(path, &blocks, at..end, &window).await?;
            progress.bytes.fetch_add(end - at, Ordering::Relaxed);
            done.fetch_add(end - at, Ordering::Relaxed);
            at = end;
        }
        Ok(())
    }
}
