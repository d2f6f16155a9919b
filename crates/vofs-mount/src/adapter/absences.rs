//! The names of which the kernel was told that they do not exist, for as long as it believes that.
//!
//! It does not ask for them again meanwhile, and unlike for a name that exists there is no inode by which it could be told
//! that something changed: it has to be told the name.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use vofs_core::Ino;

/// So many are remembered: a compiler that looks for its headers asks for some thousand in a second.
const MOST: usize = 32 * 1024;

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Absence {
    pub(crate) parent: Ino,
    pub(crate) name: Arc<str>,
    until: Instant,
}

#[derive(Debug, Default)]
struct Told {
    /// The oldest first.
    names: VecDeque<Absence>,
    /// The kernel believes until then in names that are not remembered any more.
    unknown_until: Option<Instant>,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Absences(Mutex<Told>);

impl Absences {
    /// The kernel is about to be told that `parent` has no `name`, and believes it for `long`.
    pub(crate) fn note(&self, parent: Ino, name: &str, long: Duration) {
        if long.is_zero() {
            return;
        }
        let now = Instant::now();
        let mut told = self.0.lock();
        while told.names.front().is_some_and(|oldest| oldest.until <= now) {
            told.names.pop_front();
        }
        if told.names.len() >= MOST
            && let Some(oldest) = told.names.pop_front()
        {
            told.unknown_until = told.unknown_until.max(Some(oldest.until));
        }
        told.names.push_back(Absence { parent, name: name.into(), until: now + long });
    }

    /// What the kernel believes to be absent in `directories`; and until when it does so of names that nobody remembers.
    pub(crate) fn within(&self, directories: &HashSet<Ino>) -> (Vec<Absence>, Option<Instant>) {
        let now = Instant::now();
        let told = self.0.lock();
        let believed = told.names.iter().filter(|absence| absence.until > now && directories.contains(&absence.parent));
        (believed.cloned().collect(), told.unknown_until.filter(|until| *until > now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_believed_is_remembered_as_long_as_that() {
        let absences = Absences::default();
        let [one, other] = [Ino(1), Ino(2)];
        absences.note(one, "at once", Duration::ZERO);
        absences.note(one, "over", Duration::from_nanos(1));
        absences.note(one, "here", Duration::from_secs(60));
        absences.note(other, "elsewhere", Duration::from_secs(60));
        let (believed, unknown) = absences.within(&HashSet::from([one]));
        let names: Vec<&str> = believed.iter().map(|absence| &*absence.name).collect();
        assert_eq!((names, unknown), (vec!["here"], None));
        for _ in 0..MOST {
            absences.note(other, "more", Duration::from_secs(60));
        }
        let (believed, unknown) = absences.within(&HashSet::from([one]));
        assert!(believed.is_empty() && unknown.is_some(), "forgotten, and known to be");
    }
}
