//! VOSpace 2.1 by the letter.

use super::links::Within;
use super::moves::{BelowItself, Copies};
use super::names::Decoding;
use super::{Links, Moves, Names, Profile, Resources};

/// Children in one answer of the strict profile: few, so that every client has to ask on.
const STRICT_PAGE: usize = 100;

impl Profile {
    /// VOSpace 2.1 by the letter, where Vault and Cavern differ from it; bytes as with Vault.
    pub fn strict() -> Profile {
        Profile {
            service: "strict",
            prefix: "strict",
            authority: "cadc.nrc.ca~strict",
            resource_id: "ivo://cadc.nrc.ca/strict",
            server: "vospaced",
            resources: Resources { lists: true, ..Resources::CADC },
            names: Names { decoding: Decoding::Servlet, ..Names::CADC },
            links: Links { within: Within::Refused, ..Links::CADC },
            moves: Moves { below_itself: BelowItself::Refused, copies: Copies::Made, ..Moves::CADC },
            properties_race: false,
            byte_urls_once: true,
            redirect_on_request: true,
            push_clears_properties: true,
            reserved_names: true,
            uws_words: true,
            creation_race: false,
            longest_page: STRICT_PAGE,
            full_detail: true,
            unreadable_looks_empty: false,
            delete_is_recursive: true,
            immutable_refused: true,
            times_accepted: true,
            group_separator: ',',
            ..Profile::vault()
        }
    }
}
