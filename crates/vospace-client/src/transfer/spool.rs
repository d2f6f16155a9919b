//! Bytes of unknown number, gathered before they are sent: services want to know the length beforehand, and a lost
//! connection means to send them again.
//!
//! They go to a file without a name in the directory for temporary files (`TMPDIR`), which is gone with the program.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::io::AsyncWriteExt as _;

use super::{ByteStream, Supply};
use crate::error::Error;

/// Bytes read at once.
const CHUNK: usize = 256 << 10;

/// See the module.
#[derive(Debug)]
pub(crate) struct Spool {
    file: Arc<File>,
    length: u64,
}

impl Spool {
    /// Gathers everything that `reader` gives.
    pub(crate) fn of(mut reader: impl Read) -> io::Result<Spool> {
        let mut file = tempfile::tempfile()?;
        let length = io::copy(&mut reader, &mut file)?;
        Ok(Spool { file: Arc::new(file), length })
    }

    /// Gathers a body.
    pub(crate) async fn of_stream(mut body: ByteStream) -> Result<Spool, Error> {
        let local = |error: io::Error| Error::local(&std::env::temp_dir(), &error);
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(local)?);
        let mut length = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            file.write_all(&chunk).await.map_err(local)?;
            length += chunk.len() as u64;
        }
        file.flush().await.map_err(local)?;
        Ok(Spool { file: Arc::new(file.into_std().await), length })
    }
}

impl Supply for Spool {
    fn length(&self) -> u64 {
        self.length
    }

    fn read(&self, range: Range<u64>) -> ByteStream {
        let file = Arc::clone(&self.file);
        stream::try_unfold(range.start, move |at| {
            let file = Arc::clone(&file);
            async move {
                let wanted = usize::try_from(range.end.saturating_sub(at)).unwrap_or(CHUNK).min(CHUNK);
                if wanted == 0 {
                    return Ok(None);
                }
                let read = tokio::task::spawn_blocking(move || {
                    let mut chunk = vec![0; wanted];
                    file.read_exact_at(&mut chunk, at).map(|()| Bytes::from(chunk))
                });
                let chunk = read.await.unwrap_or_else(|error| Err(io::Error::other(error)));
                let chunk = chunk.map_err(|error| Error::local(&std::env::temp_dir(), &error))?;
                Ok(Some((chunk, at + wanted as u64)))
            }
        })
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt as _;

    use super::*;

    #[tokio::test]
    async fn what_was_gathered_can_be_read_again_and_in_part() {
        let content: Vec<u8> = (0..600_000_u32).map(|n| n as u8).collect();
        let spool = Spool::of(&content[..]).unwrap();
        assert_eq!(spool.length(), 600_000);
        for range in [0..600_000, 5..300_000, 599_999..600_000, 7..7] {
            let chunks: Vec<Bytes> = spool.read(range.clone()).try_collect().await.unwrap();
            assert!(chunks.concat() == content[range.start as usize..range.end as usize], "{range:?}");
        }
    }
}
