//! The habits of a running space: a profile that a test may change.
//!
//! The rest of the crate reads them through `Deref` as if they were a [`Profile`]. A request that is being answered while
//! habits change may see some of either. A changed profile is never freed: it is small, references to it are handed out
//! freely, and only tests make them.

use super::Profile;
use parking_lot::RwLock;
use serde_json::{Map, Value};
use std::ops::Deref;

/// A profile that can be exchanged.
#[derive(Debug)]
pub struct Habits(RwLock<&'static Profile>);

impl Habits {
    /// These, for now.
    pub fn new(profile: Profile) -> Habits {
        Habits(RwLock::new(Box::leak(Box::new(profile))))
    }

    /// Changes some fields of the profile, named and written as [`Habits::shown`] shows them.
    pub fn change(&self, changes: Map<String, Value>) -> Result<(), serde_json::Error> {
        let mut current = self.0.write();
        let mut fields = serde_json::to_value(*current)?;
        merge(&mut fields, Value::Object(changes));
        let changed: Profile = serde_json::from_value(fields)?;
        let Profile { service, prefix, authority, resource_id, server, groups, .. } = **current;
        let changed = Profile { service, prefix, authority, resource_id, server, groups, ..changed };
        *current = Box::leak(Box::new(changed));
        Ok(())
    }

    /// The profile as it is now.
    pub fn now(&self) -> &'static Profile {
        *self.0.read()
    }

    /// All fields but the names of the service, which are fixed.
    pub fn shown(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(*self.0.read())
    }
}

/// Puts changes over values, field by field at every depth.
fn merge(value: &mut Value, changes: Value) {
    match (value, changes) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (key, change) in changes {
                merge(fields.entry(key).or_insert(Value::Null), change);
            }
        }
        (value, changes) => *value = changes,
    }
}

impl Deref for Habits {
    type Target = Profile;

    fn deref(&self) -> &Profile {
        self.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_changed_by_name() {
        let habits = Habits::new(Profile::vault());
        let change = |text: &str| habits.change(serde_json::from_str(text).unwrap());
        change(r#"{"locks": false, "listing": "whole", "longest_segment": 10, "moves": {"copies": "made"}}"#).unwrap();
        assert!(!habits.locks && habits.listing == super::super::Listing::Whole);
        assert_eq!((habits.service, habits.longest_segment), ("vault", Some(10)));
        assert_eq!(habits.moves.copies, super::super::moves::Copies::Made);
        assert!(habits.moves.mover_owns, "the rest of a part stays");
        for wrong in [
            r#"{"copis": true}"#,
            r#"{"listing": "sideways"}"#,
            r#"{"service": "arc"}"#,
            r#"{"moves": {"copis": "made"}}"#,
        ] {
            assert!(change(wrong).is_err(), "{wrong}");
        }
        assert!(!habits.locks, "what is refused changes nothing");
    }

    #[test]
    fn every_profile_can_be_changed_and_is_a_space_of_its_own() {
        let all = [
            Profile::vault(),
            Profile::cavern(),
            Profile::strict(),
            Profile::pyvospace(),
            Profile::datalab(),
            Profile::srcnet(),
        ];
        let mut names: Vec<_> = all.iter().flat_map(|profile| [profile.authority, profile.prefix]).collect();
        names.extend(all.iter().map(|profile| profile.resource_id));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 18, "{names:?}");
        for profile in all {
            let (service, habits) = (profile.service, Habits::new(profile));
            habits.change(Map::new()).unwrap();
            assert_eq!(habits.service, service);
        }
    }
}
