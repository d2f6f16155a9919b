//! Node rows: one per node, found by (parent, name).
//!
//! Names are unique below a parent, so a rename is one update of one row and costs the same for a file and for a tree.
//! The `row_*` columns are the copy of the artifact record that listings show; who refreshes them and when is decided
//! above this module. No permission is looked at here.

use crate::fault::Fault;
use rusqlite::{Connection, OptionalExtension, Row as SqlRow, params};

/// Identity of a node row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub i64);

/// The root container's row.
pub const ROOT: NodeId = NodeId(1);

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ContainerNode.
    Container,
    /// DataNode.
    Data,
    /// LinkNode.
    Link,
}

impl Kind {
    fn code(self) -> i64 {
        match self {
            Kind::Container => 0,
            Kind::Data => 1,
            Kind::Link => 2,
        }
    }

    fn of(code: i64) -> Kind {
        match code {
            0 => Kind::Container,
            1 => Kind::Data,
            _ => Kind::Link,
        }
    }
}

/// What a node row remembers of its artifact.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Bytes.
    pub length: Option<u64>,
    /// MD5 in hex.
    pub md5: Option<String>,
    /// Milliseconds since 1970 of the end of the PUT.
    pub content_date: Option<i64>,
    /// Media type.
    pub content_type: Option<String>,
    /// Content encoding.
    pub encoding: Option<String>,
}

/// A node row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Identity; 0 for a row not stored yet.
    pub id: NodeId,
    /// The container it is in; 0 for the root.
    pub parent: NodeId,
    /// Its name, decoded.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The target of a link, as given.
    pub target: Option<String>,
    /// The owner's name.
    pub owner: String,
    /// Readable by everyone.
    pub is_public: bool,
    /// New children copy the permissions.
    pub inherit: bool,
    /// No change of bytes, no removal.
    pub locked: bool,
    /// Groups that may read, separated by blanks.
    pub group_read: String,
    /// Groups that may read and write, separated by blanks.
    pub group_write: String,
    /// Bytes that this container may hold.
    pub quota: Option<u64>,
    /// The storage identity of a file: stays the same over overwrites and renames.
    pub storage: String,
    /// Milliseconds since 1970 of the last change of this row.
    pub modified: i64,
    /// The copy of the artifact's metadata.
    pub copied: Copied,
}

const COLUMNS: &str = "id, parent, name, kind, target, owner, is_public, inherit, locked, group_read, group_write, quota, \
     storage, modified, row_length, row_md5, row_date, row_type, row_encoding";

fn read(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: NodeId(row.get(0)?),
        parent: NodeId(row.get(1)?),
        name: row.get(2)?,
        kind: Kind::of(row.get(3)?),
        target: row.get(4)?,
        owner: row.get(5)?,
        is_public: row.get(6)?,
        inherit: row.get(7)?,
        locked: row.get(8)?,
        group_read: row.get(9)?,
        group_write: row.get(10)?,
        quota: row.get::<_, Option<i64>>(11)?.map(i64::cast_unsigned),
        storage: row.get(12)?,
        modified: row.get(13)?,
        copied: Copied {
            length: row.get::<_, Option<i64>>(14)?.map(i64::cast_unsigned),
            md5: row.get(15)?,
            content_date: row.get(16)?,
            content_type: row.get(17)?,
            encoding: row.get(18)?,
        },
    })
}

/// The row with this identity.
pub fn by_id(connection: &Connection, id: NodeId) -> Result<Option<Row>, Fault> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM nodes WHERE id = ?1"))?;
    Ok(statement.query_row([id.0], read).optional()?)
}

/// The child of this name.
pub fn child(connection: &Connection, parent: NodeId, name: &str) -> Result<Option<Row>, Fault> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM nodes WHERE parent = ?1 AND name = ?2"))?;
    Ok(statement.query_row(params![parent.0, name], read).optional()?)
}

/// Where a listing goes on.
#[derive(Clone, Debug)]
pub enum From {
    /// Names from this one on, in byte order; the flag tells whether the name itself is wanted.
    Name(String, bool),
    /// Rows after this one, in order of arrival.
    Arrival(NodeId),
}

/// At most `count` children.
pub fn children(connection: &Connection, parent: NodeId, from: &From, count: usize) -> Result<Vec<Row>, Fault> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = match from {
        From::Name(name, inclusive) => {
            let comparison = if *inclusive { ">=" } else { ">" };
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM nodes WHERE parent = ?1 AND name {comparison} ?2 ORDER BY name LIMIT ?3"
            ))?;
            statement.query_map(params![parent.0, name, count], read)?.collect::<Result<Vec<_>, _>>()?
        }
        From::Arrival(id) => {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM nodes INDEXED BY nodes_by_arrival WHERE parent = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
            ))?;
            statement.query_map(params![parent.0, id.0, count], read)?.collect::<Result<Vec<_>, _>>()?
        }
    };
    Ok(rows)
}

/// Whether the container has any child.
pub fn has_children(connection: &Connection, parent: NodeId) -> Result<bool, Fault> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM nodes WHERE parent = ?1 LIMIT 1")?;
    Ok(statement.exists([parent.0])?)
}

/// The storage identities of all files below a container.
pub fn storages_below(connection: &Connection, container: NodeId) -> Result<Vec<String>, Fault> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE below (id, storage) AS (SELECT id, storage FROM nodes WHERE parent = ?1 \
         UNION ALL SELECT n.id, n.storage FROM nodes n JOIN below b ON n.parent = b.id) \
         SELECT storage FROM below WHERE storage <> ''",
    )?;
    Ok(statement.query_map([container.0], |row| row.get(0))?.collect::<Result<Vec<_>, _>>()?)
}

/// Stores a new row and returns its identity. The caller has made sure that the name is free.
pub fn insert(connection: &Connection, row: &Row) -> Result<NodeId, Fault> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO nodes (parent, name, kind, target, owner, is_public, inherit, locked, group_read, group_write, \
         quota, storage, modified) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?;
    let id = statement.insert(params![
        row.parent.0,
        row.name,
        row.kind.code(),
        row.target,
        row.owner,
        row.is_public,
        row.inherit,
        row.locked,
        row.group_read,
        row.group_write,
        row.quota.map(u64::cast_signed),
        row.storage,
        row.modified,
    ])?;
    Ok(NodeId(id))
}

/// Stores the changeable columns of a row: everything but identity, kind, target and storage.
pub fn update(connection: &Connection, row: &Row) -> Result<(), Fault> {
    let mut statement = connection.prepare_cached(
        "UPDATE nodes SET parent = ?2, name = ?3, owner = ?4, is_public = ?5, inherit = ?6, locked = ?7, \
         group_read = ?8, group_write = ?9, quota = ?10, modified = ?11, row_length = ?12, row_md5 = ?13, \
         row_date = ?14, row_type = ?15, row_encoding = ?16 WHERE id = ?1",
    )?;
    statement.execute(params![
        row.id.0,
        row.parent.0,
        row.name,
        row.owner,
        row.is_public,
        row.inherit,
        row.locked,
        row.group_read,
        row.group_write,
        row.quota.map(u64::cast_signed),
        row.modified,
        row.copied.length.map(u64::cast_signed),
        row.copied.md5,
        row.copied.content_date,
        row.copied.content_type,
        row.copied.encoding,
    ])?;
    Ok(())
}

/// A link leads nowhere from now on.
pub fn lose_target(connection: &Connection, id: NodeId) -> Result<(), Fault> {
    connection.prepare_cached("UPDATE nodes SET target = NULL WHERE id = ?1")?.execute([id.0])?;
    Ok(())
}

/// Sets the date of a row.
pub fn touch(connection: &Connection, id: NodeId, now: i64) -> Result<(), Fault> {
    connection.prepare_cached("UPDATE nodes SET modified = ?2 WHERE id = ?1")?.execute(params![id.0, now])?;
    Ok(())
}

/// Removes a row and its properties. Its children, if any, must have gone before.
pub fn remove(connection: &Connection, id: NodeId) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM properties WHERE node = ?1")?.execute([id.0])?;
    connection.prepare_cached("DELETE FROM nodes WHERE id = ?1")?.execute([id.0])?;
    Ok(())
}

/// The node that a storage identity belongs to, if it still has one.
pub fn by_storage(connection: &Connection, storage: &str) -> Result<Option<Row>, Fault> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM nodes WHERE storage = ?1 AND storage <> ''"))?;
    Ok(statement.query_row([storage], read).optional()?)
}
