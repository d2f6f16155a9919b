//! The HTTP side of the application: a service for each connection.
//!
//! It is a plain service and not a router because a request may end without any answer: then it fails, and the server
//! closes the connection. It knows nothing of what is asked.

use crate::fault::Fault;
use crate::faults::bodies::Lost;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use thiserror::Error;
use tower_service::Service;

/// The connection is to be closed without an answer.
#[derive(Clone, Copy, Debug, Error)]
#[error("no answer, on demand")]
pub struct NoAnswer;

/// Where a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entrance {
    /// At the port of the service.
    Main,
    /// At the port of this byte site, where nothing else is to be had.
    Site(usize),
}

/// What a request will be answered with.
pub type Answered = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;

/// Whatever answers requests.
pub trait Answer: Debug + Send + Sync {
    /// Answers one request to its end.
    fn answer(self: Arc<Self>, entrance: Entrance, request: Request<Body>) -> Answered;
}

/// Answers all requests that come in at one port.
#[derive(Clone, Debug)]
pub struct Answering {
    /// What answers.
    pub answer: Arc<dyn Answer>,
    /// Where they come in.
    pub entrance: Entrance,
}

impl Service<SocketAddr> for Answering {
    type Response = Answering;
    type Error = Infallible;
    type Future = Ready<Result<Answering, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: SocketAddr) -> Self::Future {
        ready(Ok(self.clone()))
    }
}

impl Service<Request<Incoming>> for Answering {
    type Response = Response<Body>;
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, NoAnswer>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoAnswer>> {
        Poll::Ready(Ok(()))
    }

    /// A request that was begun is brought to its end even if the client goes away: in a task of its own, so that no
    /// step between two changes of the store can be the last one.
    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let Answering { answer, entrance } = self.clone();
        let answer = tokio::spawn(answer.answer(entrance, request.map(Body::new)));
        Box::pin(async move {
            let response = match answer.await {
                Ok(response) => response,
                Err(failure) => Fault::internal(format!("request failed: {failure}")).response(),
            };
            if response.extensions().get::<Lost>().is_some() { Err(NoAnswer) } else { Ok(response) }
        })
    }
}
