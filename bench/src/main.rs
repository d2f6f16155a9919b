//! `vofs-bench`: the same works, by this project and by its peers, over the same shaped link, run by run in turn.
//!
//! From the top: [`schedule`] does each [`work`] in each [`column`] and collects [`results`], which [`report`] writes.
//! What is behind the link is [`service`]: `vospaced`, or the [`export`] of the same files for other programs.
//! A work is one file under `work/`, a column one under `column/`; neither knows the other. [`probe`] reads what
//! processes use, [`http`] what the service was asked, [`target`] says what is demanded.

mod act;
mod args;
mod column;
mod data;
mod export;
mod http;
mod link;
mod machine;
mod passthrough;
mod probe;
mod process;
mod report;
mod results;
mod schedule;
mod service;
mod sizes;
mod stage;
mod stats;
mod target;
mod work;

use std::path::Path;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context as _, Result, bail, ensure};
use args::{Arguments, Command, Document, Run};
use clap::Parser as _;
use report::stored::{Circumstances, Stored};
use results::{Missing, Results};
use schedule::Selection;
use sizes::Scale;
use stage::Stage;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Command::Act { act }) => act.perform().and_then(|done| {
            println!("{}", serde_json::to_string(&done)?);
            Ok(())
        }),
        Some(Command::Export { tree, link }) => export::serve(&tree, link.shape()),
        Some(Command::PassThrough { directory, point }) => passthrough::serve(&directory, &point),
        Some(Command::Document(options)) => document(&options),
        Some(Command::List) => {
            list();
            Ok(())
        }
        Some(Command::Check) => check(),
        None => bench(&arguments.run),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    for work in work::all() {
        println!("work {}: {}", work.name(), work.columns().join(" "));
        for row in work.rows(&Scale::Full.sizes()) {
            println!("    {}: {} [{}]", row.id, row.title, row.unit);
        }
    }
    for column in column::all() {
        println!("column {}: {}", column.name(), column.about());
    }
}

/// Ctrl-C and SIGTERM end all waits, and with them everything that was started.
fn watch_signals() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut interrupt, mut terminate) = {
        let _context = runtime.enter();
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?)
    };
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        process::interrupt();
    });
    Ok(())
}

/// Does what is wanted; the results of each work are kept in `file` as soon as it is done, and those of all are handed
/// out, even when not all of it could be done.
fn measure(
    stage: &Stage,
    wanted: &Selection,
    commit: Option<String>,
    file: &Path,
) -> Result<(Vec<Stored>, Result<Results>)> {
    let (works, columns) = (work::all(), column::all());
    for name in &wanted.works {
        if !works.iter().any(|work| work.name() == name) {
            bail!("no work {name}; `vofs-bench list` names them");
        }
    }
    for name in &wanted.columns {
        if !columns.iter().any(|column| column.name() == name) {
            bail!("no column {name}; `vofs-bench list` names them");
        }
    }
    let circumstances = Circumstances {
        scale: stage.scale,
        commit: commit.or_else(machine::commit),
        machine: machine::describe(),
        load: machine::load(),
    };
    watch_signals()?;
    let mut kept = Vec::new();
    let outcome = schedule::run(stage, &works, &columns, wanted, &mut |records, began| {
        let new: Vec<Stored> = records.iter().map(|record| Stored::of(record, began, &circumstances)).collect();
        report::json::keep(file, &new)?;
        kept.extend(new);
        Ok(())
    });
    Ok((kept, outcome))
}

/// What is said of each column.
fn legend() -> Vec<(&'static str, &'static str)> {
    column::all().iter().map(|column| (column.name(), column.about())).collect()
}

fn bench(options: &Run) -> Result<()> {
    let stage = Stage::new(&options.directory, options.scale())?;
    let file = report::json::file(&options.directory, stage.scale);
    let (kept, outcome) = measure(&stage, &options.selection(), options.commit(), &file)?;
    if !kept.is_empty() {
        println!("{}", report::table::render(&kept, &legend()));
        eprintln!("bench: results in {}", file.display());
        match &options.document {
            Some(document) if stage.scale == Scale::Full => {
                report::publish(&options.directory, stage.scale, &legend(), document)?;
            }
            Some(document) => eprintln!("bench: {} is left as it is: it shows full sizes only", document.display()),
            None => {}
        }
    }
    failures(&outcome?)
}

/// The table anew from what is kept, with what another file holds.
fn document(options: &Document) -> Result<()> {
    let file = report::json::file(&options.directory, Scale::Full);
    if let Some(import) = &options.import {
        report::json::import(&file, import, &options.unsaid)?;
    }
    ensure!(file.exists(), "{} does not exist: nothing has been measured", file.display());
    report::publish(&options.directory, Scale::Full, &legend(), &options.document)
}

/// Columns without peers.
const OWN: [&str; 9] =
    ["mount", "mount-ttl", "mount-background", "mount-passthrough", "vcp", "commands", "wire", "passthrough", "native"];

/// Peers may fail; we may not.
fn failures(results: &Results) -> Result<()> {
    for record in results.records.iter().filter(|record| OWN.contains(&record.column)) {
        if let Some(missing @ (Missing::Absent(_) | Missing::Ended(_) | Missing::Failed(_))) = &record.missing {
            bail!("{} {}: {missing}", record.row.id, record.column);
        }
    }
    Ok(())
}

/// All works with our own programs, once; what they measure is not looked at.
fn check() -> Result<()> {
    let place = tempfile::Builder::new().prefix("vofs-bench.").tempdir()?;
    let stage = Stage::new(place.path(), Scale::Tiny)?;
    let columns = OWN.map(str::to_owned).to_vec();
    let wanted = Selection { columns, links: vec![link::Link::MAIN], runs: 1, ..Selection::default() };
    let file = report::json::file(place.path(), stage.scale);
    let (kept, outcome) = measure(&stage, &wanted, None, &file)?;
    failures(&outcome?)?;
    let names = |records: &[Stored]| -> Vec<String> {
        records.iter().map(|record| format!("{} {}", record.row, record.column)).collect()
    };
    let read = report::json::load(&file).context("what was kept")?;
    ensure!(names(&read) == names(&kept), "the results that were kept are not those that were measured");
    for work in work::all() {
        for row in work.rows(&stage.sizes) {
            if !kept.iter().any(|record| record.row == row.id && record.column == work.ours()) {
                bail!("{}: not measured", row.id);
            }
        }
    }
    println!("every work ran; {} results", kept.len());
    Ok(())
}
