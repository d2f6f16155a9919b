//! What there is beside mounting: commands for a mount that runs, or for what it left.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;

use super::{rate, seconds, size};

/// What there is beside mounting.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Command {
    /// Show how a mount stands: what is not uploaded yet and why, conflicts, the use of its cache.
    Status {
        #[command(flatten)]
        which: Which,
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// On the whole screen, again and again, until q is pressed.
        #[arg(long, conflicts_with = "json")]
        watch: bool,
        /// Of all mounts of this user that have their usual cache directories.
        #[arg(long, conflicts_with_all = ["vospace", "cache_dir", "watch"])]
        all: bool,
    },
    /// Ask anew for all that is known of paths and what stands below them.
    Refresh {
        #[command(flatten)]
        which: Which,
        /// Paths in the mount, or below its root.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Fetch files and trees into the cache, where they fit.
    Warm {
        #[command(flatten)]
        which: Which,
        /// Paths in the mount, or below its root.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Drop what is cached of paths and what stands below them; what is pinned or not uploaded stays.
    Forget {
        #[command(flatten)]
        which: Which,
        /// Paths in the mount, or below its root.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Fetch paths and what stands below them, and never evict them; without a path, show what is pinned.
    Pin {
        #[command(flatten)]
        which: Which,
        /// Fetch nothing: keep what is read of them.
        #[arg(long)]
        lazy: bool,
        /// Paths in the mount, or below its root.
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Let pinned paths be evicted again.
    Unpin {
        #[command(flatten)]
        which: Which,
        /// Paths as they were pinned.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Show the limits of a mount, and change them while it runs.
    Limits {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        change: LimitChange,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show how much is logged, or change it while the mount runs.
    LogLevel {
        #[command(flatten)]
        which: Which,
        /// error, warn, info, debug or trace.
        level: Option<String>,
    },
    /// Show each operation that programs do in a mount, as it ends.
    Trace {
        #[command(flatten)]
        which: Which,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write what somebody else needs to know to help into a new file, without secrets.
    SupportBundle {
        #[command(flatten)]
        which: Which,
        /// The file, which must not exist.
        #[arg(default_value = "vofs-support.txt", value_name = "FILE")]
        to: PathBuf,
    },
    /// Upload what waits for it, then unmount.
    Unmount {
        #[command(flatten)]
        which: Which,
    },
    /// Upload all that waits for it, and return when that is done.
    Drain {
        #[command(flatten)]
        which: Which,
        /// Longest wait, in seconds; what remains then is named, and goes on being sent [default: a day].
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        timeout: Option<Duration>,
    },
    /// What is configured, and where.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Files that are not uploaded yet, of a mount or of a cache directory that is not mounted.
    Pending {
        #[command(subcommand)]
        command: PendingCommand,
    },
}

/// Limits to be changed; the others stay as they are.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LimitChange {
    /// Upper bound of the cache.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) cache_limit: Option<u64>,

    /// What stays free of its disk.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) free_space: Option<u64>,

    /// Memory for what is fetched ahead.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory_limit: Option<u64>,

    /// Requests for bytes of files at a time; whole files of a service without ranges are not counted.
    #[arg(long, value_name = "N")]
    pub(crate) max_transfers: Option<usize>,

    /// Uploads at a time.
    #[arg(long, value_name = "N")]
    pub(crate) max_flush_threads: Option<usize>,

    /// Longest wait of a read without a single byte, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) read_timeout: Option<Duration>,

    /// Longest wait for names and attributes, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) metadata_timeout: Option<Duration>,

    /// How long the end waits for uploads, in seconds.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) drain_timeout: Option<Duration>,

    /// Bytes per second in; none lifts it.
    #[arg(long, value_name = "RATE", value_parser = rate_or_none)]
    pub(crate) bwlimit_down: Option<u64>,

    /// Bytes per second out; none lifts it.
    #[arg(long, value_name = "RATE", value_parser = rate_or_none)]
    pub(crate) bwlimit_up: Option<u64>,
}

/// 0 for none, as on the control socket.
fn rate_or_none(text: &str) -> Result<u64, String> {
    if text == "none" { Ok(0) } else { rate(text) }
}

/// What can be asked of the configuration.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show the value of each option that a mount would have, and where it comes from.
    Show {
        /// As JSON.
        #[arg(long)]
        json: bool,
        /// Options of a mount, as they would be given to it (--vospace vos:USER); behind all others.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
        options: Vec<OsString>,
    },
}

/// What can be done with files that are not uploaded yet.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum PendingCommand {
    /// Show them, with what the last try met.
    List {
        #[command(flatten)]
        which: Which,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Save one to a new local file.
    Export {
        #[command(flatten)]
        which: Which,
        /// Its path below the mount, or its number in the list.
        file: String,
        /// Where to; must not exist.
        to: PathBuf,
    },
    /// Drop the changes of one for good.
    Discard {
        #[command(flatten)]
        which: Which,
        /// Its path below the mount, or its number in the list.
        file: String,
    },
    /// Try one again, or all; of one that somebody else changed too, ours becomes the new version.
    Retry {
        #[command(flatten)]
        which: Which,
        /// Its path below the mount, or its number in the list.
        file: Option<String>,
    },
}

impl PendingCommand {
    /// Of which mount.
    pub(crate) fn which(&self) -> &Which {
        match self {
            PendingCommand::List { which, .. }
            | PendingCommand::Export { which, .. }
            | PendingCommand::Discard { which, .. }
            | PendingCommand::Retry { which, .. } => which,
        }
    }
}

/// Which mount, by what it was mounted with.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Which {
    /// Container that is mounted [default: that of the configuration].
    #[arg(long, value_name = "URI")]
    pub(crate) vospace: Option<String>,

    /// Its cache directory [default: that of --vospace].
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}
