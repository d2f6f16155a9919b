//! The metadata cache on disk: written behind, read once per directory.
//!
//! A listing is written as it arrives, and only what it changed. What it showed unchanged is as fresh as the listing.

use crate::clock::Millis;
use crate::db::Db;
use crate::error::Result;
use crate::meta::{Kind, Meta};
use crate::path::NodePath;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::directory::Directory;
use super::packed::{Packed, Stamp};
use super::{Known, Own};

/// What is written of one node.
#[derive(Debug)]
pub(crate) struct Record {
    name: String,
    meta: Vec<u8>,
    fetched: i64,
}

/// The form in which it is written.
#[derive(Debug, Serialize, Deserialize)]
enum Stored {
    /// What the service told, and what of it came from us.
    Told(Meta, Option<Own>),
    /// A listing told what it is, and no more.
    Named(Kind),
}

impl Record {
    pub(super) fn of(node: &Packed) -> Self {
        let stored = match node.known() {
            Some(Known { meta, own, .. }) => Stored::Told(meta, own),
            None => Stored::Named(node.kind()),
        };
        let meta = postcard::to_stdvec(&stored).expect("invariant: a node's record is plain data");
        Record { name: node.name().to_owned(), meta, fetched: node.fetched().0 }
    }
}

/// What a former mount knew of `directory`. Nothing that was learned up to `distrusted` is fresh.
pub(super) async fn load(db: &Db, directory: &NodePath, distrusted: Millis) -> Result<Directory> {
    let key = directory.as_str().to_owned();
    db.call(move |connection| {
        let mut found = Directory::default();
        let row: Option<(i64, Option<i64>, bool)> = connection
            .prepare_cached("SELECT id, listed, only_names FROM directory WHERE path = ?1")?
            .query_row([&key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((id, listed, only_names)) = row else { return Ok(found) };
        found.only_names = only_names;
        let trusted = |fetched: Millis| (fetched > distrusted).then_some(fetched);
        // Too old to be believed it is still what can be shown without the service.
        found.listed = listed.map(|at| trusted(Millis(at)).unwrap_or(Millis(0)));
        let mut rows =
            connection.prepare_cached("SELECT name, meta, fetched FROM node WHERE directory = ?1 AND name <> ''")?;
        let nodes =
            rows.query_map([id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?, Millis(row.get(2)?))))?;
        for node in nodes {
            let (name, meta, fetched) = node?;
            // A record that an other release wrote in another form is one that we do not have.
            let (meta, own) = match postcard::from_bytes(&meta) {
                Ok(Stored::Told(meta, own)) => (meta, own),
                Ok(Stored::Named(kind)) => {
                    found.insert(Packed::untold(&name, kind, Stamp::default()));
                    continue;
                }
                Err(_) => {
                    found.listed = None;
                    continue;
                }
            };
            // One that the listing left in doubt was written without a time, and has to be asked for.
            let listed = found.listed.filter(|_| fetched != Millis(0) && !only_names);
            let confirmed = fetched.max(listed.unwrap_or(fetched));
            // After a crash our last uploads may be missing here: what the service shows then may be one of these.
            let own = own.filter(|_| trusted(confirmed).is_some());
            let known = Known { meta, fetched: trusted(confirmed).unwrap_or(Millis(0)), own };
            found.insert(Packed::new(&name, &known, Stamp::default()));
        }
        found.settle();
        Ok(found)
    })
    .await
}

/// What a former mount knew of the root: it stands in its own directory, without a name. It is never fresh, for at its start a mount
/// asks whether there is a service.
pub(super) async fn root(db: &Db) -> Result<Option<Known>> {
    db.call(|connection| {
        let meta: Option<Vec<u8>> = connection
            .query_row(
                "SELECT meta FROM node WHERE directory = (SELECT id FROM directory WHERE path = '') AND name = ''",
                [],
                |row| row.get(0),
            )
            .optional()?;
        let stored = meta.and_then(|meta| postcard::from_bytes(&meta).ok());
        Ok(match stored {
            Some(Stored::Told(meta, _)) => Some(Known { meta, fetched: Millis(0), own: None }),
            _ => None,
        })
    })
    .await
}

/// Up to when nothing that was written is fresh. Records are written behind, so that of a mount that did not end in order
/// the last may be lost, while an older listing that contradicts them is there.
pub(crate) async fn distrusted_until(db: &Db, now: Millis) -> Result<Millis> {
    db.call(move |connection| {
        let in_order = connection.execute("DELETE FROM property WHERE key = 'ended-in-order'", [])? > 0;
        if !in_order {
            connection.execute(
                "INSERT OR REPLACE INTO property (key, value) VALUES ('distrusted-until', ?1)",
                [now.0.to_string()],
            )?;
        }
        let until: Option<String> = connection
            .query_row("SELECT value FROM property WHERE key = 'distrusted-until'", [], |row| row.get(0))
            .optional()?;
        Ok(Millis(until.and_then(|text| text.parse().ok()).unwrap_or(0)))
    })
    .await
}

pub(super) async fn end_in_order(db: &Db) -> Result<()> {
    db.call(|connection| {
        connection.execute("INSERT OR REPLACE INTO property (key, value) VALUES ('ended-in-order', '')", []).map(drop)
    })
    .await
}

/// One node of `directory`.
pub(super) fn store(db: &Db, directory: &NodePath, record: Record) {
    let key = directory.as_str().to_owned();
    db.submit(move |connection| insert(connection, &key, &[record]));
}

/// Nodes of `directory`; returns when they are written.
pub(super) async fn store_all(db: &Db, directory: &NodePath, records: Vec<Record>) -> Result<()> {
    let key = directory.as_str().to_owned();
    db.call(move |connection| insert(connection, &key, &records)).await
}

/// A listing of `directory` is complete.
pub(super) fn listed(db: &Db, directory: &NodePath, fetched: Millis, only_names: bool) {
    let key = directory.as_str().to_owned();
    db.submit(move |connection| {
        let id = id(connection, &key)?;
        connection
            .prepare_cached("UPDATE directory SET listed = ?2, only_names = ?3 WHERE id = ?1")?
            .execute(params![id, fetched.0, only_names])
            .map(drop)
    });
}

fn insert(connection: &Connection, directory: &str, records: &[Record]) -> rusqlite::Result<()> {
    let id = id(connection, directory)?;
    let mut statement = connection
        .prepare_cached("INSERT OR REPLACE INTO node (directory, name, meta, fetched) VALUES (?1, ?2, ?3, ?4)")?;
    for Record { name, meta, fetched } in records {
        statement.execute(params![id, name, meta, fetched])?;
    }
    Ok(())
}

fn id(connection: &Connection, directory: &str) -> rusqlite::Result<i64> {
    connection.prepare_cached("INSERT OR IGNORE INTO directory (path) VALUES (?1)")?.execute([directory])?;
    connection.prepare_cached("SELECT id FROM directory WHERE path = ?1")?.query_row([directory], |row| row.get(0))
}

/// Everything below a directory, as a condition on `path` with the directory as ?1: what begins with it and a slash.
/// `0` is the character after the slash.
const WITHIN: &str = "(path = ?1 OR (path > ?1 || '/' AND path < ?1 || '0'))";

/// Forgets `path` and all below it.
pub(super) fn remove(db: &Db, path: &NodePath) {
    let Some(parent) = path.parent() else { return };
    let (parent, name, own) = (parent.as_str().to_owned(), path.name().to_owned(), path.as_str().to_owned());
    db.submit(move |connection| {
        forget(connection, &parent, &name)?;
        connection.prepare_cached(&format!("DELETE FROM directory WHERE {WITHIN}"))?.execute([own]).map(drop)
    });
}

/// All below `path`, and itself, has to be asked for anew.
pub(super) async fn expire_tree(db: &Db, path: &NodePath) -> Result<()> {
    let (parent, name) = (path.parent_str().to_owned(), path.name().to_owned());
    let (own, is_root) = (path.as_str().to_owned(), path.is_root());
    db.call(move |connection| {
        connection.execute(
            "UPDATE node SET fetched = 0 WHERE directory = (SELECT id FROM directory WHERE path = ?1) AND name = ?2",
            [&parent, &name],
        )?;
        // That a listing lacks the name is no proof any more.
        if !is_root {
            connection.execute(
                "UPDATE directory SET listed = NULL WHERE path = ?1
                 AND NOT EXISTS (SELECT 1 FROM node WHERE directory = directory.id AND name = ?2)",
                [&parent, &name],
            )?;
        }
        let within = if is_root { "?1 = ?1" } else { WITHIN };
        connection.execute(
            &format!("UPDATE node SET fetched = 0 WHERE directory IN (SELECT id FROM directory WHERE {within})"),
            [&own],
        )?;
        connection
            .execute(&format!("UPDATE directory SET listed = 0 WHERE listed IS NOT NULL AND {within}"), [&own])
            .map(drop)
    })
    .await
}

fn forget(connection: &Connection, parent: &str, name: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM node WHERE directory = (SELECT id FROM directory WHERE path = ?1) AND name = ?2")?
        .execute([parent, name])
        .map(drop)
}

/// Moves what is known below `from`; the node itself is recorded anew by the caller.
pub(super) fn rename(db: &Db, from: &NodePath, to: &NodePath) {
    let Some(parent) = from.parent() else { return };
    let (parent, name) = (parent.as_str().to_owned(), from.name().to_owned());
    let (old, new) = (from.as_str().to_owned(), to.as_str().to_owned());
    db.submit(move |connection| {
        forget(connection, &parent, &name)?;
        connection
            .prepare_cached(&format!(
                "UPDATE OR REPLACE directory SET path = ?2 || substr(path, length(?1) + 1) WHERE {WITHIN}"
            ))?
            .execute([old, new])
            .map(drop)
    });
}
