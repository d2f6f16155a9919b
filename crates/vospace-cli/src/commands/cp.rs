//! `vcp`: files and trees, to, from or within VOSpace. The work is done by the copy engine; here arguments become a plan's
//! sources and target, and events become messages. `-` is standard input or output.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;
use vospace_client::Plain;
use vospace_client::bulk::{self, Confirm, Event, Options, Place, Source, Target};
use vospace_client::error::ErrorKind;
use vospace_client::node::Node;
use vospace_client::view::View;

use crate::commands::cat;
use crate::ends::{self, Ends};
use crate::limits::Moving;
use crate::output::{self, Status};
use crate::session::Session;
use crate::telling::Teller;
use crate::wildcard;

/// Standard input as a source, standard output as a destination.
const STREAM: &str = "-";

/// Options of `vcp`.
#[derive(Debug, Args)]
#[command(
    override_usage = ends::usage("vospace cp"),
    after_help = "Wildcards in the names of nodes are expanded (quote them). Behind the name of a FITS file can stand what \
                  is to be cut out of it: [1][10:20,30:40] or (ra,dec,radius). - is standard input as the source, standard \
                  output as the destination."
)]
pub(crate) struct CpArgs {
    #[command(flatten)]
    pub(crate) ends: Ends,
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
    #[command(flatten)]
    pub(crate) moving: Moving,
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
    if args.ends.sources() == [STREAM] {
        return from_input(session, args).await;
    }
    if args.ends.destination() == STREAM {
        return to_output(session, args).await;
    }
    let mut status = Status::Done;
    let target = target(session, args.ends.destination())?;
    let mut sources = Vec::new();
    for text in args.ends.sources() {
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
    let mut teller = Teller::new(session, args.json, args.dry_run);
    if !(args.moving.quiet || args.json || args.dry_run || args.interrogate || session.logs_much) {
        teller = teller.with_bars();
    }
    // Questions come one at a time.
    let (streams, small_streams) = if args.interrogate { (1, 1) } else { args.moving.streams() };
    let options = Options {
        exclude: args.exclude.clone(),
        include: args.include.clone(),
        follow_links: args.follow_links,
        streams,
        small_streams,
        confirm: args.interrogate.then(|| Arc::new(ask) as Confirm),
        dry_run: args.dry_run,
        watch: teller.watch(),
        ..Options::default()
    };
    let plan = bulk::plan(&session.client, sources, target, &options).await?;
    let report = bulk::run(&session.client, plan, &options, &|event| teller.tell(event)).await;
    Ok(status.and(teller.sum_up(&report)))
}

/// What cannot be done, said before anything is.
fn refusal(session: &Session, args: &CpArgs) -> Option<String> {
    let remote = session.prefixes.is_remote(args.ends.destination());
    if args.head && remote {
        return Some("--head copies headers out of VOSpace; the destination is a local file or directory".to_owned());
    }
    if args.ends.sources().iter().any(|text| text == STREAM) {
        if args.ends.sources().len() > 1 {
            return Some("- is standard input, which can only be the one source of a copy".to_owned());
        }
        if !remote {
            return Some("standard input can only be copied to a node, vos:path".to_owned());
        }
    }
    let mixed = args.ends.sources().iter().any(|text| session.prefixes.is_remote(text));
    let local = args.ends.sources().iter().find(|text| *text != STREAM && !session.prefixes.is_remote(text))?;
    if !remote {
        return Some(format!(
            "cannot copy {local} to {}: both are local; a node is written vos:path",
            args.ends.destination()
        ));
    }
    mixed.then(|| format!("{local} is local and others are nodes; copy them by two commands"))
}

/// Standard input into a file.
async fn from_input(session: &Session, args: &CpArgs) -> anyhow::Result<Status> {
    let uri = session.uri(args.ends.destination())?;
    let place = Place::Remote(uri.clone());
    let standing = match session.client.stat(&uri).await {
        Ok(node) => Some(bulk::follow(&session.client, node).await?),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| session.name(&uri)),
    };
    if args.ends.destination().ends_with('/') || standing.as_ref().is_some_and(Node::is_container) {
        bail!(
            "{} is a container; standard input has no name, so say which file it is to become",
            args.ends.destination()
        );
    }
    if args.interrogate {
        bail!("-i cannot ask while standard input is what is copied");
    }
    if args.dry_run {
        writeln!(io::stdout(), "would copy standard input -> {}", session.name(&uri))?;
        return Ok(Status::Done);
    }
    let started = Instant::now();
    let stored = bulk::store(&session.client, io::stdin(), &uri).await?;
    let source = Place::Local(STREAM.into());
    let event = Event::Copied { source: &source, target: &place, length: stored.length, elapsed: started.elapsed() };
    Teller::new(session, args.json, false).tell(&event);
    Ok(Status::Done)
}

/// Files to standard output, one after the other.
async fn to_output(session: &Session, args: &CpArgs) -> anyhow::Result<Status> {
    let mut status = Status::Done;
    for text in args.ends.sources() {
        let (text, part) = View::split(text);
        let view = if args.head { Some(View::Header) } else { part };
        match wildcard::expand(session, text).await {
            Ok(nodes) => {
                for node in nodes {
                    status = status.and(output::status(cat::bytes(session, node, view.as_ref()).await)?);
                }
            }
            Err(error) => status = status.and(output::status(Err(error))?),
        }
    }
    Ok(status)
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
    let target = Plain(&target.to_string()).to_string();
    let prompted = write!(io::stderr(), "File {target} exists.  Overwrite? (y/n): ").is_ok();
    prompted && io::stdin().read_line(&mut answer).is_ok() && answer.trim().eq_ignore_ascii_case("y")
}
