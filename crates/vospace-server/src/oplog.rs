//! The operation log: which requests came, for tests that ask "what did the client send?".
//!
//! Kept only when the control resource is switched on, and bounded. Grants in byte URLs are secrets and are replaced by
//! `TOKEN` before an entry is made. `bytes_out` counts the body as it is sent, so an entry of a download that is still
//! running grows.

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Entries kept; the oldest go first.
const LONGEST: usize = 100_000;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Counts from 1 since the start of the service.
    pub seq: u64,
    /// The HTTP method.
    pub method: String,
    /// The path as sent, with grants replaced.
    pub path: String,
    /// The query without `?`, or empty.
    pub query: String,
    /// The status of the answer.
    pub status: u16,
    /// The user, or null.
    pub user: Option<String>,
    /// How a secret was presented, known here or not: `Bearer`, `Basic`, the names of cookies and headers; never the secret.
    pub credentials: Vec<String>,
    /// The `Range` header, or null.
    pub range: Option<String>,
    /// Bytes of the answer's body sent so far.
    pub bytes_out: u64,
}

/// The log.
#[derive(Debug, Default)]
pub struct OperationLog {
    entries: Mutex<VecDeque<(Entry, Arc<AtomicU64>)>>,
    count: AtomicU64,
}

impl OperationLog {
    /// Adds an entry; the number and the byte count are set here. The body returned counts what it sends.
    pub fn add(&self, mut entry: Entry, body: Body) -> Body {
        let sent = Arc::new(AtomicU64::new(0));
        entry.seq = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let mut entries = self.entries.lock();
        if entries.len() >= LONGEST {
            entries.pop_front();
        }
        entries.push_back((entry, Arc::clone(&sent)));
        drop(entries);
        if axum::body::HttpBody::is_end_stream(&body) {
            return body;
        }
        let counted = body.into_data_stream().inspect(move |chunk: &Result<Bytes, _>| {
            if let Ok(chunk) = chunk {
                sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            }
        });
        Body::from_stream(counted)
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> Vec<Entry> {
        let entries = self.entries.lock();
        let with_count = |(entry, sent): &(Entry, Arc<AtomicU64>)| Entry {
            bytes_out: sent.load(Ordering::Relaxed),
            ..entry.clone()
        };
        entries.iter().map(with_count).collect()
    }

    /// Forgets all entries; the numbers go on.
    pub fn clear(&self) {
        self.entries.lock().clear();
    }
}

/// A path without the grants in it.
pub fn redacted(path: &str) -> String {
    let replace = |part: &str| -> Option<String> {
        if part.contains('~') && part.len() > 60 {
            let prefix = if part.starts_with("preauth:") { "preauth:" } else { "" };
            return Some(format!("{prefix}TOKEN"));
        }
        None
    };
    path.split('/').map(|part| replace(part).unwrap_or_else(|| part.to_owned())).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_do_not_reach_the_log() {
        let token = format!("{}~{}", "a".repeat(40), "b".repeat(44));
        assert_eq!(redacted(&format!("/minoc/files/{token}/cadc:vault/1")), "/minoc/files/TOKEN/cadc:vault/1");
        assert_eq!(redacted(&format!("/arc/files/preauth:{token}/a~b")), "/arc/files/preauth:TOKEN/a~b");
    }

    #[tokio::test]
    async fn bytes_are_counted_as_sent() {
        let log = OperationLog::default();
        let entry = Entry {
            seq: 0,
            method: "GET".into(),
            path: "/".into(),
            query: String::new(),
            status: 200,
            user: None,
            credentials: Vec::new(),
            range: None,
            bytes_out: 0,
        };
        let body = log.add(entry, Body::from("abc"));
        assert_eq!(log.entries()[0].bytes_out, 0);
        axum::body::to_bytes(body, 10).await.unwrap();
        assert_eq!((log.entries()[0].seq, log.entries()[0].bytes_out), (1, 3));
        log.clear();
        assert!(log.entries().is_empty());
    }
}
