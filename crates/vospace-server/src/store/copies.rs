//! Copies: the artifact records of the single byte sites.
//!
//! Each site knows only its own bytes. The record in [`super::artifacts`] is what the site-independent inventory has
//! heard of them; with a harvest delay it is older than the sites' own. `located` says that the inventory lists the
//! site for this file, `harvested` that it has heard of the bytes that the site has now.

use super::artifacts::{Artifact, COLUMNS, read};
use crate::fault::Fault;
use rusqlite::{Connection, OptionalExtension, params};

fn number(site: usize) -> i64 {
    i64::try_from(site).unwrap_or(i64::MAX)
}

/// What this site has of a file.
pub fn get(connection: &Connection, site: usize, storage: &str) -> Result<Option<Artifact>, Fault> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM copies WHERE site = ?1 AND storage = ?2"))?;
    Ok(statement.query_row(params![number(site), storage], read).optional()?)
}

/// Puts a record in place of the one before, whose blob is returned.
pub fn replace(
    connection: &Connection,
    site: usize,
    artifact: &Artifact,
    harvested: bool,
) -> Result<Option<String>, Fault> {
    let mut statement =
        connection.prepare_cached("SELECT blob, located FROM copies WHERE site = ?1 AND storage = ?2")?;
    let before: Option<(String, bool)> = statement
        .query_row(params![number(site), artifact.storage], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let located = harvested || before.as_ref().is_some_and(|(_, located)| *located);
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO copies (site, located, harvested, {COLUMNS}) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        ))?
        .execute(params![
            number(site),
            located,
            harvested,
            artifact.storage,
            artifact.blob,
            artifact.length.cast_signed(),
            artifact.md5,
            artifact.content_date,
            artifact.content_type,
            artifact.encoding,
        ])?;
    Ok(before.map(|(blob, _)| blob).filter(|blob| *blob != artifact.blob))
}

/// Removes what a site has of a file and returns its blob.
pub fn remove(connection: &Connection, site: usize, storage: &str) -> Result<Option<String>, Fault> {
    let mut statement =
        connection.prepare_cached("DELETE FROM copies WHERE site = ?1 AND storage = ?2 RETURNING blob")?;
    Ok(statement.query_row(params![number(site), storage], |row| row.get(0)).optional()?)
}

/// Removes what all sites have of a file and returns the blobs.
pub fn remove_all(connection: &Connection, storage: &str) -> Result<Vec<String>, Fault> {
    let mut statement = connection.prepare_cached("DELETE FROM copies WHERE storage = ?1 RETURNING blob")?;
    let mut blobs = statement.query_map([storage], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    blobs.sort_unstable();
    blobs.dedup();
    Ok(blobs)
}

/// The sites that the inventory lists for a file.
pub fn located(connection: &Connection, storage: &str) -> Result<Vec<usize>, Fault> {
    let mut statement = connection.prepare_cached("SELECT site FROM copies WHERE storage = ?1 AND located = 1")?;
    let sites = statement.query_map([storage], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(sites.into_iter().filter_map(|site| usize::try_from(site).ok()).collect())
}

/// The records that the inventory has not heard of, oldest first.
pub fn unharvested(connection: &Connection) -> Result<Vec<Artifact>, Fault> {
    let mut statement = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM copies WHERE harvested = 0 ORDER BY content_date"))?;
    Ok(statement.query_map([], read)?.collect::<Result<Vec<_>, _>>()?)
}

/// Marks the record of these bytes as heard of.
pub fn harvested(connection: &Connection, blob: &str) -> Result<(), Fault> {
    connection.prepare_cached("UPDATE copies SET harvested = 1, located = 1 WHERE blob = ?1")?.execute([blob])?;
    Ok(())
}

/// Files of which this site has not the bytes that the inventory knows; with a site that has them.
pub fn missing(connection: &Connection, site: usize) -> Result<Vec<(usize, Artifact)>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT c.storage, c.blob, c.length, c.md5, c.content_date, c.content_type, c.encoding, c.site FROM copies c \
         JOIN artifacts a ON a.storage = c.storage AND a.blob = c.blob \
         WHERE c.harvested = 1 AND c.site <> ?1 AND NOT EXISTS (SELECT 1 FROM copies d WHERE d.site = ?1 \
         AND d.storage = c.storage AND d.content_date >= c.content_date)",
    )?;
    let rows = statement.query_map([number(site)], |row| {
        let from = usize::try_from(row.get::<_, i64>(7)?).unwrap_or_default();
        Ok((from, read(row)?))
    })?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?)
}

/// Changes media type and encoding at all sites. `None` leaves a value, `Some(None)` clears it.
pub fn describe(
    connection: &Connection,
    storage: &str,
    content_type: Option<Option<&str>>,
    encoding: Option<Option<&str>>,
) -> Result<(), Fault> {
    for (column, value) in [("content_type", content_type), ("encoding", encoding)] {
        if let Some(value) = value {
            connection
                .prepare_cached(&format!("UPDATE copies SET {column} = ?2 WHERE storage = ?1"))?
                .execute(params![storage, value])?;
        }
    }
    Ok(())
}

/// Whether a record of this site names this blob.
pub fn is_blob(connection: &Connection, site: usize, blob: &str) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM copies WHERE blob = ?1 AND site = ?2")?;
    Ok(statement.exists(params![blob, number(site)])?)
}
