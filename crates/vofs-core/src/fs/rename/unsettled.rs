//! Moves that were interrupted and are not finished or taken back yet.
//!
//! Until then nobody knows what stands under a name from which something was set aside: it is an error, never absent, or whoever took
//! it for absent would make another file there. And nothing is uploaded to the names of the move or below them: the bytes would go
//! where they do not belong, or be taken for what was moved.

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::journal::Replacement;
use crate::path::NodePath;

/// The names of one of them.
#[derive(Debug)]
pub(crate) struct Unsettled {
    from: NodePath,
    to: NodePath,
    /// What stood here stands under another name, or did.
    vacated: Option<NodePath>,
}

impl Unsettled {
    /// Nothing, where all that is left to do is to delete what was set aside; and where it is done by copying, which has rules of its own.
    fn of(intent: &Replacement) -> Option<Self> {
        if intent.moved || intent.copied.is_some() {
            return None;
        }
        let (from, to) = (NodePath::new(&intent.from), NodePath::new(&intent.to));
        let vacated = match (&intent.aside, &intent.detour) {
            (Some(_), _) => Some(to.clone()),
            (None, Some(_)) => Some(from.clone()),
            (None, None) => None,
        };
        Some(Unsettled { from, to, vacated })
    }
}

impl Engine {
    pub(super) fn note_unsettled(&self, id: i64, intent: &Replacement) {
        if let Some(unsettled) = Unsettled::of(intent) {
            if let Some(vacated) = &unsettled.vacated {
                self.names.expire(vacated);
            }
            self.unsettled.lock().insert(id, unsettled);
        }
    }

    /// Fails where nobody knows what stands under this name.
    pub(crate) fn check_known(&self, path: &NodePath) -> Result<()> {
        if self.unsettled.lock().values().any(|unsettled| unsettled.vacated.as_ref() == Some(path)) {
            let cause = "a rename onto it was interrupted and is being taken back".to_owned();
            return Err(Error::Io { path: path.clone(), cause });
        }
        Ok(())
    }

    /// Fails where bytes cannot go to this name yet.
    pub(crate) fn check_settled(&self, path: &NodePath) -> Result<()> {
        let unsettled = self.unsettled.lock();
        if unsettled.values().any(|unsettled| path.is_within(&unsettled.from) || path.is_within(&unsettled.to)) {
            let cause = "a rename was interrupted, and it is sent once that is finished or taken back".to_owned();
            return Err(Error::Io { path: path.clone(), cause });
        }
        Ok(())
    }
}
