//! The life of a mount: start, answer, drain, end.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fuser::{Config, MountOption, Session, SessionACL};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use vofs_core::Engine;
use vofs_core::clock::SystemClock;
use vofs_core::remote::VoSpace;

use crate::Result;
use crate::activity::Activity;
use crate::adapter::absences::Absences;
use crate::adapter::{Adapter, KernelLine};
use crate::control::context::Context;
use crate::control::server::Server;
use crate::daemon::Ready;
use crate::failure::{Failure, Status};
use crate::logging::Level;
use crate::metrics::{self, endpoint::Endpoint};
use crate::options::Settings;
use crate::patience::Patience;
use crate::{descriptors, drain, expiry, kernel, logging, mountpoint, supervisor};

/// Threads that take requests from the kernel. Each answers hits of the block cache itself and waits for the disk meanwhile:
/// one alone was slower, four were not faster (docs/architecture.md).
const DISPATCHERS: usize = 2;

/// Threads of the runtime, at most. Decryption and checksums of a fast link keep two busy; on a machine with a hundred
/// cores one each would only be a hundred stacks and as many arenas of the allocator.
const MOST_WORKERS: usize = 4;

/// Mounts, tells whoever waits, and stays until the mount is gone.
pub(crate) fn run(settings: Settings, ready: &mut Ready) -> Result<ExitCode> {
    settings.make_cache_dir()?;
    let level = logging::start(&settings.log)?;
    descriptors::raise();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(cores.min(MOST_WORKERS))
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Status::Other, format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(live(settings, level, ready));
    // A request that still waits for a dead service must not hold up the end.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn live(settings: Settings, level: Level, ready: &mut Ready) -> Result<ExitCode> {
    let metrics = match settings.metrics {
        Some(address) => Some(metrics::endpoint::bind(address).await?),
        None => None,
    };
    let client = settings.client()?;
    client.credentials(&settings.root).map_err(|error| Failure::client(&error))?;
    let remote = Arc::new(VoSpace::new(client.clone(), settings.root.clone()));
    let engine = Engine::start(settings.engine.clone(), remote, Arc::new(SystemClock))
        .await
        .map_err(|error| Failure::engine(&settings.what, &error))?;
    let kernel = KernelLine::default();
    let absences = Arc::<Absences>::default();
    let activity = Arc::<Activity>::default();
    let patience = Arc::new(Patience::new(settings.metadata_deadline, settings.drain_limit));
    let adapter = Adapter::new(
        Arc::clone(&engine),
        Arc::clone(&kernel),
        Arc::clone(&absences),
        Arc::clone(&activity),
        Arc::clone(&patience),
        settings.engine.passthrough,
    );
    let options = mount_options(&settings);
    let place = settings.mountpoint.clone();
    let session = tokio::task::spawn_blocking(move || Session::new(adapter, &place, &options)).await;
    let mut session =
        session.map_err(|error| error.to_string()).and_then(|made| made.map_err(|error| error.to_string())).map_err(
            |error| Failure::new(Status::Fuse, format!("cannot mount on {}: {error}", settings.mountpoint.display())),
        )?;
    let _ = kernel.set(session.notifier());
    let end = Arc::new(Notify::new());
    let context = Arc::new(Context {
        engine: Arc::clone(&engine),
        client: client.clone(),
        root: settings.root.clone(),
        kernel,
        absences,
        activity,
        level,
        mountpoint: settings.mountpoint.clone(),
        log: settings.log.file.clone(),
        since: Instant::now(),
        patience: Arc::clone(&patience),
        usual_deadlines: settings.usual_deadlines,
        end: Arc::clone(&end),
    });
    let _announcing = AbortOnDropHandle::new(tokio::spawn(expiry::announce(client, settings.root.clone())));
    let _metrics = metrics.map(|listener| Endpoint::start(listener, Arc::clone(&context)));
    let _control = Server::start(context, &settings.engine.cache_dir).map_err(|error| {
        tracing::warn!(%error, "no control socket: `mountvofs status` and `drain` cannot ask this mount");
    });
    let mut unmounter = session.unmount_callable();
    kernel::raise_read_ahead(&settings.mountpoint);
    let mut serving = tokio::task::spawn_blocking(move || session.run());
    let mut remarks = settings.remarks;
    if engine.offline_since().is_some() {
        remarks.push(format!(
            "{} cannot be reached: mounted with what is cached; the rest comes by itself when it answers",
            settings.what
        ));
    }
    ready.mounted(&remarks);
    supervisor::ready(&settings.what, &settings.mountpoint);
    supervisor::keep_watchdog(&engine);
    tracing::info!(what = settings.what, mountpoint = %settings.mountpoint.display(), "mounted");
    tokio::select! {
        ended = &mut serving => {
            if let Ok(Err(error)) = ended {
                tracing::error!(%error, "the kernel ended the session");
            }
            supervisor::stopping(patience.drain());
            Ok(finish(&engine, patience.drain()).await)
        }
        by = asked_to_end(&end) => {
            tracing::info!(by, "asked to end");
            supervisor::stopping(patience.drain());
            let code = finish(&engine, patience.drain()).await;
            let unmounted = tokio::task::spawn_blocking(move || unmounter.unmount()).await;
            if !matches!(unmounted, Ok(Ok(()))) && let Err(error) = mountpoint::detach(&settings.mountpoint) {
                tracing::error!(%error, "not unmounted");
            }
            // Programs that still have files open keep a detached mount; what they write from now on is lost to them.
            let _ = tokio::time::timeout(Duration::from_secs(5), serving).await;
            // What was written between the drain and the unmount.
            Ok(if code == ExitCode::SUCCESS { finish(&engine, patience.drain()).await } else { code })
        }
    }
}

/// Sends what is not sent yet; says how far it is, and what remains.
async fn finish(engine: &Arc<Engine>, limit: Duration) -> ExitCode {
    let waiting = engine.to_be_sent().len();
    if waiting > 0 {
        tracing::warn!(files = waiting, "not uploaded yet: that is done first");
    }
    let remaining = drain::told(engine, engine.drain(limit)).await;
    for path in &remaining {
        tracing::error!(%path, "not uploaded; it is in the journal and goes out at the next mount with this cache directory");
    }
    if remaining.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Status::Other as u8) }
}

/// Waits for a signal, or for the control socket to say it.
async fn asked_to_end(end: &Notify) -> &'static str {
    let listen = |kind| signal(kind).map_err(|error| tracing::error!(%error, "signals are not heard"));
    let (Ok(mut term), Ok(mut int), Ok(mut hup)) =
        (listen(SignalKind::terminate()), listen(SignalKind::interrupt()), listen(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "SIGINT",
        _ = hup.recv() => "SIGHUP",
        () = end.notified() => "unmount",
    }
}

fn mount_options(settings: &Settings) -> Config {
    let mut config = Config::default();
    config.mount_options = vec![
        // The name must not bring options of its own into the list.
        MountOption::FSName(settings.what.replace(',', "_")),
        kernel::subtype(),
        MountOption::DefaultPermissions,
        MountOption::NoDev,
        MountOption::NoSuid,
        if settings.engine.read_only { MountOption::RO } else { MountOption::RW },
    ];
    config.mount_options.extend(settings.kernel.iter().cloned());
    config.acl = if settings.allow_other { SessionACL::All } else { SessionACL::Owner };
    config.n_threads = Some(DISPATCHERS);
    config
}
