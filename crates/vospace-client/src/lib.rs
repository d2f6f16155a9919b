//! vospace-client.
