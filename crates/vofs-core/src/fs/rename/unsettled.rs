//! Moves that were interrupted and are not finished or taken back yet.
//!
//! Until then nobody knows what stands under a name from which something was set aside: it is an error, never absent, or whoever took
//! it for absent would make another file there. And nothing is uploaded to the names of the move or below them: the bytes would go
//! where they do not belong, or be taken for what was moved.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::journal::Replacement;
use crate::path::NodePath;

/// One of them.
#[derive(Debug)]
pub(crate) struct Unsettled {
    intent: Replacement,
    from: NodePath,
    to: NodePath,
    /// What stood here stands under another name, or did.
    vacated: Option<NodePath>,
    /// Nothing is uploaded to its names meanwhile.
    holds_back: bool,
    /// Held by who settles it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Unsettled {
    fn of(intent: &Replacement) -> Self {
        let (from, to) = (NodePath::new(&intent.from), NodePath::new(&intent.to));
        // Nothing is in doubt where all that is left to do is to delete what was set aside; copying has rules of its own.
        let holds_back = !intent.moved && intent.copied.is_none();
        let vacated = match (&intent.aside, &intent.detour) {
            (Some(_), _) => Some(to.clone()),
            (None, Some(_)) => Some(from.clone()),
            (None, None) => None,
        };
        let vacated = vacated.filter(|_| holds_back);
        Unsettled { intent: intent.clone(), from, to, vacated, holds_back, turn: Arc::default() }
    }

    /// Whether a name of it stands below `directory`.
    fn is_below(&self, directory: &NodePath) -> bool {
        let others = [&self.intent.aside, &self.intent.detour].into_iter().flatten().map(|name| NodePath::new(name));
        let mut names = others.chain([self.from.clone(), self.to.clone()]);
        names.any(|name| name != *directory && name.is_within(directory))
    }
}

impl Engine {
    pub(crate) fn note_unsettled(&self, id: i64, intent: &Replacement) {
        let unsettled = Unsettled::of(intent);
        if let Some(vacated) = &unsettled.vacated {
            self.names.expire(vacated);
        }
        self.unsettled.lock().insert(id, unsettled);
    }

    /// Whose turn it is to settle a move, unless it is settled.
    pub(super) fn turn_to_settle(&self, id: i64) -> Option<Arc<tokio::sync::Mutex<()>>> {
        self.unsettled.lock().get(&id).map(|unsettled| Arc::clone(&unsettled.turn))
    }

    /// A directory is about to have another name, or none: what is to be settled below it is, by the names that the journal has.
    pub(crate) async fn settle_below(self: &Arc<Self>, directory: &NodePath) -> Result<()> {
        let below: Vec<_> = {
            let unsettled = self.unsettled.lock();
            let below = unsettled.iter().filter(|(_, unsettled)| unsettled.is_below(directory));
            below.map(|(id, unsettled)| (*id, unsettled.intent.clone())).collect()
        };
        for (id, intent) in below {
            self.settle_move(id, &intent).await?;
        }
        Ok(())
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
        let is_of = |one: &Unsettled| one.holds_back && (path.is_within(&one.from) || path.is_within(&one.to));
        if unsettled.values().any(is_of) {
            let cause = "a rename was interrupted, and it is sent once that is finished or taken back".to_owned();
            return Err(Error::Io { path: path.clone(), cause });
        }
        Ok(())
    }
}
