//! What a former mount left: files that were acknowledged and not uploaded, replacements that were half done.

use std::collections::HashSet;
use std::sync::Arc;

use crate::dirty::DirtyFile;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::journal::Stage;
use crate::meta::{Kind, Meta};
use crate::path::NodePath;
use crate::upload::sender;

impl Engine {
    /// Finds everything of the journal again and goes on with it in the background.
    pub(crate) async fn recover(self: &Arc<Self>) -> Result<()> {
        let moves = self.journal.replacements().await?;
        if self.config.read_only {
            let (files, moves) = (self.journal.pending().await?.len(), moves.len());
            if files + moves > 0 {
                tracing::warn!(
                    files,
                    moves,
                    "read-only: what was not uploaded yet, and renames that were interrupted, wait in the journal for a mount that may write"
                );
            }
            return Ok(());
        }
        for (id, intent) in moves {
            if intent.copied.is_some() || self.outage.is_on() {
                // That takes as long as its bytes do, or the outage.
                self.finish_later(id, intent);
                continue;
            }
            self.note_unsettled(id, &intent);
            if let Err(error) = self.settle_move(id, &intent).await {
                tracing::error!(%error, ?intent, "an interrupted move is not finished yet");
                self.finish_later(id, intent);
            }
        }
        // Renames that were just finished have given some of them other names.
        let pending = self.journal.pending().await?;
        let known: HashSet<String> = pending.iter().map(|pending| pending.id.clone()).collect();
        for record in pending {
            let path = record.path();
            let dirty = match DirtyFile::reopen(self.journal.directory(), &record) {
                Ok(dirty) => dirty,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    tracing::error!(%path, id = record.id, "journal: the data of this file is gone from the cache directory; its record is dropped");
                    self.journal.remove(&record.id).await?;
                    continue;
                }
                Err(error) => {
                    let place = self.journal.directory().join(&record.id);
                    return Err(Error::CacheDir(format!(
                        "{path} was never uploaded, and its bytes in {} cannot be opened: {error}; mend that and mount \
                         again, or give it up with `mountvofs pending discard`",
                        place.display()
                    )));
                }
            };
            let stays = record.base.is_none() && self.local.stays(&path);
            if !stays {
                tracing::info!(%path, bytes = record.length, last = ?record.error, "journal: not uploaded yet, resumed");
            }
            let mut meta = Meta::new(Kind::File);
            if !stays && let Ok(found) = self.asked_at_start(&path).await {
                meta.access = found.access;
            }
            let file = self.files.restore(&path, &meta, record.base.clone(), dirty);
            {
                let mut state = file.state();
                state.wanted_access = record.access;
                state.begun = record.begun;
                state.unrecognised = record.begun.then_some(0);
                state.attempted = record.attempted;
                state.properties = record.properties;
                // What was refused is tried once at each mount; what the user has to decide is not.
                state.stage = if record.stage == Stage::Conflict { Stage::Conflict } else { Stage::Waiting };
            }
            sender::attend(self, &file, sender::Start::Now);
        }
        self.sweep_dirty(&known);
        Ok(())
    }

    async fn asked_at_start(&self, path: &NodePath) -> Result<Meta> {
        if self.outage.is_on() { self.known_last(path).await } else { self.ask(path).await }
    }

    /// Removes data files that no record names: changes that were never acknowledged.
    fn sweep_dirty(&self, known: &HashSet<String>) {
        let Ok(entries) = std::fs::read_dir(self.journal.directory()) else { return };
        for entry in entries.flatten() {
            if !entry.file_name().to_str().is_some_and(|name| known.contains(name)) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}
