//! One module for each command: its options, and what it does.

pub(crate) mod cat;
pub(crate) mod chmod;
pub(crate) mod config;
pub(crate) mod cp;
pub(crate) mod df;
pub(crate) mod doctor;
pub(crate) mod du;
pub(crate) mod find;
pub(crate) mod get_cert;
pub(crate) mod ln;
pub(crate) mod lock;
pub(crate) mod login;
pub(crate) mod ls;
pub(crate) mod mkdir;
pub(crate) mod mv;
pub(crate) mod rm;
pub(crate) mod rmdir;
pub(crate) mod sync;
pub(crate) mod tag;
