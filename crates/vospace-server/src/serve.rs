//! Start and stop of the service.

use crate::app::App;
use crate::control::Control;
use crate::fault::Fault;
use crate::grants::Grants;
use crate::identity::Users;
use crate::permissions::Groups;
use crate::profile::Profile;
use crate::shaping::{Shape, Shaper};
use crate::space::{Space, SpaceOptions};
use crate::tls::{self, CertificateAcceptor};
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use std::fs::{File, TryLockError};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

/// Requests that run when the service is stopped get this long.
const GRACE: Duration = Duration::from_secs(2);

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
    /// The groups.
    pub groups: Arc<Groups>,
    /// Quota of new home containers.
    pub quota: Option<u64>,
    /// Whether to serve https.
    pub tls: bool,
    /// How often listings catch up; zero: at once.
    pub refresh_interval: Duration,
    /// Whether to have the control resource.
    pub control: bool,
    /// Byte sites with separate storage.
    pub sites: usize,
    /// When the inventory of all sites hears of an upload; zero: at once.
    pub harvest_delay: Duration,
    /// How slow the network is to seem.
    pub shape: Shape,
}

impl ServeOptions {
    /// The vault profile in this directory, on a free port of the loopback, without users.
    pub fn new(data: impl Into<PathBuf>) -> ServeOptions {
        ServeOptions {
            data: data.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            profiles: vec![Profile::vault()],
            users: Users::default(),
            groups: Arc::default(),
            quota: None,
            tls: false,
            refresh_interval: Duration::ZERO,
            control: false,
            sites: 1,
            harvest_delay: Duration::ZERO,
            shape: Shape::default(),
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
    #[error("cannot listen on {address}: {cause}; choose another with --listen (port 0 takes a free one)")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What went wrong.
        cause: std::io::Error,
    },
    /// The certificates cannot be made or read.
    #[error("cannot set up TLS: {0}; remove the folder tls in the data directory to have it made anew")]
    Tls(String),
}

/// A running service.
#[derive(Debug)]
pub struct Service {
    address: SocketAddr,
    tls: bool,
    handle: Handle<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
    running: PathBuf,
    _lock: File,
}

impl Service {
    /// `http://address:port`.
    pub fn base(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }

    /// The URL of the registry.
    pub fn registry(&self) -> String {
        format!("{}/reg/resource-caps", self.base())
    }

    /// Lets running requests end, within bounds, and stops.
    pub async fn stop(self) {
        self.handle.graceful_shutdown(Some(GRACE));
        let mut tasks = self.tasks.into_iter();
        if let Some(server) = tasks.next() {
            // An error means that the task is gone, which is what is wanted.
            let _ = server.await;
        }
        tasks.for_each(|worker| worker.abort());
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
    let options = SpaceOptions {
        profile,
        groups: Arc::clone(&options.groups),
        grants,
        refresh_interval: options.refresh_interval,
        sites: options.sites,
        harvest_delay: options.harvest_delay,
    };
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
    let failed = |cause| StartError::Listen { address: options.listen, cause };
    File::create(&running)
        .map_err(|error| StartError::Data { path: options.data.clone(), cause: error.to_string() })?;
    let listener = TcpListener::bind(options.listen).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let app = Arc::new(App {
        spaces: spaces.clone(),
        users: options.users,
        tls: options.tls,
        authority: options.data.join("tls"),
        host: address.to_string(),
        control: options.control.then(Control::default),
        shaper: Shaper::new(options.shape),
    });
    let service = app.router().into_make_service();
    let handle = Handle::new();
    let server = if options.tls {
        let config = tls::server_config(&options.data.join("tls"), address.ip(), &names)
            .map_err(|error| StartError::Tls(error.to_string()))?;
        let acceptor = CertificateAcceptor::new(config);
        let server = axum_server::from_tcp(listener).map_err(failed)?.acceptor(acceptor).handle(handle.clone());
        tokio::spawn(async move { log_end(server.serve(service).await) })
    } else {
        let acceptor = NoDelayAcceptor::new();
        let server = axum_server::from_tcp(listener).map_err(failed)?.acceptor(acceptor).handle(handle.clone());
        tokio::spawn(async move { log_end(server.serve(service).await) })
    };
    let mut tasks = vec![server];
    for space in spaces {
        if !space.refreshes_at_once() {
            tasks.push(tokio::spawn(refresh(Arc::clone(&space))));
        }
        if !space.sites.harvest_delay().is_zero() {
            tasks.push(tokio::spawn(harvest(space)));
        }
    }
    Ok(Service { address, tls: options.tls, handle, tasks, running, _lock: lock })
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

fn log_end(result: std::io::Result<()>) {
    if let Err(error) = result {
        tracing::error!(%error, "the server ended");
    }
}

/// The worker that brings listings up to date.
async fn refresh(space: Arc<Space>) {
    let mut ticks = tokio::time::interval(space.refresh_interval());
    loop {
        ticks.tick().await;
        if let Err(fault) = space.refresh_recent().await {
            tracing::warn!(%fault, "refresh failed");
        }
    }
}

/// The worker that carries news and bytes from site to site.
async fn harvest(space: Arc<Space>) {
    let mut ticks = tokio::time::interval(space.sites.harvest_delay() / 2);
    loop {
        ticks.tick().await;
        if let Err(fault) = space.harvest().await {
            tracing::warn!(%fault, "harvest failed");
        }
    }
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
