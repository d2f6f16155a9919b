//! `vcp`: files and trees, to or from VOSpace. The work is done by the copy engine; here arguments become a plan's
//! sources and target, and events become messages.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use vospace_client::bulk::{self, Confirm, Options, Place, Source, Target};
use vospace_client::view::View;

use crate::output::{self, Status};
use crate::session::Session;
use crate::telling::Teller;
use crate::wildcard;

/// Options of `vcp`.
#[derive(Debug, Args)]
pub(crate) struct CpArgs {
    /// Files or directories to copy; wildcards in node names are expanded (quote them), and cut-outs can stand behind
    /// the name of a FITS file: [1][10:20,30:40] or (ra,dec,radius)
    #[arg(required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// Where they go
    #[arg(value_name = "DESTINATION")]
    destination: String,
    /// Leave out files whose destination contains one of these, separated by commas
    #[arg(long, value_name = "TEXTS", value_delimiter = ',')]
    exclude: Vec<String>,
    /// Copy only files whose destination contains one of these, separated by commas
    #[arg(long, value_name = "TEXTS", value_delimiter = ',')]
    include: Vec<String>,
    /// Ask before a file is replaced
    #[arg(short, long)]
    interrogate: bool,
    /// Copy what links point to (otherwise they are left out)
    #[arg(short = 'L', long)]
    follow_links: bool,
    /// Go on after an error (this is always so; every error is named and the exit status is 1)
    #[arg(long)]
    ignore: bool,
    /// Copy only the headers of FITS files
    #[arg(long)]
    head: bool,
    /// Files copied at the same time
    #[arg(long, value_name = "N", default_value_t = bulk::DEFAULT_STREAMS as u64,
          value_parser = clap::value_parser!(u64).range(1..=bulk::MAX_STREAMS as u64))]
    nstreams: u64,
    /// Tell what would be copied, and copy nothing
    #[arg(long)]
    dry_run: bool,
    /// Tell each result as one JSON object a line
    #[arg(long)]
    json: bool,
    /// Has no effect
    #[arg(long, hide = true)]
    quick: bool,
    /// Has no effect: files that differ are always replaced
    #[arg(long, hide = true)]
    overwrite: bool,
}

/// Copies.
pub(crate) async fn run(session: &Session, args: &CpArgs) -> anyhow::Result<Status> {
    if let Some(refusal) = refusal(session, args) {
        output::error(refusal);
        return Ok(Status::Usage);
    }
    let mut status = Status::Done;
    let target = target(session, &args.destination)?;
    let mut sources = Vec::new();
    for text in &args.sources {
        if !session.prefixes.is_remote(text) {
            sources.push(Source::Local { path: PathBuf::from(text), contents: false });
            continue;
        }
        let (text, part) = View::split(text);
        let view = if args.head { Some(View::Header) } else { part };
        match wildcard::expand(session, text).await {
            Ok(nodes) => {
                let contents = text.ends_with('/');
                sources.extend(nodes.into_iter().map(|node| Source::Remote { node, contents, view: view.clone() }));
            }
            Err(error) => status = output::status(Err(error))?,
        }
    }
    if sources.is_empty() {
        return Ok(status);
    }
    let options = Options {
        exclude: args.exclude.clone(),
        include: args.include.clone(),
        follow_links: args.follow_links,
        // Questions come one at a time.
        streams: if args.interrogate { 1 } else { args.nstreams as usize },
        confirm: args.interrogate.then(|| Arc::new(ask) as Confirm),
        dry_run: args.dry_run,
        ..Options::default()
    };
    let plan = bulk::plan(&session.client, sources, target, &options).await?;
    let teller = Teller::new(session, args.json, args.dry_run);
    let report = bulk::run(&session.client, plan, &options, &|event| teller.tell(event)).await;
    Ok(status.and(teller.sum_up(&report)))
}

/// What cannot be done, said before anything is.
fn refusal(session: &Session, args: &CpArgs) -> Option<String> {
    let all = || args.sources.iter().chain(std::iter::once(&args.destination));
    if all().any(|text| text == "-") {
        return Some("- is not available in this version; use vcat to print a file".to_owned());
    }
    let remote = session.prefixes.is_remote(&args.destination);
    if args.head && remote {
        return Some("--head copies headers out of VOSpace; the destination is a local file or directory".to_owned());
    }
    let same_side = args.sources.iter().find(|text| session.prefixes.is_remote(text) == remote)?;
    Some(if remote {
        format!("cannot copy {same_side} to {}: both are in VOSpace; copy to a local file first", args.destination)
    } else {
        format!("cannot copy {same_side} to {}: both are local; a node is written vos:path", args.destination)
    })
}

fn target(session: &Session, text: &str) -> anyhow::Result<Target> {
    let directory = text.ends_with('/');
    if session.prefixes.is_remote(text) {
        return Ok(Target::Remote { uri: session.uri(text)?, directory });
    }
    let trimmed = text.trim_end_matches('/');
    let path = PathBuf::from(if trimmed.is_empty() { text } else { trimmed });
    Ok(Target::Local { path, directory })
}

fn ask(target: &Place) -> bool {
    let mut answer = String::new();
    let prompted = write!(io::stderr(), "File {target} exists.  Overwrite? (y/n): ").is_ok();
    prompted && io::stdin().read_line(&mut answer).is_ok() && answer.trim().eq_ignore_ascii_case("y")
}
