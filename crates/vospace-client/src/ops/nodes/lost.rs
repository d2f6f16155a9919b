//! Whether a change of properties is there once it was sent. A service may answer as if it had made one that it dropped: in
//! a document of another namespace (pyvospace, observed), or of what it does not keep.
//!
//! Looked at is what every service keeps as it is given, by its value, and rights by what they mean: who believes that a
//! file is shut, or open to a group, acts on it. Of its own properties a service may make what it likes.

use std::collections::HashSet;

use crate::node::{Properties, Property, property};

/// What belongs to services.
const THEIRS: [&str; 2] = ["ivo://ivoa.net/vospace", "ivo://cadc.nrc.ca/vospace"];

/// A property that was to be changed and is not as it was to be.
pub(super) fn lost<'a>(changes: &'a Properties, now: &Properties) -> Option<&'a str> {
    let is_lost = |uri: &str, wanted: &Property| match (uri, &wanted.value) {
        (property::IS_PUBLIC, wanted) => now.is_public() != (wanted.as_deref().map(str::trim) == Some("true")),
        (property::GROUP_READ | property::GROUP_WRITE, _) => is_right_lost(uri, changes, now),
        _ if !is_kept(uri) => false,
        (_, Some(value)) => !value.trim().is_empty() && shown(now, uri).map(plain) != Some(plain(value)),
        (_, None) => shown(now, uri).is_some(),
    };
    changes.iter().find(|(uri, wanted)| is_lost(uri, wanted)).map(|(uri, _)| uri)
}

/// Whether it is one that decides who gets at a node.
pub(super) fn is_right(uri: &str) -> bool {
    matches!(uri, property::IS_PUBLIC | property::GROUP_READ | property::GROUP_WRITE)
}

fn is_kept(uri: &str) -> bool {
    matches!(uri, property::TITLE | property::DESCRIPTION) || !THEIRS.iter().any(|own| uri.starts_with(own))
}

/// A service may give a name that is no URI back as one of the standard's (Astro Data Lab, observed).
fn shown<'a>(now: &'a Properties, uri: &str) -> Option<&'a str> {
    now.get(uri).or_else(|| now.get(&format!("{}{uri}", property::CORE)))
}

/// XML makes one of all line ends, and services trim.
fn plain(text: &str) -> String {
    text.trim().replace("\r\n", "\n").replace('\r', "\n")
}

/// Whether groups lack a right that they were to have, or any has one that was to be taken from all. Who may write may
/// read, and is named once by a Cavern, so that a reader may stand among the writers.
fn is_right_lost(uri: &str, changes: &Properties, now: &Properties) -> bool {
    let groups = |properties: &Properties| -> HashSet<String> {
        let of_right = if uri == property::GROUP_READ { properties.group_read() } else { properties.group_write() };
        of_right.into_iter().collect()
    };
    let (wanted, mut has) = (groups(changes), groups(now));
    if wanted.is_empty() {
        return !has.is_empty();
    }
    if uri == property::GROUP_READ {
        has.extend(now.group_write());
    }
    !wanted.is_subset(&has)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "ivo://my.example/x#y";

    fn of(pairs: &[(&'static str, &str)]) -> Properties {
        let mut properties = Properties::new();
        pairs.iter().for_each(|(uri, value)| properties.set(*uri, (*value).to_owned()));
        properties
    }

    fn without(uri: &'static str) -> Properties {
        let mut properties = Properties::new();
        properties.set_nil(uri);
        properties
    }

    #[test]
    fn an_old_value_in_the_place_of_the_new_one_is_a_change_that_was_lost() {
        for uri in [OWN, property::TITLE] {
            assert_eq!(lost(&of(&[(uri, "new")]), &of(&[(uri, "old")])), Some(uri));
            assert_eq!(lost(&of(&[(uri, " a\r\nb ")]), &of(&[(uri, "a\nb")])), None);
            assert_eq!(lost(&without(uri), &of(&[(uri, "old")])), Some(uri));
        }
        assert_eq!(lost(&of(&[(property::TYPE, "new")]), &of(&[(property::TYPE, "old")])), None, "the service's own");
    }

    #[test]
    fn rights_that_were_not_given_or_not_taken_are_lost() {
        assert_eq!(lost(&of(&[(property::IS_PUBLIC, "true")]), &of(&[])), Some(property::IS_PUBLIC));
        assert_eq!(lost(&of(&[(property::IS_PUBLIC, "false")]), &of(&[])), None);
        let public = of(&[(property::IS_PUBLIC, "true")]);
        assert_eq!(lost(&of(&[(property::IS_PUBLIC, "false")]), &public), Some(property::IS_PUBLIC));
        let (read, write) = (property::GROUP_READ, property::GROUP_WRITE);
        assert_eq!(lost(&of(&[(read, "ivo://a/gms?x")]), &of(&[(read, "ivo://a/gms?y")])), Some(read));
        assert_eq!(lost(&of(&[(read, "ivo://a/gms?x")]), &of(&[(write, "ivo://a/gms?x")])), None);
        assert_eq!(lost(&of(&[(write, "ivo://a/gms?x")]), &of(&[(read, "ivo://a/gms?x")])), Some(write));
        assert_eq!(lost(&of(&[(read, "g?x g?y")]), &of(&[(read, "g?y,g?x")])), None, "in any order and manner");
        assert_eq!(lost(&without(read), &of(&[(read, "ivo://a/gms?x")])), Some(read));
    }
}
