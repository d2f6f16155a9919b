//! The resources, one file each: they read requests, call the space and write answers.

pub mod bytes;
pub mod control;
pub mod credentials;
pub mod encoding;
pub mod endpoint;
pub mod facts;
pub mod files;
pub mod jobs;
pub mod lists;
pub mod nodes;
pub mod package;
pub mod range;
pub mod reading;
pub mod registry;
pub mod transaction;
pub mod transfers;
