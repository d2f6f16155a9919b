//! Which resources a service has, and how it is found.

use serde::{Deserialize, Serialize};

/// Under which name synchronous transfers are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncName {
    /// `/synctrans`.
    Synctrans,
    /// `/sync`.
    Sync,
}

impl SyncName {
    /// The resource.
    pub fn resource(self) -> &'static str {
        match self {
            SyncName::Synctrans => "synctrans",
            SyncName::Sync => "sync",
        }
    }
}

/// What is there beside nodes and transfers.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Resources {
    /// Capabilities, availability and a line in the registry. Without them clients have to be told where all is.
    pub described: bool,
    /// The name of synchronous transfers.
    pub sync: SyncName,
    /// `/files`: bytes by path.
    pub files: bool,
    /// `/async-delete` and `/async-setprops`: jobs over trees.
    pub tree_jobs: bool,
    /// Packages.
    pub packages: bool,
    /// Lists of the views, properties and protocols that the service knows.
    pub lists: bool,
    /// `/login`: a form that gives a cookie.
    pub login: bool,
    /// `Location` without scheme and host.
    pub relative_locations: bool,
}

impl Resources {
    /// Those of Vault; Cavern has the same.
    pub const CADC: Resources = Resources {
        described: true,
        sync: SyncName::Synctrans,
        files: true,
        tree_jobs: true,
        packages: true,
        lists: false,
        login: false,
        relative_locations: false,
    };
}
