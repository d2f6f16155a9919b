//! A move that takes more than one step, so that it can be finished or taken back from wherever it was interrupted.
//!
//! ```text
//!   (intent in the journal) ─▶ target set aside ─▶ source moved ─▶ what was set aside deleted ─▶ (intent removed)
//!                                   ▲                   │
//!                                   └── put back ◀── refused
//! ```
//!
//! A directory that the service takes for an ancestor of its destination moves by way of another name:
//!
//! ```text
//!   (intent in the journal) ─▶ refused ─▶ source to the detour ─▶ from there to the target ─▶ (intent removed)
//!                                                  └── put back ◀── refused, or interrupted
//! ```
//!
//! At every moment the old content of the target stands under its name or under the one set aside, until the new one stands
//! under the name. Which step was the last is asked of the service, not remembered. Files that wait for their upload are
//! renamed in the journal in the same transaction that removes the intent.
//!
//! Where the cache directory is lost in the middle of a move, so is the intent. What then stays under another name is named
//! after what it is of, and whoever lists it has the log say what to do: nobody can tell it from the work of another machine.

use std::collections::HashMap;
use std::sync::Arc;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fs::lookup::LONGEST_NAME;
use crate::inode::Ino;
use crate::journal::{Change, Pending, Replacement};
use crate::path::NodePath;
use crate::upload::{self, conflict};

use super::held_back;

/// What the names begin with under which a replaced target stands for a moment.
pub(crate) const REPLACED: &str = ".vofs-replaced-";

/// What the names begin with by way of which a directory moves.
pub(crate) const MOVING: &str = ".vofs-moving-";

/// Hexadecimal digits that make such a name one of its own.
const DIGITS: usize = 32;

/// A name of its own beside `path`, which tells what it is of.
pub(super) fn temporary(kind: &str, path: &NodePath) -> NodePath {
    let mut name = format!("{kind}{}-{}", uuid::Uuid::new_v4().simple(), path.name());
    while name.len() > LONGEST_NAME {
        name.pop();
    }
    path.parent().unwrap_or_default().join(&name)
}

/// What a move has put under this name, if it is such a one.
fn original(name: &str) -> Option<&str> {
    let rest = [REPLACED, MOVING].iter().find_map(|kind| name.strip_prefix(kind))?;
    let (digits, original) = rest.split_at_checked(DIGITS)?;
    let original = original.strip_prefix('-')?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then_some(original)
}

/// What a move came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The target is what the source was.
    Moved,
    /// Everything is as it was.
    TakenBack,
    /// It had moved before, the journal knows, and what was set aside is gone. Whatever stands under either name now is younger.
    TidiedUp,
}

impl Engine {
    /// Moves `from` to `to` on the service. What is there under `to` is replaced if the intent names where it is set aside.
    pub(super) async fn take_steps(self: &Arc<Self>, id: Option<i64>, intent: &Replacement) -> Result<Leftover> {
        let (from, to) = (NodePath::new(&intent.from), NodePath::new(&intent.to));
        let Some(aside) = intent.aside.as_deref().map(NodePath::new) else {
            self.move_directly_or_by_detour(id, intent).await?;
            return Ok(Leftover::Nothing);
        };
        match self.remote.rename(&to, &aside).await {
            Ok(()) => {}
            // It waits for its upload here, and somebody removed what the service had of it.
            Err(Error::NotFound(gone)) if gone == to => {
                return self.remote.rename(&from, &to).await.map(|()| Leftover::Nothing);
            }
            Err(error) => return Err(error),
        }
        if let Err(error) = self.remote.rename(&from, &to).await {
            if let Err(second) = self.remote.rename(&aside, &to).await {
                tracing::error!(%to, %aside, error = %second, "the replaced file could not be put back yet; it is kept under the other name");
                return Err(self.half_done(id, intent, error).await?);
            }
            return Err(error);
        }
        match self.remote.delete(&aside).await {
            Ok(()) => Ok(Leftover::Nothing),
            Err(error) => {
                tracing::warn!(%aside, %error, "the replaced file was not deleted yet");
                Ok(Leftover::Aside)
            }
        }
    }

    async fn move_directly_or_by_detour(self: &Arc<Self>, id: Option<i64>, intent: &Replacement) -> Result<()> {
        let (from, to) = (NodePath::new(&intent.from), NodePath::new(&intent.to));
        let refused = match self.remote.rename(&from, &to).await {
            Err(error @ Error::MovePrefix { .. }) => error,
            outcome => return outcome,
        };
        let Some(detour) = intent.detour.as_deref().map(NodePath::new) else { return Err(refused) };
        tracing::info!(%from, %to, %detour, "moved by way of another name");
        self.remote.rename(&from, &detour).await?;
        let Err(error) = self.remote.rename(&detour, &to).await else { return Ok(()) };
        if let Err(second) = self.remote.rename(&detour, &from).await {
            tracing::error!(%from, %detour, error = %second, "what was to be moved could not be put back yet; it is kept under the other name");
            return Err(self.half_done(id, intent, error).await?);
        }
        Err(error)
    }

    /// What was set aside stands under another name, and will be put back as soon as the service lets us.
    async fn half_done(self: &Arc<Self>, id: Option<i64>, intent: &Replacement, error: Error) -> Result<Error> {
        if let Some(id) = id {
            self.take_back_later(id, intent).await?;
        }
        Ok(Error::HalfDone(Box::new(error)))
    }

    /// The program is told that the move failed: what came of it at the service is looked into, and taken back.
    pub(super) async fn take_back_later(self: &Arc<Self>, id: i64, intent: &Replacement) -> Result<()> {
        let back = Replacement { taken_back: true, ..intent.clone() };
        self.journal.turn(id, &back).await?;
        self.finish_later(id, back);
        Ok(())
    }

    /// Tries again and again to finish a move whose program has its answer.
    pub(crate) fn finish_later(self: &Arc<Self>, id: i64, intent: Replacement) {
        self.note_unsettled(id, &intent);
        let (engine, hurry) = (Arc::downgrade(self), Arc::clone(&self.hurry));
        let (mut pause, longest) = self.config.retry_pause;
        self.runtime.spawn(async move {
            loop {
                let _ = tokio::time::timeout(pause, hurry.notified()).await;
                pause = (pause * 2).min(longest);
                let Some(engine) = engine.upgrade() else { return };
                match engine.settle_move(id, &intent).await {
                    Ok(()) => return,
                    Err(error) => tracing::debug!(%error, ?intent, "a half-done move is not finished yet"),
                }
            }
        });
    }

    /// Finishes a move or takes it back, and has the journal and the open files follow.
    pub(crate) async fn settle_move(self: &Arc<Self>, id: i64, intent: &Replacement) -> Result<()> {
        let Some(turn) = self.turn_to_settle(id) else { return Ok(()) };
        let _turn = turn.lock().await;
        if self.turn_to_settle(id).is_none() {
            // By who had the turn before.
            return Ok(());
        }
        let (from, to) = (NodePath::new(&intent.from), NodePath::new(&intent.to));
        // As by the rename itself, nothing is uploaded meanwhile.
        let files = if intent.copied.is_none() { self.files.within_either(&from, &to) } else { Vec::new() };
        let held = held_back(&files).await;
        let outcome = match intent.copied {
            Some(_) => Box::pin(self.finish_copy(id, intent)).await?,
            None => self.finish_replacement(intent).await?,
        };
        let pending = self.journal.pending().await?;
        self.journal.apply(&Self::after_move(id, intent, outcome, &pending)).await?;
        drop(held);
        self.unsettled.lock().remove(&id);
        // Of what stands under the old name itself, a file that the service never had was made since: it is another one.
        let is_younger = self.files.get(&from).is_some_and(|file| file.state().on_service.is_none());
        if outcome == Outcome::Moved && !is_younger && !self.files.within(&from).is_empty() {
            // The program was told of a failure, but the service had moved it: what waits below goes where it belongs.
            if let (Some(old), Some(new)) = (self.parent_number(&from), self.parent_number(&to)) {
                self.inodes.rename((old, from.name()), (new, to.name()));
            }
            self.files.rename(&from, &to);
            for file in self.files.within(&to) {
                upload::sender::attend(self, &file, upload::sender::Start::Now);
            }
        }
        // What waited for this goes now.
        self.hurry.notify_waiters();
        Ok(())
    }

    /// Says of what an interrupted move left in a directory, and no journal here knows of, what it is and what to do.
    pub(crate) async fn tell_of_leftovers(&self, directory: &NodePath, names: &[String]) {
        let Ok(known) = self.journal.replacements().await else { return };
        let is_ours = |path: &NodePath| {
            let own = |name: &Option<String>| name.as_deref() == Some(path.as_str());
            known.iter().any(|(_, intent)| own(&intent.aside) || own(&intent.detour))
        };
        for path in names.iter().map(|name| directory.join(name)).filter(|path| !is_ours(path)) {
            let Some(original) = original(path.name()) else { continue };
            if self.leftovers.lock().insert(path.clone()) {
                tracing::warn!(
                    %path,
                    "an interrupted rename left this, of another machine or a lost cache directory; if no mount is at work on \
                     it: `mv '{name}' '{original}'` puts it back, `rm` drops it where '{original}' is what it should be",
                    name = path.name(),
                );
            }
        }
    }

    /// The number of the directory of `path`, if the kernel knows it.
    pub(crate) fn parent_number(&self, path: &NodePath) -> Option<Ino> {
        let parent = path.parent()?;
        parent.components().try_fold(Ino::ROOT, |above, name| self.inodes.peek(above, name))
    }

    /// Finishes a move that was interrupted, or takes it back.
    pub(crate) async fn finish_replacement(&self, intent: &Replacement) -> Result<Outcome> {
        let (from, to) = (NodePath::new(&intent.from), NodePath::new(&intent.to));
        if let Some(aside) = intent.aside.as_deref().filter(|_| intent.moved) {
            tracing::info!(%to, "what a replacement had set aside is deleted");
            return match self.remote.delete(&NodePath::new(aside)).await {
                Ok(()) | Err(Error::NotFound(_)) => Ok(Outcome::TidiedUp),
                Err(error) => Err(error),
            };
        }
        let (at_from, at_to) = (self.is_there(&from).await?, self.is_there(&to).await?);
        if let Some(detour) = intent.detour.as_deref().map(NodePath::new)
            && self.is_there(&detour).await?
        {
            // Somebody else may have taken the name meanwhile.
            let home = if at_from { conflict::beside(self, &from, "") } else { from.clone() };
            tracing::warn!(%from, %to, %home, "a move that was interrupted is taken back");
            self.remote.rename(&detour, &home).await?;
            [&from, &to, &home].into_iter().for_each(|path| self.names.expire(path));
            return Ok(Outcome::TakenBack);
        }
        let moved = if at_to && !at_from { Outcome::Moved } else { Outcome::TakenBack };
        let Some(aside) = intent.aside.as_deref().map(NodePath::new) else { return Ok(moved) };
        if !self.is_there(&aside).await? {
            return Ok(moved);
        }
        let outcome = match (at_to, at_from) {
            (true, true) => {
                // Somebody else took the name meanwhile: the old content stays beside it.
                let kept = conflict::beside(self, &to, "");
                tracing::warn!(%to, %kept, "a replacement was taken back, but the name is taken: the old file is kept beside it");
                self.remote.rename(&aside, &kept).await?;
                Outcome::TakenBack
            }
            (true, false) => {
                tracing::info!(%to, "a replacement that was interrupted is finished");
                self.remote.delete(&aside).await?;
                moved
            }
            (false, true) if !intent.taken_back => {
                tracing::info!(%from, %to, "a replacement that was interrupted is finished");
                self.remote.rename(&from, &to).await?;
                self.remote.delete(&aside).await?;
                Outcome::Moved
            }
            (false, _) => {
                tracing::info!(%to, "a replacement that was interrupted is taken back");
                self.remote.rename(&aside, &to).await?;
                Outcome::TakenBack
            }
        };
        for path in [&from, &to, &aside] {
            self.names.expire(path);
        }
        Ok(outcome)
    }

    async fn is_there(&self, path: &NodePath) -> Result<bool> {
        match self.remote.stat(path).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What the journal has to learn of an interrupted move that came to `outcome`.
    pub(crate) fn after_move(id: i64, intent: &Replacement, outcome: Outcome, pending: &[Pending]) -> Change {
        let mut change = Change { end: Some(id), ..Change::default() };
        if outcome != Outcome::Moved {
            return change;
        }
        let (from, to) = (NodePath::new(&intent.from), NodePath::new(&intent.to));
        let known: HashMap<&str, &Pending> = pending.iter().map(|record| (record.id.as_str(), record)).collect();
        // A program that was told of a failure may have written on to what was to be replaced: that ends beside what was moved.
        let replaces = if intent.taken_back { &[][..] } else { &intent.replaces };
        change.remove = replaces.iter().filter(|id| known.contains_key(id.as_str())).cloned().collect();
        let is_younger = |record: &Pending| record.base.is_none() && record.path() == from;
        for record in pending.iter().filter(|record| !intent.replaces.contains(&record.id) && !is_younger(record)) {
            if let Some(path) = record.path().moved(&from, &to) {
                change.put.push(Pending { path: path.as_str().to_owned(), ..record.clone() });
            }
        }
        change
    }
}

/// What a move left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leftover {
    Nothing,
    /// What was set aside is to be deleted yet.
    Aside,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_aside_is_named_after_what_it_is() {
        for (kind, path) in [(REPLACED, "d/f.fits"), (MOVING, "proj"), (REPLACED, "a-b.vofs-moving-")] {
            let path = NodePath::new(path);
            let aside = temporary(kind, &path);
            assert_eq!((aside.parent(), original(aside.name())), (path.parent(), Some(path.name())));
        }
        let long = temporary(MOVING, &NodePath::new(&"é".repeat(127)));
        assert!(long.name().len() <= LONGEST_NAME && original(long.name()).is_some_and(|name| name.starts_with("éé")));
        for name in ["f", ".vofs-replaced-", ".vofs-replaced-1234-f", ".vofs-moving-0123456789abcdef0123456789abcdex-f"]
        {
            assert_eq!(original(name), None, "{name}");
        }
    }
}
