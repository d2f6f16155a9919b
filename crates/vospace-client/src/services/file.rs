//! The configuration file: where it is looked for, and its sections.
//!
//! There is one reader of it. What stands in `[mount]` is kept as it is, for `mountvofs`, whose options it names.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::section::{self, Section};
use super::{ServiceSettings, SettingsError, parse};

/// The file below the directory of the user, or that of the system.
const NAME: &str = "vofs/config.toml";

/// The tables at the top of a file: for mounts, and for services.
const MOUNT: &str = "mount";
const SERVICE: &str = "service";

/// What a file says.
#[derive(Debug, Default, PartialEq)]
pub struct Contents {
    /// `[mount]` with everything below it.
    pub mount: Table,
    /// `[service.NAME]`, in the order of the names.
    pub services: Vec<ServiceSettings>,
}

/// The files that are looked for: the user's (XDG Base Directory Specification), then the system's.
#[must_use]
pub fn places() -> Vec<PathBuf> {
    crate::places::of_user("XDG_CONFIG_HOME", ".config")
        .into_iter()
        .chain([PathBuf::from("/etc")])
        .map(|place| place.join(NAME))
        .collect()
}

/// Reads a file; none when there is none.
///
/// # Errors
/// One that cannot be read or is no TOML, and mistakes in its services.
pub fn read(path: &Path) -> Result<Option<Contents>, SettingsError> {
    let fail = |reason: String| SettingsError { path: path.to_owned(), reason };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(fail(format!("the configuration cannot be read: {error}"))),
    };
    let table: Table = text.parse().map_err(|error: toml::de::Error| fail(error.to_string().trim_end().to_owned()))?;
    contents(table).map(Some).map_err(fail)
}

fn contents(file: Table) -> Result<Contents, String> {
    let mut contents = Contents::default();
    for (name, value) in file {
        let Value::Table(table) = value else {
            return Err(unknown("key", &name, "above all sections", [MOUNT, SERVICE]));
        };
        match name.as_str() {
            MOUNT => contents.mount = table,
            SERVICE => contents.services = services(table)?,
            _ => return Err(unknown("section", &name, "", [MOUNT, SERVICE])),
        }
    }
    Ok(contents)
}

fn services(table: Table) -> Result<Vec<ServiceSettings>, String> {
    let service = |(name, value): (String, Value)| match value {
        Value::Table(own) => parse::service(&name, Section::new(format!("[{SERVICE}.{name}]"), own)),
        _ => Err(format!("{name} in [{SERVICE}]: a service has a section of its own, [{SERVICE}.NAME]")),
    };
    table.into_iter().map(service).collect()
}

/// A path that means the same wherever the file is read.
///
/// # Errors
/// One that begins with neither `/` nor `~/`.
pub fn absolute(text: &str) -> Result<PathBuf, String> {
    section::absolute(text)
}

/// What is said of a name in a file that is not known, with the one that may have been meant.
#[must_use]
pub fn unknown<'a>(what: &str, name: &str, place: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    section::unknown(what, name, place, known)
}
