//! The metadata cache on disk: written behind, read once per directory.

use crate::clock::Millis;
use crate::db::Db;
use crate::error::Result;
use crate::path::NodePath;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Directory, Known};

/// What a former mount knew of `directory`.
pub(super) async fn load(db: &Db, directory: &NodePath) -> Result<Directory> {
    let key = directory.as_str().to_owned();
    db.call(move |connection| {
        let mut found = Directory::default();
        let mut rows = connection.prepare_cached("SELECT name, meta, fetched FROM node WHERE parent = ?1")?;
        let nodes =
            rows.query_map([&key], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
        for node in nodes {
            let (name, meta, fetched) = node?;
            // A record that an other release wrote in another form is one that we do not have.
            if let Ok(meta) = serde_json::from_str(&meta) {
                found.nodes.insert(name, Known { meta, fetched: Millis(fetched), own: None });
            }
        }
        found.listed = connection
            .query_row("SELECT fetched FROM listing WHERE directory = ?1", [&key], |row| row.get(0))
            .optional()?
            .map(Millis);
        Ok(found)
    })
    .await
}

/// Nothing that a mount wrote is fresh for the next one unless it ended in order: records are written behind, and the
/// last of them may be lost while an older listing that contradicts them is there.
pub(crate) async fn distrust_after_crash(db: &Db) -> Result<()> {
    db.call(|connection| {
        let in_order = connection.execute("DELETE FROM property WHERE key = 'ended-in-order'", [])? > 0;
        if !in_order {
            connection.execute_batch("DELETE FROM listing; UPDATE node SET fetched = 0;")?;
        }
        Ok(())
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
pub(super) fn store(db: &Db, directory: &NodePath, name: &str, known: Known) {
    let (key, name) = (directory.as_str().to_owned(), name.to_owned());
    db.submit(move |connection| insert(connection, &key, &name, &known));
}

/// All nodes of `directory`, as of a complete listing.
pub(super) fn replace(db: &Db, directory: &NodePath, nodes: Vec<(String, Known)>, fetched: Millis) {
    let key = directory.as_str().to_owned();
    db.submit(move |connection| {
        connection.execute("DELETE FROM node WHERE parent = ?1", [&key])?;
        for (name, known) in &nodes {
            insert(connection, &key, name, known)?;
        }
        connection
            .execute("INSERT OR REPLACE INTO listing (directory, fetched) VALUES (?1, ?2)", params![key, fetched.0])?;
        Ok(())
    });
}

fn insert(connection: &Connection, directory: &str, name: &str, known: &Known) -> rusqlite::Result<()> {
    let meta =
        serde_json::to_string(&known.meta).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO node (parent, name, meta, fetched) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![directory, name, meta, known.fetched.0])?;
    Ok(())
}

/// Forgets `path` and all below it.
pub(super) fn remove(db: &Db, path: &NodePath) {
    let Some(parent) = path.parent() else { return };
    let (parent, name, own) = (parent.as_str().to_owned(), path.name().to_owned(), path.as_str().to_owned());
    db.submit(move |connection| {
        connection.execute("DELETE FROM node WHERE parent = ?1 AND name = ?2", params![parent, name])?;
        let below = format!("{own}/");
        for (table, column) in [("node", "parent"), ("listing", "directory")] {
            connection.execute(
                &format!("DELETE FROM {table} WHERE {column} = ?1 OR substr({column}, 1, length(?2)) = ?2"),
                params![own, below],
            )?;
        }
        Ok(())
    });
}

/// Moves what is known below `from`; the node itself is recorded anew by the caller.
pub(super) fn rename(db: &Db, from: &NodePath, to: &NodePath) {
    let Some(parent) = from.parent() else { return };
    let (parent, name) = (parent.as_str().to_owned(), from.name().to_owned());
    let (old, new) = (from.as_str().to_owned(), to.as_str().to_owned());
    db.submit(move |connection| {
        connection.execute("DELETE FROM node WHERE parent = ?1 AND name = ?2", params![parent, name])?;
        let below = format!("{old}/");
        for (table, column) in [("node", "parent"), ("listing", "directory")] {
            connection.execute(
                &format!(
                    "UPDATE OR REPLACE {table} SET {column} = ?3 || substr({column}, length(?1) + 1)
                     WHERE {column} = ?1 OR substr({column}, 1, length(?2)) = ?2"
                ),
                params![old, below, new],
            )?;
        }
        Ok(())
    });
}
