//! The XML reader: nodes, listings, transfers and jobs.
//!
//! For any bytes: reading ends without a panic; what was read is written such that it is read back; and no cut makes a
//! different, shorter document of one that was whole, which is how files would vanish from a directory.

use futures_util::FutureExt as _;
use tokio::io::{AsyncBufRead, BufReader};
use vospace_client::Node;
use vospace_client::xml::read::{ListingReader, read_node};
use vospace_client::xml::{XmlError, job as jobs, transfer as transfers, write};

/// A node document, as the service reads it out of a request and the client out of an answer.
pub fn node(bytes: &[u8]) {
    let Ok(node) = read_node(bytes) else { return };
    let text = write::node(&node, std::iter::empty());
    let again = read_node(text.as_bytes()).expect("what was written is read");
    assert_eq!(write::node(&again, std::iter::empty()), text);
}

/// A listing, whole and in pieces of any size; the last byte says where it is cut.
pub fn listing(bytes: &[u8]) {
    let read = list(bytes);
    let size = 1 + bytes.first().map_or(0, |byte| usize::from(*byte) % 64);
    let in_pieces = list(BufReader::with_capacity(size, bytes));
    assert_eq!(in_pieces.as_ref().ok(), read.as_ref().ok(), "in pieces of {size} bytes");
    let Ok((container, children)) = read else { return };
    let cut = bytes.len() * usize::from(bytes.last().copied().unwrap_or(0)) / 256;
    if let Ok(shorter) = list(&bytes[..cut]) {
        assert_eq!(shorter, (container.clone(), children.clone()), "cut at {cut}");
    }
    if container.is_container() {
        let text = write::node(&container, children.iter());
        let (container, children) = list(text.as_bytes()).expect("what was written is read");
        assert_eq!(write::node(&container, children.iter()), text);
    }
}

fn list(source: impl AsyncBufRead + Unpin) -> Result<(Node, Vec<Node>), XmlError> {
    let mut reader = ListingReader::new(source);
    let work = async {
        let container = reader.container().await?;
        let mut children = Vec::new();
        while let Some(child) = reader.next().await? {
            children.push(child);
        }
        Ok((container, children))
    };
    work.now_or_never().expect("reading from memory never waits")
}

/// A transfer document.
pub fn transfer(bytes: &[u8]) {
    let Ok(transfer) = transfers::read(bytes) else { return };
    let text = transfers::write(&transfer);
    let again = transfers::read(text.as_bytes()).expect("what was written is read");
    assert_eq!(transfers::write(&again), text);
}

/// A job document.
pub fn job(bytes: &[u8]) {
    let Ok(job) = jobs::read(bytes) else { return };
    let text = jobs::write(&job);
    let again = jobs::read(text.as_bytes()).expect("what was written is read");
    assert_eq!(jobs::write(&again), text);
}
