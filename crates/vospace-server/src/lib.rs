//! An embedded VOSpace 2.1 service that behaves like CADC's Vault, like Cavern, the file service behind ARC, and like the
//! services of other makers.
//!
//! For demonstrations, tests and work without a network: one process, no account, data in one directory. What a client
//! meets here is what it meets there, awkward parts included; [`profile`] lists the habits that differ.
//!
//! From the top: [`serve`] starts the service, [`dispatch`] takes a request apart, `routes` answer it, a [`space::Space`]
//! does what is asked by the rules of the standard, and a [`store::Store`] keeps it. A file uses only what stands below it.

pub mod answering;
pub mod app;
pub mod archive;
pub mod call;
pub mod clock;
pub mod control;
pub mod cutout;
pub mod dispatch;
pub mod documents;
pub mod fault;
pub mod faults;
pub mod fits;
pub mod grants;
pub mod headers;
pub mod identity;
pub mod import;
pub mod issuer;
pub mod jobs;
pub mod listening;
pub mod names;
pub mod oplog;
pub mod permissions;
pub mod populate;
pub mod profile;
pub mod replies;
pub mod routes;
pub mod sample;
pub mod serve;
pub mod shaping;
pub mod space;
pub mod store;
pub mod streaming;
pub mod tls;
pub mod uploads;
