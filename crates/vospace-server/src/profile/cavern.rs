//! CADC Cavern, the file service behind ARC.

use super::access::UnknownScheme;
use super::documents::FileTypes;
use super::names::Longest;
use super::{Access, Bytes, Documents, Links, Listing, Metadata, Names, Profile};

/// What one block of ext4 has for the extended attributes of a file, without the heads of the block and of the list.
/// Other file systems below Cavern have more room; this is the one where clients lose files first.
const EXT4_ATTRIBUTES: usize = 4096 - 36;

impl Profile {
    /// CADC Cavern, as behind `arc:`.
    pub fn cavern() -> Profile {
        Profile {
            service: "arc",
            prefix: "arc",
            authority: "cadc.nrc.ca~arc",
            resource_id: "ivo://cadc.nrc.ca/arc",
            server: "OpenCADC/cadc-rest + cavern/cavern-0.10",
            access: Access { unknown_scheme: UnknownScheme::Refused, ..Access::CADC },
            documents: Documents { file_types: FileTypes::Forgotten, ..Documents::CADC },
            names: Names { longest: Longest::Bytes(255), ..Names::CADC },
            links: Links { symbolic: true, ..Links::CADC },
            bytes: Bytes::InPlace,
            listing: Listing::Whole,
            metadata: Metadata::Live,
            locks: false,
            local_groups_only: true,
            attributes: Some(EXT4_ATTRIBUTES),
            raw_endpoints: true,
            creation_race: false,
            looks_itself_up: true,
            availability_asks: false,
            unknown_view_is_silent: true,
            container_date_follows_children: true,
            echo_erases_md5: true,
            properties_race: false,
            move_cuts_names: true,
            pull_of_empty_has_endpoint: true,
            ..Profile::vault()
        }
    }
}
