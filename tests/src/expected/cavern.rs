//! Cavern: a file system, and nothing that knows what is in its files.

use super::{CUT_OUTS, Cannot};

pub(super) const CANNOT: &[Cannot] = &[CUT_OUTS];
