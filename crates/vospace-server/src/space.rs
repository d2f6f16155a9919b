//! A space: one VOSpace, its nodes and the rules by which they may be seen and changed.
//!
//! The operations of the standard are methods here, one file each; they take a caller and a path, do their work in one
//! transaction of the store and answer with rows, documents or faults. They know nothing of HTTP. What differs between
//! the services is asked of the [`Profile`].
//!
//! Three truths about a file's bytes exist where metadata are copied: the node row, the artifact record and the bytes.
//! The row is brought up to date when the node is fetched by itself, and by a worker; with a refresh interval of zero
//! it is brought up to date in the same transaction as the artifact, so that nobody sees a lag.

pub mod addresses;
pub mod attributes;
pub mod changes;
pub mod create;
pub mod document;
pub mod dump;
pub mod duplicate;
pub mod links;
pub mod negotiate;
pub mod refresh;
pub mod relocate;
pub mod remove;
pub mod sites;
pub mod tree;
pub mod update;
pub mod walk;

use crate::fault::{Fault, FaultKind};
use crate::grants::Grants;
use crate::identity::{ADMINISTRATOR, Caller};
use crate::jobs::Jobs;
use crate::permissions::{Groups, Rights};
use crate::profile::Profile;
use crate::profile::access::Access;
use crate::profile::habits::Habits;
use crate::store::Store;
use crate::store::nodes::{self, Copied, Kind, NodeId, ROOT, Row};
use rusqlite::Connection;
use sites::Sites;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;
use walk::Walked;

/// The container of the users' homes.
pub const HOME: &str = "home";

/// The name in place of which the service makes one, where names are reserved.
const AUTO: &str = ".auto";

/// A move to this name removes, where names are reserved.
const NULL: &str = "/.null";

/// What a space is opened with.
#[derive(Clone, Debug)]
pub struct SpaceOptions {
    /// The service to behave like.
    pub profile: Profile,
    /// Who is in which group.
    pub groups: Arc<Groups>,
    /// The signer of byte URLs.
    pub grants: Arc<Grants>,
    /// How far the truths lag behind each other.
    pub lags: Lags,
    /// Byte sites, at least one.
    pub sites: usize,
}

/// How far the truths about bytes lag behind each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lags {
    /// How often listings catch up with the inventory; zero: at once.
    pub refresh: Duration,
    /// When the inventory of all sites hears of an upload; zero: at once.
    pub harvest: Duration,
}

/// One VOSpace.
#[derive(Debug)]
pub struct Space {
    /// Its habits.
    pub profile: Habits,
    /// Rows and bytes.
    pub store: Arc<Store>,
    /// Its jobs.
    pub jobs: Jobs,
    /// The byte sites.
    pub sites: Sites,
    /// The signer of byte URLs.
    pub grants: Arc<Grants>,
    group_service_down: AtomicBool,
    authority: &'static str,
    groups: Arc<Groups>,
    lags: watch::Sender<Lags>,
}

impl Space {
    /// Opens or creates the space in this directory.
    pub fn open(dir: &Path, options: SpaceOptions) -> Result<Space, Fault> {
        let store = Store::open(dir, options.sites)?;
        let space = Space {
            authority: options.profile.authority,
            profile: Habits::new(options.profile),
            store: Arc::new(store),
            jobs: Jobs::open(&dir.join("jobs.sqlite"))?,
            sites: Sites::new(options.sites),
            grants: options.grants,
            groups: options.groups,
            group_service_down: AtomicBool::new(false),
            lags: watch::Sender::new(options.lags),
        };
        space.store.write_now(|tx| {
            if nodes::by_id(tx, ROOT)?.is_none() {
                nodes::insert(tx, &Row { is_public: true, ..new_row(NodeId(0), "", Kind::Container, ADMINISTRATOR) })?;
            }
            if nodes::child(tx, ROOT, HOME)?.is_none() {
                nodes::insert(tx, &Row { is_public: true, ..new_row(ROOT, HOME, Kind::Container, ADMINISTRATOR) })?;
            }
            Ok(())
        })?;
        Ok(space)
    }

    /// Makes the user's private containers `/NAME` and `/home/NAME` if they are missing.
    pub fn make_home(&self, user: &str, quota: Option<u64>) -> Result<(), Fault> {
        self.store.write_now(|tx| {
            let home = nodes::child(tx, ROOT, HOME)?.map_or(ROOT, |row| row.id);
            for parent in [ROOT, home] {
                if nodes::child(tx, parent, user)?.is_none() {
                    nodes::insert(tx, &Row { quota, ..new_row(parent, user, Kind::Container, user) })?;
                }
            }
            Ok(())
        })
    }

    /// The authority of this space: `cadc.nrc.ca~vault`.
    pub fn authority(&self) -> &'static str {
        self.authority
    }

    /// Who is let in.
    pub fn access(&self) -> &'static Access {
        &self.profile.now().access
    }

    /// A fault as this service words it.
    pub fn said(&self, fault: &Fault) -> String {
        fault.said(self.profile.documents.wording)
    }

    /// Whether rows follow the artifact at once.
    pub fn refreshes_at_once(&self) -> bool {
        self.lags().refresh.is_zero()
    }

    /// How far the truths lag behind each other.
    pub fn lags(&self) -> Lags {
        *self.lags.borrow()
    }

    /// Sets how far; the workers catch up first.
    pub fn set_lags(&self, lags: Lags) {
        self.lags.send_replace(lags);
    }

    /// Tells of changes of the lags.
    pub fn watch_lags(&self) -> watch::Receiver<Lags> {
        self.lags.subscribe()
    }

    fn rights<'a>(&'a self, caller: &'a Caller, allocation_owner: Option<&'a str>) -> Rights<'a> {
        let public_is_open = self.profile.access.public_is_open;
        Rights { caller, groups: &self.groups, allocation_owner, public_is_open }
    }

    /// What the caller may do where a walk ended.
    pub fn rights_in<'a>(&'a self, caller: &'a Caller, walked: &'a Walked) -> Rights<'a> {
        self.rights(caller, walked.allocation_owner())
    }

    /// Whether the caller may read the node that a walk found.
    pub fn may_read(&self, caller: &Caller, walked: &Walked, row: &Row) -> bool {
        self.rights(caller, walked.allocation_owner()).may_read(row)
    }

    /// Whether the caller may see the document of the node that a walk found.
    pub fn may_see(&self, caller: &Caller, walked: &Walked, row: &Row) -> bool {
        self.profile.access.open_metadata || self.may_read(caller, walked, row)
    }

    /// Whether the caller may write the node that a walk found, locks aside.
    pub fn may_write(&self, caller: &Caller, walked: &Walked, row: &Row) -> bool {
        self.rights(caller, walked.allocation_owner()).may_write(row)
    }

    /// Has the group service fail, or work again.
    pub fn set_group_service_down(&self, down: bool) {
        self.group_service_down.store(down, Ordering::Relaxed);
    }

    /// Fails if the group service has to be asked about this row and does not answer: that is no denial. Owners and
    /// anonymous callers are known without it.
    pub fn ask_groups(&self, rights: &Rights<'_>, row: &Row, write: bool) -> Result<(), Fault> {
        let known = rights.caller == &Caller::Anonymous || rights.owns(row) || (row.is_public && !write);
        let groups = if write {
            !row.group_write.is_empty()
        } else {
            !(row.group_read.is_empty() && row.group_write.is_empty())
        };
        if self.group_service_down.load(Ordering::Relaxed) && groups && !known {
            return Err(Fault::internal("failed to check membership with group service"));
        }
        Ok(())
    }

    /// The path with a name that the service makes, if its last one asks for that.
    pub fn named(&self, path: String) -> String {
        match path.strip_suffix(AUTO) {
            Some(parent) if self.profile.reserved_names && parent.ends_with('/') => {
                format!("{parent}{}", Uuid::new_v4().simple())
            }
            _ => path,
        }
    }

    fn not_found(&self, path: &str) -> Fault {
        Fault::new(FaultKind::NodeNotFound, self.uri(path))
    }

    /// Refuses unless the caller may add and remove children of this container.
    fn require_parent(&self, caller: &Caller, walked: &Walked, parent: &Row) -> Result<(), Fault> {
        self.ask_groups(&self.rights_in(caller, walked), parent, true)?;
        if self.may_write(caller, walked, parent) && !parent.locked {
            Ok(())
        } else {
            Err(Fault::denied(self.uri(&walked.path)))
        }
    }

    /// Marks that a child of this container came or went.
    fn child_changed(&self, connection: &Connection, parent: NodeId) -> Result<(), Fault> {
        if self.profile.container_date_follows_children {
            nodes::touch(connection, parent, now())?;
        }
        Ok(())
    }
}

/// Now by the service's clock, in milliseconds since 1970.
pub fn now() -> i64 {
    crate::clock::now()
}

/// A new storage identity.
pub fn new_storage() -> String {
    Uuid::new_v4().to_string()
}

/// A private row without properties, of now.
pub fn new_row(parent: NodeId, name: &str, kind: Kind, owner: &str) -> Row {
    Row {
        id: NodeId(0),
        parent,
        name: name.to_owned(),
        kind,
        target: None,
        owner: owner.to_owned(),
        is_public: false,
        inherit: false,
        locked: false,
        group_read: String::new(),
        group_write: String::new(),
        quota: None,
        storage: if kind == Kind::Data { new_storage() } else { String::new() },
        modified: now(),
        copied: Copied::default(),
    }
}
