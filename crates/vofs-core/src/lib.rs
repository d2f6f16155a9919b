//! vofs-core.
