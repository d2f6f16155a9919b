//! Interoperability: the embedded service as clients that are not ours see it.
//!
//! The judge is the Python client, whose behaviour against the real services is known; what it gets wrong there it has
//! to get wrong here. Beside it stand requests byte by byte, and documents that a validator looks at.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agree;
mod bench;
mod certificate;
mod cutouts;
mod makers;
mod nodes;
mod properties;
mod resume;
mod schema;
mod transcripts;
mod vcat;
mod vcp;
mod vls;
mod vsync;
