//! The command line of `vospaced`.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use vospace_server::profile::Profile;

/// An embedded VOSpace service: a private VOSpace in one directory.
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
  vospaced serve --data ~/space                  a private VOSpace, user demo, token demo-token
  VOSPACE_REGISTRY_URL=http://127.0.0.1:8080/reg/resource-caps mountvofs --token demo-token --vospace vos:demo
  vospaced import --data ~/space ~/images demo/images
  vospaced serve --data ~/space --tls --user ada:secret    for the Python client: see docs/server.md";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service until it is told to stop.
    Serve(Serve),
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

/// Which service to imitate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileChoice {
    /// CADC Vault: `vos:` and `vault:`, bytes at a separate byte service.
    Vault,
    /// CADC Cavern: `arc:`, bytes in place.
    Cavern,
    /// VOSpace 2.1 by the letter: `strict:`.
    Strict,
    /// Vault and Cavern, as two separate spaces.
    Both,
}

impl ProfileChoice {
    pub(crate) fn profiles(self) -> Vec<Profile> {
        match self {
            ProfileChoice::Vault => vec![Profile::vault()],
            ProfileChoice::Cavern => vec![Profile::cavern()],
            ProfileChoice::Strict => vec![Profile::strict()],
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
    #[arg(long = "group", value_name = "NAME:USER,USER", value_parser = group)]
    pub(crate) groups: Vec<(String, Vec<String>)>,
    /// Bytes that each new home container may hold (a property; enforced as far as the services do).
    #[arg(long, value_name = "BYTES")]
    pub(crate) quota: Option<u64>,
    /// Seconds until listings of the vault profile catch up with uploads; 0 for at once. Vault itself takes up to 30.
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(crate) refresh_interval: Duration,
    /// Have a log of requests at /_bench/log and faults on demand at /_bench/fault (for tests).
    #[arg(long)]
    pub(crate) control: bool,
    /// Byte sites of the vault profile, each with storage of its own.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) sites: u8,
    /// Have the byte sites listen on ports of their own, from this one on; 0 for free ones, the same at each start.
    /// Default: all at the address of --listen.
    #[arg(long, value_name = "PORT")]
    pub(crate) site_port: Option<u16>,
    /// Time until nodes and the other sites know of an upload, like 5s; 0 for at once.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = time)]
    pub(crate) harvest_delay: Duration,
    /// How long tokens are good, like 10min; from the start of the service, or from the login. Default: for ever.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) token_lifetime: Option<Duration>,
    /// Time added to every request, like 20ms.
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = time)]
    pub(crate) latency: Duration,
    /// Speed of each connection, like 25MB/s.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) connection_rate: Option<u64>,
    /// Speed of all connections together, like 200MB/s.
    #[arg(long, value_name = "RATE", value_parser = rate)]
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
    /// The service to behave like.
    #[arg(long, value_enum, default_value = "vault")]
    pub(crate) profile: ProfileChoice,
    /// A user, his token, and his password for the login and the certificates; may be repeated. Default:
    /// demo:demo-token:demo-password.
    #[arg(long = "user", value_name = "NAME:TOKEN[:PASSWORD]", value_parser = user)]
    pub(crate) users: Vec<User>,
}

/// A user as named on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) token: String,
    pub(crate) password: Option<String>,
}

impl Common {
    /// The users, or the default one.
    pub(crate) fn users(&self) -> Vec<User> {
        if !self.users.is_empty() {
            return self.users.clone();
        }
        let text = |text: &str| text.to_owned();
        vec![User { name: text("demo"), token: text("demo-token"), password: Some(text("demo-password")) }]
    }
}

fn user(text: &str) -> Result<User, String> {
    let (name, token) = text.split_once(':').ok_or("expected NAME:TOKEN")?;
    let (token, password) = match token.split_once(':') {
        Some((token, password)) => (token, Some(password.to_owned())),
        None => (token, None),
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(legal) {
        return Err(format!("a user name has letters, digits, - and _ only: {name:?}"));
    }
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err("a token is not empty and has no blanks".to_owned());
    }
    Ok(User { name: name.to_owned(), token: token.to_owned(), password })
}

fn group(text: &str) -> Result<(String, Vec<String>), String> {
    let (name, members) = text.split_once(':').ok_or("expected NAME:USER,USER")?;
    Ok((name.to_owned(), members.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let number: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(number).map_err(|error| error.to_string())
}

/// A number of seconds, or a number with `ms`, `s` or `min`.
fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let factor = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "min" => 60.0,
        _ => return Err("expected a time like 20ms, 5s or 1min".to_owned()),
    };
    let number: f64 = number.trim().parse().map_err(|_| "expected a time like 20ms, 5s or 1min".to_owned())?;
    Duration::try_from_secs_f64(number * factor).map_err(|error| error.to_string())
}

fn size(text: &str) -> Result<u64, String> {
    text.parse::<bytesize::ByteSize>().map(|size| size.as_u64())
}

/// Bytes a second: a size with or without `/s`.
fn rate(text: &str) -> Result<u64, String> {
    let rate = size(text.trim_end_matches("/s"))?;
    if rate == 0 { Err("a rate is above zero".to_owned()) } else { Ok(rate) }
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
        assert_eq!(serve.common.users(), [User { name: "ada".into(), token: "x".into(), password: None }]);
        assert_eq!(user("ada:x:pass:word").unwrap().password.as_deref(), Some("pass:word"));
        assert_eq!(serve.refresh_interval, Duration::from_millis(500));
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
