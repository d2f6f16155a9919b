//! Tree dump: all three truths of every node side by side, for tests. No permission is asked.

use super::Space;
use crate::fault::Fault;
use crate::names;
use crate::store::nodes::{self, From, Kind, NodeId, ROOT, Row};
use crate::store::{artifacts, copies, properties};
use rusqlite::Connection;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the store has of a node.
#[derive(Debug, Serialize)]
pub struct Dumped {
    /// Its path.
    pub path: String,
    /// `container`, `data` or `link`.
    pub kind: &'static str,
    /// The owner.
    pub owner: String,
    /// Readable by everyone.
    pub public: bool,
    /// Locked.
    pub locked: bool,
    /// The target of a link.
    pub target: Option<String>,
    /// Milliseconds since 1970.
    pub modified: i64,
    /// The length that the row remembers.
    pub row_length: Option<u64>,
    /// The checksum that the row remembers.
    pub row_md5: Option<String>,
    /// The length that the inventory knows.
    pub length: Option<u64>,
    /// The checksum that the inventory knows.
    pub md5: Option<String>,
    /// The artifact's identity.
    pub artifact: Option<String>,
    /// The sites, from 1, that the inventory lists.
    pub sites: Vec<usize>,
    /// The properties that are kept as text.
    pub properties: BTreeMap<String, String>,
}

/// The nodes below a path and the one at it, parents first, at most so many.
pub async fn tree(space: &Arc<Space>, path: String, limit: usize) -> Result<Vec<Dumped>, Fault> {
    space
        .store
        .read(move |db| {
            let mut start = (nodes::by_id(db, ROOT)?, "/".to_owned());
            for name in path.split('/').filter(|name| !name.is_empty()) {
                let parent = start.0.map_or(ROOT, |row: Row| row.id);
                start = (nodes::child(db, parent, name)?, names::join(&start.1, name));
                if start.0.is_none() {
                    break;
                }
            }
            let mut found = Vec::new();
            let mut waiting: Vec<(Row, String)> = start.0.map(|row| (row, start.1)).into_iter().collect();
            while let Some((row, path)) = waiting.pop() {
                if found.len() >= limit {
                    break;
                }
                if row.kind == Kind::Container {
                    let room = limit - found.len();
                    let children = nodes::children(db, row.id, &From::Arrival(NodeId(0)), room)?;
                    waiting.extend(children.into_iter().rev().map(|child| {
                        let path = names::join(&path, &child.name);
                        (child, path)
                    }));
                }
                found.push(dumped(db, row, path)?);
            }
            Ok(found)
        })
        .await
}

fn dumped(db: &Connection, row: Row, path: String) -> Result<Dumped, Fault> {
    let artifact = artifacts::get(db, &row.storage)?;
    Ok(Dumped {
        path,
        kind: match row.kind {
            Kind::Container => "container",
            Kind::Data => "data",
            Kind::Link => "link",
        },
        public: row.is_public,
        locked: row.locked,
        modified: row.modified,
        row_length: row.copied.length,
        row_md5: row.copied.md5,
        length: artifact.as_ref().map(|artifact| artifact.length),
        md5: artifact.as_ref().map(|artifact| artifact.md5.clone()),
        artifact: artifact.map(|artifact| artifact.blob),
        sites: copies::located(db, &row.storage)?.into_iter().map(|site| site + 1).collect(),
        properties: properties::all(db, row.id)?.into_iter().collect(),
        owner: row.owner,
        target: row.target,
    })
}
