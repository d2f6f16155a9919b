//! Profiles: the habits of a VOSpace service, as data.
//!
//! A space behaves like CADC's Vault or like Cavern, the file service behind ARC. Each habit that differs is one field
//! here, named by what it decides; the rest of the crate asks the field and never the name of the profile. A new
//! profile (the standard by the letter, a faulty service) is a new value of this type.

pub mod habits;

use serde::{Deserialize, Serialize};

/// Children in one answer of the strict profile: few, so that every client has to ask on.
const STRICT_PAGE: usize = 100;

/// What one block of ext4 has for the extended attributes of a file, without the heads of the block and of the list.
/// Other file systems below Cavern have more room; this is the one where clients lose files first.
const EXT4_ATTRIBUTES: usize = 4096 - 36;

/// Where the bytes of a file are and how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bytes {
    /// At a separate byte service with pre-authorised URLs: `/files` redirects; a PUT replaces the file in one step.
    Redirected,
    /// Under `/files` itself: no ranges, and a PUT writes in place, truncating the file when it fails.
    InPlace,
}

/// How a container is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// By name; `limit` and `uri` make pages.
    Paged,
    /// In the order of arrival; `limit` above zero is ignored and `uri` refused.
    Whole,
}

/// Where size, checksum and dates of a file come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Metadata {
    /// From the node row, a copy that is brought up to date now and then.
    Copied,
    /// From the file itself.
    Live,
}

/// How the length of names is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Longest {
    /// In characters, as a database does.
    Characters(usize),
    /// In bytes, as a file system does.
    Bytes(usize),
}

impl Longest {
    /// Whether a name is short enough.
    pub fn takes(self, name: &str) -> bool {
        match self {
            Longest::Characters(most) => name.chars().count() <= most,
            Longest::Bytes(most) => name.len() <= most,
        }
    }
}

/// What happens to an authorisation scheme that the service does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownScheme {
    /// The caller counts as anonymous.
    Anonymous,
    /// 401.
    Refused,
}

/// Which of the two services a space imitates, and in what.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The path of the service and the last part of its identifier: `vault` or `arc`.
    #[serde(skip)]
    pub service: &'static str,
    /// The version text of the `Server` header. Python's `vos` refuses a service whose minor version is above the one
    /// it knows, hence these.
    #[serde(skip)]
    pub server: &'static str,
    /// Where bytes live.
    pub bytes: Bytes,
    /// How containers are listed.
    pub listing: Listing,
    /// Where file metadata come from.
    pub metadata: Metadata,
    /// Basic and other schemes.
    pub unknown_scheme: UnknownScheme,
    /// Longest name; a longer one is a failure, not a refusal.
    pub longest_name: Longest,
    /// Whether nodes can be locked (`core#islocked`).
    pub locks: bool,
    /// Whether links are symbolic links of a file system: only within the space, relative to where they stand, and
    /// without properties.
    pub symbolic_links: bool,
    /// Whether permissions are the access lists of a file system: groups of this service only, each once.
    pub local_groups_only: bool,
    /// What all text properties of a node may take together, if they are extended attributes of a file system; a node
    /// that gets more is lost.
    pub attributes: Option<usize>,
    /// Whether paths in negotiated endpoints stay as they are, in a document that is sent as Latin-1.
    pub raw_endpoints: bool,
    /// Whether of two that make the same new file at a time all but one fail.
    pub creation_race: bool,
    /// Whether the service asks the registry for its own address before it answers a transfer.
    pub looks_itself_up: bool,
    /// Whether there are lists of the views, properties and protocols that the service knows.
    pub lists: bool,
    /// Whether a byte URL is good once, and its job ends with it.
    pub byte_urls_once: bool,
    /// Whether a negotiation by parameters leads to its details unless a redirect is asked for.
    pub redirect_on_request: bool,
    /// Whether an upload takes the properties of the file away.
    pub push_clears_properties: bool,
    /// Whether `.auto` stands for a name that the service makes, and a move to `.null` removes.
    pub reserved_names: bool,
    /// Whether the summary of a failed job has the words of the standard.
    pub uws_words: bool,
    /// Whether the availability fails for a credential that is not good, and its short form tells whether the service is
    /// offline.
    pub availability_asks: bool,
    /// Whether a transfer with a view that is not there fails without saying why.
    pub unknown_view_is_silent: bool,
    /// Whether a container's date moves when a child comes or goes, as directories do.
    pub container_date_follows_children: bool,
    /// Whether a property document that names `core#MD5` erases the stored one.
    pub echo_erases_md5: bool,
    /// Whether a property change reads all properties and writes them all back, so that one of two at a time is lost.
    pub properties_race: bool,
    /// Whether the destination of a move is cut at `#` and `?`, and replaces the file that then has the name.
    pub move_cuts_names: bool,
    /// Whether the path of a request is decoded twice and cut at `#` and `?` on the way.
    pub names_pasted: bool,
    /// Most children in one answer; the standard leaves it to the service, and the client to ask on.
    pub longest_page: usize,
    /// Whether a node is shown with all its properties, computed ones too, unless less is asked for.
    pub full_detail: bool,
    /// Whether a container that may not be read is shown without children, and not refused.
    pub unreadable_looks_empty: bool,
    /// Whether DELETE takes a container with all that is in it, and answers 204.
    pub delete_is_recursive: bool,
    /// Whether a link within a path is refused (400 `LinkFound`), and not followed.
    pub link_found: bool,
    /// Whether a document that names a property which only the service sets is refused (403), and not ignored there.
    pub immutable_refused: bool,
    /// Whether `core#mtime`, `ctime` and `btime` can be set.
    pub times_accepted: bool,
    /// What separates the groups of a list.
    pub group_separator: char,
    /// Whether nodes can be copied.
    pub copies: bool,
    /// Whether a container cannot be moved to where the text of the destination contains that of the source.
    pub move_prefix_refused: bool,
    /// Least bytes of a segment of a PUT transaction, but for the last one. A file system takes one; object stores more.
    pub least_segment: u64,
    /// Most bytes of a segment.
    pub longest_segment: Option<u64>,
    /// Whether the negotiation of a download of an empty file offers an endpoint at all.
    pub pull_of_empty_has_endpoint: bool,
}

impl Profile {
    /// CADC Vault with minoc behind it.
    pub fn vault() -> Profile {
        Profile {
            service: "vault",
            server: "OpenCADC/cadc-rest + storage-inventory/vault-1.0",
            bytes: Bytes::Redirected,
            listing: Listing::Paged,
            metadata: Metadata::Copied,
            unknown_scheme: UnknownScheme::Anonymous,
            longest_name: Longest::Characters(512),
            locks: true,
            symbolic_links: false,
            local_groups_only: false,
            attributes: None,
            raw_endpoints: false,
            creation_race: true,
            looks_itself_up: false,
            lists: false,
            byte_urls_once: false,
            redirect_on_request: false,
            push_clears_properties: false,
            reserved_names: false,
            uws_words: false,
            availability_asks: true,
            unknown_view_is_silent: false,
            container_date_follows_children: false,
            echo_erases_md5: false,
            properties_race: true,
            move_cuts_names: false,
            names_pasted: true,
            longest_page: usize::MAX,
            full_detail: false,
            unreadable_looks_empty: true,
            delete_is_recursive: false,
            link_found: false,
            immutable_refused: false,
            times_accepted: false,
            group_separator: ' ',
            copies: false,
            move_prefix_refused: true,
            least_segment: 1,
            longest_segment: None,
            pull_of_empty_has_endpoint: false,
        }
    }

    /// CADC Cavern, as behind `arc:`.
    pub fn cavern() -> Profile {
        Profile {
            service: "arc",
            server: "OpenCADC/cadc-rest + cavern/cavern-0.10",
            bytes: Bytes::InPlace,
            listing: Listing::Whole,
            metadata: Metadata::Live,
            unknown_scheme: UnknownScheme::Refused,
            longest_name: Longest::Bytes(255),
            locks: false,
            symbolic_links: true,
            local_groups_only: true,
            attributes: Some(EXT4_ATTRIBUTES),
            raw_endpoints: true,
            creation_race: false,
            looks_itself_up: true,
            lists: false,
            byte_urls_once: false,
            redirect_on_request: false,
            push_clears_properties: false,
            reserved_names: false,
            uws_words: false,
            availability_asks: false,
            unknown_view_is_silent: true,
            container_date_follows_children: true,
            echo_erases_md5: true,
            properties_race: false,
            move_cuts_names: true,
            names_pasted: true,
            longest_page: usize::MAX,
            full_detail: false,
            unreadable_looks_empty: true,
            delete_is_recursive: false,
            link_found: false,
            immutable_refused: false,
            times_accepted: false,
            group_separator: ' ',
            copies: false,
            move_prefix_refused: true,
            least_segment: 1,
            longest_segment: None,
            pull_of_empty_has_endpoint: true,
        }
    }

    /// VOSpace 2.1 by the letter, where Vault and Cavern differ from it; bytes as with Vault.
    pub fn strict() -> Profile {
        Profile {
            service: "strict",
            server: "vospaced",
            properties_race: false,
            lists: true,
            byte_urls_once: true,
            redirect_on_request: true,
            push_clears_properties: true,
            reserved_names: true,
            uws_words: true,
            creation_race: false,
            names_pasted: false,
            longest_page: STRICT_PAGE,
            full_detail: true,
            unreadable_looks_empty: false,
            delete_is_recursive: true,
            link_found: true,
            immutable_refused: true,
            times_accepted: true,
            group_separator: ',',
            copies: true,
            move_prefix_refused: false,
            ..Profile::vault()
        }
    }

    /// The authority of node URIs: `cadc.nrc.ca~vault`.
    pub fn authority(&self) -> String {
        format!("cadc.nrc.ca~{}", self.service)
    }

    /// The identifier in the registry: `ivo://cadc.nrc.ca/vault`.
    pub fn resource_id(&self) -> String {
        format!("ivo://cadc.nrc.ca/{}", self.service)
    }
}
