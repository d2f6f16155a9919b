//! `vospace doctor`: what is in use, who the service says the caller is, and whether it works; with a remedy where not.
//!
//! Each line is one check. A check that fails does not keep the others from being made.

use std::io::Write as _;
use std::time::Instant;

use bytes::Bytes;
use clap::Args;
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use vospace_client::auth::{self, Credentials, Standing};
use vospace_client::transfer::{PutOptions, UploadSource};
use vospace_client::uri::{Prefixes, VosUri};
use vospace_client::{Client, ErrorKind, services};

use crate::common::Common;
use crate::output::{self, Status};
use crate::session;

/// Bytes sent and fetched again.
const SAMPLE: usize = 1 << 20;
/// A certificate that ends sooner deserves a word.
const SOON: SignedDuration = SignedDuration::from_hours(48);
/// Clocks that differ by more make times look wrong, and fresh tokens and certificates invalid.
const SKEW: SignedDuration = SignedDuration::from_secs(60);

/// Options of `doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// A node of the service to look at; with a container of yours, bytes are also stored and fetched there
    #[arg(default_value = "vos:")]
    node: String,
}

fn say(finding: &str, what: &str, text: impl std::fmt::Display) {
    let text = output::shown(&text.to_string());
    let _ = writeln!(std::io::stdout(), "{finding:<8} {what:<14} {text}");
}

/// Lines, and the worst of them.
#[derive(Debug)]
struct Findings(Status);

impl Findings {
    fn good(&mut self, what: &str, text: impl std::fmt::Display) {
        say("ok", what, text);
    }

    fn warn(&mut self, what: &str, text: impl std::fmt::Display) {
        say("warning", what, text);
    }

    fn bad(&mut self, what: &str, text: impl std::fmt::Display) {
        self.0 = Status::Failed;
        say("FAILED", what, text);
    }

    fn note(&mut self, what: &str, text: impl std::fmt::Display) {
        say("", what, text);
    }
}

/// Looks at everything.
pub(crate) async fn run(common: &Common, args: &DoctorArgs) -> anyhow::Result<Status> {
    let mut findings = Findings(Status::Done);
    let services = services::load()?;
    let prefixes = Prefixes::load(&services)?;
    let uri = prefixes.parse(&args.node)?;
    let credentials = auth::choose(session::options(common), &[]).unwrap_or_else(Credentials::Unusable);
    let config = session::config(common, credentials, services, None);
    if let Some(text) = config.overruled(&uri) {
        findings.warn("credentials", text);
    }
    let client = Client::new(config)?;
    match client.credentials(&uri) {
        Ok(standing) => until_when(&mut findings, &standing),
        Err(error) => {
            findings.bad("credentials", error);
            return Ok(findings.0);
        }
    }
    findings.note("registry", client.registry());
    let service = match client.service(&uri).await {
        Ok(service) => service,
        Err(error) => {
            findings.bad("service", error);
            return Ok(findings.0);
        }
    };
    findings.good("service", service.resource_id());
    let from = if service.is_fixed() { "its section of the configuration file" } else { "its capabilities" };
    findings.note("addresses", format_args!("from {from}"));
    for (name, url) in service.addresses() {
        findings.note("", format_args!("{name}: {url}"));
    }
    match client.identity(&uri).await {
        Ok(identity) => {
            match &identity.name {
                Some(name) => findings.good("you are", name),
                None if client.is_anonymous(&uri) => {
                    findings.warn("you are", "anonymous; get a certificate with cadc-get-cert -u USER");
                }
                None if !identity.told => findings.note("you are", "not told by a service without capabilities"),
                None => findings.note("you are", "known by your credentials; the service does not say as whom"),
            }
            findings.good("answers in", format_args!("{} ms", identity.elapsed.as_millis()));
            clock(&mut findings, identity.time);
        }
        Err(error) => findings.bad("you are", error),
    }
    bytes(&mut findings, &client, &uri).await;
    let forced = service.forced();
    for fact in service.dialect().facts() {
        let value = if fact.value == "unknown" { "not known yet" } else { &fact.value };
        let origin = if forced.has(fact.name) { "configured" } else { "learned" };
        findings.note(origin, format_args!("{}: {value} ({})", fact.title, fact.name));
    }
    Ok(findings.0)
}

fn until_when(findings: &mut Findings, Standing { what, until, renewal }: &Standing) {
    match *until {
        None => findings.good("credentials", what),
        Some(until) if until.duration_since(Timestamp::now()) < SOON => {
            findings.warn("credentials", format_args!("{what} ends at {until}; {renewal}"));
        }
        Some(until) => findings.good("credentials", format_args!("{what}, good until {until}")),
    }
}

fn clock(findings: &mut Findings, there: Option<Timestamp>) {
    let Some(there) = there else { return };
    let skew = there.duration_since(Timestamp::now()).abs();
    if skew > SKEW {
        let text = format_args!("differs from that of the service by {} s; set it (NTP)", skew.as_secs());
        findings.warn("clock", text);
    } else {
        findings.good("clock", "as that of the service");
    }
}

/// Stores some bytes in the container, fetches them again and removes them.
async fn bytes(findings: &mut Findings, client: &Client, container: &VosUri) {
    match client.stat(container).await {
        Ok(node) if node.is_container() && !container.is_root() => {}
        Ok(_) => {
            findings.note("bytes", "not tried; name a container of yours, like vos:USER");
            return;
        }
        // Told already, with its remedy: who the caller is.
        Err(error) if client.is_anonymous(container) && error.kind() == ErrorKind::PermissionDenied => {
            findings.warn("node", error);
            return;
        }
        Err(error) => {
            findings.bad("node", error);
            return;
        }
    }
    if client.is_anonymous(container) {
        findings.note("bytes", "not tried: anonymous");
        return;
    }
    let name = format!(".vospace-doctor-{}-{}", std::process::id(), Timestamp::now().as_millisecond());
    let uri = container.join(&name);
    let sample: Bytes = (0..SAMPLE).map(|at| (at % 251) as u8).collect();
    let result = there_and_back(client, &uri, &sample).await;
    let removed = client.delete(&uri).await;
    match result {
        Ok(text) => findings.good("bytes", text),
        Err(error) => findings.bad("bytes", error),
    }
    if let Err(error) = removed
        && error.kind() != ErrorKind::NotFound
    {
        findings.bad("removal", error);
    }
}

async fn there_and_back(client: &Client, uri: &VosUri, sample: &Bytes) -> anyhow::Result<String> {
    let started = Instant::now();
    client.put(uri, UploadSource::Bytes(sample.clone()), PutOptions::default()).await?;
    let stored = started.elapsed();
    let started = Instant::now();
    let download = client.open(uri, None).await?;
    let back: Vec<Bytes> = download.body.try_collect().await?;
    anyhow::ensure!(back.concat() == *sample, "what came back is not what was stored; report it to the operators");
    let fetched = started.elapsed();
    Ok(format!("1 MiB stored in {} ms, fetched in {} ms, the same", stored.as_millis(), fetched.as_millis()))
}
