//! `mountvofs config show`: the values that count, and why.

use std::path::Path;

use serde_json::json;
use vospace_client::services::file::places;

use super::{Origin, Setting};

/// A token is shown to nobody.
const HIDDEN: &str = "***";

/// What an origin is called.
fn words(origin: &Origin) -> String {
    match origin {
        Origin::CommandLine => "command line".to_owned(),
        Origin::Variable(name) => format!("environment, {name}"),
        Origin::File { path, section } => format!("{} [{section}]", path.display()),
        Origin::Default => "default".to_owned(),
    }
}

fn shown(setting: &Setting) -> Option<&str> {
    setting.value.as_deref().map(|value| if setting.name == "token" { HIDDEN } else { value })
}

/// For people: a line an option, after the files that were looked for.
pub(crate) fn as_text(settings: &[Setting]) -> String {
    let name = settings.iter().map(|setting| setting.name.len()).max().unwrap_or(0);
    let value = settings.iter().filter_map(shown).map(str::len).filter(|length| *length < 32).max().unwrap_or(0);
    let mut text: String = places().iter().map(|path| format!("# {}{}\n", path.display(), state(path))).collect();
    for setting in settings {
        let is = shown(setting).unwrap_or("-");
        text.push_str(&format!("{:<name$}  {is:<value$}  {}\n", setting.name, words(&setting.origin)));
    }
    text
}

fn state(path: &Path) -> &'static str {
    if path.exists() { "" } else { " (there is none)" }
}

/// For programs: an object an option.
pub(crate) fn as_json(settings: &[Setting]) -> serde_json::Value {
    let object = |setting: &Setting| {
        let origin = match &setting.origin {
            Origin::CommandLine => json!({"kind": "command-line"}),
            Origin::Variable(name) => json!({"kind": "environment", "variable": name}),
            Origin::File { path, section } => json!({"kind": "file", "file": path, "section": section}),
            Origin::Default => json!({"kind": "default"}),
        };
        json!({"option": setting.name, "value": shown(setting), "origin": origin})
    };
    settings.iter().map(object).collect()
}
