//! Doors: the ports that the service answers at.
//!
//! A [`Door`] has an address of its own and can be shut and opened again while the service runs: shut, nobody listens
//! there, connections are refused and those that stood are cut. [`Doors`] knows what all have in common: TLS, the
//! distance that the network seems to have, and the patience with clients that do not say what they want. A door never
//! decides what is answered.

use crate::answering::Answering;
use crate::shaping::Distant;
use crate::tls::CertificateAcceptor;
use axum_server::accept::NoDelayAcceptor;
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use parking_lot::Mutex;
use rustls::ServerConfig;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Requests that run when the service is stopped get this long.
const GRACE: Duration = Duration::from_secs(2);

/// What all doors have in common.
#[derive(Clone, Debug)]
pub struct Doors {
    /// Certificates, for https.
    pub tls: Option<Arc<ServerConfig>>,
    /// The time of a round trip to the client.
    pub latency: Duration,
    /// How long a client may take for the head of a request, and be silent between two.
    pub patience: Duration,
}

impl Doors {
    /// Answers at this listener until the handle says otherwise.
    fn attend(&self, listener: TcpListener, answering: Answering) -> io::Result<Attended> {
        let handle = Handle::new();
        let server = axum_server::from_tcp(listener)?.handle(handle.clone());
        let serving: Pin<Box<dyn Future<Output = io::Result<()>> + Send>> = match &self.tls {
            Some(config) => {
                let near = CertificateAcceptor::new(Arc::clone(config));
                Box::pin(self.patient(server.acceptor(Distant::new(near, self.latency, 2))).serve(answering))
            }
            None => {
                let near = NoDelayAcceptor::new();
                Box::pin(self.patient(server.acceptor(Distant::new(near, self.latency, 1))).serve(answering))
            }
        };
        let task = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the server ended");
            }
        });
        Ok(Attended { handle, task })
    }

    /// Only HTTP/1: to tell it from HTTP/2 would mean to wait for the first bytes for ever.
    fn patient<A>(&self, server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
        let mut server = server.http1_only();
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(self.patience);
        server
    }
}

#[derive(Debug)]
struct Attended {
    handle: Handle<SocketAddr>,
    task: JoinHandle<()>,
}

/// One port.
#[derive(Debug)]
pub struct Door {
    address: SocketAddr,
    doors: Doors,
    attended: Mutex<Option<Attended>>,
}

impl Door {
    /// The port of this listener, answered from now on.
    pub fn open_at(listener: TcpListener, doors: &Doors, answering: Answering) -> io::Result<Door> {
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let attended = Mutex::new(Some(doors.attend(listener, answering)?));
        Ok(Door { address, doors: doors.clone(), attended })
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets clients in, unless it is open.
    pub fn open(&self, answering: Answering) -> io::Result<()> {
        let mut attended = self.attended.lock();
        if attended.is_none() {
            let listener = TcpListener::bind(self.address)?;
            listener.set_nonblocking(true)?;
            *attended = Some(self.doors.attend(listener, answering)?);
        }
        Ok(())
    }

    /// Cuts all connections and takes none any more: they are refused when this returns.
    pub async fn shut(&self) {
        self.end(Handle::shutdown).await;
    }

    /// Lets running requests end, within bounds, and takes no connections any more.
    pub async fn close(&self) {
        self.end(|handle| handle.graceful_shutdown(Some(GRACE))).await;
    }

    async fn end(&self, how: impl FnOnce(&Handle<SocketAddr>)) {
        let attended = self.attended.lock().take();
        if let Some(Attended { handle, task }) = attended {
            how(&handle);
            // An error means that the task is gone, which is what is wanted.
            let _ = task.await;
        }
    }
}
