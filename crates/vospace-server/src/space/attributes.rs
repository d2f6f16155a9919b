//! Extended attributes: text properties where nodes are files of a file system.
//!
//! The file system has little room for them, and the service finds out while it rewrites them all; its way to undo what
//! it could not do is to remove the node: a file with its bytes, a container if it is empty (Cavern, observed).

use super::Space;
use crate::fault::Fault;
use crate::store::nodes::{self, Kind, Row};
use crate::store::properties;
use rusqlite::Connection;

/// Longest name of an attribute in bytes.
const LONGEST_KEY: usize = 255;

/// What ext4 keeps with each attribute beside its name and value.
const ENTRY: usize = 16;

/// ext4 puts names and values at multiples of this.
const ALIGNED: usize = 4;

/// A refusal whose changes of the store stay.
#[derive(Debug)]
pub struct Lasting {
    fault: Fault,
    /// Bytes to remove once that is committed.
    blobs: Vec<String>,
}

impl From<Fault> for Lasting {
    fn from(fault: Fault) -> Lasting {
        Lasting { fault, blobs: Vec::new() }
    }
}

impl Space {
    /// Whether the text properties of a node fit with it.
    fn attributes_fit(&self, db: &Connection, row: &Row) -> Result<bool, Fault> {
        let Some(room) = self.profile.attributes else { return Ok(true) };
        let all = properties::all(db, row.id)?;
        let size = |(key, value): &(String, String)| {
            ENTRY + key.len().next_multiple_of(ALIGNED) + value.len().next_multiple_of(ALIGNED)
        };
        Ok(all.iter().all(|(key, _)| key.len() <= LONGEST_KEY) && all.iter().map(size).sum::<usize>() <= room)
    }

    /// Removes a node whose text properties do not fit with it, and answers with what is to be said.
    pub fn lose_if_too_large(&self, db: &Connection, row: &Row) -> Result<Result<(), Lasting>, Fault> {
        if self.attributes_fit(db, row)? {
            return Ok(Ok(()));
        }
        if row.kind == Kind::Container && nodes::has_children(db, row.id)? {
            return Err(Fault::internal(format!("failed to set properties of {}", row.name)));
        }
        let kind = if row.kind == Kind::Container { "ContainerNode" } else { "DataNode" };
        let fault = Fault::plain(400, format!("failed to put {kind} {}", row.name));
        Ok(Err(Lasting { fault, blobs: self.remove_row(db, row)? }))
    }

    /// The answer after the commit.
    pub fn settle<T>(&self, outcome: Result<T, Lasting>) -> Result<T, Fault> {
        outcome.map_err(|lasting| {
            self.drop_blobs(lasting.blobs);
            lasting.fault
        })
    }
}
