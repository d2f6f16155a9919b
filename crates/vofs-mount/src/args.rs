//! The command line: every option of the Python `mountvofs`, underscores and hyphens alike, and our own.
//!
//! This is the one definition of an option: the help, the manual page, what `-o` of mount(8) takes, the keys of the
//! configuration files, the variables of the environment (`config`) and the table of docs/configuration.md come from it.

mod command;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::BoolishValueParser;
use clap::{ArgAction, CommandFactory as _, Parser, ValueEnum};
use clap_complete::CompleteEnv;
use clap_mangen::Man;
use fuser::MountOption;
use vofs_core::{LocalNames, OpenCheck};
use vospace_client::AuthOptions;

pub(crate) use command::{Command, ConfigCommand, LimitChange, PendingCommand, Which};

/// Mount a VOSpace as a directory.
#[derive(Debug, Clone, Parser)]
#[command(name = "mountvofs", version, about, long_about = None, after_help = AFTER_HELP)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Container to mount: vos:USER, arc:home/USER, vos://AUTHORITY~SERVICE/PATH.
    #[arg(long, default_value = "vos:", value_name = "URI")]
    pub(crate) vospace: String,

    /// Where to mount it; made if its parent exists.
    #[arg(long, default_value = "/tmp/vospace", value_name = "DIR")]
    pub(crate) mountpoint: PathBuf,

    /// Upper bound of the cache: a number of MiB, or with a unit (20GiB).
    #[arg(long, default_value = "50GiB", value_name = "SIZE", value_parser = size)]
    pub(crate) cache_limit: u64,

    /// Memory for what is fetched ahead, in the same units [default: an eighth of what the machine or the control group
    /// has, 512 MiB at most].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory_limit: Option<u64>,

    /// Cache directory [default: $HOME/vos:USER for vos:USER].
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,

    /// Longest wait of a read without a single byte, in seconds; then ETIMEDOUT.
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub(crate) read_timeout: Duration,

    /// Longest wait for names and attributes, in seconds; then ETIMEDOUT.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub(crate) metadata_timeout: Duration,

    /// Let nothing be written.
    #[arg(long)]
    pub(crate) readonly: bool,

    /// Names of files and directories that stay on this machine and are never sent: patterns separated by commas; empty
    /// for none.
    #[arg(long, value_name = "PATTERNS", default_value_t = LocalNames::default().text())]
    pub(crate) local_only: String,

    /// Keep modification times that programs set as a property of the node too: other machines then see them, at one
    /// more request a file.
    #[arg(long)]
    pub(crate) remote_mtime: bool,

    /// Rename what the service cannot move by copying and deleting: some cannot move files that have bytes. All of it goes over
    /// the network twice. Without this, such a rename is refused (EOPNOTSUPP).
    #[arg(long)]
    pub(crate) emulate_rename: bool,

    /// How long cached bytes are believed of a file of which the service gives neither date nor digest, in seconds: opened after
    /// that, it is read anew. 0: at each opening.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds_or_none)]
    pub(crate) reread_after: Duration,

    /// Let other users of this machine in, as far as the nodes' permissions allow.
    #[arg(long)]
    pub(crate) allow_other: bool,

    /// When opening a file to read asks the service whether it was changed: always; sweep: of files that are opened one
    /// after another, the next ones ahead or all of them by one listing; ttl: not within the 15 s for which attributes are
    /// believed, like NFS with nocto.
    #[arg(long, value_name = "WHEN", default_value = "sweep", value_parser = open_check)]
    pub(crate) open_check: OpenCheck,

    /// Let the kernel read whole files that are in the cache by itself, without this program: needs root and Linux 6.9. A
    /// program that has such a file open keeps its version when another one on this machine writes to it.
    #[arg(long)]
    pub(crate) passthrough: bool,

    /// What close and fsync wait for: the upload (close), or only that the data is safe on this disk (background).
    #[arg(long, value_name = "WHEN", default_value = "close")]
    pub(crate) write_back: When,

    /// When somebody else changed a file meanwhile: keep both versions, overwrite theirs, or fail and keep ours pending.
    #[arg(long, value_name = "WHAT", default_value = "keep-both")]
    pub(crate) on_conflict: Versions,

    /// Uploads at a time; of files up to 1 MiB four times as many.
    #[arg(long, default_value_t = 10, value_name = "N")]
    pub(crate) max_flush_threads: usize,

    /// Requests for bytes of files at a time; whole files of a service without ranges are not counted.
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(crate) max_transfers: usize,

    /// Bytes per second in, of all transfers together, like 10M [default: as fast as it goes].
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) bwlimit_down: Option<u64>,

    /// Bytes per second out, likewise [default: as fast as it goes].
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(crate) bwlimit_up: Option<u64>,

    /// What stays free of the disk of the cache, in the units of --cache-limit [default: a twentieth of it, 1 GiB at most].
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) free_space: Option<u64>,

    /// How long the end waits for uploads, and tries again those that fail, in seconds. What remains is named, and goes out at the next mount.
    #[arg(long, value_name = "SECONDS", default_value = "600", value_parser = seconds)]
    pub(crate) drain_timeout: Duration,

    /// Stay in the foreground; log to the terminal.
    #[arg(short = 'f', long)]
    pub(crate) foreground: bool,

    /// Log file [default: mountvofs.log in the cache directory].
    #[arg(long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// Answer Prometheus at this loopback address, at /metrics [default: nowhere].
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) metrics: Option<SocketAddr>,

    /// How lines of the log are written: text, or an object of JSON each.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,

    /// Certificate with its key in one PEM file [default: ~/.ssl/cadcproxy.pem].
    #[arg(long, value_name = "FILE")]
    pub(crate) certfile: Option<PathBuf>,

    /// Bearer token; VOSPACE_TOKEN or VOSPACE_TOKEN_FILE keep it out of `ps`.
    #[arg(long, value_name = "TOKEN")]
    pub(crate) token: Option<String>,

    /// Which of these two was typed, and is neither of the environment nor of a file.
    #[arg(skip)]
    pub(crate) named_by: Option<&'static str>,

    /// Registry: URL of its resource-caps document, or the base of it.
    #[arg(long, value_name = "URL")]
    pub(crate) registry: Option<String>,

    /// Log what is done.
    #[arg(short, long)]
    pub(crate) verbose: bool,

    /// Log everything.
    #[arg(short, long)]
    pub(crate) debug: bool,

    /// Log what may be wrong (the default).
    #[arg(short, long)]
    pub(crate) warning: bool,

    /// Accepted for old scripts: attributes are always kept for a bounded time; see --open-check.
    #[arg(long, action = ArgAction::SetTrue)]
    cache_nodes: bool,

    /// Accepted for old scripts: transfers follow the scheme of the service.
    #[arg(long)]
    secure_get: bool,

    /// Accepted for old scripts: requests never block one another.
    #[arg(long)]
    nothreads: bool,

    /// Accepted for old scripts, as --debug.
    #[arg(long, hide = true)]
    vos_debug: bool,

    /// Print the manual page.
    #[arg(long, hide = true)]
    man: bool,

    /// Accept any server certificate. For tests only.
    #[arg(short = 'k', long, hide = true)]
    pub(crate) insecure: bool,

    /// Options of mount(8) that the kernel takes.
    #[arg(skip)]
    pub(crate) kernel: Vec<MountOption>,
}

/// `--write-back`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum When {
    Close,
    Background,
}

/// `--log-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// `--on-conflict`.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Versions {
    KeepBoth,
    Overwrite,
    Fail,
}

/// Holds the name of the shell that asks; the script that asks is that of `vospace completions`.
const COMPLETE: &str = "VOSPACE_COMPLETE";

const AFTER_HELP: &str = "\
Unmount with `fusermount3 -u DIR` (macOS: `umount DIR`): uploads that are under way end first. Without credentials the mount is read-only.
Each option may also be a variable of the environment (--cache-limit: VOFS_CACHE_LIMIT) or stand in
~/.config/vofs/config.toml or /etc/vofs/config.toml; `mountvofs config show` says what counts and why.
Exit status: 0 mounted, 1 other, 2 usage, 3 mount point, 4 FUSE, 5 service, 6 credentials, 7 nothing to mount, 8 cache directory.";

/// The definition, for who reads options by it. What can be switched on can be switched off again: `--readonly=false`, where
/// a configuration file has `readonly = true`.
pub(crate) fn definition() -> clap::Command {
    Args::command().mut_args(|option| match option.get_action() {
        ArgAction::SetTrue if option.get_long().is_some_and(|name| name != "man") => option
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .value_name("BOOL")
            .value_parser(BoolishValueParser::new())
            .default_value("false")
            .default_missing_value("true")
            .hide_default_value(true)
            .hide_possible_values(true),
        _ => option,
    })
}

/// The words of the command line; ends the process when a shell only asks how they go on.
pub(crate) fn words() -> Vec<OsString> {
    CompleteEnv::with_factory(definition).var(COMPLETE).complete();
    std::env::args_os().map(hyphenate).collect()
}

impl Args {
    /// Prints the manual page and ends the process, where that was asked for.
    pub(crate) fn print_manual_if_asked(&self) {
        if self.man {
            let printed = Man::new(definition()).manual("VOSpace").render(&mut std::io::stdout());
            std::process::exit(i32::from(printed.is_err()));
        }
    }

    /// One line for each option that was given and has no meaning any more.
    pub(crate) fn without_meaning(&self) -> Vec<&'static str> {
        [
            (
                self.cache_nodes,
                "--cache_nodes: attributes are always kept for a bounded time; --open-check says when an open asks the service",
            ),
            (self.secure_get, "--secure_get: transfers follow the scheme that the service offers"),
            (self.nothreads, "--nothreads: requests never block one another; there is nothing to switch off"),
        ]
        .into_iter()
        .filter_map(|(given, line)| given.then_some(line))
        .collect()
    }

    /// What was said about credentials.
    pub(crate) fn credentials(&self) -> AuthOptions {
        AuthOptions { token: self.token.clone(), certfile: self.certfile.clone() }
    }

    /// True when everything is to be logged.
    pub(crate) fn logs_everything(&self) -> bool {
        self.debug || self.vos_debug
    }
}

/// `--cache_dir=x_y` becomes `--cache-dir=x_y`.
pub(crate) fn hyphenate(argument: OsString) -> OsString {
    let bytes = argument.as_bytes();
    if !bytes.starts_with(b"--") {
        return argument;
    }
    let name_end = bytes.iter().position(|byte| *byte == b'=').unwrap_or(bytes.len());
    let mut renamed: Vec<u8> = bytes.to_vec();
    renamed[..name_end].iter_mut().filter(|byte| **byte == b'_').for_each(|byte| *byte = b'-');
    OsString::from_vec(renamed)
}

/// Bytes a second: a number, or one with a unit.
pub(crate) fn rate(text: &str) -> Result<u64, String> {
    match text.trim().trim_end_matches("/s").parse::<bytesize::ByteSize>().map(|size| size.as_u64()) {
        Ok(0) => Err("at least 1 byte a second is needed".to_owned()),
        outcome => outcome,
    }
}

/// A plain number is MiB, as it was in the Python program.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    if let Ok(mebibytes) = text.trim().parse::<u64>() {
        return mebibytes.checked_mul(1 << 20).ok_or_else(|| "too large".to_owned());
    }
    text.parse::<bytesize::ByteSize>().map(|size| size.as_u64())
}

fn open_check(text: &str) -> Result<OpenCheck, String> {
    match text {
        "always" => Ok(OpenCheck::Always),
        "sweep" => Ok(OpenCheck::Sweep),
        "ttl" => Ok(OpenCheck::Ttl),
        _ => Err("always, sweep or ttl is needed".to_owned()),
    }
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.trim().parse() {
        Ok(0) => Err("at least 1 second is needed".to_owned()),
        Ok(number) => Ok(Duration::from_secs(number)),
        Err(error) => Err(format!("{error}")),
    }
}

fn seconds_or_none(text: &str) -> Result<Duration, String> {
    text.trim().parse().map(Duration::from_secs).map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;

    fn parse(arguments: &[&str]) -> Args {
        let words = std::iter::once("mountvofs").chain(arguments.iter().copied()).map(|text| hyphenate(text.into()));
        Args::from_arg_matches(&definition().get_matches_from(words)).expect("of the same definition")
    }

    #[test]
    fn what_can_be_switched_on_can_be_switched_off() {
        assert!(!parse(&[]).readonly && parse(&["--readonly"]).readonly);
        assert!(!parse(&["--readonly=false"]).readonly && parse(&["--readonly=true"]).readonly);
        let bundled = parse(&["-fv", "--allow_other"]);
        assert!(bundled.foreground && bundled.verbose && bundled.allow_other && !bundled.debug);
    }

    #[test]
    fn underscores_and_hyphens_are_the_same_in_names_and_kept_in_values() {
        let args = parse(&["--cache_dir=/x_y", "--cache-limit", "100", "--allow_other"]);
        assert_eq!(args.cache_dir.as_deref(), Some(std::path::Path::new("/x_y")));
        assert_eq!((args.cache_limit, args.allow_other), (100 << 20, true));
    }

    #[test]
    fn sizes_take_units_and_the_default_is_fifty_gib() {
        assert_eq!(parse(&["--cache_limit=2GiB"]).cache_limit, 2 << 30);
        assert_eq!(parse(&[]).cache_limit, 50 << 30);
        assert!(size("many").is_err());
    }

    #[test]
    fn openings_ask_unless_told_otherwise() {
        assert_eq!(parse(&[]).open_check, OpenCheck::Sweep);
        assert_eq!(parse(&["--open_check=ttl"]).open_check, OpenCheck::Ttl);
        assert!(open_check("never").is_err());
    }

    #[test]
    fn options_without_meaning_are_named() {
        assert_eq!(parse(&["--nothreads", "--cache_nodes"]).without_meaning().len(), 2);
    }
}
