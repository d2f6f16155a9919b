//! `vospace`: the commands that astronomers know as `vls`, `vcp`, `vmkdir`, `vrm`, `vmv` and `vcat`, in one binary.
//!
//! Called through a link named `vls` it is `vls`; called as `vospace` it takes the verb as its first argument. This
//! crate owns argument parsing, output formats and exit statuses. It talks to services only through `vospace-client`,
//! and the copying itself is done by that crate's engine.
//!
//! Exit status: 0 all done, 1 something failed (named on standard error; the rest was done), 2 usage, 130 interrupted
//! by Ctrl-C, 143 ended by SIGTERM; what was in flight then is cleaned up, and goes on in the next run where it can.
//! A reader that goes away (`vls … | head`) ends the command quietly. Results go to standard output, all else to
//! standard error.

mod args;
mod bars;
mod commands;
mod common;
mod complete;
mod ends;
mod groups;
mod json;
mod limits;
mod manual;
mod output;
mod quoting;
mod session;
mod sizes;
mod telling;
mod update;
mod walk;
mod wildcard;

use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::args::Verb;
use crate::common::Common;
use crate::output::Status;
use crate::session::Session;

/// How long cleaning up at the services may take after Ctrl-C: some requests, with a pause before them.
const CLEANUP: Duration = Duration::from_secs(10);
/// How long threads that wait for the system are waited for at the end.
const SHUTDOWN: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let argv: Vec<_> = std::env::args_os().collect();
    complete::answer(&argv);
    let (common, verb) = args::parse(argv);
    output::start_log(&common);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(workers()).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(format_args!("cannot start: {error}"));
            return Status::Failed.into();
        }
    };
    let status = runtime.block_on(async {
        match perform(&common, verb).await {
            Ok(status) => status,
            Err(error) if output::is_closed_pipe(&error) => Status::Done,
            Err(error) => {
                output::error(output::words(&error));
                Status::Failed
            }
        }
    });
    // Nobody waits for the next line of standard input, and the like.
    runtime.shutdown_timeout(SHUTDOWN);
    status.into()
}

/// Two threads keep hashing and the network apart; more would only cost start-up time.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 4))
}

async fn perform(common: &Common, verb: Verb) -> anyhow::Result<Status> {
    // These have to work where there are no usable credentials yet.
    let verb = match verb {
        Verb::Config(args) => return commands::config::run(&args),
        Verb::GetCert(args) => return commands::get_cert::run(common, &args).await,
        Verb::Doctor(args) => return commands::doctor::run(common, &args).await,
        Verb::Login(args) => return commands::login::run(common, &args).await,
        Verb::Logout(args) => return commands::login::end(common, &args).await,
        verb => verb,
    };
    let session = session::Session::open(common, verb.bandwidth())?;
    let status = tokio::select! {
        status = dispatch(&session, verb) => status,
        signal = interrupted() => {
            tracing::info!("interrupted");
            let settle = session.client.settle(CLEANUP);
            tokio::select! {
                () = settle => {}
                // Whoever says it twice means it.
                _ = interrupted() => {}
            }
            Ok(Status::Interrupted(signal))
        }
    };
    session.tell_overruled();
    status
}

/// Waits for Ctrl-C or for a signal that asks to end, and tells which.
async fn interrupted() -> u8 {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(stream) => stream,
        Err(_) => return std::future::pending().await,
    };
    let kind = tokio::select! {
        _ = tokio::signal::ctrl_c() => SignalKind::interrupt(),
        _ = terminate.recv() => SignalKind::terminate(),
    };
    u8::try_from(kind.as_raw_value()).unwrap_or(0)
}

async fn dispatch(session: &Session, verb: Verb) -> anyhow::Result<Status> {
    match verb {
        Verb::Ls(args) => commands::ls::run(session, &args).await,
        Verb::Cp(args) => commands::cp::run(session, &args).await,
        Verb::Sync(args) => commands::sync::run(session, &args).await,
        Verb::Cat(args) => commands::cat::run(session, &args).await,
        Verb::Mkdir(args) => commands::mkdir::run(session, &args).await,
        Verb::Rm(args) => commands::rm::run(session, &args).await,
        Verb::Rmdir(args) => commands::rmdir::run(session, &args).await,
        Verb::Mv(args) => commands::mv::run(session, &args).await,
        Verb::Ln(args) => commands::ln::run(session, &args).await,
        Verb::Lock(args) => commands::lock::run(session, &args).await,
        Verb::Chmod(args) => commands::chmod::run(session, &args).await,
        Verb::Tag(args) => commands::tag::run(session, &args).await,
        Verb::Find(args) => commands::find::run(session, &args).await,
        Verb::Du(args) => commands::du::run(session, &args).await,
        Verb::Df(args) => commands::df::run(session, &args).await,
        Verb::Config(_) | Verb::GetCert(_) | Verb::Doctor(_) | Verb::Login(_) | Verb::Logout(_) => {
            unreachable!("dealt with above")
        }
    }
}
