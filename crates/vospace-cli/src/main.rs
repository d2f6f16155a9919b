//! `vospace`: the commands that astronomers know as `vls`, `vcp`, `vmkdir`, `vrm`, `vmv` and `vcat`, in one binary.
//!
//! Called through a link named `vls` it is `vls`; called as `vospace` it takes the verb as its first argument. This
//! crate owns argument parsing, output formats and exit statuses. It talks to services only through `vospace-client`,
//! and the copying itself is done by that crate's engine.
//!
//! Exit status: 0 all done, 1 something failed (named on standard error; the rest was done), 2 usage, 130 interrupted.
//! A reader that goes away (`vls … | head`) ends the command quietly. Results go to standard output, all else to
//! standard error.

mod args;
mod commands;
mod common;
mod groups;
mod json;
mod output;
mod session;
mod sizes;
mod telling;
mod update;
mod walk;
mod wildcard;

use std::process::ExitCode;
use std::time::Duration;

use crate::args::Verb;
use crate::common::Common;
use crate::output::Status;

/// How long work in flight may take to clean up after Ctrl-C before it is abandoned.
const SHUTDOWN: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let (common, verb) = args::parse(std::env::args_os().collect());
    output::start_log(&common);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(workers()).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::error(format_args!("cannot start: {error}"));
            return Status::Failed.into();
        }
    };
    let status = runtime.block_on(async {
        tokio::select! {
            result = perform(&common, verb) => match result {
                Ok(status) => status,
                Err(error) if output::is_closed_pipe(&error) => Status::Done,
                Err(error) => {
                    output::error(format_args!("{error:#}"));
                    Status::Failed
                }
            },
            _ = tokio::signal::ctrl_c() => Status::Interrupted,
        }
    });
    // Cancelled tasks remove their temporary files as they are dropped.
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
        verb => verb,
    };
    let session = session::Session::open(common)?;
    match verb {
        Verb::Ls(args) => commands::ls::run(&session, &args).await,
        Verb::Cp(args) => commands::cp::run(&session, &args).await,
        Verb::Sync(args) => commands::sync::run(&session, &args).await,
        Verb::Cat(args) => commands::cat::run(&session, &args).await,
        Verb::Mkdir(args) => commands::mkdir::run(&session, &args).await,
        Verb::Rm(args) => commands::rm::run(&session, &args).await,
        Verb::Rmdir(args) => commands::rmdir::run(&session, &args).await,
        Verb::Mv(args) => commands::mv::run(&session, &args).await,
        Verb::Ln(args) => commands::ln::run(&session, &args).await,
        Verb::Lock(args) => commands::lock::run(&session, &args).await,
        Verb::Chmod(args) => commands::chmod::run(&session, &args).await,
        Verb::Tag(args) => commands::tag::run(&session, &args).await,
        Verb::Find(args) => commands::find::run(&session, &args).await,
        Verb::Du(args) => commands::du::run(&session, &args).await,
        Verb::Df(args) => commands::df::run(&session, &args).await,
        Verb::Config(_) | Verb::GetCert(_) | Verb::Doctor(_) => unreachable!("dealt with above"),
    }
}
