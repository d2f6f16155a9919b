//! The works: what users do, one file each. A work is run once on each session that it is given, and says in which rows
//! its figures belong and what is demanded of them.

mod arrival;
mod code;
mod commands;
mod copy_tree;
mod download;
mod find;
mod first_bytes;
mod headers;
mod help;
mod idle;
mod listing;
mod long_listing;
mod names;
mod overwrite;
mod random;
mod readers;
mod rename;
mod save;
mod sequential;
mod sequential_cavern;
mod small_files;
mod small_writes;
mod unchanged;
mod upload;
mod write;

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::column::Session;
use crate::data::{Scratch, Set};
use crate::probe::Usage;
use crate::results::{OURS, Reading, Row, Seen};
use crate::service::Profile;
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::Verdict;

/// Longest that one step may take unless a work says otherwise: the patience of a user, and of who runs the whole bench.
const LIMIT: Duration = Duration::from_secs(45);

/// One of the works.
pub(crate) trait Work {
    /// Its name in options.
    fn name(&self) -> &'static str;

    /// The data that it needs.
    fn set(&self) -> Set;

    /// The service that it is done with.
    fn profile(&self) -> Profile {
        Profile::Vault
    }

    /// What it finds in the directory in which it writes, if it writes.
    fn scratch(&self, _sizes: &Sizes) -> Option<Scratch> {
        None
    }

    /// The columns that can do it.
    fn columns(&self) -> &'static [&'static str];

    /// Whether it is of interest at other latencies than that of the targets.
    fn depends_on_latency(&self) -> bool {
        false
    }

    /// Whether one run says as much as several.
    fn is_steady(&self) -> bool {
        false
    }

    /// Whether it is of interest without any link.
    fn is_of_interest_unshaped(&self) -> bool {
        false
    }

    /// The column whose targets are judged.
    fn ours(&self) -> &'static str {
        OURS
    }

    /// What it measures.
    fn rows(&self, sizes: &Sizes) -> Vec<Row>;

    /// Does it once.
    fn run(&self, stage: &Stage, session: &Session) -> Result<Vec<Reading>>;

    /// Whether the targets are met.
    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict>;
}

/// All works, in the order of the table.
pub(crate) fn all() -> Vec<Box<dyn Work>> {
    vec![
        Box::new(sequential::Sequential),
        Box::new(sequential_cavern::SequentialCavern),
        Box::new(first_bytes::FirstBytes),
        Box::new(random::Random),
        Box::new(readers::Readers),
        Box::new(headers::Headers),
        Box::new(long_listing::LongListing),
        Box::new(names::Names),
        Box::new(find::Find),
        Box::new(idle::Idle),
        Box::new(code::Code),
        Box::new(help::Help),
        Box::new(listing::Listing),
        Box::new(small_files::SmallFiles),
        Box::new(unchanged::Unchanged),
        Box::new(download::Download { profile: Profile::Vault }),
        Box::new(download::Download { profile: Profile::Cavern }),
        Box::new(upload::Upload),
        Box::new(write::Write),
        Box::new(small_writes::SmallWrites),
        Box::new(copy_tree::CopyTree),
        Box::new(save::Save),
        Box::new(overwrite::Overwrite),
        Box::new(rename::Rename),
    ]
}

fn row(id: &'static str, title: impl Into<String>, unit: &'static str) -> Row {
    Row { id, title: title.into(), unit }
}

/// 10⁶ bytes a second.
fn rate(row: &'static str, bytes: u64, seconds: f64, usage: Usage) -> Reading {
    Reading { row, value: bytes as f64 / 1e6 / seconds, usage }
}

/// A figure that came with another one and cost nothing of its own.
fn besides(row: &'static str, value: f64) -> Reading {
    Reading { row, value, usage: Usage::default() }
}

/// A work that was done in part would be fast and wrong.
fn complete(what: &str, got: u64, wanted: u64) -> Result<()> {
    ensure!(got == wanted, "{what}: {got} instead of {wanted}");
    Ok(())
}

/// `1 GiB`.
fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}
