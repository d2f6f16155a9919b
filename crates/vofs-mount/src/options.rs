//! From what was typed to what is done: defaults that depend on the environment, and checks that need no network.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use fuser::MountOption;
use tracing::level_filters::LevelFilter;
use vofs_core::config::default_memory_limit;
use vofs_core::{Config, LocalNames, OnConflict, WriteBack};
use vospace_client::auth::choose;
use vospace_client::client::{Bandwidth, Deadlines};
use vospace_client::{Client, ClientConfig, Prefixes, VosUri, services};

use crate::Result;
use crate::args::{Args, LogFormat, Versions, When, Which};
use crate::config;
use crate::failure::{Failure, Status};
use crate::mountpoint;

/// The log's name in the cache directory.
pub(crate) const LOG: &str = "mountvofs.log";

/// Everything that a mount needs.
#[derive(Debug)]
pub(crate) struct Settings {
    /// As it was typed, for messages.
    pub(crate) what: String,
    pub(crate) root: VosUri,
    pub(crate) mountpoint: PathBuf,
    pub(crate) engine: Config,
    pub(crate) client: ClientConfig,
    pub(crate) allow_other: bool,
    /// Those of the client library where nobody is less patient.
    pub(crate) usual_deadlines: Deadlines,
    pub(crate) metadata_deadline: Duration,
    /// How long the end waits for uploads.
    pub(crate) drain_limit: Duration,
    /// What mount(8) asked of the kernel.
    pub(crate) kernel: Vec<MountOption>,
    pub(crate) log: Log,
    /// Where Prometheus is answered.
    pub(crate) metrics: Option<SocketAddr>,
    pub(crate) remarks: Vec<String>,
}

/// Where the log goes, and how much of it.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// `None`: the terminal.
    pub(crate) file: Option<PathBuf>,
    pub(crate) level: LevelFilter,
    pub(crate) format: LogFormat,
}

/// Settles everything that can be settled without the network.
pub(crate) fn settle(args: Args) -> Result<Settings> {
    let mountpoint = mountpoint::prepare(&args.mountpoint)?;
    crate::system::check_fuse(args.allow_other)?;
    let usage = |error: &dyn std::fmt::Display| Failure::new(Status::Service, format!("{}: {error}", args.vospace));
    let services = services::load().map_err(|error| Failure::new(Status::Usage, error.to_string()))?;
    let prefixes = Prefixes::load(&services).map_err(|error| usage(&error))?;
    let root = prefixes.parse(&args.vospace).map_err(|error| usage(&error))?;
    root.check().map_err(|error| usage(&error))?;
    let credentials = choose(args.credentials(), &services).map_err(|error| Failure::client(&error))?;
    let mut client = ClientConfig { credentials, named_by: args.named_by, services, ..ClientConfig::from_env() };
    let mut remarks: Vec<String> = args.without_meaning().into_iter().map(str::to_owned).collect();
    remarks.extend(client.overruled(&root));
    let anonymous = client.is_anonymous(&root);
    if anonymous && !args.readonly {
        remarks.push("no credentials found: the mount is anonymous and read-only; get a certificate with `cadc-get-cert -u USER`".to_owned());
    }
    let cache_dir = place_of_cache(&args.vospace, args.cache_dir.as_deref())?;
    client.registry = args.registry.clone().or(client.registry);
    client.insecure = args.insecure;
    client.bandwidth = Bandwidth::Each { up: args.bwlimit_up, down: args.bwlimit_down };
    // What is needed to take up a large upload belongs to the journal: the next mount goes on with it.
    client.state_dir = Some(cache_dir.clone());
    let usual_deadlines = client.deadlines;
    client.deadlines = within(usual_deadlines, args.read_timeout, args.metadata_timeout);
    client.user_agent = format!("mountvofs/{}", env!("CARGO_PKG_VERSION"));
    let mut engine = Config::new(identity(&client, &root), &cache_dir);
    engine.cache_limit = args.cache_limit;
    engine.memory_limit = args.memory_limit.unwrap_or(engine.memory_limit);
    engine.read_deadline = args.read_timeout;
    engine.read_only = args.readonly || anonymous;
    engine.open_check = args.open_check;
    engine.passthrough = args.passthrough;
    engine.uploads = args.max_flush_threads;
    engine.transfers = args.max_transfers;
    engine.free_space = args.free_space;
    engine.write_back = match args.write_back {
        When::Close => WriteBack::Close,
        When::Background => WriteBack::Background,
    };
    engine.on_conflict = match args.on_conflict {
        Versions::KeepBoth => OnConflict::KeepBoth,
        Versions::Overwrite => OnConflict::Overwrite,
        Versions::Fail => OnConflict::Fail,
    };
    engine.local_only = local_names(&args.local_only)?;
    engine.remote_mtime = args.remote_mtime;
    engine.emulate_rename = args.emulate_rename;
    engine.reread_after = args.reread_after;
    let log = Log {
        file: match (&args.log, args.foreground) {
            (Some(file), _) => Some(absolute(file)?),
            (None, true) => None,
            (None, false) => Some(cache_dir.join(LOG)),
        },
        level: if args.logs_everything() {
            LevelFilter::DEBUG
        } else if args.verbose {
            LevelFilter::INFO
        } else {
            LevelFilter::WARN
        },
        format: args.log_format,
    };
    Ok(Settings {
        what: args.vospace,
        root,
        mountpoint,
        engine,
        client,
        allow_other: args.allow_other,
        usual_deadlines,
        metadata_deadline: args.metadata_timeout,
        drain_limit: args.drain_timeout,
        kernel: args.kernel,
        log,
        metrics: args.metrics,
        remarks,
    })
}

/// How long the client library waits: a silent service is given up before whoever waits is told so.
pub(crate) fn within(usual: Deadlines, read: Duration, metadata: Duration) -> Deadlines {
    Deadlines {
        headers: usual.headers.min(read),
        idle: usual.idle.min(read),
        metadata: usual.metadata.min(metadata),
        ..usual
    }
}

impl Settings {
    /// The client, once threads may be started.
    pub(crate) fn client(&self) -> Result<Client> {
        Client::new(self.client.clone()).map_err(|error| Failure::client(&error))
    }

    /// The log may live in the cache directory, so that has to be there first; the engine checks the rest.
    pub(crate) fn make_cache_dir(&self) -> Result<()> {
        let directory = &self.engine.cache_dir;
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|error| {
            let message = format!(
                "cache directory {}: cannot be made: {error}; choose another one with --cache_dir",
                directory.display()
            );
            Failure::new(Status::CacheDir, message)
        })
    }
}

fn local_names(patterns: &str) -> Result<LocalNames> {
    let patterns: Vec<&str> = patterns.split(',').map(str::trim).filter(|pattern| !pattern.is_empty()).collect();
    LocalNames::new(&patterns).map_err(|error| Failure::new(Status::Usage, format!("--local-only: {error}")))
}

/// The daemon changes its directory.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| Failure::new(Status::Usage, format!("{}: {error}", path.display())))
}

fn place_of_cache(vospace: &str, chosen: Option<&Path>) -> Result<PathBuf> {
    match chosen {
        Some(directory) => absolute(directory),
        None => default_cache_dir(vospace),
    }
}

/// Where the mount that is meant has its cache, by what is configured for it.
pub(crate) fn cache_dir(which: &Which) -> Result<PathBuf> {
    let mut words: Vec<OsString> = vec!["mountvofs".into()];
    words.extend(which.vospace.iter().map(|space| format!("--vospace={space}").into()));
    words.extend(which.cache_dir.iter().map(|place| {
        let mut word = OsString::from("--cache-dir=");
        word.push(place);
        word
    }));
    let args = config::resolve(&words)?.args;
    place_of_cache(&args.vospace, args.cache_dir.as_deref())
}

/// What is used where nothing is configured and the help names no value, by the names of the options.
pub(crate) fn computed(args: &Args) -> Vec<(&'static str, String)> {
    let mut values = vec![("memory-limit", ByteSize(default_memory_limit()).to_string())];
    if let Ok(directory) = place_of_cache(&args.vospace, args.cache_dir.as_deref()) {
        if !args.foreground {
            values.push(("log", directory.join(LOG).display().to_string()));
        }
        values.push(("cache-dir", directory.display().to_string()));
    }
    values
}

fn default_cache_dir(vospace: &str) -> Result<PathBuf> {
    // Batch systems and mount(8) leave HOME out; the account still has one.
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty()).ok_or_else(|| {
        Failure::new(
            Status::CacheDir,
            "there is no home directory, so there is no default cache directory; give one with --cache_dir",
        )
    })?;
    // A full URI has slashes of its own that would make three directories.
    let name = vospace.trim_end_matches('/').replace("://", ":");
    Ok(home.join(name))
}

/// Whose files a cache directory holds. What was written for a service must not be sent to another one of that name.
fn identity(client: &ClientConfig, root: &VosUri) -> String {
    match client.place_of(root) {
        None => root.to_wire(),
        Some(place) => format!("{} at {place}", root.to_wire()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_of_another_registry_is_another_one() {
        let root = Prefixes::builtin().parse("vos:USER").expect("a space");
        let mut client = ClientConfig::default();
        let usual = identity(&client, &root);
        client.registry = Some("https://elsewhere.example/reg".to_owned());
        assert_ne!(identity(&client, &root), usual);
    }

    #[test]
    fn the_cache_directory_is_named_after_the_space() {
        // HOME is set wherever the tests run.
        let home = PathBuf::from(std::env::var_os("HOME").expect("set"));
        assert_eq!(default_cache_dir("vos:USER").expect("made"), home.join("vos:USER"));
        assert_eq!(default_cache_dir("vos:a/b/").expect("made"), home.join("vos:a/b"));
    }
}
