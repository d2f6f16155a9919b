//! Populate: a container with very many empty files, straight into the store, for tests of scale.

use crate::fault::Fault;
use crate::space::{Space, new_row, new_storage};
use crate::store::nodes::{self, Kind, NodeId, ROOT, Row};
use rusqlite::Connection;
use vospace_client::uri::check_name;

/// Makes the container at this path (with its parents, as this user's) and in it the files `node-0000000` and on;
/// those that exist already are left. Answers how many were made.
pub fn populate(space: &Space, container: &str, owner: &str, count: u64) -> Result<u64, Fault> {
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
            nodes::insert(tx, &row)?;
            made += 1;
        }
        Ok(made)
    })
}

fn container_in(db: &Connection, parent: NodeId, name: &str, owner: &str) -> Result<NodeId, Fault> {
    match nodes::child(db, parent, name)? {
        Some(Row { id, kind: Kind::Container, .. }) => Ok(id),
        Some(_) => Err(Fault::argument(format!("{name} exists and is no container"))),
        None => nodes::insert(db, &new_row(parent, name, Kind::Container, owner)),
    }
}
