//! Populate: a container with very many files, straight into the store, for tests of scale and for measurements.
//!
//! The files are empty, or zeros of some length that take no room on the disk: an archive of 100 GB is made in seconds.

use crate::fault::Fault;
use crate::profile::Bytes;
use crate::space::{Space, new_row, new_storage, now};
use crate::store::artifacts::{self, Artifact};
use crate::store::nodes::{self, Kind, NodeId, ROOT, Row};
use crate::store::{copies, properties};
use crate::uploads::finished;
use md5::{Digest as _, Md5};
use rusqlite::Connection;
use vospace_client::node::property;
use vospace_client::uri::check_name;

/// Makes the container at this path (with its parents, as this user's) and in it the files `node-0000000` and on, of
/// `length` zero bytes each; those that exist already are left. Answers how many were made.
pub fn populate(space: &Space, container: &str, owner: &str, count: u64, length: u64) -> Result<u64, Fault> {
    let md5 = (length > 0).then(|| md5_of_zeros(length));
    space.store.write_now(|tx| {
        let mut parent = ROOT;
        for name in container.split('/').filter(|name| !name.is_empty()) {
            check_name(name).map_err(|error| Fault::argument(error.to_string()))?;
            parent = container_in(tx, parent, name, owner)?;
        }
        // Storage identities that ascend with the names keep both indices in order, which is what makes it fast.
        let batch = new_storage();
        let fresh = !nodes::has_children(tx, parent)?;
        let mut row = new_row(parent, "", Kind::Data, owner);
        let mut made = 0;
        for index in 0..count {
            row.name = format!("node-{index:07}");
            if !fresh && nodes::child(tx, parent, &row.name)?.is_some() {
                continue;
            }
            row.storage = format!("{batch}-{index:07}");
            match &md5 {
                Some(md5) => insert_with_zeros(space, tx, &row, length, md5)?,
                None => {
                    nodes::insert(tx, &row)?;
                }
            }
            made += 1;
        }
        Ok(made)
    })
}

/// A row with its bytes, which are a hole in a sparse file.
fn insert_with_zeros(space: &Space, tx: &Connection, row: &Row, length: u64, md5: &str) -> Result<(), Fault> {
    match space.profile.bytes {
        Bytes::Redirected => {
            let artifact = Artifact {
                storage: row.storage.clone(),
                blob: new_storage(),
                length,
                md5: md5.to_owned(),
                content_date: now(),
                content_type: None,
                encoding: None,
            };
            nodes::insert(tx, &Row { copied: artifact.copied(), ..row.clone() })?;
            copies::replace(tx, 0, &artifact, true)?;
            artifacts::replace(tx, &artifact)?;
            space.store.bytes().create(&artifact.blob)?.set_len(length)?;
            space.store.bytes().publish(&artifact.blob)?;
        }
        Bytes::InPlace => {
            let id = nodes::insert(tx, row)?;
            space.store.bytes().truncate(&row.storage)?.set_len(length)?;
            properties::set(tx, id, property::MD5, Some(md5))?;
        }
    }
    Ok(())
}

fn md5_of_zeros(length: u64) -> String {
    let zeros = vec![0; 1 << 20];
    let mut md5 = Md5::new();
    let mut left = length;
    while left > 0 {
        let part = left.min(zeros.len() as u64);
        md5.update(&zeros[..part as usize]);
        left -= part;
    }
    finished(md5).to_string()
}

fn container_in(db: &Connection, parent: NodeId, name: &str, owner: &str) -> Result<NodeId, Fault> {
    match nodes::child(db, parent, name)? {
        Some(Row { id, kind: Kind::Container, .. }) => Ok(id),
        Some(_) => Err(Fault::argument(format!("{name} exists and is no container"))),
        None => nodes::insert(db, &new_row(parent, name, Kind::Container, owner)),
    }
}
