//! A node as memory keeps it: 88 bytes with its name, where the working form has three times that.
//!
//! Millions of nodes are listed in a session, few of them are links, were touched here, or have an upload of ours behind
//! them: what only those have is apart.
//!
//! A listing may tell no more of a child than its name and what it is. Such a node has no attributes here until it is asked
//! for by itself, and least of all a length of zero.

use compact_str::CompactString;

use crate::clock::Millis;
use crate::meta::{Access, Kind, Meta};
use crate::version::Version;

use super::{Known, Own};

/// No such date.
const NEVER: i64 = i64::MIN;

/// The number of a listing, in the order in which they were begun; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp(pub(crate) u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Directory,
    File,
    Link,
}

/// A name with what is known of its node.
#[derive(Debug, Clone)]
pub(crate) struct Packed {
    name: CompactString,
    rare: Option<Box<Rare>>,
    length: u64,
    md5: [u8; 16],
    content_date: i64,
    date: i64,
    fetched: Millis,
    /// The listing that showed it last.
    pub(super) seen: Stamp,
    shape: Shape,
    access: Access,
    has_md5: bool,
    /// The service has told more of it than its name and what it is.
    is_told: bool,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Rare {
    target: Option<Box<str>>,
    local_mtime: Option<Millis>,
    own: Option<Own>,
    taken: Option<Millis>,
}

impl Packed {
    pub(crate) fn new(name: &str, known: &Known, seen: Stamp) -> Self {
        let Known { meta: Meta { kind, version, access, local_mtime }, fetched, own } = known;
        let (shape, target) = match kind {
            Kind::Directory => (Shape::Directory, None),
            Kind::File => (Shape::File, None),
            Kind::Link { target } => (Shape::Link, Some(target.as_str().into())),
        };
        let rare = Rare { target, local_mtime: *local_mtime, own: own.clone(), taken: version.taken };
        let is_common = rare == Rare::default();
        let millis = |date: Option<Millis>| date.map_or(NEVER, |date| date.0);
        Packed {
            name: CompactString::new(name),
            rare: (!is_common).then(|| Box::new(rare)),
            length: version.length,
            md5: version.md5.unwrap_or_default(),
            content_date: millis(version.content_date),
            date: millis(version.date),
            fetched: *fetched,
            seen,
            shape,
            access: *access,
            has_md5: version.md5.is_some(),
            is_told: true,
        }
    }

    /// A child of which a listing tells no more than this.
    pub(crate) fn untold(name: &str, kind: Kind, seen: Stamp) -> Self {
        let known = Known { meta: Meta::new(kind), fetched: Millis(0), own: None };
        Packed { is_told: false, ..Packed::new(name, &known, seen) }
    }

    /// The same, shown by another listing.
    pub(super) fn seen_by(&self, seen: Stamp) -> Self {
        Packed { seen, ..self.clone() }
    }

    /// False while nothing but its name and what it is is known.
    pub(crate) fn is_told(&self) -> bool {
        self.is_told
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn fetched(&self) -> Millis {
        self.fetched
    }

    pub(super) fn expire(&mut self) {
        self.fetched = Millis(0);
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.shape == Shape::Directory
    }

    /// True for a file that has bytes, or may have some.
    pub(super) fn has_bytes(&self) -> bool {
        self.shape == Shape::File && (self.length > 0 || !self.is_told)
    }

    /// What it is; of a link of which only that is known, without its target.
    pub(crate) fn kind(&self) -> Kind {
        match self.shape {
            Shape::Directory => Kind::Directory,
            Shape::File => Kind::File,
            Shape::Link => {
                let target = self.rare.as_deref().and_then(|rare| rare.target.as_deref());
                Kind::Link { target: target.unwrap_or_default().to_owned() }
            }
        }
    }

    /// All that is known of it; nothing while only its name and what it is are.
    pub(crate) fn meta(&self) -> Option<Meta> {
        self.is_told.then(|| self.told())
    }

    fn told(&self) -> Meta {
        let rare = self.rare.as_deref();
        let kind = self.kind();
        let date = |millis: i64| (millis != NEVER).then_some(Millis(millis));
        let version = Version {
            length: self.length,
            md5: self.has_md5.then_some(self.md5),
            content_date: date(self.content_date),
            date: date(self.date),
            taken: rare.and_then(|rare| rare.taken),
        };
        Meta { kind, version, access: self.access, local_mtime: rare.and_then(|rare| rare.local_mtime) }
    }

    pub(super) fn known(&self) -> Option<Known> {
        let own = self.rare.as_ref().and_then(|rare| rare.own.clone());
        Some(Known { meta: self.meta()?, fetched: self.fetched, own })
    }

    /// True when both say the same of the node, whenever they were learned.
    pub(super) fn says_as(&self, other: &Packed) -> bool {
        let apart = |packed: &Packed| {
            packed.rare.as_ref().map(|rare| (rare.target.clone(), rare.local_mtime, rare.taken)).unwrap_or_default()
        };
        (self.is_told, self.shape, self.access, self.length) == (other.is_told, other.shape, other.access, other.length)
            && (self.has_md5, self.md5, self.content_date, self.date)
                == (other.has_md5, other.md5, other.content_date, other.date)
            && apart(self) == apart(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing_loses_nothing() {
        assert!(size_of::<Packed>() <= 96, "{} bytes a node", size_of::<Packed>());
        let version =
            Version { length: 7, md5: Some([3; 16]), content_date: Some(Millis(-5)), date: None, taken: None };
        let own = Own { until: Millis(9), before: vec![Version::default()] };
        for (kind, own, local_mtime) in [
            (Kind::Directory, None, None),
            (Kind::File, Some(own), Some(Millis(1))),
            (Kind::Link { target: "vos://a~b/c".into() }, None, None),
            (Kind::File, None, None),
        ] {
            let access = Access { public: true, group_read: false, group_write: true };
            let meta = Meta { kind, version: version.clone(), access, local_mtime };
            let known = Known { meta, fetched: Millis(12), own };
            let packed = Packed::new("a name longer than what fits into the node itself", &known, Stamp(1));
            assert_eq!(packed.known().as_ref(), Some(&known));
            assert!(packed.says_as(&Packed::new("", &Known { fetched: Millis(13), ..known }, Stamp(2))));
        }
        let bare = Version { length: 7, taken: Some(Millis(8)), ..Version::default() };
        let known = Known { meta: Meta { version: bare, ..Meta::new(Kind::File) }, fetched: Millis(9), own: None };
        assert_eq!(Packed::new("f", &known, Stamp(1)).known(), Some(known));
    }

    #[test]
    fn a_name_alone_is_no_empty_file() {
        let named = Packed::untold("f", Kind::File, Stamp(1));
        assert_eq!((named.known(), named.meta(), named.kind()), (None, None, Kind::File));
        assert!(named.has_bytes(), "as far as is known");
        let empty = Known { meta: Meta::new(Kind::File), fetched: Millis(0), own: None };
        assert!(!named.says_as(&Packed::new("f", &empty, Stamp(1))));
    }
}
