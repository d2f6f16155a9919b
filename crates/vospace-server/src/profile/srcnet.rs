//! Cavern as the sites of SRCNet run it: callers prove who they are by tokens of an OIDC issuer and by nothing else, and
//! no URL is authorised by itself.

use super::access::Challenges;
use super::{Access, Profile, Transfers};

impl Profile {
    /// Cavern at a site of SRCNet.
    pub fn srcnet() -> Profile {
        let cavern = Profile::cavern();
        Profile {
            service: "cavern",
            prefix: "srcnet",
            authority: "srcnet.example~cavern",
            resource_id: "ivo://srcnet.example/cavern",
            access: Access {
                cookie: None,
                certificates: false,
                issued: true,
                challenges: Challenges::Tokens,
                ..cavern.access
            },
            transfers: Transfers { preauthorized: false, ..cavern.transfers },
            groups: "ivo://skao.int/",
            ..cavern
        }
    }
}
