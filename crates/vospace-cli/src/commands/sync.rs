//! `vsync`: makes one tree like another, in either direction or within VOSpace, copying only what differs.
//!
//! Unlike `vcp` it takes the word of a listing that a file is the same, so a tree that did not change costs one request
//! a container. What it removes with `--delete` was asked for by itself before.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use regex::Regex;
use vospace_client::bulk::{self, Compare, Options, Place, Plan, Source, Target};
use vospace_client::error::ErrorKind;
use vospace_client::node::Properties;

use crate::ends::{self, Ends};
use crate::limits::Moving;
use crate::output::{self, Status};
use crate::session::Session;
use crate::telling::Teller;
use crate::wildcard;

/// Options of `vsync`.
#[derive(Debug, Args)]
#[command(
    override_usage = ends::usage("vospace sync"),
    after_help = "Wildcards in the names of nodes are expanded (quote them). With a slash behind a source, what it holds \
                  is meant. The last level of the destination is made where it is missing."
)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    pub(crate) ends: Ends,
    /// Compare length and time instead of MD5
    #[arg(long)]
    ignore_checksum: bool,
    /// Copy without comparing
    #[arg(long, conflicts_with = "ignore_checksum")]
    overwrite: bool,
    #[command(flatten)]
    pub(crate) moving: Moving,
    /// Leave out files whose path below the destination contains one of these, separated by commas
    #[arg(long, value_name = "TEXTS", value_delimiter = ',')]
    exclude: Vec<String>,
    /// Copy only files of which a part of the path below the destination matches this regular expression
    #[arg(long, value_name = "REGEX")]
    include: Option<Regex>,
    /// Copy what links point to (otherwise they are left out)
    #[arg(short = 'L', long)]
    follow_links: bool,
    /// Remove from the destination what the source does not have; asks first
    #[arg(long)]
    delete: bool,
    /// With --delete: do not ask
    #[arg(short, long, requires = "delete")]
    yes: bool,
    /// Tell what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Tell each result as one JSON object a line
    #[arg(long)]
    json: bool,
    /// Has no effect: directories are always copied with all that they hold
    #[arg(short, long, hide = true)]
    recursive: bool,
    /// Has no effect: one listing of each container tells what is there
    #[arg(long = "cache_nodes", hide = true)]
    cache_nodes: bool,
    /// Has no effect
    #[arg(long = "cache_filename", value_name = "FILE", hide = true)]
    cache_filename: Option<PathBuf>,
}

impl SyncArgs {
    fn compare(&self) -> Compare {
        match (self.overwrite, self.ignore_checksum) {
            (true, _) => Compare::Nothing,
            (false, true) => Compare::Times,
            (false, false) => Compare::Listings,
        }
    }

    /// Whether a file of this path below the destination takes part.
    fn admits(&self, path: &str) -> bool {
        !self.exclude.iter().any(|part| path.contains(part.as_str()))
            && self.include.as_ref().is_none_or(|pattern| pattern.is_match(path))
    }
}

/// Synchronises.
pub(crate) async fn run(session: &Session, args: &SyncArgs) -> anyhow::Result<Status> {
    let remote = session.prefixes.is_remote(args.ends.destination());
    let local = args.ends.sources().iter().find(|text| !session.prefixes.is_remote(text));
    if let Some(text) = local.filter(|_| !remote) {
        output::error(format_args!("cannot synchronise {text} to {}: both are local", args.ends.destination()));
        return Ok(Status::Usage);
    }
    if let Some(text) = local.filter(|_| args.ends.sources().iter().any(|text| session.prefixes.is_remote(text))) {
        output::error(format_args!("{text} is local and others are nodes; synchronise them by two commands"));
        return Ok(Status::Usage);
    }
    let target = destination(session, args, remote).await?;
    let mut teller = Teller::new(session, args.json, args.dry_run);
    if !(args.moving.quiet || args.json || args.dry_run || session.logs_much) {
        teller = teller.with_bars();
    }
    let (streams, small_streams) = args.moving.streams();
    let options = Options {
        follow_links: args.follow_links,
        streams,
        small_streams,
        compare: args.compare(),
        extras: args.delete,
        dry_run: args.dry_run,
        watch: teller.watch(),
        ..Options::default()
    };
    let root = match &target {
        Target::Local { path, .. } => Place::Local(path.clone()),
        Target::Remote { uri, .. } => Place::Remote(uri.clone()),
    };
    let mut plan = bulk::plan(&session.client, sources(session, args).await?, target, &options).await?;
    plan.retain(|place| args.admits(&below(place, &root)));
    let extras = plan.extras().to_vec();
    if !extras.is_empty() && !args.dry_run && !agreed(session, args, &plan)? {
        bail!("nothing was done; leave out --delete to copy without removing");
    }
    let observer = |event: &bulk::Event<'_>| teller.tell(event);
    let mut report = bulk::run(&session.client, plan, &options, &observer).await;
    bulk::remove_extras(&session.client, &extras, &options, &mut report, &observer).await;
    if !extras.is_empty() && !report.is_complete() {
        output::note("not everything could be copied, so what only the destination has was left there");
    }
    Ok(teller.sum_up(&report))
}

/// The other side, its last level made where it is missing.
async fn destination(session: &Session, args: &SyncArgs, remote: bool) -> anyhow::Result<Target> {
    if !remote {
        let path = PathBuf::from(args.ends.destination());
        if !path.exists() && !args.dry_run {
            std::fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        }
        return Ok(Target::Local { path, directory: false });
    }
    let uri = session.uri(args.ends.destination())?;
    match session.client.stat(&uri).await {
        Err(error) if error.kind() == ErrorKind::NotFound && !args.dry_run => {
            session.client.mkdir(&uri, &Properties::new()).await.with_context(|| session.name(&uri))?;
        }
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).with_context(|| session.name(&uri)),
        _ => {}
    }
    Ok(Target::Remote { uri, directory: false })
}

async fn sources(session: &Session, args: &SyncArgs) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for text in args.ends.sources() {
        let contents = text.ends_with('/');
        if session.prefixes.is_remote(text) {
            let nodes = wildcard::expand(session, text).await?;
            sources.extend(nodes.into_iter().map(|node| Source::Remote { node, contents, view: None }));
        } else {
            sources.push(Source::Local { path: PathBuf::from(text), contents });
        }
    }
    Ok(sources)
}

/// The path of `place` below `root`.
fn below(place: &Place, root: &Place) -> String {
    let (path, root) = match (place, root) {
        (Place::Local(path), Place::Local(root)) => (path.as_path(), root.as_path()),
        (Place::Remote(uri), Place::Remote(root)) => (Path::new(uri.path()), Path::new(root.path())),
        (Place::Local(_), Place::Remote(_)) | (Place::Remote(_), Place::Local(_)) => return place.to_string(),
    };
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

/// Whether the extras may be removed: asked on a terminal, said with `--yes`.
fn agreed(session: &Session, args: &SyncArgs, plan: &Plan) -> anyhow::Result<bool> {
    if args.yes {
        return Ok(true);
    }
    let extras = plan.extras();
    if !std::io::stdin().is_terminal() {
        bail!("--delete would remove {} files or directories; without a terminal it needs --yes too", extras.len());
    }
    for extra in extras {
        let slash = if extra.directory { "/ and all that it holds" } else { "" };
        match &extra.place {
            Place::Local(path) => output::note(format_args!("  {}{slash}", path.display())),
            Place::Remote(uri) => output::note(format_args!("  {}{slash}", session.name(uri))),
        }
    }
    write!(std::io::stderr(), "Remove these {}? (y/n): ", extras.len())?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}
