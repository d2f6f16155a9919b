//! Bodies that break off, stop or end too early; answers that are lost; uploads that fail.

use super::Effect;
use crate::uploads::{Abandoned, Sink};
use axum::body::{Body, Bytes};
use axum::http::Response;
use futures_util::{Stream, StreamExt as _, stream};
use std::task::Poll;

/// Marks an answer that is not sent: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub struct Lost;

/// An answer of which the client sees nothing.
pub fn lost() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(Lost);
    response
}

/// The first so many bytes.
fn start(body: Body, length: u64) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    body.into_data_stream().scan(length, |left, chunk| {
        let piece = (*left > 0).then(|| {
            chunk.map(|mut chunk| {
                chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= chunk.len() as u64;
                chunk
            })
        });
        std::future::ready(piece)
    })
}

/// The body up to so many bytes, as if that was all.
pub fn ended(body: Body, after: u64) -> Body {
    Body::from_stream(start(body, after))
}

/// The body up to so many bytes, and then nothing more, without an end.
pub fn stalled(body: Body, after: u64) -> Body {
    Body::from_stream(start(body, after).chain(stream::poll_fn(|_| Poll::Pending)))
}

/// The body without a length that is known beforehand. What there is of it is sent before its end is seen.
pub fn flushed(body: Body) -> Body {
    let end = stream::once(async {
        tokio::task::yield_now().await;
        Ok(Bytes::new())
    });
    Body::from_stream(body.into_data_stream().chain(end))
}

/// The body, broken off after so many bytes; the client gets the head of the answer and these.
pub fn cut(body: Body, after: u64) -> Body {
    let end = stream::once(async {
        // What was written so far leaves the buffers while this waits; a break without a wait takes it along.
        tokio::task::yield_now().await;
        Err(axum::Error::new(std::io::Error::other("broken on demand")))
    });
    Body::from_stream(start(body, after).chain(end))
}

/// What happens to an upload on its way into this sink.
pub fn hampered(effect: Option<&Effect>, sink: &mut Sink, body: Body) -> Body {
    match effect {
        Some(Effect::TearUpload(bytes)) => {
            // As when the service is killed in the middle: nobody is left to clean up.
            sink.if_abandoned(Abandoned::Leave);
            cut(body, *bytes)
        }
        Some(Effect::DiskFullAfter(bytes)) => {
            sink.full_after(*bytes);
            body
        }
        _ => body,
    }
}
