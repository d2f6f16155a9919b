//! The one definition of commands and options, and the choice of the command by the name the program is called with.
//!
//! Option names and their meanings are those of the Python `vos` 3.7; what has no meaning left is accepted and hidden.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{ArgAction, Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{cat, cp, ls, mkdir, mv, rm};

/// Options that every command takes.
#[derive(Debug, Args)]
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

/// Work with files in VOSpace: list, copy, make and remove directories, remove, move, print.
#[derive(Debug, Parser)]
#[command(name = "vospace", version, infer_long_args = true, arg_required_else_help = true)]
struct Vospace {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// List nodes (also: vls)
    #[command(disable_help_flag = true)]
    Ls(ls::LsArgs),
    /// Copy files and trees to or from VOSpace (also: vcp)
    Cp(cp::CpArgs),
    /// Make containers (also: vmkdir)
    Mkdir(mkdir::MkdirArgs),
    /// Remove nodes (also: vrm)
    Rm(rm::RmArgs),
    /// Move or rename nodes (also: vmv)
    Mv(mv::MvArgs),
    /// Print files to standard output (also: vcat)
    Cat(cat::CatArgs),
}

/// The verbs as commands of their own.
const COMMANDS: [(&str, &str); 6] =
    [("vls", "ls"), ("vcp", "cp"), ("vmkdir", "mkdir"), ("vrm", "rm"), ("vmv", "mv"), ("vcat", "cat")];

/// Reads the command line; prints help, version or a usage error and ends the process where that is the answer.
pub(crate) fn parse(argv: Vec<OsString>) -> (Common, Verb) {
    try_parse(argv).unwrap_or_else(|error| error.exit())
}

fn try_parse(argv: Vec<OsString>) -> Result<(Common, Verb), clap::Error> {
    let called = argv.first().and_then(|name| Path::new(name).file_name()?.to_str().map(str::to_owned));
    let own = COMMANDS.iter().find(|(name, _)| Some(*name) == called.as_deref());
    let Some((name, verb)) = own else {
        let parsed = Vospace::try_parse_from(argv)?;
        return Ok((parsed.common, parsed.verb));
    };
    let mut command = own_command(name, verb);
    let matches = command.try_get_matches_from_mut(argv)?;
    let common = Common::from_arg_matches(&matches)?;
    let verb = match *verb {
        "ls" => Verb::Ls(ls::LsArgs::from_arg_matches(&matches)?),
        "cp" => Verb::Cp(cp::CpArgs::from_arg_matches(&matches)?),
        "mkdir" => Verb::Mkdir(mkdir::MkdirArgs::from_arg_matches(&matches)?),
        "rm" => Verb::Rm(rm::RmArgs::from_arg_matches(&matches)?),
        "mv" => Verb::Mv(mv::MvArgs::from_arg_matches(&matches)?),
        _ => Verb::Cat(cat::CatArgs::from_arg_matches(&matches)?),
    };
    Ok((common, verb))
}

/// The verb as a command of its own, under its old name.
fn own_command(name: &'static str, verb: &str) -> Command {
    let whole = Vospace::command();
    let verb = whole.find_subcommand(verb).cloned().unwrap_or_else(|| Command::new(name));
    let purpose = verb.get_about().cloned().unwrap_or_default();
    let command = verb.name(name).bin_name(name).version(env!("CARGO_PKG_VERSION")).infer_long_args(true);
    // What describes the common options would take the place of what describes the command.
    Common::augment_args(command).about(purpose)
}

/// `-h` belongs to human-readable sizes in `vls`, as it always has.
#[derive(Debug, Args)]
pub(crate) struct LongHelp {
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
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
        ] {
            parsed(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn misuse_is_status_two() {
        for line in ["vcp vos:a", "vls --nonsense vos:a", "vospace fly vos:a", "vmv vos:a"] {
            assert_eq!(parsed(line).unwrap_err().exit_code(), 2, "{line}");
        }
        assert_eq!(parsed("vls --help").unwrap_err().exit_code(), 0);
        assert_eq!(parsed("vcp -h").unwrap_err().exit_code(), 0);
        assert!(parsed("vls --version").unwrap_err().to_string().contains(env!("CARGO_PKG_VERSION")));
    }
}
