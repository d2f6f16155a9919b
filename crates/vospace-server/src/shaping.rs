//! Shaping: a network that is slower than the loopback.
//!
//! A latency, the time of a round trip, is added to every request and to every new connection (twice with TLS, whose
//! handshake is a round trip of its own). Bodies in both directions are held to a rate: of each request by itself (a
//! connection carries one at a time), and of all together. They are handed on in small pieces, each at the moment at
//! which a line of that rate would have delivered it. Timers are late, by milliseconds and on a busy machine by much more;
//! a line makes up for what its own timer was late and for little more, so the rate is met on average and nothing comes in
//! bursts.

use axum::body::{Body, Bytes};
use axum_server::accept::Accept;
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most bytes handed on at once.
const LARGEST_PIECE: u64 = 64 << 10;

/// A piece is at most what a line carries in a 500th of a second: not below the resolution of timers, and smooth.
const PIECES_PER_SECOND: u64 = 500;

/// What a line makes up for at most when the other side was late. Timers tick in milliseconds.
const ARREARS: Duration = Duration::from_millis(5);

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

    /// When so many bytes have passed that are sent as soon as the line is free, by somebody whose timer was `late`.
    fn passed(&self, bytes: usize, late: Duration) -> Instant {
        let mut free = self.free.lock();
        let time = Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        let now = Instant::now();
        *free = (*free).max(now.checked_sub(ARREARS + late).unwrap_or(now)) + time;
        *free
    }

    fn piece(&self) -> usize {
        let piece = (self.rate / PIECES_PER_SECOND).clamp(1, LARGEST_PIECE);
        usize::try_from(piece).unwrap_or(usize::MAX)
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
        let largest = lines.iter().map(|line| line.piece()).min().unwrap_or(usize::MAX);
        let state = (body.into_data_stream(), Bytes::new(), lines, Duration::ZERO);
        Body::from_stream(stream::unfold(state, move |(mut chunks, mut rest, lines, mut late)| async move {
            while rest.is_empty() {
                rest = match chunks.next().await? {
                    Ok(chunk) => chunk,
                    Err(error) => return Some((Err(error), (chunks, rest, lines, late))),
                };
            }
            let piece = rest.split_to(rest.len().min(largest));
            let due = lines.iter().map(|line| line.passed(piece.len(), late)).max();
            if let Some(due) = due {
                let behind = due.elapsed();
                tokio::time::sleep_until(due.into()).await;
                late = if behind.is_zero() { due.elapsed() } else { behind.min(late) };
            }
            Some((Ok(piece), (chunks, rest, lines, late)))
        }))
    }
}

/// Accepts connections as late as from far away.
#[derive(Clone, Debug)]
pub struct Distant<A> {
    near: A,
    delay: Duration,
}

impl<A> Distant<A> {
    /// So many round trips of this latency pass before a connection stands.
    pub fn new(near: A, latency: Duration, round_trips: u32) -> Distant<A> {
        Distant { near, delay: latency * round_trips }
    }
}

impl<A, I, S> Accept<I, S> for Distant<A>
where
    A: Accept<I, S> + Clone + Send + Sync + 'static,
    A::Future: Send,
    I: Send + 'static,
    S: Send + 'static,
{
    type Stream = A::Stream;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(A::Stream, A::Service)>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let Distant { near, delay } = self.clone();
        Box::pin(async move {
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            near.accept(stream, service).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_late_is_made_up_for_and_no_more() {
        let line = Line::new(1 << 20);
        let start = Instant::now();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let due = line.passed(100 << 10, Duration::ZERO);
        assert!(due >= start + Duration::from_millis(50 + 97 - 5), "an idle line saves nothing up");
        let whole = line.passed(1 << 20, Duration::ZERO) - due;
        assert_eq!(whole.as_millis(), 1000, "the second piece follows the first, however late it comes");
        let line = Line::new(1 << 20);
        let start = Instant::now();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let due = line.passed(100 << 10, start.elapsed());
        assert!(due <= start + Duration::from_millis(98), "what its own timer was late is made up for");
        assert_eq!((Line::new(1).piece(), Line::new(25_000_000).piece()), (1, 50_000));
    }

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
