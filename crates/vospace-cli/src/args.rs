//! The one definition of commands and options, and the choice of the command by the name the program is called with.
//!
//! Option names and their meanings are those of the Python `vos` 3.7; what has no meaning left is accepted and hidden.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args as _, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    cat, chmod, config, cp, df, doctor, du, find, get_cert, ln, lock, login, ls, mkdir, mv, rm, rmdir, sync, tag,
};
use crate::common::Common;
use crate::complete::{Shell, script};
use crate::ends;
use crate::manual;

/// The name under which it does everything.
const WHOLE: &str = "vospace";

/// What the command for certificates was called before, and still is in scripts.
const FORMER_GET_CERT: &str = "getCert";

/// Work with files in VOSpace: list, copy, make and remove directories, remove, move, print.
#[derive(Debug, Parser)]
#[command(name = WHOLE, version, infer_long_args = true, arg_required_else_help = true)]
struct Vospace {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    act: Act,
}

/// Verbs, and what the program does for its own installation.
#[derive(Debug, Subcommand)]
enum Act {
    #[command(flatten)]
    Verb(Verb),
    /// Print the script by which a shell completes the commands: eval "$(vospace completions bash)"
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual pages of all commands into a directory
    Man {
        /// The directory, such as /usr/local/share/man/man1
        directory: PathBuf,
    },
}

/// Defines the verbs: each has its options, its name below `vospace`, and the name of a command of its own.
macro_rules! verbs {
    ($($(#[$attribute:meta])* $variant:ident($arguments:ty) = $verb:literal, $command:literal;)*) => {
        /// What is to be done.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Verb {
            $($(#[$attribute])* #[command(name = $verb)] $variant($arguments),)*
        }

        /// The commands and the verbs that they stand for.
        pub(crate) const COMMANDS: &[(&str, &str)] = &[$(($command, $verb),)* (FORMER_GET_CERT, "get-cert")];

        impl Verb {
            /// The verb of a command of its own, from its options.
            fn from_matches(verb: &str, matches: &clap::ArgMatches) -> Result<Verb, clap::Error> {
                match verb {
                    $($verb => <$arguments>::from_arg_matches(matches).map(Verb::$variant),)*
                    _ => unreachable!("the verb comes out of COMMANDS"),
                }
            }
        }
    };
}

verbs! {
    /// List nodes (also: vls)
    #[command(disable_help_flag = true)]
    Ls(ls::LsArgs) = "ls", "vls";
    /// Copy files and trees to or from VOSpace (also: vcp)
    Cp(cp::CpArgs) = "cp", "vcp";
    /// Make a tree like another, in either direction (also: vsync)
    Sync(sync::SyncArgs) = "sync", "vsync";
    /// Print files to standard output (also: vcat)
    Cat(cat::CatArgs) = "cat", "vcat";
    /// Make containers (also: vmkdir)
    Mkdir(mkdir::MkdirArgs) = "mkdir", "vmkdir";
    /// Remove files and links, and with -R trees (also: vrm)
    Rm(rm::RmArgs) = "rm", "vrm";
    /// Remove empty containers (also: vrmdir)
    Rmdir(rmdir::RmdirArgs) = "rmdir", "vrmdir";
    /// Move or rename nodes (also: vmv)
    Mv(mv::MvArgs) = "mv", "vmv";
    /// Make a link to a node or to any URL (also: vln)
    Ln(ln::LnArgs) = "ln", "vln";
    /// Show, set and lift locks (also: vlock)
    Lock(lock::LockArgs) = "lock", "vlock";
    /// Change who may read and write (also: vchmod)
    Chmod(chmod::ChmodArgs) = "chmod", "vchmod";
    /// Show, set and remove properties (also: vtag)
    Tag(tag::TagArgs) = "tag", "vtag";
    /// Look through trees (also: vfind)
    Find(find::FindArgs) = "find", "vfind";
    /// Sum up the bytes of trees (also: vdu)
    Du(du::DuArgs) = "du", "vdu";
    /// Show quotas and what of them is used (also: vdf)
    Df(df::DfArgs) = "df", "vdf";
    /// Check credentials, registry, service and transfer, each with its remedy (also: vdoctor)
    Doctor(doctor::DoctorArgs) = "doctor", "vdoctor";
    /// Show or make the configuration file (also: vos-config)
    Config(config::ConfigArgs) = "config", "vos-config";
    /// Log in to a service by a code that is entered in a browser (also: vlogin)
    Login(login::LoginArgs) = "login", "vlogin";
    /// Forget the log-in to a service, here and at its issuer (also: vlogout)
    Logout(login::LogoutArgs) = "logout", "vlogout";
    /// Get a proxy certificate from CADC (also: cadc-get-cert, formerly getCert)
    GetCert(get_cert::GetCertArgs) = "get-cert", "cadc-get-cert";
}

impl Verb {
    /// Bytes per second that it may move, if that is limited.
    pub(crate) fn bandwidth(&self) -> Option<u64> {
        match self {
            Verb::Cp(args) => args.moving.bwlimit,
            Verb::Sync(args) => args.moving.bwlimit,
            Verb::Cat(args) => args.bwlimit,
            _ => None,
        }
    }
}

/// What the parser of `command` cannot say of the arguments.
fn checked(verb: Verb, command: &mut Command) -> Result<Verb, clap::Error> {
    let missing = match &verb {
        Verb::Cp(args) => args.ends.missing(),
        Verb::Sync(args) => args.ends.missing(),
        Verb::Mv(args) => args.ends.missing(),
        Verb::Ln(args) => args.ends.missing(),
        _ => None,
    };
    missing.map_or(Ok(verb), |text| Err(command.error(clap::error::ErrorKind::MissingRequiredArgument, text)))
}

/// Reads the command line; prints help, version or a usage error and ends the process where that is the answer.
pub(crate) fn parse(argv: Vec<OsString>) -> (Common, Verb) {
    try_parse(argv).unwrap_or_else(|error| error.exit())
}

/// The names under which the program can be called.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    std::iter::once(WHOLE).chain(COMMANDS.iter().map(|(name, _)| *name))
}

/// The command that the program is called as, with all that it takes.
pub(crate) fn command(argv: &[OsString]) -> Command {
    match called_as(argv) {
        Some((name, verb)) => own_command(name, verb),
        None => Vospace::command(),
    }
}

fn called_as(argv: &[OsString]) -> Option<&'static (&'static str, &'static str)> {
    let called = Path::new(argv.first()?).file_name()?.to_str()?;
    COMMANDS.iter().find(|(name, _)| *name == called)
}

/// Does what the program does for its own installation.
fn install(act: Act) -> anyhow::Result<Verb> {
    match act {
        Act::Verb(verb) => return Ok(verb),
        Act::Completions { shell } => std::io::stdout().write_all(script(shell).as_bytes())?,
        Act::Man { directory } => manual::write(&directory)?,
    }
    std::process::exit(0)
}

fn try_parse(argv: Vec<OsString>) -> Result<(Common, Verb), clap::Error> {
    let Some((name, verb)) = called_as(&argv) else {
        let parsed = Vospace::try_parse_from(argv)?;
        let verb = install(parsed.act)
            .map_err(|error| Vospace::command().error(clap::error::ErrorKind::Io, format!("{error:#}")))?;
        return Ok((parsed.common, checked(verb, &mut Vospace::command())?));
    };
    let mut command = own_command(name, verb);
    let matches = command.try_get_matches_from_mut(argv)?;
    let mut verb = Verb::from_matches(verb, &matches)?;
    if let Verb::GetCert(args) = &mut verb {
        args.former = *name == FORMER_GET_CERT;
    }
    Ok((Common::from_arg_matches(&matches)?, checked(verb, &mut command)?))
}

/// The verb as a command of its own, under its old name.
pub(crate) fn own_command(name: &'static str, verb: &str) -> Command {
    let whole = Vospace::command();
    let verb = whole.find_subcommand(verb).cloned().unwrap_or_else(|| Command::new(name));
    let purpose = verb.get_about().cloned().unwrap_or_default();
    let command = verb.name(name).bin_name(name).version(env!("CARGO_PKG_VERSION")).infer_long_args(true);
    // What describes the common options would take the place of what describes the command.
    ends::with_usage(Common::augment_args(command).about(purpose), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(Common, Verb), clap::Error> {
        try_parse(line.split(' ').map(OsString::from).collect())
    }

    #[test]
    fn every_definition_is_consistent() {
        Vospace::command().debug_assert();
        for (name, verb) in COMMANDS {
            own_command(name, verb).debug_assert();
            let help = own_command(name, verb).render_help().to_string();
            assert!(help.lines().next().is_some_and(|purpose| purpose.contains(name)), "{help}");
        }
    }

    #[test]
    fn the_name_chooses_the_command() {
        let (_, verb) = parsed("/opt/bin/vls -l -h vos:x").unwrap();
        assert!(matches!(verb, Verb::Ls(args) if args.long && args.human));
        let (_, verb) = parsed("vospace ls -lh vos:x").unwrap();
        assert!(matches!(verb, Verb::Ls(args) if args.long && args.human));
    }

    #[test]
    fn common_options_stand_anywhere_and_may_be_abbreviated() {
        for line in ["vrm -v vos:x --recu --tok t", "vospace --token=t rm -R vos:x -v"] {
            let (common, verb) = parsed(line).unwrap();
            assert!(common.verbose && common.token.as_deref() == Some("t"), "{line}");
            assert!(matches!(verb, Verb::Rm(args) if args.recursive), "{line}");
        }
    }

    #[test]
    fn options_of_the_python_client_are_taken() {
        for line in [
            "vcp --exclude a,b --include c -i -L --ignore --quick --overwrite -k --vos-debug -d -w vos:a .",
            "vls -l -g -h -S -t -r vos:a",
            "vls --long --group --human --Size --time --reverse vos:a",
            "vcat --head -q vos:a",
            "vmkdir -p vos:a/b",
            "vmv --certfile= vos:a vos:b",
            "vcp vos:a --head -v vos:b --exclude c .",
            "vsync a -n 3 vos:b",
            "vmv vos:a -v vos:b",
        ] {
            parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn sources_and_destination_are_told_apart_in_help() {
        let ends: Vec<_> = COMMANDS.iter().filter(|(name, _)| ["vcp", "vsync", "vmv", "vln"].contains(name)).collect();
        assert_eq!(ends.len(), 4);
        for (name, verb) in ends {
            for line in [format!("{name} --help"), format!("{name} --nonsense"), format!("vospace {verb} --help")] {
                let text = parsed(&line).unwrap_err().to_string();
                let called = line.rsplit_once(' ').unwrap().0;
                assert!(text.contains(&format!("Usage: {called} [OPTIONS] <SOURCE>... <DESTINATION>\n")), "{text}");
                assert!(!text.contains("DESTINATION>..."), "{text}");
            }
            assert!(parsed(&format!("{name} vos:a")).unwrap_err().to_string().contains("destination is missing"));
        }
    }

    #[test]
    fn misuse_is_status_two() {
        for line in ["vcp vos:a", "vls --nonsense vos:a", "vospace fly vos:a", "vmv vos:a"] {
            assert_eq!(parsed(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert!(parsed("vcp vos:a").unwrap_err().to_string().contains("Usage: vcp"));
        assert_eq!(parsed("vls --help").unwrap_err().exit_code(), 0);
        assert_eq!(parsed("vcp -h").unwrap_err().exit_code(), 0);
        assert!(parsed("vls --version").unwrap_err().to_string().contains(env!("CARGO_PKG_VERSION")));
    }
}
