//! Client library for IVOA VOSpace 2.1 services, CADC Vault and ARC (Cavern) in particular.
//!
//! This crate owns everything that knows an HTTP header, an XML element, a `vos:` URI or a certificate. It knows
//! nothing of inodes, caches or FUSE. Read it top-down: [`client`] has the verbs, a file uses only what stands
//! below it:
//!
//! * [`bulk`] trees of files in and out, over the verbs
//! * [`client`] the verbs in one place, over `emulate` (a rename by copying), [`transfer`] (bytes in and out) and `ops` (nodes, jobs, rename); all of
//!   them over `inner` (what they share) and `redirects` (where the bytes of recently read files are)
//! * [`service`] one service with its endpoints, and [`dialect`] what was learned of it
//! * `registry`: from a resource id to endpoints, cached on disk
//! * [`login`] logging in at an issuer of tokens, and out
//! * [`auth`] credentials, `http` requests with one retry policy, redirects and deadlines, `body` the bytes in them
//! * [`xml`], [`node`], [`uri`], [`view`], [`error`]: the data model, shared with the embedded server; [`plain`]: how the texts of
//!   others are shown; [`services`]: what the user's configuration says of single services

pub mod auth;
mod body;
pub mod bulk;
mod cache;
pub mod client;
mod config;
mod cuts;
pub mod dialect;
mod emulate;
pub mod error;
mod http;
mod inner;
pub mod login;
pub mod node;
mod ops;
mod places;
pub mod plain;
mod redirects;
mod registry;
pub mod service;
pub mod services;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod transfer;
pub mod uri;
pub mod view;
pub mod xml;

pub use auth::{AuthOptions, Credentials, Secret, Standing};
pub use client::{Client, ClientConfig};
pub use error::{Error, ErrorKind};
pub use node::{Md5, Node, NodeKind, Properties, Timestamp, property};
pub use plain::Plain;
pub use services::{ServiceSettings, SettingsError};
pub use uri::{Prefixes, UriError, VosUri};

/// What every verb of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;
