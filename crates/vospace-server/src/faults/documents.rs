//! Node documents that are not what they should be.

use super::Effect;
use super::effect::{DateForm, Md5Form};
use jiff::SignedDuration;
use vospace_client::node::{Node, Properties, format_date, parse_date, property};

/// What a node row copies of an artifact: what is missing before it is noticed.
const COPIED: [&str; 4] = [property::MD5, property::CONTENT_DATE, property::TYPE, property::ENCODING];

/// Changes a document before it is written.
pub fn distort(effect: Option<&Effect>, node: &mut Node) {
    let properties = &mut node.properties;
    match effect {
        Some(Effect::Stale(true)) if properties.get(property::LENGTH).is_some() => {
            COPIED.into_iter().for_each(|uri| drop(properties.remove(uri)));
            properties.set_read_only(property::LENGTH, "0");
        }
        Some(Effect::DateShiftMs(milliseconds)) => rewrite(properties, property::DATE, |text| {
            let shifted = parse_date(text)?.checked_add(SignedDuration::from_millis(*milliseconds)).ok()?;
            Some(format_date(shifted))
        }),
        Some(Effect::DateForm(form)) => {
            for uri in [property::DATE, property::CONTENT_DATE] {
                rewrite(properties, uri, |text| Some(form.of(text)));
            }
        }
        Some(Effect::Md5Form(form)) => rewrite(properties, property::MD5, |text| Some(form.of(text))),
        _ => {}
    }
}

fn rewrite(properties: &mut Properties, uri: &'static str, how: impl FnOnce(&str) -> Option<String>) {
    if let Some(text) = properties.get(uri).and_then(how) {
        properties.set_read_only(uri, text);
    }
}

impl DateForm {
    fn of(self, text: &str) -> String {
        match self {
            DateForm::Seconds => text.split('.').next().unwrap_or_default().to_owned(),
            DateForm::Zulu => format!("{text}Z"),
            DateForm::Invalid => "yesterday".to_owned(),
        }
    }
}

impl Md5Form {
    fn of(self, text: &str) -> String {
        match self {
            Md5Form::UpperCase => text.to_ascii_uppercase(),
            Md5Form::Prefixed => format!("md5:{text}"),
            Md5Form::Wrong => "5a".repeat(16),
        }
    }
}
