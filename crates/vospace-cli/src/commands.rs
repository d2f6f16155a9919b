//! One module for each command: its options, and what it does.

pub(crate) mod cat;
pub(crate) mod cp;
pub(crate) mod ls;
pub(crate) mod mkdir;
pub(crate) mod mv;
pub(crate) mod rm;
