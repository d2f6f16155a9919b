//! Which service a test stands before: what `vospaced` imitates, and how users and programs name it.
//!
//! Expectations that differ ask for the ability that makes the difference ([`Profile::in_place`], [`Profile::one_use`]); they
//! ask for a profile only where one service alone behaves so.

/// Which service is imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// CADC Vault.
    Vault,
    /// Cavern, as behind `arc:`.
    Cavern,
    /// VOSpace 2.1 by the letter.
    Strict,
    /// ICRAR's pyvospace: no capabilities, endpoints that are good once.
    Pyvospace,
    /// The VOSpace of the Astro Data Lab: likewise, and with habits of its own.
    Datalab,
    /// A Cavern of an SRCNet site: OpenID Connect tokens only.
    Srcnet,
    /// Vault and Cavern side by side; what is asked for without saying of which is of Vault.
    Both,
}

impl Profile {
    /// All that stand alone, in the order of tables.
    pub const EVERY: [Profile; 6] =
        [Profile::Vault, Profile::Cavern, Profile::Strict, Profile::Pyvospace, Profile::Datalab, Profile::Srcnet];

    /// As `--profile` wants it.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Vault => "vault",
            Profile::Cavern => "cavern",
            Profile::Strict => "strict",
            Profile::Pyvospace => "pyvospace",
            Profile::Datalab => "datalab",
            Profile::Srcnet => "srcnet",
            Profile::Both => "both",
        }
    }

    /// The short form of its URIs, without the colon.
    pub fn prefix(self) -> &'static str {
        match self {
            Profile::Vault | Profile::Both => "vos",
            Profile::Cavern => "arc",
            Profile::Strict => "strict",
            Profile::Pyvospace => "pyvo",
            Profile::Datalab => "datalab",
            Profile::Srcnet => "srcnet",
        }
    }

    /// The path of the service below its host.
    pub fn service(self) -> &'static str {
        match self {
            Profile::Vault | Profile::Both => "vault",
            Profile::Cavern => "arc",
            Profile::Strict => "strict",
            Profile::Pyvospace => "vospace",
            Profile::Datalab => "datalab",
            Profile::Srcnet => "cavern",
        }
    }

    /// The authority of its URIs, as our programs write it.
    pub fn authority(self) -> &'static str {
        match self {
            Profile::Vault | Profile::Both => "cadc.nrc.ca~vault",
            Profile::Cavern => "cadc.nrc.ca~arc",
            Profile::Strict => "cadc.nrc.ca~strict",
            Profile::Pyvospace => "icrar.org~vospace",
            Profile::Datalab => "datalab.noao~vospace",
            Profile::Srcnet => "srcnet.example~cavern",
        }
    }

    /// The service of groups that goes with it.
    pub fn groups(self) -> &'static str {
        match self {
            Profile::Pyvospace => "ivo://icrar.org/gms",
            Profile::Datalab => "ivo://datalab.noao/gms",
            Profile::Srcnet => "ivo://skao.int/gms",
            _ => "ivo://cadc.nrc.ca/gms",
        }
    }

    /// Whether a file is read and written at a path of its own, in place and as a whole: Caverns.
    pub fn in_place(self) -> bool {
        matches!(self, Profile::Cavern | Profile::Srcnet)
    }

    /// Whether each transfer is negotiated by a document, and the place that is given is good once.
    pub fn one_use(self) -> bool {
        matches!(self, Profile::Pyvospace | Profile::Datalab)
    }

    /// Whether bytes are at sites of their own, with parts, transactions and pages.
    pub fn has_sites(self) -> bool {
        matches!(self, Profile::Vault | Profile::Strict | Profile::Both)
    }

    /// Whether it computes digests of files and tells them: what is the same needs not be copied again.
    pub fn tells_digests(self) -> bool {
        !self.one_use()
    }

    /// Whether dates are so exact that two writings, one after the other, have two.
    pub fn has_exact_dates(self) -> bool {
        self != Profile::Datalab
    }

    /// Whether it cuts parts and headers out of FITS files.
    pub fn cuts_out(self) -> bool {
        self.has_sites()
    }

    /// Whether it says itself where it is to be asked for what.
    pub fn has_capabilities(self) -> bool {
        !self.one_use()
    }

    /// Whether the children in a listing come with their properties.
    pub fn lists_properties(self) -> bool {
        self != Profile::Pyvospace
    }

    /// Whether files that hold bytes can be moved.
    pub fn moves_files(self) -> bool {
        self != Profile::Pyvospace
    }

    /// Whether nodes, and what is in containers, are hidden from who may not read them.
    pub fn hides_nodes(self) -> bool {
        self != Profile::Pyvospace
    }

    /// Whether a path may lead through links: the standard has that refused.
    pub fn follows_links(self) -> bool {
        self.in_place() || matches!(self, Profile::Vault | Profile::Both)
    }

    /// Whether nodes can be locked.
    pub fn has_locks(self) -> bool {
        self.has_sites()
    }

    /// Whether it changes and removes whole trees by jobs of its own.
    pub fn has_tree_jobs(self) -> bool {
        !self.one_use()
    }

    /// Whether a file can have this name, of those that CADC's services take.
    pub fn takes_name(self, name: &str) -> bool {
        match self {
            // It would be cut there.
            Profile::Pyvospace => !name.contains(';'),
            Profile::Datalab => name.chars().all(|c| c.is_ascii_alphanumeric() || "._-!~*()+=".contains(c)),
            _ => true,
        }
    }

    /// Whether programs know the service from the configuration file only.
    pub fn is_configured(self) -> bool {
        self.has_own_credentials() || self == Profile::Srcnet
    }

    /// Whether it takes no bearer token, but what its section of the configuration file says.
    pub fn has_own_credentials(self) -> bool {
        matches!(self, Profile::Pyvospace | Profile::Datalab)
    }
}
