//! Sources and a destination, the last argument, as `cp` has them; options may stand anywhere between.

use clap::{Args, Command};

use crate::complete;

/// The one argument that is both, in the definition of a command.
const PATHS: &str = "paths";

/// See the module. One argument for the parser: of two it would take everything before an option for the first.
#[derive(Debug, Args)]
pub(crate) struct Ends {
    /// What is taken (wildcards in the names of nodes are expanded: quote them), and where it goes
    // Help that is made of the definition would say that there can be several destinations: `usage` says how it is.
    #[arg(required = true, hide = true, value_name = "SOURCE>... <DESTINATION", add = complete::places())]
    paths: Vec<String>,
}

/// How a command with sources and a destination is written.
pub(crate) fn usage(command: &str) -> String {
    format!("{command} [OPTIONS] <SOURCE>... <DESTINATION>")
}

/// The same in the definition of a command of this name, if it is one of these.
pub(crate) fn with_usage(command: Command, name: &str) -> Command {
    let has_ends = command.get_positionals().any(|argument| argument.get_id() == PATHS);
    if has_ends { command.override_usage(usage(name)) } else { command }
}

/// The definition for a manual page, which shows the argument as it is named here.
pub(crate) fn shown(command: Command) -> Command {
    let has_ends = command.get_positionals().any(|argument| argument.get_id() == PATHS);
    if has_ends { command.mut_arg(PATHS, |argument| argument.hide(false)) } else { command }
}

impl Ends {
    /// What is taken.
    pub(crate) fn sources(&self) -> &[String] {
        self.paths.split_last().map_or(&[], |(_, sources)| sources)
    }

    /// Where it goes.
    pub(crate) fn destination(&self) -> &str {
        self.paths.last().map_or("", String::as_str)
    }

    /// What is wrong where there is nothing but a source.
    pub(crate) fn missing(&self) -> Option<String> {
        let text = || format!("the destination is missing: where is {} to go?", self.destination());
        self.sources().is_empty().then(text)
    }
}
