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
        if let Value::Object(fields) = &mut fields {
            fields.extend(changes);
        }
        let changed: Profile = serde_json::from_value(fields)?;
        *current = Box::leak(Box::new(Profile { service: current.service, server: current.server, ..changed }));
        Ok(())
    }

    /// All fields but the names of the service, which are fixed.
    pub fn shown(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(*self.0.read())
    }
}

impl Deref for Habits {
    type Target = Profile;

    fn deref(&self) -> &Profile {
        *self.0.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_changed_by_name() {
        let habits = Habits::new(Profile::vault());
        let change = |text: &str| habits.change(serde_json::from_str(text).unwrap());
        change(r#"{"copies": true, "listing": "whole", "longest_segment": 10}"#).unwrap();
        assert!(habits.copies && habits.listing == super::super::Listing::Whole);
        assert_eq!((habits.service, habits.longest_segment), ("vault", Some(10)));
        for wrong in [r#"{"copis": true}"#, r#"{"listing": "sideways"}"#, r#"{"service": "arc"}"#] {
            assert!(change(wrong).is_err(), "{wrong}");
        }
        assert!(habits.copies, "what is refused changes nothing");
    }
}
