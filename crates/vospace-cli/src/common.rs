//! Options that all commands share, apart from the commands that use them.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{ArgAction, Args};

use crate::limits;

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Client certificate and key in one PEM file (default: ~/.ssl/cadcproxy.pem if it exists); an empty name means
    /// anonymous
    #[arg(long, value_name = "FILE", global = true, value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub(crate) certfile: Option<PathBuf>,
    /// Bearer token; it shows in the process list, so prefer VOSPACE_TOKEN or VOSPACE_TOKEN_FILE in the environment
    #[arg(long, value_name = "TOKEN", global = true)]
    pub(crate) token: Option<String>,
    /// Registry to look services up in (default: VOSPACE_REGISTRY_URL, else that of CADC)
    #[arg(long, value_name = "URL", global = true)]
    pub(crate) registry: Option<String>,
    /// Give a request up after so many seconds in which no byte moved (default: 60); how long it takes in all has no limit
    #[arg(long, value_name = "SECONDS", global = true, value_parser = limits::seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Log what is done
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Log warnings
    #[arg(short, long, global = true)]
    pub(crate) warning: bool,
    /// Log everything
    #[arg(short, long, global = true, hide = true)]
    pub(crate) debug: bool,
    /// The same, of this package only
    #[arg(long, global = true, hide = true)]
    pub(crate) vos_debug: bool,
    /// Do not verify the certificate of the service
    #[arg(short = 'k', long, global = true, hide = true)]
    pub(crate) insecure: bool,
}

/// `-h` belongs to human-readable sizes in `vls`, as it always has.
#[derive(Debug, Args)]
pub(crate) struct LongHelp {
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}
