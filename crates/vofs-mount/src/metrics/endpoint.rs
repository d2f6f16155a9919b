//! The one resource `/metrics`, on a loopback address. One request a connection, read up to a bound and for a short time only;
//! nothing of it but its first line is looked at.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use crate::control::context::Context;
use crate::failure::{Failure, Status};

/// The head of a request is shorter.
const LONGEST: u64 = 16 * 1024;

/// Who asks for longer is not a scraper.
const PATIENCE: Duration = Duration::from_secs(5);

/// Connections at a time: a scraper or two.
const AT_A_TIME: usize = 8;

/// The listening endpoint; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Endpoint {
    _listening: AbortOnDropHandle<()>,
}

/// Takes the address, before anything is mounted.
///
/// # Errors
/// One that is in use, or no loopback address: what is told here names files and is for this machine.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    let fail = |why: String| Failure::new(Status::Usage, format!("--metrics {address}: {why}"));
    if !address.ip().is_loopback() {
        return Err(fail("only a loopback address is taken, such as 127.0.0.1:9464".to_owned()));
    }
    TcpListener::bind(address).await.map_err(|error| fail(error.to_string()))
}

impl Endpoint {
    /// Answers there from now on.
    pub(crate) fn start(listener: TcpListener, context: Arc<Context>) -> Self {
        let places = Arc::new(Semaphore::new(AT_A_TIME));
        let listening = tokio::spawn(async move {
            loop {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let context = Arc::clone(&context);
                        tokio::spawn(async move {
                            let _place = place;
                            let served = tokio::time::timeout(PATIENCE, serve(&context, stream)).await;
                            if !matches!(served, Ok(Ok(()))) {
                                tracing::debug!("metrics: a connection broke");
                            }
                        });
                    }
                    Err(error) => {
                        tracing::warn!(%error, "metrics: no connection could be taken");
                        tokio::time::sleep(PATIENCE).await;
                    }
                }
            }
        });
        Endpoint { _listening: AbortOnDropHandle::new(listening) }
    }
}

async fn serve(context: &Context, mut stream: TcpStream) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read.take(LONGEST)).lines();
    let request = lines.next_line().await?.unwrap_or_default();
    while lines.next_line().await?.is_some_and(|line| !line.is_empty()) {}
    let mut words = request.split(' ');
    let (status, body) = match (words.next(), words.next()) {
        (Some("GET"), Some("/metrics")) => match super::text(context).await {
            Ok(text) => ("200 OK", text),
            Err(error) => ("500 Internal Server Error", format!("{error}\n")),
        },
        (Some("GET"), _) => ("404 Not Found", "there is /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "GET /metrics\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    write.write_all(head.as_bytes()).await?;
    write.write_all(body.as_bytes()).await?;
    write.shutdown().await
}
