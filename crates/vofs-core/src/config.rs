//! What a mount is told at its start.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What `close` and `fsync` wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteBack {
    /// For the upload, whose error they give.
    #[default]
    Close,
    /// For the bytes and their record to be durable here. The upload follows by itself.
    Background,
}

/// What becomes of a file that somebody else changed on the service while it was changed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnConflict {
    /// Theirs keeps the name, ours goes beside it.
    #[default]
    KeepBoth,
    /// Ours replaces theirs.
    Overwrite,
    /// Neither: ours stays in the journal until the user decides, and `close` or the next `fsync` says so.
    Fail,
}
use crate::local::LocalNames;

/// When the opening of a file to read asks the service whether it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenCheck {
    /// Each time, by itself.
    Always,
    /// Each time; of files that a program opens one after another the next ones are asked for ahead, or all of them by one
    /// listing.
    #[default]
    Sweep,
    /// Not while the attributes are believed: a change made elsewhere is seen when that time has passed.
    Ttl,
}

/// Settings of one mount.
#[derive(Debug, Clone)]
pub struct Config {
    /// What is mounted, as text; written into the cache so that another space is never served from it.
    pub identity: String,
    /// Where blocks, index and journal live; made private (0700) and locked.
    pub cache_dir: PathBuf,
    /// Upper bound of clean bytes on disk. Dirty bytes come on top: they are never dropped for space.
    pub cache_limit: u64,
    /// Bytes of memory for what is fetched ahead, stream buffers and blocks that the cache disk does not take.
    pub memory_limit: u64,
    /// No write leaves this mount.
    pub read_only: bool,
    /// Owner of every node.
    pub uid: u32,
    /// Group of every node.
    pub gid: u32,
    /// How long attributes of a node are believed.
    pub attribute_ttl: Duration,
    /// How long a listing answers without the service.
    pub listing_ttl: Duration,
    /// How long "no such name" is believed.
    pub negative_ttl: Duration,
    /// How long cached bytes are believed of a file of which the service gives neither date nor digest: an opening after that
    /// begins to read anew.
    pub reread_after: Duration,
    /// Whole files are lent to the kernel, which reads them by itself.
    pub passthrough: bool,
    /// When an opening asks.
    pub open_check: OpenCheck,
    /// Uploads at a time; of small files four times as many.
    pub uploads: usize,
    /// Requests for bytes of files at a time, but for streams of whole files.
    pub transfers: usize,
    /// Bytes of the cache disk that stay free; none: a twentieth of it, a GiB at most.
    pub free_space: Option<u64>,
    /// What `close` and `fsync` wait for.
    pub write_back: WriteBack,
    /// What becomes of two versions of one file.
    pub on_conflict: OnConflict,
    /// How long a file is left alone before it is sent in the background.
    pub quiet: Duration,
    /// Names of files and directories that are never sent.
    pub local_only: LocalNames,
    /// Modification times that programs set are kept as a property of the node too.
    pub remote_mtime: bool,
    /// What the service cannot move is copied and deleted.
    pub emulate_rename: bool,
    /// How long a read waits without one new byte.
    pub read_deadline: Duration,
    /// How long a question waits until its silence makes the service suspicious; five times as long its root may be silent
    /// before it is taken to be out of reach.
    pub silence: Duration,
    /// While the service cannot be reached: how long who wants what is not here waits for it. Twice in that time it is asked for.
    pub hope: Duration,
    /// First and longest pause between two tries of a failed upload.
    pub retry_pause: (Duration, Duration),
}

/// Bytes of memory that a mount takes where nobody says how many: a share of the machine or the control group.
pub fn default_memory_limit() -> u64 {
    crate::budget::default_limit()
}

impl Config {
    /// The smallest cache that can work: a reader needs its own block while another one is being fetched.
    pub const SMALLEST_CACHE: u64 = 16 * 1024 * 1024;

    /// Defaults for a mount of `identity` with its cache in `cache_dir`.
    pub fn new(identity: impl Into<String>, cache_dir: impl Into<PathBuf>) -> Self {
        Config {
            identity: identity.into(),
            cache_dir: cache_dir.into(),
            // The Python mount meant 50 GB and people size their disks by that.
            cache_limit: 50 * 1024 * 1024 * 1024,
            memory_limit: default_memory_limit(),
            read_only: false,
            uid: nix::unistd::Uid::current().as_raw(),
            gid: nix::unistd::Gid::current().as_raw(),
            // Long enough that `ls -l` followed by a loop over the files asks once, short enough that a change made
            // elsewhere shows within the time it takes to wonder about it. An open always asks.
            attribute_ttl: Duration::from_secs(15),
            listing_ttl: Duration::from_secs(15),
            negative_ttl: Duration::from_secs(5),
            // Long enough for a program that opens a file several times, short enough to wait for a change made elsewhere.
            reread_after: Duration::from_secs(60),
            passthrough: false,
            open_check: OpenCheck::default(),
            uploads: 10,
            transfers: 64,
            free_space: None,
            write_back: WriteBack::default(),
            on_conflict: OnConflict::default(),
            // An editor or a compiler renames or removes its temporary file within this.
            quiet: Duration::from_secs(2),
            local_only: LocalNames::default(),
            remote_mtime: false,
            emulate_rename: false,
            read_deadline: Duration::from_secs(120),
            // Longer than a service under load usually takes; and one that is only slow must not be taken for one that is gone.
            silence: Duration::from_secs(3),
            hope: Duration::from_secs(2),
            retry_pause: (Duration::from_secs(1), Duration::from_secs(300)),
        }
    }
}
