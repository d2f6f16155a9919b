//! What stands beside the command line: the environment, then the files, each with its section for the space first.

use std::collections::BTreeMap;

use crate::failure::{Failure, Status};

use super::file::{self, Sections};
use super::{Origin, Surroundings, options};

/// What the client library itself takes from the environment, and before a file: no word of ours may come before it.
const OF_THE_CLIENT: &[(&str, &[&str])] = &[
    ("token", &["VOSPACE_TOKEN", "VOSPACE_TOKEN_FILE"]),
    ("certfile", &["VOSPACE_TOKEN", "VOSPACE_TOKEN_FILE", "VOSPACE_CERTFILE"]),
    ("registry", &["VOSPACE_REGISTRY_URL", "VOSPACE_WEBSERVICE", "LOCAL_VOSPACE_WEBSERVICE"]),
];

/// The variable of an option.
pub(super) fn variable_of(name: &str) -> String {
    match OF_THE_CLIENT.iter().find(|(of, _)| *of == name) {
        // The one that names the same thing as the option.
        Some((_, variables)) if name == "certfile" => variables[variables.len() - 1].to_owned(),
        Some((_, variables)) => variables[0].to_owned(),
        None => format!("VOFS_{}", name.replace('-', "_").to_uppercase()),
    }
}

/// A value that was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) value: Option<String>,
    pub(super) origin: Origin,
    /// False when the client library finds it by itself.
    pub(super) is_ours: bool,
}

/// The values of one section, or of the environment.
type Values = BTreeMap<String, Found>;

/// See the module.
#[derive(Debug)]
pub(super) struct Layers(Vec<Values>);

impl Layers {
    /// Reads them for the space that was typed, or is configured.
    ///
    /// # Errors
    /// What is wrong with a file or a variable.
    pub(super) fn read(
        definition: &clap::Command,
        surroundings: &Surroundings<'_>,
        typed: Option<&str>,
    ) -> Result<Self, Failure> {
        let mut layers = vec![environment(definition, surroundings)?];
        let mut files = Vec::new();
        for path in &surroundings.files {
            if let Some(sections) = file::read(path, definition)? {
                files.push((path, sections));
            }
        }
        let configured = || {
            let named = layers[0].get("vospace").and_then(|found| found.value.clone());
            named.or_else(|| files.iter().find_map(|(_, sections)| sections.general.get("vospace").cloned()))
        };
        let usual = || {
            let (_, option) = options(definition).find(|(name, _)| *name == "vospace")?;
            Some(option.get_default_values().first()?.to_string_lossy().into_owned())
        };
        let space = typed.map(str::to_owned).or_else(configured).or_else(usual).unwrap_or_default();
        for (path, Sections { general, mut of_spaces }) in files {
            let own = of_spaces.remove(file::space_name(&space)).unwrap_or_default();
            for (values, section) in
                [(own, format!("mount.\"{}\"", file::space_name(&space))), (general, "mount".into())]
            {
                let found = |value| Found {
                    value: Some(value),
                    origin: Origin::File { path: path.clone(), section: section.clone() },
                    is_ours: true,
                };
                layers.push(values.into_iter().map(|(name, value)| (name, found(value))).collect());
            }
        }
        Ok(Layers(layers))
    }

    /// The value of an option that counts.
    pub(super) fn find(&self, name: &str) -> Option<Found> {
        self.0.iter().find_map(|values| values.get(name)).cloned()
    }
}

fn environment(definition: &clap::Command, surroundings: &Surroundings<'_>) -> Result<Values, Failure> {
    let set = |name: &str| (surroundings.variable)(name).filter(|value| !value.trim().is_empty());
    let mut values = Values::new();
    for (name, _) in options(definition) {
        if let Some((_, variables)) = OF_THE_CLIENT.iter().find(|(of, _)| *of == name) {
            let Some((variable, value)) = variables.iter().find_map(|variable| Some((*variable, set(variable)?)))
            else {
                continue;
            };
            let value = (variable == variable_of(name)).then_some(value);
            values.insert(
                name.to_owned(),
                Found { value, origin: Origin::Variable(variable.to_owned()), is_ours: false },
            );
            continue;
        }
        let variable = variable_of(name);
        let Some(value) = set(&variable) else { continue };
        file::check(definition, name, &value)
            .map_err(|cause| Failure::new(Status::Usage, format!("environment variable {variable}: {cause}")))?;
        values.insert(name.to_owned(), Found { value: Some(value), origin: Origin::Variable(variable), is_ours: true });
    }
    Ok(values)
}
