//! Import: a directory tree into a space, straight into the store.
//!
//! Files that exist are overwritten, containers that exist are used. Names that a client could not address, links and
//! special files are left out with a warning. The store may be in use by a running service at the same time.

use crate::fault::Fault;
use crate::profile::Bytes;
use crate::space::{Space, new_row, now};
use crate::store::artifacts::{self, Artifact};
use crate::store::nodes::{self, Kind, NodeId, ROOT, Row};
use crate::store::{copies, properties};
use crate::uploads::finished;
use md5::{Digest as _, Md5};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use uuid::Uuid;
use vospace_client::node::property;
use vospace_client::uri::check_name;

/// What was imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files written.
    pub files: u64,
    /// Containers made.
    pub containers: u64,
}

/// Copies what is in `tree` into the container, as this user's. A single file is copied into it.
pub fn tree(space: &Space, tree: &Path, container: &str, owner: &str) -> Result<Counts, Fault> {
    let mut counts = Counts::default();
    let mut parent = ROOT;
    for name in container.split('/').filter(|name| !name.is_empty()) {
        check_name(name).map_err(|error| Fault::argument(error.to_string()))?;
        parent = make_container(space, parent, name, owner, &mut counts)?;
    }
    if tree.is_file() {
        if let Some(name) = tree.file_name().and_then(|name| name.to_str()) {
            load_file(space, parent, name, tree, owner)?;
            counts.files += 1;
        }
        return Ok(counts);
    }
    let mut waiting = vec![(tree.to_owned(), parent)];
    while let Some((dir, parent)) = waiting.pop() {
        let mut entries = std::fs::read_dir(&dir)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name();
            let Some(name) = name.to_str().filter(|name| check_name(name).is_ok() && space.addresses(name)) else {
                tracing::warn!(path = %path.display(), "left out: no client could address this name");
                continue;
            };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let id = make_container(space, parent, name, owner, &mut counts)?;
                waiting.push((path, id));
            } else if kind.is_file() {
                load_file(space, parent, name, &path, owner)?;
                counts.files += 1;
            } else {
                tracing::warn!(path = %path.display(), "left out: neither file nor directory");
            }
        }
    }
    Ok(counts)
}

fn make_container(
    space: &Space,
    parent: NodeId,
    name: &str,
    owner: &str,
    counts: &mut Counts,
) -> Result<NodeId, Fault> {
    let (id, made) = space.store.write_now(|tx| match nodes::child(tx, parent, name)? {
        Some(row) if row.kind == Kind::Container => Ok((row.id, false)),
        Some(_) => Err(Fault::argument(format!("{name} exists and is no container"))),
        None => Ok((nodes::insert(tx, &new_row(parent, name, Kind::Container, owner))?, true)),
    })?;
    counts.containers += u64::from(made);
    Ok(id)
}

fn load_file(space: &Space, parent: NodeId, name: &str, source: &Path, owner: &str) -> Result<(), Fault> {
    let row = space.store.write_now(|tx| match nodes::child(tx, parent, name)? {
        Some(row) if row.kind == Kind::Data => Ok(row),
        Some(_) => Err(Fault::argument(format!("{name} exists and is no file"))),
        None => {
            let row = new_row(parent, name, Kind::Data, owner);
            Ok(Row { id: nodes::insert(tx, &row)?, ..row })
        }
    })?;
    let mut input = File::open(source)?;
    let content_type = media_type(name).map(str::to_owned);
    match space.profile.bytes {
        Bytes::Redirected | Bytes::AtJobs => {
            let blob = Uuid::new_v4().to_string();
            let (length, md5) = copy(&mut input, &mut space.store.bytes().create(&blob)?)?;
            // Where bytes are redirected an empty file has none; elsewhere it is one that was written.
            if length == 0 && space.profile.bytes == Bytes::Redirected {
                space.store.bytes().discard(&blob);
                return Ok(());
            }
            let artifact = Artifact {
                storage: row.storage,
                blob: blob.clone(),
                length,
                md5,
                content_date: now(),
                content_type,
                encoding: None,
            };
            let before = space.store.write_now(|tx| {
                let before = copies::replace(tx, 0, &artifact, true)?;
                artifacts::replace(tx, &artifact)?;
                space.refresh_row(tx, &artifact)?;
                Ok(before)
            })?;
            space.store.bytes().publish(&blob)?;
            space.drop_blobs(before);
        }
        Bytes::InPlace => {
            let (_, md5) = copy(&mut input, &mut space.store.bytes().truncate(&row.storage)?)?;
            space.store.write_now(|tx| {
                properties::set(tx, row.id, property::MD5, Some(&md5))?;
                properties::set(tx, row.id, property::TYPE, content_type.as_deref())
            })?;
        }
    }
    Ok(())
}

fn copy(input: &mut File, output: &mut File) -> Result<(u64, String), Fault> {
    let mut md5 = Md5::new();
    let mut buffer = vec![0; 1 << 20];
    let mut length = 0;
    loop {
        let count = input.read(&mut buffer)?;
        if count == 0 {
            return Ok((length, finished(md5).to_string()));
        }
        md5.update(&buffer[..count]);
        output.write_all(&buffer[..count])?;
        length += count as u64;
    }
}

/// Media types of what astronomers keep; others have none.
fn media_type(name: &str) -> Option<&'static str> {
    let extension = name.rsplit_once('.')?.1.to_ascii_lowercase();
    Some(match extension.as_str() {
        "fits" | "fit" | "fts" => "application/fits",
        "txt" | "md" | "log" | "reg" => "text/plain",
        "csv" => "text/csv",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gz" => "application/gzip",
        "json" => "application/json",
        "xml" | "vot" => "text/xml",
        "pdf" => "application/pdf",
        _ => return None,
    })
}
