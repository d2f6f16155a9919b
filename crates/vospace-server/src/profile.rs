//! Profiles: the habits of a VOSpace service, as data.
//!
//! A space behaves like CADC's Vault, like Cavern, like the services of other makers, or like the standard by the letter.
//! Each habit that differs is one field here or in the struct of its duty, named by what it decides; the rest of the crate
//! asks the field and never the name of the profile. A new profile is a new value of this type: those that there are stand
//! in a file each.

pub mod access;
mod cavern;
mod datalab;
pub mod documents;
pub mod habits;
pub mod jobs;
pub mod links;
pub mod moves;
pub mod names;
mod pyvospace;
pub mod resources;
mod srcnet;
mod strict;
pub mod transfers;
mod vault;

use access::Access;
use documents::Documents;
use jobs::Jobs;
use links::Links;
use moves::Moves;
use names::Names;
use resources::Resources;
use serde::{Deserialize, Serialize};
use transfers::Transfers;

/// Where the bytes of a file are and how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bytes {
    /// At a separate byte service with pre-authorised URLs: `/files` redirects; a PUT replaces the file in one step.
    Redirected,
    /// Under `/files` itself: no ranges, and a PUT writes in place, truncating the file when it fails.
    InPlace,
    /// At URLs of single jobs, each good once: no ranges, no checksums; a PUT replaces the file in one step.
    AtJobs,
}

/// How a container is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Listing {
    /// By name; `limit` and `uri` make pages.
    Paged,
    /// In the order of arrival; `limit` above zero is ignored and `uri` refused.
    Whole,
    /// By name; `limit` cuts it, has to be above zero, and `uri` is ignored: what is cut off is out of reach.
    Cut,
    /// By name; `limit` and `uri` are ignored.
    Unpaged,
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

/// Which service a space imitates, and in what.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The path of the service: `vault`, `arc`, …
    #[serde(skip)]
    pub service: &'static str,
    /// What users write before the colon.
    #[serde(skip)]
    pub prefix: &'static str,
    /// The authority of node URIs: `cadc.nrc.ca~vault`.
    #[serde(skip)]
    pub authority: &'static str,
    /// The identifier in the registry: `ivo://cadc.nrc.ca/vault`.
    #[serde(skip)]
    pub resource_id: &'static str,
    /// The version text of the `Server` header. Python's `vos` refuses a service whose minor version is above the one
    /// it knows, hence these.
    #[serde(skip)]
    pub server: &'static str,
    /// Which resources there are.
    pub resources: Resources,
    /// Who is let in.
    pub access: Access,
    /// What documents look like.
    pub documents: Documents,
    /// Which names there are.
    pub names: Names,
    /// Links.
    pub links: Links,
    /// Negotiations.
    pub transfers: Transfers,
    /// Jobs as resources.
    pub jobs: Jobs,
    /// Moves and copies.
    pub moves: Moves,
    /// Where bytes live.
    pub bytes: Bytes,
    /// How containers are listed.
    pub listing: Listing,
    /// Where file metadata come from.
    pub metadata: Metadata,
    /// Whether nodes can be locked (`core#islocked`).
    pub locks: bool,
    /// Whether permissions are the access lists of a file system: groups of this service only, each once.
    pub local_groups_only: bool,
    /// What the identifiers of this service's groups begin with.
    #[serde(skip)]
    pub groups: &'static str,
    /// What all text properties of a node may take together, if they are extended attributes of a file system; a node
    /// that gets more is lost.
    pub attributes: Option<usize>,
    /// Whether paths in negotiated endpoints stay as they are, in a document that is sent as Latin-1.
    pub raw_endpoints: bool,
    /// Whether of two that make the same new file at a time all but one fail.
    pub creation_race: bool,
    /// Whether the service asks the registry for its own address before it answers a transfer.
    pub looks_itself_up: bool,
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
    /// Most children in one answer; the standard leaves it to the service, and the client to ask on.
    pub longest_page: usize,
    /// Whether a node is shown with all its properties, computed ones too, unless less is asked for.
    pub full_detail: bool,
    /// Whether a container that may not be read is shown without children, and not refused.
    pub unreadable_looks_empty: bool,
    /// Whether DELETE takes a container with all that is in it, and answers 204.
    pub delete_is_recursive: bool,
    /// Whether a document that names a property which only the service sets is refused (403), and not ignored there.
    pub immutable_refused: bool,
    /// Whether `core#mtime`, `ctime` and `btime` can be set.
    pub times_accepted: bool,
    /// What separates the groups of a list.
    pub group_separator: char,
    /// Least bytes of a segment of a PUT transaction, but for the last one. A file system takes one; object stores more.
    pub least_segment: u64,
    /// Most bytes of a segment.
    pub longest_segment: Option<u64>,
    /// Whether the negotiation of a download of an empty file offers an endpoint at all.
    pub pull_of_empty_has_endpoint: bool,
}
