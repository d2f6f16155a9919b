//! Shaping: a network that is slower than the loopback.
//!
//! A latency is added to every request, and bodies in both directions are held to a rate: of each request by itself
//! (a connection carries one at a time), and of all together. Bodies are handed on in small pieces, each at the moment
//! at which a line of that rate would have delivered it.

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes handed on at once: at 25 MB/s about a millisecond, the resolution of the timer.
const PIECE: usize = 32 << 10;

/// How slow the network is to seem.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// Added to each request.
    pub latency: Duration,
    /// Bytes a second of each connection.
    pub connection_rate: Option<u64>,
    /// Bytes a second of all together.
    pub total_rate: Option<u64>,
}

/// A line of some rate.
#[derive(Debug)]
struct Line {
    rate: u64,
    free: Mutex<Instant>,
}

impl Line {
    fn new(rate: u64) -> Arc<Line> {
        Arc::new(Line { rate: rate.max(1), free: Mutex::new(Instant::now()) })
    }

    /// When so many bytes have passed that are sent as soon as the line is free.
    fn passed(&self, bytes: usize) -> Instant {
        let mut free = self.free.lock();
        let time = Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        *free = (*free).max(Instant::now()) + time;
        *free
    }
}

/// Slows requests and bodies down.
#[derive(Debug, Default)]
pub struct Shaper {
    latency: Duration,
    connection_rate: Option<u64>,
    total: Option<Arc<Line>>,
}

impl Shaper {
    /// A network of this shape.
    pub fn new(shape: Shape) -> Shaper {
        Shaper {
            latency: shape.latency,
            connection_rate: shape.connection_rate,
            total: shape.total_rate.map(Line::new),
        }
    }

    /// Waits for as long as a request takes to come and its answer to go.
    pub async fn arrive(&self) {
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
    }

    /// The body at the rate of the network, or at this one if it is lower.
    pub fn shape(&self, body: Body, rate: Option<u64>) -> Body {
        let own = [self.connection_rate, rate].into_iter().flatten().min();
        let lines: Vec<_> = own.map(Line::new).into_iter().chain(self.total.clone()).collect();
        if lines.is_empty() || axum::body::HttpBody::is_end_stream(&body) {
            return body;
        }
        let state = (body.into_data_stream(), Bytes::new(), lines);
        Body::from_stream(stream::unfold(state, |(mut chunks, mut rest, lines)| async move {
            while rest.is_empty() {
                rest = match chunks.next().await? {
                    Ok(chunk) => chunk,
                    Err(error) => return Some((Err(error), (chunks, rest, lines))),
                };
            }
            let piece = rest.split_to(rest.len().min(PIECE));
            let due = lines.iter().map(|line| line.passed(piece.len())).max();
            if let Some(due) = due {
                tokio::time::sleep_until(due.into()).await;
            }
            Some((Ok(piece), (chunks, rest, lines)))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn bodies_take_the_time_of_their_rate() {
        let shape = Shape { connection_rate: Some(1 << 20), ..Shape::default() };
        let shaper = Shaper::new(shape);
        let start = Instant::now();
        let body = shaper.shape(Body::from(vec![7; 100 << 10]), None);
        assert_eq!(axum::body::to_bytes(body, 1 << 20).await.unwrap().len(), 100 << 10);
        assert!(start.elapsed() >= Duration::from_millis(95), "{:?}", start.elapsed());

        let shaper = Shaper::new(Shape { total_rate: Some(1 << 20), ..Shape::default() });
        let start = Instant::now();
        let read = || axum::body::to_bytes(shaper.shape(Body::from(vec![7; 50 << 10]), None), 1 << 20);
        let (one, two) = tokio::join!(read(), read());
        assert_eq!(one.unwrap().len() + two.unwrap().len(), 100 << 10);
        assert!(start.elapsed() >= Duration::from_millis(95), "two share the line: {:?}", start.elapsed());
    }
}
