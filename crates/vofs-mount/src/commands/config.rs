//! `mountvofs config show`.

use std::ffi::OsString;

use super::{print, print_json};
use crate::Result;
use crate::args::hyphenate;
use crate::config::{self, Origin, Setting, show as shown};
use crate::options;

/// Shows what a mount with these options would have.
pub(super) fn show(json: bool, options: Vec<OsString>) -> Result<()> {
    if json {
        return print_json(&shown::as_json(&settings(options)?));
    }
    print(text(options)?)
}

/// The same as text.
pub(super) fn text(options: Vec<OsString>) -> Result<String> {
    Ok(shown::as_text(&settings(options)?))
}

fn settings(options: Vec<OsString>) -> Result<Vec<Setting>> {
    let words: Vec<OsString> = std::iter::once("mountvofs".into()).chain(options.into_iter().map(hyphenate)).collect();
    let mut resolved = config::resolve(&words)?;
    for (name, value) in options::computed(&resolved.args) {
        let open = |setting: &&mut Setting| {
            setting.name == name && setting.origin == Origin::Default && setting.value.is_none()
        };
        if let Some(setting) = resolved.settings.iter_mut().find(open) {
            setting.value = Some(value);
        }
    }
    Ok(resolved.settings)
}
