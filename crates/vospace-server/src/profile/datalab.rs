//! The VOSpace of Astro Data Lab at NOIRLab, as observed in 2026 on the sources of 2024.

use super::access::{Challenges, UnknownScheme};
use super::documents::{Children, Dates, FileTypes, OtherNamespace, OwnKeys, Wording};
use super::jobs::Results;
use super::links::{Targets, Within};
use super::moves::{BelowItself, Copies, MovedLink, Synchronous};
use super::names::{Decoding, Root};
use super::resources::SyncName;
use super::transfers::{Announced, Failures, Https, JobUrls, Parameters};
use super::{Access, Bytes, Documents, Jobs, Links, Listing, Moves, Names, Profile, Resources, Transfers};
use std::borrow::Cow;

/// What a synchronous transfer takes at least: the service looks once a second whether it is done.
const PAUSE_MS: u64 = 1000;

impl Profile {
    /// The VOSpace of Astro Data Lab.
    pub fn datalab() -> Profile {
        Profile {
            service: "datalab",
            prefix: "datalab",
            authority: "datalab.noao~vospace",
            resource_id: "ivo://datalab.noao/vospace",
            server: "Apache-Coyote/1.1",
            resources: Resources {
                described: false,
                sync: SyncName::Sync,
                files: false,
                tree_jobs: false,
                packages: false,
                lists: true,
                ..Resources::CADC
            },
            access: Access {
                bearer: false,
                unknown_scheme: UnknownScheme::Anonymous,
                cookie: None,
                header: Some(Cow::Borrowed("X-DL-AuthToken")),
                certificates: false,
                challenges: Challenges::None,
                names_caller: false,
                group_uris: false,
                public_is_open: true,
                anonymous_creation_fails: true,
                ..Access::CADC
            },
            documents: Documents {
                other_namespace: OtherNamespace::Fails,
                separator: '!',
                validated: false,
                malformed_fails: true,
                self_closing_fails: true,
                cut_by_characters: true,
                change_only: true,
                children: Children::BareUnlessAll,
                own_keys: OwnKeys::Prefixed,
                dates: Dates::Zoned,
                checksums: false,
                rights: false,
                file_types: FileTypes::Kept,
                wording: Wording::Sentence,
                ..Documents::CADC
            },
            names: Names {
                decoding: Decoding::Servlet,
                legal: Some(Cow::Borrowed(".-!~*'()+=")),
                failing: Cow::Borrowed("'"),
                slash_refused: true,
                root: Root::Fails,
                ..Names::CADC
            },
            links: Links { targets: Targets::Existing, within: Within::RefusedResolved, ..Links::CADC },
            transfers: Transfers {
                announced: Announced::Form,
                view_demanded: true,
                parameters: Parameters::Nowhere,
                status: 302,
                details_at_once: true,
                pause_ms: PAUSE_MS,
                failures: Failures::Empty,
                https: Https::LeftOut,
                job_urls: JobUrls::Data,
                stored: 204,
                ..Transfers::CADC
            },
            jobs: Jobs {
                waits: false,
                removable: false,
                results: Results::Escaped,
                error_redirects: true,
                ..Jobs::CADC
            },
            moves: Moves {
                below_itself: BelowItself::Lost,
                links: MovedLink::Emptied,
                synchronous: Synchronous::Absent,
                into_root: true,
                mover_owns: false,
                keeps_unless_told: false,
                copies: Copies::Made,
                ..Moves::CADC
            },
            bytes: Bytes::AtJobs,
            listing: Listing::Unpaged,
            locks: false,
            creation_race: false,
            byte_urls_once: true,
            availability_asks: false,
            properties_race: false,
            full_detail: true,
            unreadable_looks_empty: false,
            delete_is_recursive: true,
            times_accepted: true,
            group_separator: ',',
            pull_of_empty_has_endpoint: true,
            ..Profile::vault()
        }
    }
}
