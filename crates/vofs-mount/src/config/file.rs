//! What a configuration file says of mounts: `[mount]` and `[mount."SPACE"]`. The file itself is read by the client library,
//! which has the rest of it.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::{Table, Value};
use vospace_client::services::file;

use crate::failure::{Failure, Status};

use super::options;

/// The table of mounts.
const MOUNT: &str = "mount";

/// A file is for many eyes.
const SECRET: &str = "token";

/// What a file says, as text that could have been typed.
#[derive(Debug, Default)]
pub(super) struct Sections {
    /// For every space.
    pub(super) general: BTreeMap<String, String>,
    /// For single ones, by their names.
    pub(super) of_spaces: BTreeMap<String, BTreeMap<String, String>>,
}

/// A space as sections are named after it.
pub(super) fn space_name(space: &str) -> &str {
    space.trim_end_matches('/')
}

/// Reads and checks a file; none when there is none.
///
/// # Errors
/// One that cannot be read, is no TOML, has a name that is not known, or a value that its option does not take.
pub(super) fn read(path: &Path, definition: &clap::Command) -> Result<Option<Sections>, Failure> {
    let fail = |message: String| Failure::new(Status::Usage, message);
    let Some(contents) = file::read(path).map_err(|error| fail(error.to_string()))? else { return Ok(None) };
    parse(contents.mount, definition).map(Some).map_err(|cause| fail(format!("{}: {cause}", path.display())))
}

fn parse(mount: Table, definition: &clap::Command) -> Result<Sections, String> {
    let mut sections = Sections::default();
    for (key, value) in mount {
        match value {
            Value::Table(own) if key.contains(':') => {
                let section = format!("[{MOUNT}.\"{key}\"]");
                let values = own.into_iter().map(|(name, value)| match setting(definition, &name, &value, &section)? {
                    (name, _) if name == "vospace" => Err(format!("{section} is for one space, so it has no vospace")),
                    setting => Ok(setting),
                });
                sections.of_spaces.insert(space_name(&key).to_owned(), values.collect::<Result<_, _>>()?);
            }
            Value::Table(_) => {
                return Err(format!("[{MOUNT}.{key}] is not the name of a space: write [{MOUNT}.\"vos:USER\"]"));
            }
            value => {
                let (name, value) = setting(definition, &key, &value, &format!("[{MOUNT}]"))?;
                sections.general.insert(name, value);
            }
        }
    }
    Ok(sections)
}

/// A line of a section: the name of its option, and its value as text.
fn setting(definition: &clap::Command, key: &str, value: &Value, section: &str) -> Result<(String, String), String> {
    let name = key.replace('_', "-");
    let Some((_, option)) = options(definition).find(|(known, _)| *known == name) else {
        let known = options(definition).map(|(known, _)| known).filter(|known| *known != SECRET);
        return Err(file::unknown("key", key, &format!("in {section}"), known));
    };
    if name == SECRET {
        return Err(format!(
            "{key} in {section}: a token does not belong into this file; name a file that holds it by VOSPACE_TOKEN_FILE"
        ));
    }
    let mut text = as_text(value).ok_or_else(|| {
        format!(
            "{key} in {section}: {} is no value of an option; give text, a whole number, true or false",
            value.type_str()
        )
    })?;
    if option.get_value_parser().type_id() == TypeId::of::<PathBuf>() {
        let path = file::absolute(&text).map_err(|cause| format!("{key} in {section}: {cause}"))?;
        text = path.to_string_lossy().into_owned();
    }
    check(definition, &name, &text).map_err(|cause| format!("{key} in {section}: {cause}"))?;
    Ok((name, text))
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(is) => Some(is.to_string()),
        // Lists are written with commas elsewhere.
        Value::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(Value::as_str).collect();
            Some(texts?.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
    }
}

/// Whether the option takes this value; else why not.
pub(super) fn check(definition: &clap::Command, name: &str, value: &str) -> Result<(), String> {
    let words = ["mountvofs".to_owned(), format!("--{name}={value}")];
    match definition.clone().try_get_matches_from(words) {
        Ok(_) => Ok(()),
        Err(error) => {
            let text = error.to_string();
            let first: Vec<&str> =
                text.trim_start_matches("error: ").lines().take_while(|line| !line.is_empty()).collect();
            Err(first.join(" "))
        }
    }
}
