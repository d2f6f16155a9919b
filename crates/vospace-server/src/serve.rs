//! Start and stop of the service.

use crate::answering::{Answer, Answering, Entrance};
use crate::app::App;
use crate::control::Control;
use crate::fault::Fault;
use crate::grants::Grants;
use crate::identity::Users;
use crate::issuer::Issuer;
use crate::listening::{Door, Doors};
use crate::permissions::Groups;
use crate::profile::Profile;
use crate::shaping::{Shape, Shaper};
use crate::space::{Lags, Space, SpaceOptions};
use crate::tls;
use std::fs::{File, TryLockError};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A client that sends nothing for so long has gone (Tomcat's time, observed).
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than any run.
const FOREVER: Duration = Duration::from_secs(1 << 30);

/// A file in the data directory with the ports of the byte sites, to take the same again at the next start: byte URLs
/// are good for ever.
const SITE_PORTS: &str = "site-ports";

/// A file in the data directory that is there while the service runs: found at a start, the last run was killed.
const RUNNING: &str = "running";

/// What the service is started with.
#[derive(Debug)]
pub struct ServeOptions {
    /// Where everything is kept.
    pub data: PathBuf,
    /// Address and port; port 0 takes a free one.
    pub listen: SocketAddr,
    /// One space each.
    pub profiles: Vec<Profile>,
    /// The users.
    pub users: Users,
    /// The URL of the OIDC issuer that knows whose a token is, for the profiles that leave it to one.
    pub issuer: Option<String>,
    /// The groups.
    pub groups: Arc<Groups>,
    /// Quota of new home containers.
    pub quota: Option<u64>,
    /// Whether to serve https.
    pub tls: bool,
    /// How far listings lag behind uploads, and sites behind each other.
    pub lags: Lags,
    /// Whether to have the control resource.
    pub control: bool,
    /// Byte sites with separate storage.
    pub sites: usize,
    /// The first of the ports that the byte sites have of their own; port 0 takes free ones. Without it, they are at
    /// the port of the rest.
    pub site_port: Option<u16>,
    /// How slow the network is to seem.
    pub shape: Shape,
    /// How long a client may be silent.
    pub patience: Duration,
}

impl ServeOptions {
    /// The vault profile in this directory, on a free port of the loopback, without users.
    pub fn new(data: impl Into<PathBuf>) -> ServeOptions {
        ServeOptions {
            data: data.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            profiles: vec![Profile::vault()],
            users: Users::default(),
            issuer: None,
            groups: Arc::default(),
            quota: None,
            tls: false,
            lags: Lags::default(),
            control: false,
            sites: 1,
            site_port: None,
            shape: Shape::default(),
            patience: PATIENCE,
        }
    }
}

/// Why the service cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The data directory is not usable.
    #[error("cannot use the data directory {path}: {cause}; choose another with --data")]
    Data {
        /// The directory.
        path: PathBuf,
        /// What went wrong.
        cause: String,
    },
    /// Another process serves the directory.
    #[error("another vospaced serves the data directory {0}; stop it, or choose another directory with --data")]
    InUse(PathBuf),
    /// The port is not free.
    #[error("cannot listen on {address}: {cause}; choose another with {option} (port 0 takes a free one)")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The option that named it.
        option: &'static str,
        /// What went wrong.
        cause: std::io::Error,
    },
    /// The issuer cannot be asked.
    #[error("cannot ask the issuer {url}: {cause}; check --issuer")]
    Issuer {
        /// Its URL.
        url: String,
        /// What went wrong.
        cause: String,
    },
    /// The certificates cannot be made or read.
    #[error("cannot set up TLS: {0}; remove the folder tls in the data directory to have it made anew")]
    Tls(String),
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    door: Door,
    app: Arc<App>,
    workers: Vec<JoinHandle<()>>,
    running: PathBuf,
    _lock: File,
}

impl Service {
    /// `http://address:port`.
    pub fn base(&self) -> String {
        format!("{}://{}", if self.app.tls { "https" } else { "http" }, self.door.address())
    }

    /// The URL of the registry.
    pub fn registry(&self) -> String {
        format!("{}/reg/resource-caps", self.base())
    }

    /// Lets running requests end, within bounds, and stops.
    pub async fn stop(self) {
        futures_util::future::join(self.door.close(), self.app.close_sites()).await;
        self.workers.iter().for_each(JoinHandle::abort);
        if let Err(error) = std::fs::remove_file(&self.running) {
            tracing::warn!(%error, "the next start will look at every file");
        }
    }
}

/// Opens the space of a profile in the data directory.
pub fn open_space(profile: Profile, options: &ServeOptions) -> Result<Arc<Space>, StartError> {
    let data: &Path = &options.data;
    let failed = |cause: String| StartError::Data { path: data.to_owned(), cause };
    std::fs::create_dir_all(data).map_err(|error| failed(error.to_string()))?;
    let grants = Arc::new(Grants::open(&data.join("grants.key")).map_err(|error| failed(error.to_string()))?);
    let dir = data.join(profile.service);
    let options =
        SpaceOptions { profile, groups: Arc::clone(&options.groups), grants, lags: options.lags, sites: options.sites };
    let space = Space::open(&dir, options).map_err(|fault: Fault| failed(fault.detail().to_owned()))?;
    Ok(Arc::new(space))
}

/// Starts the service; it answers when this returns.
pub async fn start(options: ServeOptions) -> Result<Service, StartError> {
    let lock = lock(&options.data)?;
    let running = options.data.join(RUNNING);
    let interrupted = running.exists();
    let names = options.users.names();
    let mut spaces = Vec::new();
    for profile in options.profiles.clone() {
        let space = open_space(profile, &options)?;
        let failed = |fault: Fault| StartError::Data { path: options.data.clone(), cause: fault.to_string() };
        space.store.sweep(interrupted).map_err(failed)?;
        for name in &names {
            space.make_home(name, options.quota).map_err(failed)?;
        }
        spaces.push(space);
    }
    File::create(&running)
        .map_err(|error| StartError::Data { path: options.data.clone(), cause: error.to_string() })?;
    let listener = listen(options.listen, "--listen")?;
    let address = listener.local_addr().map_err(|cause| not_listening(options.listen, "--listen", cause))?;
    let site_listeners = match options.site_port {
        Some(first) => listen_for_sites(first, &options)?,
        None => Vec::new(),
    };
    let failed = |error: tls::TlsError| StartError::Tls(error.to_string());
    let config = || tls::server_config(&options.data.join("tls"), address.ip(), &names);
    let tls = options.tls.then(config).transpose().map_err(failed)?;
    let doors = Doors { tls, latency: options.shape.latency, patience: options.patience };
    let issuer = match &options.issuer {
        Some(url) => Some(Issuer::new(url).map_err(|cause| StartError::Issuer { url: url.clone(), cause })?),
        None => None,
    };
    let app = Arc::new(App {
        spaces: spaces.clone(),
        users: options.users,
        issuer,
        tls: options.tls,
        authority: options.data.join("tls"),
        host: address.to_string(),
        control: options.control.then(Control::default),
        shaper: Shaper::new(options.shape),
        patience: options.patience,
        site_doors: OnceLock::new(),
    });
    let answering = |entrance| Answering { answer: Arc::clone(&app) as Arc<dyn Answer>, entrance };
    let failed = |cause| not_listening(address, "--listen", cause);
    let mut site_doors = Vec::new();
    for (site, listener) in site_listeners.into_iter().enumerate() {
        site_doors.push(Door::open_at(listener, &doors, answering(Entrance::Site(site))).map_err(failed)?);
    }
    app.open_sites(site_doors);
    let door = Door::open_at(listener, &doors, answering(Entrance::Main)).map_err(failed)?;
    let mut workers = Vec::new();
    for space in spaces {
        workers.push(tokio::spawn(refresh(Arc::clone(&space))));
        workers.push(tokio::spawn(harvest(space)));
    }
    Ok(Service { door, app, workers, running, _lock: lock })
}

fn not_listening(address: SocketAddr, option: &'static str, cause: std::io::Error) -> StartError {
    StartError::Listen { address, option, cause }
}

fn listen(address: SocketAddr, option: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).map_err(|cause| not_listening(address, option, cause))
}

/// A listener for each byte site: from this port on; for port 0 those of the last start, or free ones.
fn listen_for_sites(first: u16, options: &ServeOptions) -> Result<Vec<TcpListener>, StartError> {
    let at = |port: u16| listen(SocketAddr::new(options.listen.ip(), port), "--site-port");
    let sites = u16::try_from(options.sites.max(1)).unwrap_or(u16::MAX);
    if first != 0 {
        return (0..sites).map(|site| at(first.saturating_add(site))).collect();
    }
    let record = options.data.join(SITE_PORTS);
    // Without the record, or with one that is no good, there is nothing to go on with.
    let last = std::fs::read_to_string(&record).unwrap_or_default();
    let mut last = last.split_whitespace().map_while(|port| port.parse::<u16>().ok());
    let listeners = (0..sites)
        .map(|_| match last.next().map(at) {
            Some(Ok(listener)) => Ok(listener),
            _ => at(0),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let ports = listeners.iter().filter_map(|listener| Some(listener.local_addr().ok()?.port().to_string()));
    std::fs::write(&record, ports.collect::<Vec<_>>().join(" "))
        .map_err(|error| StartError::Data { path: record, cause: error.to_string() })?;
    Ok(listeners)
}

/// Takes the data directory for this process; given back when the file is closed.
fn lock(data: &Path) -> Result<File, StartError> {
    let failed = |error: std::io::Error| StartError::Data { path: data.to_owned(), cause: error.to_string() };
    std::fs::create_dir_all(data).map_err(failed)?;
    let file = File::create(data.join("serve.lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(data.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// The worker that brings listings up to date.
async fn refresh(space: Arc<Space>) {
    let mut lags = space.watch_lags();
    loop {
        if let Err(fault) = space.refresh_recent().await {
            tracing::warn!(%fault, "refresh failed");
        }
        next_round(&mut lags, |lags| lags.refresh).await;
    }
}

/// The worker that carries news and bytes from site to site. Twice in the delay, so that no news is much later.
async fn harvest(space: Arc<Space>) {
    let mut lags = space.watch_lags();
    loop {
        if let Err(fault) = space.harvest().await {
            tracing::warn!(%fault, "harvest failed");
        }
        next_round(&mut lags, |lags| lags.harvest / 2).await;
    }
}

/// Waits for so long, or until that changes. Without a lag there is nothing to do: all is done at once.
async fn next_round(lags: &mut watch::Receiver<Lags>, lag: fn(Lags) -> Duration) {
    let pause = lag(*lags.borrow_and_update());
    let pause = if pause.is_zero() { FOREVER } else { pause };
    // An error means that the space is gone, and this worker with it; a time-out that the next round is due.
    let _ = tokio::time::timeout(pause, lags.changed()).await;
}

/// Waits for SIGTERM or SIGINT.
pub async fn stop_signal() -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
