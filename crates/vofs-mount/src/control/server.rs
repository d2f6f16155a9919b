//! The daemon's end of the control socket.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use vofs_core::Engine;

use super::Place;
use super::protocol::{Reply, Request};

/// A request is a short line.
const LONGEST: u64 = 64 * 1024;

/// How often whoever waits for a drain hears of it.
const PROGRESS: Duration = Duration::from_secs(1);

/// How long a drain may take; what is left then goes on in the background.
const DRAIN: Duration = Duration::from_secs(24 * 3600);

/// The listening socket. Dropped, it is closed and its name removed.
#[derive(Debug)]
pub(crate) struct Server {
    name: std::path::PathBuf,
    listening: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
        let _ = fs::remove_file(&self.name);
    }
}

impl Server {
    /// Listens in the cache directory of `engine`, whose lock this process holds: a socket that is there is nobody's.
    ///
    /// # Errors
    /// What keeps the socket from being made. A mount does without it.
    pub(crate) fn start(engine: &Arc<Engine>, cache_dir: &Path) -> std::io::Result<Self> {
        let name = cache_dir.join(super::NAME);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let place = Place::open(cache_dir)?;
        let listener = UnixListener::bind(&place.path)?;
        fs::set_permissions(&name, Permissions::from_mode(0o600))?;
        let engine = Arc::clone(engine);
        let listening = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let engine = Arc::clone(&engine);
                        tokio::spawn(async move {
                            if let Err(error) = serve(&engine, stream).await {
                                tracing::debug!(%error, "control: a connection broke");
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "control: no connection could be taken");
                        tokio::time::sleep(PROGRESS).await;
                    }
                }
            }
        });
        Ok(Server { name, listening })
    }
}

/// One connection: its request, and what is said to it.
async fn serve(engine: &Arc<Engine>, stream: UnixStream) -> std::io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let (read, mut write) = stream.into_split();
    if peer != 0 && peer != nix::unistd::getuid().as_raw() {
        tracing::warn!(uid = peer, "control: a stranger was refused");
        return say(&mut write, &Reply::Failed { message: "this mount belongs to another user".into() }).await;
    }
    let mut line = String::new();
    BufReader::new(read.take(LONGEST)).read_line(&mut line).await?;
    let reply = match serde_json::from_str(&line) {
        Ok(Request::Drain) => drain(engine, &mut write).await?,
        Ok(request) => answer(engine, request).await,
        Err(error) => Reply::Failed { message: format!("this mount does not understand the request: {error}") },
    };
    say(&mut write, &reply).await
}

async fn say(write: &mut (impl AsyncWriteExt + Unpin), reply: &Reply) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    write.write_all(&line).await
}

async fn answer(engine: &Arc<Engine>, request: Request) -> Reply {
    let done = match request {
        Request::Status => engine.status().await.map(|status| Reply::Status(Box::new(status))),
        Request::Pending => {
            engine.status().await.map(|status| Reply::Pending { space: status.space, files: status.pending })
        }
        Request::Export { which, to } => engine
            .export_pending(&which, &to)
            .await
            .map(|saved| Reply::Exported { path: saved.path, bytes: saved.bytes }),
        Request::Discard { which } => {
            engine.discard_pending(&which).await.map(|gone| Reply::Discarded { path: gone.path, bytes: gone.bytes })
        }
        Request::Retry { which } => engine.retry_pending(which.as_deref()).await.map(|files| Reply::Retried { files }),
        Request::Drain => Ok(Reply::Drained { remaining: Vec::new() }),
    };
    done.unwrap_or_else(|error| Reply::Failed { message: error.to_string() })
}

/// Sends everything, and says now and then how far it is.
async fn drain(engine: &Arc<Engine>, write: &mut (impl AsyncWriteExt + Unpin)) -> std::io::Result<Reply> {
    let draining = Arc::clone(engine);
    // A task of its own: it goes on when nobody listens any more.
    let mut draining = tokio::spawn(async move { draining.drain(DRAIN).await });
    loop {
        tokio::select! {
            remaining = &mut draining => {
                let remaining = remaining.unwrap_or_default();
                return Ok(Reply::Drained { remaining: remaining.iter().map(|path| path.as_str().to_owned()).collect() });
            }
            () = tokio::time::sleep(PROGRESS) => say(write, &progress(engine)).await?,
        }
    }
}

/// How much waits for its upload.
pub(crate) fn progress(engine: &Engine) -> Reply {
    let pending = engine.pending();
    Reply::Progress {
        files: pending.len(),
        bytes: pending.iter().map(|file| file.bytes).sum(),
        sent: pending.iter().filter_map(|file| file.sent).sum(),
    }
}
