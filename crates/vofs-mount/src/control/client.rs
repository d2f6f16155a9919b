//! The other end of the control socket: asks the daemon of a cache directory.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::Place;
use super::protocol::{Reply, Request};
use crate::Result;
use crate::failure::{Failure, Status};

/// A daemon that listens.
#[derive(Debug)]
pub(crate) struct Daemon(UnixStream);

impl Daemon {
    /// The daemon that uses `cache_dir`; none when nothing is mounted with it.
    pub(crate) fn find(cache_dir: &Path) -> Result<Option<Self>> {
        let connected = Place::open(cache_dir).and_then(|place| UnixStream::connect(&place.path));
        match connected {
            Ok(stream) => Ok(Some(Daemon(stream))),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
            Err(error) => {
                let message = format!("the control socket in {} cannot be used: {error}", cache_dir.display());
                Err(Failure::new(Status::Other, message))
            }
        }
    }

    /// Asks, hands what is said before the answer to `progress`, and gives the answer. A request that failed is an error.
    pub(crate) fn ask(self, request: &Request, mut progress: impl FnMut(&Reply)) -> Result<Reply> {
        let answer = self.ask_while(request, |reply| {
            progress(reply);
            true
        })?;
        answer.ok_or_else(|| broken("the connection ended"))
    }

    /// The same for as long as `progress` says that there is interest; none when there is no more.
    pub(crate) fn ask_while(self, request: &Request, progress: impl FnMut(&Reply) -> bool) -> Result<Option<Reply>> {
        Ok(self.converse(request, progress)?.map(|(reply, _)| reply))
    }

    /// Asks, and gives the answer with the bytes that are behind it.
    pub(crate) fn ask_for_bytes(self, request: &Request) -> Result<(Reply, impl Read)> {
        self.converse(request, |_| true)?.ok_or_else(|| broken("the connection ended"))
    }

    fn converse(
        mut self,
        request: &Request,
        mut progress: impl FnMut(&Reply) -> bool,
    ) -> Result<Option<(Reply, BufReader<UnixStream>)>> {
        let mut line = serde_json::to_string(request).map_err(|error| broken(&error.to_string()))?;
        line.push('\n');
        self.0.write_all(line.as_bytes()).map_err(|error| broken(&error.to_string()))?;
        let mut replies = BufReader::new(self.0);
        loop {
            line.clear();
            if replies.read_line(&mut line).map_err(|error| broken(&error.to_string()))? == 0 {
                return Err(broken("the connection ended"));
            }
            match serde_json::from_str(&line).map_err(|error| broken(&error.to_string()))? {
                Reply::Failed { message } => return Err(Failure::new(Status::Other, message)),
                reply if reply.is_followed() => {
                    if !progress(&reply) {
                        return Ok(None);
                    }
                }
                reply => return Ok(Some((reply, replies))),
            }
        }
    }
}

/// The daemon is there, and does not say what it should.
pub(crate) fn broken(cause: &str) -> Failure {
    Failure::new(Status::Other, format!("the mount does not answer: {cause}"))
}
