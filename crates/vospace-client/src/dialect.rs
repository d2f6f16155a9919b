//! What is known of a service: VOSpace services differ in what they can and in what they want, and none says so.
//!
//! Nothing here is ever guessed from a service's name, and nobody else in this crate asks for one. Each ability and each
//! quirk is a field of [`Dialect`] by itself: it starts as unknown, an answer settles it, a contradicting answer changes
//! it. Answers are to requests that are sent anyway or that change nothing: no endpoint is used up and no node made to
//! learn something. What the user's configuration says ([`Dialect::forced`]) is believed whatever the service shows.
//!
//! It is kept on disk for a day, so that short programs need not learn it each time and an upgraded service is noticed.

use serde::{Deserialize, Serialize};

mod abilities;
mod forced;
mod lessons;
mod quirks;
mod written;

pub use abilities::Learned;
pub use forced::{Forced, QuirkError};
pub(crate) use lessons::Lessons;
pub use quirks::{Characters, GroupSeparator, NamesInDocuments, Namespace, OfferedProtocols, Separator, TransferType};

/// What a service can, and how it wants things written. The names of the fields, with `-` for `_`, are those of `quirks`
/// in the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Dialect {
    /// A part of a file can be fetched.
    pub ranges: Learned,
    /// Listings can be fetched in pages: `limit` is kept, and `uri` begins a page where the last one ended.
    pub paging: Learned,
    /// `limit=0` gives a container without its children. Where it is refused, `limit=1` is sent and the first lines read.
    pub limit_zero: Learned,
    /// The children in a listing come with their properties.
    pub child_properties: Learned,
    /// Nodes tell when they changed.
    pub dates: Learned,
    /// Files tell their MD5.
    pub digests: Learned,
    /// The root container can be read and listed.
    pub root: Learned,
    /// Bytes can be PUT to the path of the file, without negotiation.
    pub direct_put: Learned,
    /// A file is made empty by an upload of nothing; where not, its node is deleted and made again.
    pub empty_put: Learned,
    /// The place for an upload can be asked for with one request (the parameter form of synchronous transfers).
    pub short_negotiation: Learned,
    /// Large files can be uploaded in segments.
    pub transactions: Learned,
    /// An address of bytes is good for one request. Never learned: it would have to be used up. See
    /// [`Dialect::may_ask_again`] for what is taken to be so.
    pub one_use_endpoints: Learned,
    /// An address of bytes can be asked by HEAD without harm. Never learned either, because HEAD uses some up; see
    /// [`Dialect::may_head`].
    pub head_endpoints: Learned,
    /// An address of bytes wants the caller's credentials although it does not say so.
    pub endpoint_credentials: Learned,
    /// An upload takes the properties of the file away (VOSpace 2.1 §3.6 demands it).
    pub push_clears_properties: Learned,
    /// A move can be done within one request.
    pub sync_move: Learned,
    /// Files that hold bytes can be moved.
    pub moves_files: Learned,
    /// A link that is moved keeps its target.
    pub moves_links: Learned,
    /// DELETE takes a container with all that is in it.
    pub deletes_trees: Learned,
    /// Names can have letters outside ASCII: where there is one, or the user says so. That they cannot is not learned, because
    /// a refusal may be about a single letter.
    pub non_ascii_names: Learned,
    /// Characters that no name can have, besides those that no service takes.
    pub refused_characters: Characters,
    /// How names are written in the URIs of documents that are sent.
    pub names_in_documents: NamesInDocuments,
    /// The XML namespace of documents.
    pub namespace: Namespace,
    /// What stands within the authority of node URIs.
    pub authority_separator: Separator,
    /// What stands between the groups of a list.
    pub group_separator: GroupSeparator,
    /// As what a transfer document is announced.
    pub transfer_type: TransferType,
    /// A transfer document has to name a view.
    pub transfer_view: Learned,
    /// The protocols that a transfer may ask for.
    pub protocols: OfferedProtocols,
}

/// What each field is called in tables that people read, by its name in the configuration file.
const TITLES: [(&str, &str); 28] = [
    ("ranges", "ranges"),
    ("paging", "pages"),
    ("limit-zero", "containers without children"),
    ("child-properties", "properties in listings"),
    ("dates", "dates"),
    ("digests", "digests"),
    ("root", "root can be read"),
    ("direct-put", "direct upload"),
    ("empty-put", "upload of nothing"),
    ("short-negotiation", "short negotiation"),
    ("transactions", "upload in segments"),
    ("one-use-endpoints", "addresses of bytes good once"),
    ("head-endpoints", "addresses of bytes by HEAD"),
    ("endpoint-credentials", "addresses of bytes want credentials"),
    ("push-clears-properties", "upload clears properties"),
    ("sync-move", "moves at once"),
    ("moves-files", "moves files with bytes"),
    ("moves-links", "moved links keep targets"),
    ("deletes-trees", "DELETE takes trees"),
    ("non-ascii-names", "names outside ASCII"),
    ("refused-characters", "refused in names"),
    ("names-in-documents", "names in documents"),
    ("namespace", "namespace"),
    ("authority-separator", "authorities written with"),
    ("group-separator", "groups separated by"),
    ("transfer-type", "transfers sent as"),
    ("transfer-view", "transfers need a view"),
    ("protocols", "protocols"),
];

/// One line of the table of what is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its name in the configuration file.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What is known, as the configuration file has it; `unknown` if nothing is.
    pub value: String,
}

impl Dialect {
    /// All that can be known, in a fixed order.
    ///
    /// ```
    /// use vospace_client::dialect::{Dialect, Learned};
    ///
    /// // What `Service::dialect` gives of a service that was never asked; a field is one of the three until an answer settles it.
    /// let dialect = Dialect::default();
    /// assert_eq!(dialect.ranges, Learned::Unknown);
    /// let ranges = dialect.facts().into_iter().find(|fact| fact.name == "ranges").unwrap();
    /// assert_eq!(ranges.value, "unknown");
    /// ```
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let fields = serde_json::to_value(self).unwrap_or_default();
        let value = |name: &str| match &fields[name] {
            serde_json::Value::String(text) if text.is_empty() => "nothing more".to_owned(),
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        TITLES.into_iter().map(|(name, title)| Fact { name, title, value: value(name) }).collect()
    }

    /// Whether an address of bytes may be asked a second time: for what is left, or for what became of an upload. A
    /// service that gives `/files`, a lasting address for each file, is taken to give lasting places as well, until told
    /// otherwise; of all others an address is good once, as the standard has it (VOSpace 2.1 §3.6).
    #[must_use]
    pub fn may_ask_again(&self, has_files: bool) -> bool {
        match self.one_use_endpoints {
            Learned::Yes => false,
            Learned::No => true,
            Learned::Unknown => has_files,
        }
    }

    /// The same for HEAD.
    #[must_use]
    pub fn may_head(&self, has_files: bool) -> bool {
        match self.head_endpoints {
            Learned::Yes => true,
            Learned::No => false,
            Learned::Unknown => self.may_ask_again(has_files),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_field_once() {
        let fields = serde_json::to_value(Dialect::default()).unwrap();
        let mut fields: Vec<&String> = fields.as_object().unwrap().keys().collect();
        let mut titles: Vec<&str> = TITLES.iter().map(|(name, _)| *name).collect();
        fields.sort();
        titles.sort_unstable();
        assert_eq!(fields, titles);
    }

    #[test]
    fn what_is_known_is_shown_as_it_would_be_forced() {
        let dialect = Dialect { ranges: Learned::No, namespace: Namespace::V21, ..Dialect::default() };
        let value = |name: &str| dialect.facts().into_iter().find(|fact| fact.name == name).unwrap().value;
        assert_eq!((value("ranges").as_str(), value("paging").as_str()), ("no", "unknown"));
        assert_eq!(value("namespace"), "http://www.ivoa.net/xml/VOSpace/v2.1");
        assert_eq!(value("refused-characters"), "nothing more");
    }
}
