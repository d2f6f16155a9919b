//! Keeps a copy of a directory in a VOSpace: `backup results vos:demo/results`. What is there already is not sent again, and
//! nothing is removed.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use vospace_client::bulk::{self, Compare, Event, Options, Source, Target};
use vospace_client::{AuthOptions, Client, ClientConfig, Prefixes, auth, services};

#[tokio::main]
async fn main() -> ExitCode {
    match backup().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("backup: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Says whether all of it is there now.
async fn backup() -> Result<bool, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(directory), Some(container)) = (arguments.next(), arguments.next()) else {
        return Err("write it: backup DIRECTORY vos:CONTAINER".into());
    };
    let services = services::load()?;
    let uri = Prefixes::load(&services)?.parse(&container)?;
    let credentials = auth::choose(AuthOptions::default(), &services)?;
    let client = Client::new(ClientConfig { credentials, services, ..ClientConfig::from_env() })?;
    let source = Source::Local { path: PathBuf::from(directory), contents: true };
    let options = Options { compare: Compare::Listings, ..Options::default() };
    let plan = bulk::plan(&client, vec![source], Target::Remote { uri, directory: false }, &options).await?;
    let tell = |event: &Event<'_>| {
        if let Event::Failed(failure) = event {
            eprintln!("backup: {}", failure.error);
        }
    };
    let report = bulk::run(&client, plan, &options, &tell).await;
    println!("{} copied, {} unchanged, {} failed", report.copied, report.unchanged, report.failures.len());
    Ok(report.is_complete())
}
