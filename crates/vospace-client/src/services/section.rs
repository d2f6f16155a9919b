//! A table of the file, read key by key: the keys that were asked for are those that it may have.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// How alike two names have to be for one to be taken for the other misspelt; that of the command line's own suggestions.
const ALIKE: f64 = 0.7;

/// See the module. Each `take` gives what is there and remembers the key as a known one.
#[derive(Debug)]
pub(super) struct Section {
    /// As it is called in messages: `[service.NAME]`.
    pub(super) name: String,
    table: Table,
    known: Vec<&'static str>,
}

impl Section {
    pub(super) fn new(name: String, table: Table) -> Self {
        Section { name, table, known: Vec::new() }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        // Underscores will do, as in all sections.
        self.table.remove(key).or_else(|| self.table.remove(&key.replace('-', "_")))
    }

    fn wrong(&self, key: &str, cause: impl std::fmt::Display) -> String {
        format!("{key} in {}: {cause}", self.name)
    }

    /// A text; an empty one is a mistake.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>, String> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Some(text.trim().to_owned())),
            Some(other) => Err(self.wrong(key, format_args!("a text is needed, and this is {}", kind(&other)))),
        }
    }

    /// The text of a key that has to be there; `what` says what it is.
    pub(super) fn needed(&mut self, key: &'static str, what: &str) -> Result<String, String> {
        self.text(key)?.ok_or_else(|| format!("{} has no {key}: {what}", self.name))
    }

    /// Something that is made of a text.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, String> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        parse(&text).map(Some).map_err(|cause| self.wrong(key, cause))
    }

    /// A file.
    pub(super) fn path(&mut self, key: &'static str) -> Result<Option<PathBuf>, String> {
        self.parsed(key, absolute)
    }

    /// A whole number of at least one.
    pub(super) fn number(&mut self, key: &'static str) -> Result<Option<u64>, String> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Integer(number)) if number > 0 => Ok(Some(number.unsigned_abs())),
            Some(other) => Err(self.wrong(key, format_args!("a whole number is needed, and this is {}", kind(&other)))),
        }
    }

    /// A list of texts; `instead` says how to write one where there is a single text.
    pub(super) fn list(&mut self, key: &'static str, instead: &str) -> Result<Option<Vec<String>>, String> {
        let items = match self.take(key) {
            None => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(other) => {
                return Err(self.wrong(key, format_args!("a list is needed, and this is {}; {instead}", kind(&other))));
            }
        };
        let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        let texts = texts.filter(|texts| texts.first().is_some_and(|first| !first.is_empty()));
        texts.map(Some).ok_or_else(|| self.wrong(key, format_args!("a list of texts is needed; {instead}")))
    }

    /// A table within.
    pub(super) fn table(&mut self, key: &'static str) -> Result<Option<Table>, String> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(table)),
            Some(other) => Err(self.wrong(key, format_args!("a table is needed, and this is {}", kind(&other)))),
        }
    }

    /// The same as a section of its own.
    pub(super) fn within(&mut self, key: &'static str) -> Result<Option<Section>, String> {
        let table = self.table(key)?;
        let name = format!("{}.{key}]", self.name.trim_end_matches(']'));
        Ok(table.map(|table| Section::new(name, table)))
    }

    /// Whatever was not asked for is a mistake.
    pub(super) fn end(self) -> Result<(), String> {
        match self.table.keys().next() {
            None => Ok(()),
            Some(key) => Err(unknown("key", key, &format!("in {}", self.name), self.known)),
        }
    }
}

/// What a value is instead of what was wanted. The value itself is not shown: it may be a secret at the wrong place.
fn kind(value: &Value) -> &str {
    match value {
        Value::String(text) if text.trim().is_empty() => "an empty text",
        Value::Integer(number) if *number <= 0 => "less than 1",
        other => other.type_str(),
    }
}

/// A path that means the same wherever it is read.
pub(super) fn absolute(text: &str) -> Result<PathBuf, String> {
    let path = match text.strip_prefix("~/") {
        Some(below) => std::env::home_dir().map(|home| home.join(below)),
        None => Path::new(text).is_absolute().then(|| PathBuf::from(text)),
    };
    path.ok_or_else(|| format!("'{text}' has to begin with / or ~/ : a file does not know where it is read"))
}

/// What is said of a name that is not known, with the one that may have been meant.
pub(super) fn unknown<'a>(what: &str, name: &str, place: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let wanted = name.replace('_', "-");
    let nearest = known
        .into_iter()
        .map(|known| (strsim::jaro(&wanted, known), known))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let place = if place.is_empty() { String::new() } else { format!(" {place}") };
    match nearest {
        Some((_, known)) => format!("unknown {what} '{name}'{place}; did you mean '{known}'?"),
        None => format!("unknown {what} '{name}'{place}; docs/configuration.md and `mountvofs config show` have all"),
    }
}
