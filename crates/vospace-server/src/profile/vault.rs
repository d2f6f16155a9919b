//! CADC Vault with minoc behind it.

use super::{Access, Bytes, Documents, Jobs, Links, Listing, Metadata, Moves, Names, Profile, Resources, Transfers};

impl Profile {
    /// CADC Vault with minoc behind it.
    pub fn vault() -> Profile {
        Profile {
            service: "vault",
            prefix: "vos",
            authority: "cadc.nrc.ca~vault",
            resource_id: "ivo://cadc.nrc.ca/vault",
            server: "OpenCADC/cadc-rest + storage-inventory/vault-1.0",
            resources: Resources::CADC,
            access: Access::CADC,
            documents: Documents::CADC,
            names: Names::CADC,
            links: Links::CADC,
            transfers: Transfers::CADC,
            jobs: Jobs::CADC,
            moves: Moves::CADC,
            bytes: Bytes::Redirected,
            listing: Listing::Paged,
            metadata: Metadata::Copied,
            locks: true,
            local_groups_only: false,
            groups: "ivo://cadc.nrc.ca/",
            attributes: None,
            raw_endpoints: false,
            creation_race: true,
            looks_itself_up: false,
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
            longest_page: usize::MAX,
            full_detail: false,
            unreadable_looks_empty: true,
            delete_is_recursive: false,
            immutable_refused: false,
            times_accepted: false,
            group_separator: ' ',
            least_segment: 1,
            longest_segment: None,
            pull_of_empty_has_endpoint: false,
        }
    }
}
