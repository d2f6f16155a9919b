//! vospace-server.
