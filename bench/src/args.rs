//! The command line of the bench. Each option is a variable as well, because it is usually started by make.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::act::Act;
use crate::link::Link;
use crate::report::stored::Unsaid;
use crate::schedule::Selection;
use crate::sizes::Scale;

/// Measures this project and its peers at the same works over the same shaped link.
#[derive(Debug, Parser)]
#[command(name = "vofs-bench", version, about, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) run: Run,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Name the works and the columns.
    List,
    /// Do every work once at tiny sizes with this project's programs, to see that all of it runs.
    Check,
    /// Rewrite the table of a document from the results that are kept.
    Document(Document),
    /// Serve a tree by HTTP and WebDAV, to programs that do not speak VOSpace.
    #[command(hide = true)]
    Export {
        /// The tree.
        tree: PathBuf,
        /// The link that it is to seem behind.
        link: Link,
    },
    /// Mount a directory as it is, with nothing in between but FUSE.
    #[command(hide = true)]
    PassThrough {
        /// The directory.
        directory: PathBuf,
        /// Where it is mounted.
        point: PathBuf,
    },
    /// Do one thing to a tree and say how long it took.
    #[command(hide = true)]
    Act {
        #[command(subcommand)]
        act: Act,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Works, separated by commas [default: all].
    #[arg(long, env = "BENCH_WORKS", value_delimiter = ',', value_name = "NAMES")]
    works: Vec<String>,
    /// Columns, separated by commas [default: all that can do the work].
    #[arg(long, env = "BENCH_COLUMNS", value_delimiter = ',', value_name = "NAMES")]
    columns: Vec<String>,
    /// Links like 20ms or unshaped [default: 20ms, and 0ms and 80ms for works that depend on it].
    #[arg(long, env = "BENCH_LINKS", value_delimiter = ',', value_name = "LINKS")]
    links: Vec<Link>,
    /// Runs of each work in each column.
    #[arg(long, env = "BENCH_RUNS", default_value_t = 3, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..))]
    runs: u64,
    /// Smaller sizes, for a look in minutes.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Where data and results are kept.
    #[arg(long, env = "BENCH_DIRECTORY", default_value = "target/bench", value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Document whose table is rewritten from these and all earlier results.
    #[arg(long, value_name = "FILE")]
    pub(crate) document: Option<PathBuf>,
    /// What the programs were built from [default: what git says of the sources].
    #[arg(long, env = "BENCH_COMMIT", value_name = "TEXT")]
    commit: Option<String>,
}

/// A table without measuring.
#[derive(Debug, Args)]
pub(crate) struct Document {
    /// The document.
    pub(crate) document: PathBuf,
    /// Where results are kept.
    #[arg(long, env = "BENCH_DIRECTORY", default_value = "target/bench", value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// Results to take in first, of this or an earlier version; of each work and column those stay that were measured last.
    #[arg(long, value_name = "FILE")]
    pub(crate) import: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) unsaid: Unsaid,
}

impl Run {
    /// What is to be done.
    pub(crate) fn selection(&self) -> Selection {
        // A variable that make hands on empty is one empty name.
        let named = |names: &[String]| names.iter().filter(|name| !name.is_empty()).cloned().collect();
        Selection {
            works: named(&self.works),
            columns: named(&self.columns),
            links: self.links.clone(),
            runs: usize::try_from(self.runs).unwrap_or(usize::MAX),
        }
    }

    /// What the programs were built from, if that is said.
    pub(crate) fn commit(&self) -> Option<String> {
        self.commit.clone().filter(|text| !text.is_empty())
    }

    /// At which sizes.
    pub(crate) fn scale(&self) -> Scale {
        if self.quick { Scale::Quick } else { Scale::Full }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        let text = "vofs-bench --works=a,b --links=0ms,unshaped --runs=1 --quick";
        let selection = Arguments::parse_from(text.split(' ')).run.selection();
        assert_eq!((selection.works.len(), selection.links.len(), selection.runs), (2, 2, 1));
        assert!(Arguments::try_parse_from(["vofs-bench", "--runs=0"]).is_err());
        let text = "vofs-bench document d.md --import=r.json --measured=2026-11-21T13:30Z --commit=abc --load=0.3";
        let Some(Command::Document(document)) = Arguments::parse_from(text.split(' ')).command else {
            panic!("{text}")
        };
        assert_eq!(document.unsaid.measured.unwrap().to_string(), "2026-11-21T13:30:00Z");
        assert!(Arguments::try_parse_from(["vofs-bench", "document", "d.md", "--commit=abc"]).is_err());
    }
}
