//! Where the value of an option comes from: command line, environment, the user's file, the system's file, default, in
//! this order.
//!
//! There is no second list of options: `args` defines them, and what stands in the environment or in a file is put before
//! the words of the command line and read by the same definition. So a value means the same wherever it stands.
//!
//! In a file, `[mount]` is for every space, and `[mount."vos:USER"]` for the one that is mounted under this name, before
//! that. A name that is not known is an error in every part of a file, also in one that does not count today; so is a value
//! that the option does not take. Nothing secret is taken from a file (`token`).

mod file;
mod layers;
pub(crate) mod show;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, FromArgMatches as _};
use vospace_client::services::file::places;

use crate::args::{self, Args};
use crate::failure::{Failure, Status};

use layers::Layers;

/// Options that are no settings of a mount: those without meaning, and those that only make sense while typed.
const NO_SETTINGS: &[&str] = &["man", "cache-nodes", "secure-get", "nothreads", "vos-debug"];

/// Where the value of an option comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    CommandLine,
    /// This variable of the environment.
    Variable(String),
    /// A section of a file.
    File {
        path: PathBuf,
        section: String,
    },
    Default,
}

/// An option with the value that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    /// As it would be typed; none where there is none, or what the default is depends on the machine.
    pub(crate) value: Option<String>,
    pub(crate) origin: Origin,
}

/// What a command line comes to.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) args: Args,
    /// Each option, in the order of the definition; none when a command was typed.
    pub(crate) settings: Vec<Setting>,
}

/// Why there is no value: misuse of the command line (or a call for help), or something in a file or a variable.
#[derive(Debug)]
pub(crate) enum Refusal {
    Typed(Box<clap::Error>),
    Elsewhere(Failure),
}

impl From<clap::Error> for Refusal {
    fn from(error: clap::Error) -> Self {
        Refusal::Typed(Box::new(error))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Typed(error) => Failure::new(Status::Usage, error.to_string().trim_end().to_owned()),
            Refusal::Elsewhere(failure) => failure,
        }
    }
}

/// The environment and the files, apart so that tests need not change their own.
pub(crate) struct Surroundings<'a> {
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// The first one counts most.
    pub(crate) files: Vec<PathBuf>,
}

/// What a command line comes to in the surroundings of this process.
///
/// # Errors
/// See [`Refusal`].
pub(crate) fn resolve(words: &[OsString]) -> Result<Resolved, Refusal> {
    let variable = |name: &str| std::env::var(name).ok();
    resolve_in(words, &Surroundings { variable: &variable, files: places() })
}

/// The options that can stand in a file or in the environment, in the order of the definition.
fn options(definition: &clap::Command) -> impl Iterator<Item = (&str, &Arg)> {
    definition.get_arguments().filter_map(|option| {
        let name = option.get_long()?;
        (!NO_SETTINGS.contains(&name)).then_some((name, option))
    })
}

fn resolve_in(words: &[OsString], surroundings: &Surroundings<'_>) -> Result<Resolved, Refusal> {
    let definition = args::definition();
    let typed = definition.clone().try_get_matches_from(words)?;
    if typed.subcommand().is_some() {
        return Ok(Resolved { args: Args::from_arg_matches(&typed)?, settings: Vec::new() });
    }
    let is_typed = |option: &Arg| typed.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine);
    let space = typed
        .get_one::<String>("vospace")
        .filter(|_| options(&definition).any(|(name, option)| name == "vospace" && is_typed(option)));
    let layers = Layers::read(&definition, surroundings, space.map(String::as_str)).map_err(Refusal::Elsewhere)?;
    let mut merged: Vec<OsString> = words.first().cloned().into_iter().collect();
    let mut settings = Vec::new();
    for (name, option) in options(&definition) {
        let (value, origin) = if is_typed(option) {
            let raw = typed.get_raw(option.get_id().as_str()).and_then(|mut values| values.next());
            (raw.map(|value| value.to_string_lossy().into_owned()), Origin::CommandLine)
        } else if let Some(found) = layers.find(name) {
            if let (true, Some(value)) = (found.is_ours, &found.value) {
                merged.push(format!("--{name}={value}").into());
            }
            (found.value, found.origin)
        } else {
            let usual = option.get_default_values().first();
            (usual.map(|value| value.to_string_lossy().into_owned()), Origin::Default)
        };
        settings.push(Setting { name: name.to_owned(), value, origin });
    }
    merged.extend(words.iter().skip(1).cloned());
    let mut args = Args::from_arg_matches(&definition.try_get_matches_from(merged)?)?;
    let is_named = |option: &str| settings.iter().any(|set| set.origin == Origin::CommandLine && set.name == option);
    args.named_by = args.credentials().named_by().filter(|option| is_named(option.trim_start_matches('-')));
    Ok(Resolved { args, settings })
}

#[cfg(test)]
mod tests;
