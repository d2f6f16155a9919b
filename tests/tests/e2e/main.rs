//! End-to-end tests: the built programs, on real mounts, against an embedded service in both profiles.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod block_cache;
mod cache;
mod certificates;
mod commands;
mod copies;
mod crash;
mod cutouts;
mod deadlines;
mod doctor;
mod faults;
mod fits;
mod guides;
mod helper;
mod hostile;
mod life;
mod limits;
mod listings;
mod machine;
mod opening;
mod options;
mod posix;
mod programs;
mod python_client;
mod reading;
mod refusals;
mod relays;
mod resuming;
mod rights;
mod safety;
mod semantics;
mod sharing;
mod supervised;
mod sync;
mod terminals;
mod trees;
mod versions;
mod walks;
mod weather;
mod write_faults;
