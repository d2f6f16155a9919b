//! `vospaced`: the embedded VOSpace service.

mod accounts;
mod args;
mod hints;

use accounts::{Accounts, User};
use anyhow::Context as _;
use args::{Arguments, Command, Import, Init, Populate, Serve};
use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use tracing_subscriber::EnvFilter;
use vospace_server::permissions::Groups;
use vospace_server::serve::{self, ServeOptions};
use vospace_server::shaping::Shape;
use vospace_server::space::Lags;
use vospace_server::{import, populate, sample, tls};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = match arguments.verbose {
        0 => "vospace_server=warn",
        1 => "vospace_server=info",
        _ => "vospace_server=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let outcome = match arguments.command {
        Command::Serve(options) => run(options),
        Command::Init(options) => prepare(&options),
        Command::Import(options) => load(&options),
        Command::Populate(options) => fill(&options),
        Command::Sample { dir } => {
            sample::write(&dir).with_context(|| format!("cannot write samples to {}", dir.display()))
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vospaced: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: Serve) -> anyhow::Result<()> {
    let accounts = Accounts::of(&options.common.data, &options.common.users)?;
    let mut users = accounts.known();
    if let Some(lifetime) = options.token_lifetime {
        users.set_lifetime(lifetime);
    }
    let mut groups = Groups::default();
    for (group, members) in options.groups {
        groups.add(&group, members);
    }
    let common = options.common;
    let options = ServeOptions {
        data: common.data.clone(),
        listen: options.listen,
        profiles: common.profiles(),
        users,
        issuer: options.issuer,
        groups: Arc::new(groups),
        quota: options.quota,
        tls: options.tls,
        lags: Lags { refresh: options.refresh_interval, harvest: options.harvest_delay },
        control: options.control,
        sites: usize::from(options.sites),
        site_port: options.site_port,
        shape: Shape {
            latency: options.latency,
            connection_rate: options.connection_rate,
            total_rate: options.total_rate,
        },
        patience: serve::PATIENCE,
    };
    let tls = options.tls;
    let runtime = tokio::runtime::Runtime::new().context("cannot start")?;
    runtime.block_on(async {
        let service = serve::start(options).await?;
        let mut stdout = std::io::stdout();
        writeln!(stdout, "vospaced ready: registry={}", service.registry())?;
        stdout.flush()?;
        eprint!("{}", hints::ready(&service.registry(), &common, &accounts, tls));
        serve::stop_signal().await?;
        service.stop().await;
        Ok(())
    })
}

fn prepare(options: &Init) -> anyhow::Result<()> {
    let data = &options.data;
    std::fs::create_dir_all(data).with_context(|| format!("cannot make {}", data.display()))?;
    let mut new = options.users.clone();
    if new.is_empty() && accounts::read(data)?.is_empty() {
        new.push(User::parse_new("demo").map_err(anyhow::Error::msg)?);
    }
    accounts::add(data, &new)?;
    let users = accounts::read(data)?;
    let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
    tls::prepare(&data.join("tls"), names.iter().copied())?;
    print!("{}", hints::prepared(data, &names));
    Ok(())
}

fn load(options: &Import) -> anyhow::Result<()> {
    let accounts = Accounts::of(&options.common.data, &options.common.users)?;
    let first = accounts.first().to_owned();
    let container = options.container.clone().unwrap_or_else(|| first.clone());
    for profile in options.common.profiles() {
        let space = serve::open_space(profile, &ServeOptions::new(&options.common.data))?;
        for user in &accounts.users {
            space.make_home(&user.name, None)?;
        }
        let counts = import::tree(&space, &options.tree, &container, &first)
            .with_context(|| format!("cannot import {}", options.tree.display()))?;
        println!("imported {} files and {} containers into {}", counts.files, counts.containers, space.uri(&container));
    }
    Ok(())
}

fn fill(options: &Populate) -> anyhow::Result<()> {
    let accounts = Accounts::of(&options.common.data, &options.common.users)?;
    let first = accounts.first().to_owned();
    for profile in options.common.profiles() {
        let space = serve::open_space(profile, &ServeOptions::new(&options.common.data))?;
        for user in &accounts.users {
            space.make_home(&user.name, None)?;
        }
        let start = std::time::Instant::now();
        let containers: Vec<String> = match options.containers {
            None => vec![options.container.clone()],
            Some(count) => (0..count).map(|number| format!("{}/dir-{number:04}", options.container)).collect(),
        };
        let mut made = 0;
        for (number, container) in (0..).zip(&containers) {
            let (count, length) = (options.count, options.length);
            made += match options.seed.map(|seed| seed + number * count) {
                None => populate::populate(&space, container, &first, count, length)?,
                Some(seed) => populate::populate_computed(&space, container, &first, count, length, seed)?,
            };
        }
        let seconds = start.elapsed().as_secs_f64();
        println!("made {made} files in {} in {seconds:.1} s", space.uri(&options.container));
    }
    Ok(())
}
