//! What holds when the service says one thing and we know another.
//!
//! Vault's listings lag behind its single nodes, and its single nodes can lag behind an upload; both for a bounded
//! time. A Cavern is always right about length and date. The rules below never let a lagging answer win, and never
//! keep an old one longer than that time.

use crate::clock::Millis;
use crate::meta::{Kind, Meta};
use crate::version::{Comparison, Version};

use super::{Known, Own, Packed, Stamp};

/// How long our own upload outweighs a listing, and a single node that shows the version before it. Vault's worker runs
/// every 30 s, and several sites harvest from each other within about two minutes (observed, documented by neither).
pub(super) const OWN_MILLIS: i64 = 120_000;

/// So many versions that were there before our own last upload are known again when a lagging answer shows them: a
/// program that saves every few seconds makes as many while the service may lag.
const FORMER: usize = 32;

/// What we have stored ourselves, by an upload or by a rename of a file of which we had `moved` uploads.
pub(super) fn own(known: Option<&Known>, moved: Option<&Own>, meta: Meta, now: Millis) -> Known {
    let own = meta.is_file().then(|| {
        let former = known.filter(|known| known.meta.is_file());
        let earlier = former.and_then(|known| known.own.as_ref()).into_iter().chain(moved);
        let earlier = earlier.filter(|own| now < own.until).flat_map(|own| &own.before);
        let mut before: Vec<Version> = earlier.chain(former.map(|known| &known.meta.version)).cloned().collect();
        before.drain(..before.len().saturating_sub(FORMER));
        Own { until: Millis(now.0 + OWN_MILLIS), before }
    });
    Known { meta, fetched: now, own }
}

/// A description that tells nothing but the length is marked, so that it can be told from a later one.
fn marked(mut meta: Meta, now: Millis) -> Meta {
    if meta.version.is_bare() {
        meta.version.taken = Some(now);
    }
    meta
}

/// A single-node answer.
pub(super) fn single(known: Option<&Known>, mut meta: Meta, now: Millis, shared: bool) -> Known {
    let Some(known) = known else { return Known { meta: marked(meta, now), fetched: now, own: None } };
    if meta.version.is_bare() && known.meta.is_file() && known.meta.version.length == meta.version.length {
        // Nothing speaks against what is known, and nothing for it: it counts from when it was learned.
        let since = if known.fetched == Millis(0) { None } else { known.meta.version.taken };
        meta.version = Version { taken: Some(since.unwrap_or(known.fetched)), ..known.meta.version.clone() };
        meta.local_mtime = mtime(&known.meta, &meta, shared);
        return Known { meta, fetched: now, own: known.own.clone() };
    }
    match known.meta.version.compare(&meta.version) {
        Comparison::Same => {
            meta.local_mtime = mtime(&known.meta, &meta, shared);
            Known { meta, fetched: now, own: known.own.clone() }
        }
        _ if is_before_own(known, &meta.version, now) => Known { fetched: now, ..known.clone() },
        Comparison::Unknown | Comparison::Different => Known { meta: marked(meta, now), fetched: now, own: None },
    }
}

/// The modification time that holds of two descriptions of the same bytes, or of one directory. Where times are `shared`
/// through the service, it has the last one. A directory that the service dates anew has changed since.
fn mtime(known: &Meta, shown: &Meta, shared: bool) -> Option<Millis> {
    let dates = known.version.date.zip(shown.version.date);
    if shown.is_directory() && dates.is_some_and(|(known, shown)| known != shown) {
        return shown.local_mtime;
    }
    if shared { shown.local_mtime.or(known.local_mtime) } else { known.local_mtime.or(shown.local_mtime) }
}

/// True while the service may still show what it had before our own upload: one of the versions from then, or a node that
/// nobody has told of its bytes yet.
fn is_before_own(known: &Known, shown: &Version, now: Millis) -> bool {
    let Some(own) = known.own.as_ref().filter(|own| now < own.until) else { return false };
    let is_blank = shown.length == 0 && shown.md5.is_none();
    is_blank || own.before.iter().any(|before| before.is_same(shown))
}

/// One child of a listing.
pub(super) fn listed(known: Option<&Known>, mut meta: Meta, now: Millis, shared: bool) -> Known {
    let Some(known) = known.filter(|known| known.meta.is_file() && meta.is_file()) else {
        let same = known.filter(|known| known.meta.is_directory() && meta.is_directory());
        if let Some(known) = same {
            meta.local_mtime = mtime(&known.meta, &meta, shared);
        }
        return Known { meta: marked(meta, now), fetched: now, own: None };
    };
    let ask_singly = |known: &Known| Known { fetched: Millis(0), ..known.clone() };
    match known.meta.version.compare(&meta.version) {
        Comparison::Same => {
            let mut version = known.meta.version.clone();
            version.enrich(&meta.version);
            meta.version = version;
            meta.local_mtime = mtime(&known.meta, &meta, shared);
            Known { meta, fetched: now, own: known.own.clone() }
        }
        _ if known.own.as_ref().is_some_and(|own| now < own.until) => Known { fetched: now, ..known.clone() },
        // Nothing in the listing contradicts the length: good enough to show, and every open asks anyway.
        Comparison::Unknown => Known { fetched: now, ..known.clone() },
        // A listing that lags shows what was before, never what came after.
        Comparison::Different if is_newer(&meta.version, &known.meta.version) => {
            Known { meta, fetched: now, own: None }
        }
        Comparison::Different => ask_singly(known),
    }
}

/// One child of a listing that gives names only, and whether that is news. What is known of a node of that kind stays as it
/// is, and as old as it is: the listing tells that it is there, and no more.
pub(super) fn named(before: Option<&Packed>, name: &str, kind: Kind, seen: Stamp) -> (Packed, bool) {
    let same = before.filter(|before| {
        matches!(
            (before.kind(), &kind),
            (Kind::Directory, Kind::Directory) | (Kind::File, Kind::File) | (Kind::Link { .. }, Kind::Link { .. })
        )
    });
    match same {
        Some(before) => (before.seen_by(seen), false),
        None => (Packed::untold(name, kind, seen), true),
    }
}

/// True when what was listed was certainly stored after what is known. `core#date` says so only on a service that has no
/// content-dates: a Vault's jumps.
fn is_newer(listed: &Version, known: &Version) -> bool {
    match (listed.content_date, known.content_date) {
        (Some(listed), Some(known)) => listed > known,
        (None, None) => listed.date.zip(known.date).is_some_and(|(listed, known)| listed > known),
        _ => false,
    }
}
