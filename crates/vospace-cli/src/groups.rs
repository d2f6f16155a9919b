//! Group identifiers (IVOA GMS 1.0): `ivo://authority/gms?NAME`, and the short form that users write and are shown.
//!
//! A name alone is a group of the service of groups that goes with the VOSpace: that of its section in the configuration,
//! or CADC's for the services of CADC. Of others nobody knows it, and a right is never given to a group of another name.

use std::collections::BTreeMap;

use anyhow::bail;
use vospace_client::node::{Properties, property};
use vospace_client::services::ServiceSettings;
use vospace_client::uri::VosUri;

/// The authority of CADC's services, within that of a URI.
const CADC: &str = "cadc.nrc.ca~";
const CADC_GROUPS: &str = "ivo://cadc.nrc.ca/gms";

/// The services of groups that the user's configuration names, by the authority of the VOSpace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Groups(BTreeMap<String, String>);

impl Groups {
    /// Those of the sections.
    pub(crate) fn new(services: &[ServiceSettings]) -> Self {
        let named = |service: &ServiceSettings| Some((service.authority(), service.groups.clone()?));
        Groups(services.iter().filter_map(named).collect())
    }

    /// The service of groups that goes with the VOSpace of a node.
    fn of(&self, uri: &VosUri) -> Option<&str> {
        let cadc = || uri.authority().starts_with(CADC).then_some(CADC_GROUPS);
        self.0.get(uri.authority()).map(String::as_str).or_else(cadc)
    }

    /// The changes with identifiers in the place of names alone.
    pub(crate) fn identified(&self, uri: &VosUri, changes: &Properties) -> anyhow::Result<Properties> {
        let mut identified = changes.clone();
        for list in [property::GROUP_READ, property::GROUP_WRITE] {
            if let Some(text) = changes.get(list) {
                let groups: anyhow::Result<Vec<String>> = names(text).map(|name| self.identifier(uri, name)).collect();
                identified.set(list, groups?.join(" "));
            }
        }
        Ok(identified)
    }

    fn identifier(&self, uri: &VosUri, name: &str) -> anyhow::Result<String> {
        if name.starts_with("ivo://") {
            return Ok(name.to_owned());
        }
        let Some(service) = self.of(uri) else {
            bail!(
                "{name} is the name of a group alone, and nothing says whose groups {} has: write \
                 ivo://AUTHORITY/gms?{name}, or give its section in the configuration file groups = \
                 \"ivo://AUTHORITY/gms\"",
                uri.resource_id()
            );
        };
        Ok(format!("{service}?{name}"))
    }

    /// The groups of a node as they can be given to a command for it, between blanks; also where the service has commas.
    pub(crate) fn shown(&self, uri: &VosUri, identifiers: &[String]) -> String {
        let own = self.of(uri).map(|service| format!("{service}?"));
        let short = |group: &String| {
            let name = own.as_deref().and_then(|own| group.strip_prefix(own));
            name.unwrap_or(group).to_owned()
        };
        identifiers.iter().map(short).collect::<Vec<_>>().join(" ")
    }
}

/// The names or identifiers of one argument, separated by blanks or commas.
pub(crate) fn names(argument: &str) -> impl Iterator<Item = &str> {
    argument.split([',', ' ']).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identified(groups: &Groups, authority: &str, list: &str) -> anyhow::Result<String> {
        let mut changes = Properties::new();
        changes.set(property::GROUP_READ, list);
        let identified = groups.identified(&VosUri::new(authority, "/a"), &changes)?;
        Ok(identified.get(property::GROUP_READ).unwrap_or_default().to_owned())
    }

    #[test]
    fn a_name_alone_is_a_group_of_the_service_s_own_and_an_identifier_stays() {
        let groups = Groups(BTreeMap::from([("skao.int~cavern".to_owned(), "ivo://skao.int/gms".to_owned())]));
        assert_eq!(
            identified(&groups, "cadc.nrc.ca~arc", "A, B,ivo://skao.int/gms?C  D").unwrap(),
            "ivo://cadc.nrc.ca/gms?A ivo://cadc.nrc.ca/gms?B ivo://skao.int/gms?C ivo://cadc.nrc.ca/gms?D"
        );
        assert_eq!(identified(&groups, "skao.int~cavern", "A").unwrap(), "ivo://skao.int/gms?A");
        assert_eq!(identified(&groups, "icrar.org~vospace", "ivo://x/gms?A").unwrap(), "ivo://x/gms?A");
        let error = identified(&groups, "icrar.org~vospace", "A").unwrap_err().to_string();
        assert!(error.contains("ivo://icrar.org/vospace") && error.contains("groups ="), "{error}");
    }

    #[test]
    fn a_group_is_shown_as_it_can_be_given_back() {
        let groups = Groups::default();
        let both = ["ivo://cadc.nrc.ca/gms?A".to_owned(), "ivo://skao.int/gms?B".to_owned()];
        assert_eq!(groups.shown(&VosUri::new("cadc.nrc.ca~vault", "/a"), &both), "A ivo://skao.int/gms?B");
        assert_eq!(groups.shown(&VosUri::new("icrar.org~vospace", "/a"), &both), both.join(" "));
    }
}
