//! The life of a mount: start, answer, drain, end.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fuser::{Config, MountOption, Session, SessionACL};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use vofs_core::Engine;
use vofs_core::clock::SystemClock;
use vofs_core::remote::VoSpace;
use vospace_client::{Client, ErrorKind, VosUri, bulk};

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
use crate::signals::Signals;
use crate::{descriptors, drain, expiry, logging, supervisor, system};

/// Threads that take requests from the kernel. Each answers hits of the block cache itself and waits for the disk meanwhile:
/// one alone was slower, four were not faster (docs/architecture.md).
const DISPATCHERS: usize = 2;

/// Threads of the runtime, at most. Decryption and checksums of a fast link keep two busy; on a machine with a hundred
/// cores one each would only be a hundred stacks and as many arenas of the allocator.
const MOST_WORKERS: usize = 4;

/// How long the end waits for what was written after the drain of `mountvofs unmount`, which waits for the end.
const AFTER_DRAIN: Duration = Duration::from_secs(30);

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
    let without_credentials = match client.credentials(&settings.root) {
        Ok(_) => None,
        Err(problem) => Some(excuse(&client, &settings.root, &problem).await?),
    };
    let remote = Arc::new(VoSpace::new(client.clone(), settings.root.clone()));
    let engine = match Engine::start(settings.engine.clone(), remote, Arc::new(SystemClock)).await {
        Ok(engine) => engine,
        Err(error) => return Err(not_begun(&client, &settings, &error).await),
    };
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
    let _announcing = AbortOnDropHandle::new(tokio::spawn(expiry::announce(client.clone(), settings.root.clone())));
    let _metrics = metrics.map(|listener| Endpoint::start(listener, Arc::clone(&context)));
    let _control = Server::start(context, &settings.engine.cache_dir).map_err(|error| {
        tracing::warn!(%error, "no control socket: `mountvofs status` and `drain` cannot ask this mount");
    });
    let mut unmounter = session.unmount_callable();
    system::raise_read_ahead(&settings.mountpoint);
    let mut signals = Signals::listen();
    let mut serving = tokio::task::spawn_blocking(move || session.run());
    let mut remarks = settings.remarks;
    remarks.extend(without_credentials);
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
            Ok(finish(&engine, patience.drain(), &mut signals).await)
        }
        (by, limit) = asked_to_end(&mut signals, &end, &patience) => {
            tracing::info!(by, "asked to end");
            supervisor::stopping(limit);
            let code = finish(&engine, limit, &mut signals).await;
            let unmounted = tokio::task::spawn_blocking(move || unmounter.unmount()).await;
            if !matches!(unmounted, Ok(Ok(()))) && let Err(error) = system::detach(&settings.mountpoint) {
                tracing::error!(%error, "not unmounted");
            }
            // Programs that still have files open keep a detached mount; what they write from now on is lost to them.
            let _ = tokio::time::timeout(Duration::from_secs(5), serving).await;
            // What was written between the drain and the unmount.
            Ok(if code == ExitCode::SUCCESS { finish(&engine, limit, &mut signals).await } else { code })
        }
    }
}

/// Why the engine does not start. One path on which no link stands is the name of a mount: what was written under another is not
/// found again once the link leads elsewhere.
async fn not_begun(client: &Client, settings: &Settings, error: &vofs_core::Error) -> Failure {
    let what = &settings.what;
    if matches!(error, vofs_core::Error::NotFound(_) | vofs_core::Error::NotADirectory(_))
        && let Ok(Some(other)) = bulk::around_links(client, &settings.root).await
    {
        return Failure::new(Status::Remote, format!("{what} leads through a link; mount {other} instead"));
    }
    Failure::engine(what, error)
}

/// What is to be said of credentials that cannot be used, where a mount has a meaning without them: anybody may list its root,
/// or the service is out of reach and what is cached is all that there is for now.
async fn excuse(client: &Client, root: &VosUri, problem: &vospace_client::Error) -> Result<String> {
    let begins = match client.stat(root).await {
        Ok(node) => node.properties.is_public(),
        Err(error) => matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Timeout),
    };
    if !begins {
        return Err(Failure::client(problem));
    }
    Ok(format!("{problem}; until then only public data can be read"))
}

/// Sends what is not sent yet; says how far it is, and what remains. Who does not want to wait interrupts it.
async fn finish(engine: &Arc<Engine>, limit: Duration, signals: &mut Signals) -> ExitCode {
    let waiting = engine.to_be_sent().len();
    if waiting > 0 {
        tracing::warn!(files = waiting, "not uploaded yet: that is done first");
    }
    let remaining = tokio::select! {
        remaining = drain::told(engine, engine.drain(limit)) => remaining,
        () = signals.interrupted() => {
            tracing::warn!("interrupted: what is not uploaded yet stays in the journal");
            engine.drain(Duration::ZERO).await
        }
    };
    for path in &remaining {
        tracing::error!(%path, "not uploaded; it is in the journal and goes out at the next mount with this cache directory");
    }
    if remaining.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(Status::Other as u8) }
}

/// Waits for a signal, or for the control socket to say it: who it was, and how long the end may wait for uploads.
async fn asked_to_end(signals: &mut Signals, end: &Notify, patience: &Patience) -> (&'static str, Duration) {
    tokio::select! {
        signal = signals.any() => (signal, patience.drain()),
        // Has had its drain.
        () = end.notified() => ("unmount", patience.drain().min(AFTER_DRAIN)),
    }
}

fn mount_options(settings: &Settings) -> Config {
    let mut config = Config::default();
    config.mount_options = vec![
        // The name must not bring options of its own into the list.
        MountOption::FSName(settings.what.replace(',', "_")),
        MountOption::DefaultPermissions,
        MountOption::NoDev,
        MountOption::NoSuid,
        if settings.engine.read_only { MountOption::RO } else { MountOption::RW },
    ];
    config.mount_options.extend(system::mount_options(&settings.what));
    config.mount_options.extend(settings.kernel.iter().cloned());
    config.acl = if settings.allow_other { SessionACL::All } else { SessionACL::Owner };
    config.n_threads = Some(DISPATCHERS);
    config
}
