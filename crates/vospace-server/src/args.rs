//! The command line of `vospaced`.

mod values;

use crate::accounts::User;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use values::{group, rate, seconds, size, time};
use vospace_server::profile::Profile;

/// An embedded VOSpace service: a private VOSpace in one directory.
///
/// One process, no account, no other software. It behaves like CADC's Vault, like Cavern (the file service behind ARC),
/// like the services of other makers, or like the VOSpace 2.1 standard by the letter, so that a client that works here
/// works there. For demonstrations, for
/// tests of any VOSpace client, and for work without a network; not a service for the internet.
#[derive(Debug, Parser)]
#[command(name = "vospaced", version, about, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// More log lines on stderr; twice for each request.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  vospaced serve --data ~/space                  a private VOSpace; it says how to point clients at it
  vospaced import --data ~/space ~/images demo/images
  vospaced init --data ~/space --user ada        with certificates and a user of one's own, for https:
  vospaced serve --data ~/space --tls
  vospaced serve --profile vault,cavern --control --refresh-interval 30 --sites 2    as awkward as the real ones

'vospaced serve --help' lists the options of the service. All of it is described in docs/server.md.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service until it is told to stop.
    #[command(after_help = SERVE)]
    Serve(Serve),
    /// Prepare a data directory: a private authority, the first user, certificates.
    Init(Init),
    /// Make a container with very many files, for tests of scale.
    Populate(Populate),
    /// Copy a directory tree into the space, with or without a running service.
    Import(Import),
    /// Write a few small but valid FITS files.
    Sample {
        /// The directory, made if it is missing.
        dir: PathBuf,
    },
}

/// Headings of `serve --help`.
const USERS: &str = "Users and rights";
const LAGS: &str = "Byte sites and lags, of the vault profile";
const NETWORK: &str = "How slow the network seems to be";
const TESTS: &str = "For tests";

const SERVE: &str = "\
When it answers it prints one line on stdout, 'vospaced ready: registry=URL',
and on stderr how to point vls, vcp, mountvofs and the Python client at it.
SIGTERM and Ctrl-C stop it. The data survive that, and kill -9.";

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Where everything is kept; made if it is missing.
    #[arg(long, value_name = "DIR", default_value = "vospace-data")]
    pub(crate) data: PathBuf,
    /// A user; without a token he gets one, and a password, that nobody can guess. May be repeated.
    #[arg(long = "user", value_name = "NAME[:TOKEN[:PASSWORD]]", value_parser = User::parse_new)]
    pub(crate) users: Vec<User>,
}

/// Which service to imitate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileChoice {
    /// CADC Vault: `vos:` and `vault:`, bytes at a separate byte service.
    Vault,
    /// CADC Cavern: `arc:`, bytes in place.
    Cavern,
    /// VOSpace 2.1 by the letter: `strict:`.
    Strict,
    /// pyvospace of ICRAR: `pyvo:`, without capabilities, bytes at URLs that are good once.
    Pyvospace,
    /// The VOSpace of Astro Data Lab: `datalab:`, the same with other deviations.
    Datalab,
    /// Cavern at a site of SRCNet: `srcnet:`, OIDC tokens only.
    Srcnet,
    /// Vault and Cavern, as two separate spaces.
    Both,
}

impl ProfileChoice {
    fn profiles(self) -> Vec<Profile> {
        match self {
            ProfileChoice::Vault => vec![Profile::vault()],
            ProfileChoice::Cavern => vec![Profile::cavern()],
            ProfileChoice::Strict => vec![Profile::strict()],
            ProfileChoice::Pyvospace => vec![Profile::pyvospace()],
            ProfileChoice::Datalab => vec![Profile::datalab()],
            ProfileChoice::Srcnet => vec![Profile::srcnet()],
            ProfileChoice::Both => vec![Profile::vault(), Profile::cavern()],
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Serve https with a certificate of a private authority, DIR/tls/ca.pem.
    #[arg(long)]
    pub(crate) tls: bool,
    /// A group and its members; may be repeated.
    #[arg(help_heading = USERS, long = "group", value_name = "NAME:USER,USER", value_parser = group)]
    pub(crate) groups: Vec<(String, Vec<String>)>,
    /// Bytes that each new home container may hold (a property; enforced as far as the services do).
    #[arg(help_heading = USERS, long, value_name = "BYTES")]
    pub(crate) quota: Option<u64>,
    /// Seconds until listings of the vault profile catch up with uploads; 0 for at once. Vault itself takes up to 30.
    #[arg(help_heading = LAGS, long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(crate) refresh_interval: Duration,
    /// Have a log of requests at /_bench/log and faults on demand at /_bench/fault (for tests).
    #[arg(help_heading = TESTS, long)]
    pub(crate) control: bool,
    /// Byte sites of the vault profile, each with storage of its own.
    #[arg(help_heading = LAGS, long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) sites: u8,
    /// Have the byte sites listen on ports of their own, from this one on; 0 for free ones, the same at each start.
    /// Default: all at the address of --listen.
    #[arg(help_heading = LAGS, long, value_name = "PORT")]
    pub(crate) site_port: Option<u16>,
    /// Time until nodes and the other sites know of an upload, like 5s; 0 for at once.
    #[arg(help_heading = LAGS, long, value_name = "TIME", default_value = "0", value_parser = time)]
    pub(crate) harvest_delay: Duration,
    /// How long tokens are good, like 10min; from the start of the service, or from the login. Default: for ever.
    #[arg(help_heading = USERS, long, value_name = "TIME", value_parser = time)]
    pub(crate) token_lifetime: Option<Duration>,
    /// The OIDC issuer that says whose a token is, for the srcnet profile. Without it, the tokens of --user count there.
    #[arg(help_heading = USERS, long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// Time added to every request, like 20ms.
    #[arg(help_heading = NETWORK, long, value_name = "TIME", default_value = "0", value_parser = time)]
    pub(crate) latency: Duration,
    /// Speed of each connection, like 25MB/s.
    #[arg(help_heading = NETWORK, long, value_name = "RATE", value_parser = rate)]
    pub(crate) connection_rate: Option<u64>,
    /// Speed of all connections together, like 200MB/s.
    #[arg(help_heading = NETWORK, long, value_name = "RATE", value_parser = rate)]
    pub(crate) total_rate: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Populate {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The container, like demo/many; made if it is missing. The first name has to be a user's.
    pub(crate) container: String,
    /// Files to be there: node-0000000 and on.
    #[arg(long, value_name = "N")]
    pub(crate) count: u64,
    /// Zero bytes in each, like 100MB; they take no room on the disk.
    #[arg(long, value_name = "SIZE", default_value = "0", value_parser = size)]
    pub(crate) length: u64,
    /// Bytes that follow from their place instead of zeros (docs/server.md); they take no room either. The first file
    /// has this seed, each further one the next.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Spread over so many containers within it, dir-0000 and on, each with --count files.
    #[arg(long, value_name = "N")]
    pub(crate) containers: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The directory with what is to be copied.
    pub(crate) tree: PathBuf,
    /// The container to copy it into, like demo/images; made if it is missing. Default: the first user's.
    pub(crate) container: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// Where everything is kept.
    #[arg(long, value_name = "DIR", default_value = "vospace-data")]
    pub(crate) data: PathBuf,
    /// The service to behave like; several, separated by commas, are as many spaces side by side.
    #[arg(long, value_enum, default_value = "vault", value_delimiter = ',')]
    pub(crate) profile: Vec<ProfileChoice>,
    /// A user, his token, and his password for the login and the certificates; may be repeated. Default: those that
    /// 'vospaced init' made, else demo:demo-token:demo-password.
    #[arg(long = "user", value_name = "NAME:TOKEN[:PASSWORD]", value_parser = User::parse)]
    pub(crate) users: Vec<User>,
}

impl Common {
    /// The profiles, each once.
    pub(crate) fn profiles(&self) -> Vec<Profile> {
        let mut profiles: Vec<Profile> = Vec::new();
        for profile in self.profile.iter().flat_map(|choice| choice.profiles()) {
            if profiles.iter().all(|known| known.service != profile.service) {
                profiles.push(profile);
            }
        }
        profiles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let arguments = Arguments::parse_from(["vospaced", "serve", "--user", "ada:x", "--refresh-interval", "0.5"]);
        let Command::Serve(serve) = arguments.command else { panic!() };
        assert_eq!(serve.common.users, [User { name: "ada".into(), token: "x".into(), password: None }]);
        assert_eq!(serve.refresh_interval, Duration::from_millis(500));
        let several =
            Arguments::parse_from(["vospaced", "serve", "--profile", "both,strict,vault,pyvospace,datalab,srcnet"]);
        let Command::Serve(serve) = several.command else { panic!() };
        let services: Vec<_> = serve.common.profiles().iter().map(|profile| profile.service).collect();
        assert_eq!(services, ["vault", "arc", "strict", "vospace", "datalab", "cavern"]);
        let text =
            "vospaced serve --latency 20ms --connection-rate 25MB/s --total-rate 200MB/s --harvest-delay 2 --sites 2";
        let Command::Serve(serve) = Arguments::parse_from(text.split(' ')).command else { panic!() };
        assert_eq!((serve.latency, serve.harvest_delay), (Duration::from_millis(20), Duration::from_secs(2)));
        assert_eq!((serve.connection_rate, serve.total_rate), (Some(25_000_000), Some(200_000_000)));
        assert!(Arguments::try_parse_from(["vospaced", "serve", "--latency", "20parsec"]).is_err());
        assert!(Arguments::try_parse_from(["vospaced", "serve", "--total-rate", "0"]).is_err());
        assert!(Arguments::try_parse_from(["vospaced", "serve", "--user", "a/b:x"]).is_err());
        assert!(Arguments::try_parse_from(["vospaced", "serve", "--user", "ada"]).is_err());
    }
}
