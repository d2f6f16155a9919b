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

use std::fs;
use std::process::ExitCode;
use std::thread;

use anyhow::{Context as _, Result, bail};
use args::{Arguments, Command, Run};
use clap::Parser as _;
use report::Circumstances;
use results::{Missing, OURS, Results};
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

fn measured(stage: &Stage, wanted: &Selection) -> Result<(Results, Circumstances)> {
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
        runs: wanted.runs,
        date: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
        machine: machine::describe(),
        load: machine::load(),
    };
    watch_signals()?;
    Ok((schedule::run(stage, &works, &columns, wanted)?, circumstances))
}

fn bench(options: &Run) -> Result<()> {
    let wanted = options.selection();
    let stage = Stage::new(&options.directory, options.scale())?;
    let (results, circumstances) = measured(&stage, &wanted)?;
    let columns = column::all();
    let legend: Vec<(&str, &str)> = columns.iter().map(|column| (column.name(), column.about())).collect();
    let table = report::table::render(&results, &circumstances, &legend);
    println!("{table}");
    let value = report::json::render(&results, &circumstances);
    report::json::check(&value)?;
    let file = options.directory.join("results.json");
    fs::write(&file, serde_json::to_string_pretty(&value)?).with_context(|| file.display().to_string())?;
    eprintln!("bench: results in {}", file.display());
    match &options.document {
        Some(document) if wanted.is_whole() => report::document::update(document, &table)?,
        Some(document) => eprintln!("bench: {} is left as it is: only a part was measured", document.display()),
        None => {}
    }
    failures(&results)
}

/// Columns without peers.
const OWN: [&str; 6] = [OURS, "mount-ttl", "vcp", "commands", "wire", "native"];

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
    let (results, circumstances) = measured(&stage, &wanted)?;
    failures(&results)?;
    let value = report::json::render(&results, &circumstances);
    report::json::check(&value)?;
    for work in work::all() {
        for row in work.rows(&stage.sizes) {
            let measured = |record: &results::Record| record.row.id == row.id && record.column == work.ours();
            if !results.records.iter().any(measured) {
                bail!("{}: not measured", row.id);
            }
        }
    }
    println!("every work ran; {} results", results.records.len());
    Ok(())
}
