//! Sources and a destination, the last argument, as `cp` has them; options may stand anywhere between.

use clap::Args;

use crate::complete;

/// See the module. One argument for the parser: of two it would take everything before an option for the first.
#[derive(Debug, Args)]
pub(crate) struct Ends {
    /// What is taken (wildcards in the names of nodes are expanded: quote them), and where it goes
    #[arg(required = true, value_name = "SOURCE>... <DESTINATION", add = complete::places())]
    paths: Vec<String>,
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
