//! The columns of the table: programs that give access to the same bytes over the same link, and what they are
//! measured against. A column opens a session for each run, cold: with a service, a mount and caches of its own.

mod davfs2;
mod mount;
mod mounted;
mod native;
mod passthrough;
mod python;
mod rclone;
mod vcp;
mod vofs;
mod wire;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use self::mounted::Mounted;
use crate::http::Held;
use crate::link::Link;
use crate::probe::{Meter, Usage};
use crate::service::{Profile, Service};
use crate::stage::Stage;

/// One of the programs.
pub(crate) trait Column {
    /// As it is called in tables and options.
    fn name(&self) -> &'static str;

    /// What it is, for the legend of the table.
    fn about(&self) -> &'static str;

    /// Why it cannot take part on this machine.
    fn absent(&self, stage: &Stage) -> Option<String>;

    /// Starts it, cold, with nothing but what `place` will hold.
    fn open(&self, stage: &Stage, place: &Path, profile: Profile, link: Link) -> Result<Session>;
}

/// A program of the system, wherever it is; the reason when it is not there.
fn installed(program: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Programs that only root can use are often not on the path.
    let directories = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let mut places = directories.map(|directory| directory.join(program));
    places
        .find(|place| place.is_file())
        .ok_or_else(|| format!("{program} is not installed; packaging/prepare.sh peers does it"))
}

/// All columns, in the order of the table.
pub(crate) fn all() -> Vec<Box<dyn Column>> {
    vec![
        Box::new(mount::Mount::Default),
        Box::new(mount::Mount::Ttl),
        Box::new(mount::Mount::Background),
        Box::new(mount::Mount::Passthrough),
        Box::new(vcp::Vcp { tls: false }),
        Box::new(vcp::Vcp { tls: true }),
        Box::new(python::Python),
        Box::new(wire::Wire),
        Box::new(vofs::Vofs),
        Box::new(rclone::Rclone { cached: false }),
        Box::new(rclone::Rclone { cached: true }),
        Box::new(davfs2::Davfs2),
        Box::new(passthrough::PassThrough),
        Box::new(native::Native),
    ]
}

/// What a work is given to work on.
#[derive(Debug)]
pub(crate) enum Access {
    /// A directory.
    Tree(PathBuf),
    /// Commands, with the environment for them.
    Commands(Commands),
    /// The service itself: `http://127.0.0.1:PORT`.
    Wire(String),
}

/// Which commands.
#[derive(Debug)]
enum Programs {
    /// One program for all verbs.
    Whole(PathBuf),
    /// An interpreter, and a directory with a script for each.
    Scripts { interpreter: PathBuf, directory: PathBuf },
}

/// How commands are called.
#[derive(Debug)]
pub(crate) struct Commands {
    programs: Programs,
    environment: Vec<(&'static str, String)>,
    /// URI of the container of all data.
    uri: String,
    /// A directory for what is copied.
    pub(crate) local: PathBuf,
}

impl Commands {
    /// `vospace VERB`, or `vVERB`.
    pub(crate) fn verb(&self, verb: &str) -> Command {
        let mut command = match &self.programs {
            Programs::Whole(program) => {
                let mut command = Command::new(program);
                command.arg(verb);
                command
            }
            Programs::Scripts { interpreter, directory } => {
                let mut command = Command::new(interpreter);
                command.args(["-W", "ignore"]).arg(directory.join(format!("v{verb}")));
                command
            }
        };
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The URI of a node.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("{}/{path}", self.uri)
    }
}

/// A column at work; what it started ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Session {
    /// What the work is done on.
    pub(crate) access: Access,
    // The order of the fields is the order of their end: the mount before the service that it talks to.
    mounted: Option<Mounted>,
    service: Option<Service>,
}

impl Session {
    /// A directory that needs nothing.
    pub(crate) fn plain(access: Access) -> Self {
        Self { access, mounted: None, service: None }
    }

    /// Something over a server.
    pub(crate) fn over(access: Access, service: Service) -> Self {
        Self { service: Some(service), ..Self::plain(access) }
    }

    /// A mount over something else.
    pub(crate) fn mounted(mut self, mounted: Mounted) -> Self {
        self.access = Access::Tree(mounted.point().to_owned());
        self.mounted = Some(mounted);
        self
    }

    /// The directory of a column that has one.
    pub(crate) fn tree(&self) -> Result<&Path> {
        match &self.access {
            Access::Tree(tree) => Ok(tree),
            _ => anyhow::bail!("this work needs a directory"),
        }
    }

    /// The daemon, if there is one.
    pub(crate) fn daemon(&self) -> Option<u32> {
        self.mounted.as_ref().map(Mounted::pid)
    }

    /// Whether there is a link between the program and the bytes.
    pub(crate) fn has_link(&self) -> bool {
        self.service.is_some()
    }

    /// The files that the service has in a directory; nothing where there is no service.
    pub(crate) fn held(&self, stage: &Stage, directory: &str) -> Result<Option<Vec<Held>>> {
        self.service.as_ref().map(|service| service.held(&stage.http, directory)).transpose()
    }

    /// How often bytes were sent to the service since the last measuring began; nothing where there is no service.
    pub(crate) fn uploads(&self, stage: &Stage) -> Result<Option<u64>> {
        self.log().map(|log| stage.http.uploads(log)).transpose()
    }

    fn log(&self) -> Option<&str> {
        self.service.as_ref().map(|service| service.base.as_str())
    }

    /// Does something, and says what it cost the daemon and the service.
    pub(crate) fn measure<T>(&self, stage: &Stage, what: impl FnOnce() -> Result<T>) -> Result<(T, Usage)> {
        if let Some(log) = self.log() {
            stage.http.forget(log)?;
        }
        let pids: Vec<u32> = self.daemon().into_iter().collect();
        let meter = Meter::start(&pids);
        let done = what()?;
        let mut usage = meter.usage();
        if let Some(log) = self.log() {
            let (requests, bytes) = stage.http.traffic(log)?;
            (usage.requests, usage.bytes) = (Some(requests), Some(bytes));
        }
        Ok((done, usage))
    }
}
