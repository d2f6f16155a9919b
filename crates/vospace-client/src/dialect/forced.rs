//! What the user's configuration says of a service: it stands above whatever is learned.

use serde_json::{Map, Value};

use super::Dialect;

/// How alike two names have to be for one to be taken for a misspelling of the other.
const ALIKE: f64 = 0.75;

/// A setting that no dialect has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuirkError {
    /// No such field.
    #[error("unknown quirk '{name}'{}", hint(.meant, "; vospace doctor shows all"))]
    Unknown {
        /// What was written.
        name: String,
        /// What may have been meant.
        meant: Option<String>,
    },
    /// No such value of a field.
    #[error("the quirk {name} cannot be {value}: {expected}")]
    Value {
        /// The field.
        name: String,
        /// What was written.
        value: String,
        /// What can be.
        expected: String,
    },
}

fn hint(meant: &Option<String>, otherwise: &str) -> String {
    meant.as_ref().map_or_else(|| otherwise.to_owned(), |meant| format!("; did you mean '{meant}'?"))
}

/// Fields of a [`Dialect`] that are not learned. Made by [`Dialect::forced`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forced(Map<String, Value>);

impl Dialect {
    /// What a configuration file forces: names and values of fields, such as `paging = "no"`.
    ///
    /// # Errors
    /// [`QuirkError`] naming what is wrong and what may have been meant.
    pub fn forced(quirks: &Map<String, Value>) -> Result<Forced, QuirkError> {
        let known = fields(&Dialect::default());
        for (name, value) in quirks {
            if !known.contains_key(name) {
                let near = known.keys().map(|known| (strsim::jaro(&name.replace('_', "-"), known), known));
                let near = near.filter(|(alike, _)| *alike > ALIKE).max_by(|one, other| one.0.total_cmp(&other.0));
                return Err(QuirkError::Unknown { name: name.clone(), meant: near.map(|(_, known)| known.clone()) });
            }
            let alone = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
            if let Err(error) = serde_json::from_value::<Dialect>(alone) {
                let expected = match value {
                    Value::Bool(true) => "write \"yes\"".to_owned(),
                    Value::Bool(false) => "write \"no\"".to_owned(),
                    _ => error.to_string(),
                };
                return Err(QuirkError::Value { name: name.clone(), value: value.to_string(), expected });
            }
        }
        Ok(Forced(quirks.clone()))
    }
}

fn fields(dialect: &Dialect) -> Map<String, Value> {
    match serde_json::to_value(dialect) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

impl Forced {
    /// Whether this field is forced, by its name in the configuration file.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What is believed where this much was learned.
    pub(super) fn over(&self, learned: Dialect) -> Dialect {
        if self.0.is_empty() {
            return learned;
        }
        let mut all = fields(&learned);
        all.extend(self.0.clone());
        serde_json::from_value(Value::Object(all)).unwrap_or(learned)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Learned, Namespace};
    use super::*;

    fn forced(quirks: Value) -> Result<Forced, String> {
        let Value::Object(quirks) = quirks else { unreachable!() };
        Dialect::forced(&quirks).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_forced_stands_above_what_is_learned() {
        let forced = forced(json!({
            "paging": "no", "namespace": "http://www.ivoa.net/xml/VOSpace/v2.1", "refused-characters": ";'"
        }))
        .unwrap();
        let learned = Dialect { paging: Learned::Yes, ranges: Learned::Yes, ..Dialect::default() };
        let believed = forced.over(learned);
        assert_eq!((believed.paging, believed.ranges), (Learned::No, Learned::Yes));
        assert_eq!(believed.namespace, Namespace::V21);
        assert!(believed.refused_characters.has('\''));
        assert!(forced.has("paging") && !forced.has("ranges"));
    }

    #[test]
    fn what_no_dialect_has_is_an_error_that_says_what_was_meant() {
        let wrong = |quirks: Value| forced(quirks).unwrap_err();
        assert!(wrong(json!({"pagin": "no"})).ends_with("did you mean 'paging'?"));
        assert!(wrong(json!({"limit_zero": "no"})).ends_with("did you mean 'limit-zero'?"));
        assert!(wrong(json!({"qqq": "no"})).ends_with("unknown quirk 'qqq'; vospace doctor shows all"));
        assert!(wrong(json!({"paging": false})).ends_with("write \"no\""));
        let other = wrong(json!({"paging": "never"}));
        assert!(other.contains("the quirk paging cannot be \"never\"") && other.contains("`yes`"), "{other}");
        assert!(wrong(json!({"namespace": "v2.1"})).contains("http://www.ivoa.net/xml/VOSpace/v2.1"));
    }
}
