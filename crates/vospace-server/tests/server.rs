//! The whole service on a loopback port, spoken to in plain HTTP: what a client of any make meets.

#![allow(clippy::unwrap_used, reason = "helpers of tests, not only tests, fail by panic")]

#[path = "server/cavern_files.rs"]
mod cavern_files;
#[path = "server/control.rs"]
mod control;
#[path = "server/discovery.rs"]
mod discovery;
#[path = "server/durability.rs"]
mod durability;
#[path = "server/faults.rs"]
mod faults;
#[path = "server/found.rs"]
mod found;
#[path = "server/listings.rs"]
mod listings;
#[path = "server/makers.rs"]
mod makers;
#[path = "server/moves.rs"]
mod moves;
#[path = "server/names.rs"]
mod names;
#[path = "server/nodes.rs"]
mod nodes;
#[path = "server/packages.rs"]
mod packages;
#[path = "server/process.rs"]
mod process;
#[path = "server/put_transactions.rs"]
mod put_transactions;
#[path = "server/rights.rs"]
mod rights;
#[path = "server/scale.rs"]
mod scale;
#[path = "server/sites.rs"]
mod sites;
#[path = "server/small_print.rs"]
mod small_print;
#[path = "server/stranger.rs"]
mod stranger;
#[path = "server/strict.rs"]
mod strict;
#[path = "server/support.rs"]
mod support;
#[path = "server/tls.rs"]
mod tls;
#[path = "server/vault_files.rs"]
mod vault_files;
#[path = "server/weather.rs"]
mod weather;
