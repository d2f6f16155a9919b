//! pyvospace of ICRAR, as observed in 2026 on version 0.1.0.

use super::access::{Challenges, UnknownScheme};
use super::documents::{Children, Dates, FileTypes, Namespace, OtherNamespace, OwnKeys, Wording};
use super::jobs::Results;
use super::links::Within;
use super::moves::{BelowItself, Copies, MovedLink, Synchronous};
use super::names::{Decoding, Root};
use super::transfers::{Announced, Failures, Https, JobUrls, Parameters};
use super::{Access, Bytes, Documents, Jobs, Links, Listing, Moves, Names, Profile, Resources, Transfers};
use std::borrow::Cow;

impl Profile {
    /// pyvospace of ICRAR.
    pub fn pyvospace() -> Profile {
        Profile {
            service: "vospace",
            prefix: "pyvo",
            authority: "icrar.org~vospace",
            resource_id: "ivo://icrar.org/vospace",
            server: "Python/3.7 aiohttp/3.5.4",
            resources: Resources {
                described: false,
                files: false,
                tree_jobs: false,
                packages: false,
                lists: true,
                login: true,
                relative_locations: true,
                ..Resources::CADC
            },
            access: Access {
                bearer: false,
                unknown_scheme: UnknownScheme::Anonymous,
                cookie: Some(Cow::Borrowed("PYVOSPACE_COOKIE")),
                certificates: false,
                bad_is_anonymous: true,
                members_only: true,
                challenges: Challenges::None,
                names_caller: false,
                group_uris: false,
                open_metadata: true,
                ..Access::CADC
            },
            documents: Documents {
                namespace: Namespace::V21,
                other_namespace: OtherNamespace::Emptied,
                authority_compared: false,
                separator: '!',
                double_slash: true,
                validated: false,
                malformed_fails: true,
                change_only: true,
                children: Children::Bare,
                own_keys: OwnKeys::InVospace,
                dates: Dates::Seconds,
                checksums: false,
                publicity: false,
                rights: false,
                file_types: FileTypes::Kept,
                detail_checked: true,
                wording: Wording::Words,
                ..Documents::CADC
            },
            names: Names { decoding: Decoding::Cut, raw_in_documents: true, root: Root::WithSlash, ..Names::CADC },
            links: Links { within: Within::RefusedOrNotFound, ..Links::CADC },
            transfers: Transfers {
                announced: Announced::Anything,
                parameters: Parameters::InQueryOfPost,
                details_at_once: true,
                failures: Failures::AtOnce,
                https: Https::Refused,
                job_urls: JobUrls::ByDirection,
                stored: 200,
                unwritten_refused: true,
                ..Transfers::CADC
            },
            jobs: Jobs {
                waits: false,
                listed: false,
                removable: false,
                results: Results::Empty,
                phase_exact: true,
                ..Jobs::CADC
            },
            moves: Moves {
                below_itself: BelowItself::Refused,
                links: MovedLink::Refused,
                synchronous: Synchronous::Denied,
                into_containers: false,
                into_root: true,
                mover_owns: false,
                bytes_fail: true,
                keeps_unless_told: false,
                copies: Copies::SameName,
            },
            bytes: Bytes::AtJobs,
            listing: Listing::Cut,
            locks: false,
            creation_race: false,
            byte_urls_once: true,
            redirect_on_request: true,
            push_clears_properties: true,
            availability_asks: false,
            properties_race: false,
            full_detail: true,
            unreadable_looks_empty: false,
            delete_is_recursive: true,
            immutable_refused: true,
            group_separator: ',',
            pull_of_empty_has_endpoint: true,
            ..Profile::vault()
        }
    }
}
