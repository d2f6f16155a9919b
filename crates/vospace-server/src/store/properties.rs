//! Properties that the service keeps as text: titles, descriptions, keys of users' own.
//!
//! Permissions, dates and what belongs to the artifact are columns of other tables and never appear here (on a space
//! with live metadata, media type and checksum do, as extended attributes would).

use super::nodes::NodeId;
use crate::fault::Fault;
use rusqlite::{Connection, OptionalExtension, params};

/// All properties of a node, ordered by URI.
pub fn all(connection: &Connection, node: NodeId) -> Result<Vec<(String, String)>, Fault> {
    let mut statement = connection.prepare_cached("SELECT uri, value FROM properties WHERE node = ?1 ORDER BY uri")?;
    let rows = statement.query_map([node.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?)
}

/// The keys of all properties of all nodes.
pub fn keys(connection: &Connection) -> Result<Vec<String>, Fault> {
    let mut statement = connection.prepare_cached("SELECT DISTINCT uri FROM properties ORDER BY uri")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<_>, _>>()?)
}

/// One property.
pub fn get(connection: &Connection, node: NodeId, uri: &str) -> Result<Option<String>, Fault> {
    let mut statement = connection.prepare_cached("SELECT value FROM properties WHERE node = ?1 AND uri = ?2")?;
    Ok(statement.query_row(params![node.0, uri], |row| row.get(0)).optional()?)
}

/// Sets a property, or removes it (`None`).
pub fn set(connection: &Connection, node: NodeId, uri: &str, value: Option<&str>) -> Result<(), Fault> {
    match value {
        Some(value) => connection
            .prepare_cached(
                "INSERT INTO properties (node, uri, value) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = ?3",
            )?
            .execute(params![node.0, uri, value])?,
        None => connection
            .prepare_cached("DELETE FROM properties WHERE node = ?1 AND uri = ?2")?
            .execute(params![node.0, uri])?,
    };
    Ok(())
}
