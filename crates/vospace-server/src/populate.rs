//! Populate: a container with very many files, straight into the store, for tests of scale and for measurements.
//!
//! The files are empty, or of some length and take no room on the disk: zeros, so that an archive of 100 GB is made in
//! seconds, or bytes that are computed (see [`crate::store::blob`]), so that every byte that a client gets can be checked.

use crate::fault::Fault;
use crate::profile::Bytes;
use crate::space::{Space, new_row, new_storage, now};
use crate::store::artifacts::{self, Artifact};
use crate::store::blob::{Pattern, pattern_id};
use crate::store::nodes::{self, Kind, NodeId, ROOT, Row};
use crate::store::{copies, properties};
use crate::uploads::finished;
use md5::{Digest as _, Md5};
use rusqlite::Connection;
use std::io::{self, Read};
use vospace_client::node::property;
use vospace_client::uri::check_name;

/// Bytes that are hashed at once.
const BUFFER: usize = 1 << 20;

/// Makes the container at this path (with its parents, as this user's) and in it the files `node-0000000` and on, of
/// `length` zero bytes each; those that exist already are left. Answers how many were made.
pub fn populate(space: &Space, container: &str, owner: &str, count: u64, length: u64) -> Result<u64, Fault> {
    let md5 = (length > 0).then(|| md5_of(io::repeat(0).take(length))).transpose()?;
    space.store.write_now(|tx| {
        let parent = containers(tx, container, owner)?;
        // Storage identities that ascend with the names keep both indices in order, which is what makes it fast.
        let batch = new_storage();
        let fresh = !nodes::has_children(tx, parent)?;
        let mut row = new_row(parent, "", Kind::Data, owner);
        let mut made = 0;
        for index in 0..count {
            row.name = name(index);
            if !fresh && nodes::child(tx, parent, &row.name)?.is_some() {
                continue;
            }
            row.storage = format!("{batch}-{index:07}");
            match &md5 {
                Some(md5) => insert_with_bytes(space, tx, &row, &new_storage(), length, md5)?,
                None => {
                    nodes::insert(tx, &row)?;
                }
            }
            made += 1;
        }
        Ok(made)
    })
}

/// The same with bytes that are computed, at least one in each file: the first one has this seed, each further one the next.
pub fn populate_computed(
    space: &Space,
    container: &str,
    owner: &str,
    count: u64,
    length: u64,
    seed: u64,
) -> Result<u64, Fault> {
    let parent = space.store.write_now(|tx| containers(tx, container, owner))?;
    let mut made = 0;
    for index in 0..count {
        if space.store.read_now(|db| nodes::child(db, parent, &name(index)))?.is_some() {
            continue;
        }
        let md5 = md5_of(Pattern::new(seed + index, length))?;
        let blob = pattern_id(seed + index, &new_storage());
        let mut row = new_row(parent, &name(index), Kind::Data, owner);
        if space.profile.bytes == Bytes::InPlace {
            row.storage.clone_from(&blob);
        }
        space.store.write_now(|tx| insert_with_bytes(space, tx, &row, &blob, length, &md5))?;
        made += 1;
    }
    Ok(made)
}

fn name(index: u64) -> String {
    format!("node-{index:07}")
}

fn containers(tx: &Connection, path: &str, owner: &str) -> Result<NodeId, Fault> {
    let mut parent = ROOT;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        check_name(name).map_err(|error| Fault::argument(error.to_string()))?;
        parent = container_in(tx, parent, name, owner)?;
    }
    Ok(parent)
}

/// A row with its bytes, which are a hole in a sparse file.
fn insert_with_bytes(
    space: &Space,
    tx: &Connection,
    row: &Row,
    blob: &str,
    length: u64,
    md5: &str,
) -> Result<(), Fault> {
    match space.profile.bytes {
        Bytes::Redirected | Bytes::AtJobs => {
            let artifact = Artifact {
                storage: row.storage.clone(),
                blob: blob.to_owned(),
                length,
                md5: md5.to_owned(),
                content_date: now(),
                content_type: None,
                encoding: None,
            };
            nodes::insert(tx, row)?;
            copies::replace(tx, 0, &artifact, true)?;
            artifacts::replace(tx, &artifact)?;
            // Listings do not look at the artifacts.
            space.refresh_row(tx, &artifact)?;
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

fn md5_of(mut bytes: impl Read) -> Result<String, Fault> {
    let mut md5 = Md5::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        let count = bytes.read(&mut buffer)?;
        if count == 0 {
            return Ok(finished(md5).to_string());
        }
        md5.update(&buffer[..count]);
    }
}

fn container_in(db: &Connection, parent: NodeId, name: &str, owner: &str) -> Result<NodeId, Fault> {
    match nodes::child(db, parent, name)? {
        Some(Row { id, kind: Kind::Container, .. }) => Ok(id),
        Some(_) => Err(Fault::argument(format!("{name} exists and is no container"))),
        None => nodes::insert(db, &new_row(parent, name, Kind::Container, owner)),
    }
}
