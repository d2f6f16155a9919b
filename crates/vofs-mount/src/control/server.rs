//! The daemon's end of the control socket: who may ask, one request a connection, what is said on the way to its answer.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};

use super::context::Context;
use super::protocol::{Reply, Request};
use super::{Place, answer, long};

/// A request is a short line.
const LONGEST: u64 = 64 * 1024;

/// How long a listener pauses that cannot take a connection.
const PAUSE: Duration = Duration::from_secs(1);

/// A request comes at once.
const HEARING: Duration = Duration::from_secs(10);

/// Bytes are handed out by pieces of this size.
const PIECE: usize = 1 << 20;

/// How long whoever takes bytes may let one wait: the file is not sent meanwhile.
const TAKING: Duration = Duration::from_secs(60);

/// The listening socket. Dropped, it is closed and its name removed.
#[derive(Debug)]
pub(crate) struct Server {
    name: PathBuf,
    listening: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
        let _ = fs::remove_file(&self.name);
    }
}

impl Server {
    /// Listens in the cache directory of the mount, whose lock this process holds: a socket that is there is nobody's.
    ///
    /// # Errors
    /// What keeps the socket from being made. A mount does without it.
    pub(crate) fn start(context: Arc<Context>, cache_dir: &Path) -> std::io::Result<Self> {
        let name = cache_dir.join(super::NAME);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let place = Place::open(cache_dir)?;
        let listener = UnixListener::bind(&place.path)?;
        fs::set_permissions(&name, Permissions::from_mode(0o600))?;
        let listening = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let context = Arc::clone(&context);
                        tokio::spawn(async move {
                            if let Err(error) = serve(&context, stream).await {
                                tracing::debug!(%error, "control: a connection broke");
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "control: no connection could be taken");
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        });
        Ok(Server { name, listening })
    }
}

/// The way to who asked.
pub(super) struct Asker(OwnedWriteHalf);

impl Asker {
    /// Says one thing.
    pub(super) async fn say(&mut self, reply: &Reply) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(reply)?;
        line.push(b'\n');
        self.0.write_all(&line).await
    }

    /// Gives the first `length` bytes of `data`, zeros behind its end.
    pub(super) async fn give(&mut self, data: File, length: u64) -> std::io::Result<()> {
        let mut left = tokio::fs::File::from_std(data).chain(tokio::io::repeat(0)).take(length);
        let mut piece = vec![0; PIECE];
        loop {
            match left.read(&mut piece).await? {
                0 => return Ok(()),
                count => tokio::time::timeout(TAKING, self.0.write_all(&piece[..count])).await??,
            }
        }
    }
}

/// One connection: its request, and what is said to it.
async fn serve(context: &Arc<Context>, stream: UnixStream) -> std::io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let (read, write) = stream.into_split();
    let mut asker = Asker(write);
    let mut line = String::new();
    let mut read = BufReader::new(read.take(LONGEST));
    // Whoever asks: one who is refused while he still speaks sees a broken connection, and not the reason.
    let heard = tokio::time::timeout(HEARING, read.read_line(&mut line)).await;
    if peer != 0 && peer != nix::unistd::getuid().as_raw() {
        tracing::warn!(uid = peer, "control: a stranger was refused");
        return asker.say(&Reply::Failed { message: "this mount belongs to another user".into() }).await;
    }
    heard??;
    let reply = match serde_json::from_str(&line) {
        Ok(Request::Drain { limit }) => long::drain(&context.engine, limit, &mut asker).await?,
        Ok(Request::Warm { paths }) => long::warm(context, &paths, &mut asker).await?,
        Ok(Request::Pin { path, lazy }) => long::pin(context, &path, lazy, &mut asker).await?,
        Ok(Request::Export { which }) => return long::export(context, &which, &mut asker).await,
        Ok(Request::Trace) => return long::trace(context, &mut asker).await,
        Ok(Request::Unmount) => {
            let reply = long::unmount(context, &mut asker).await?;
            asker.say(&reply).await?;
            context.end.notify_one();
            return Ok(());
        }
        Ok(request) => answer::answer(context, request).await,
        Err(error) => Reply::Failed { message: format!("this mount does not understand the request: {error}") },
    };
    asker.say(&reply).await
}
