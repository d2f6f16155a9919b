//! From a close, an fsync or another try to the upload.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::config::WriteBack;
use crate::dirty::DirtyFile;
use crate::engine::Engine;
use crate::error::Result;
use crate::file::OpenFile;
use crate::path::NodePath;

use super::durable::make_durable;
use super::{Sent, send, sender};

/// Who wants the changes of a file to leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A program closed one of its descriptors.
    Close,
    /// A program asked for it: `fsync`, or a change of a file that it has not open.
    Sync,
    /// The file is to be on the service: another try, the end of the mount.
    Send,
}

impl Engine {
    /// Takes the changes of a file, if it has any, to where `wish` wants them.
    ///
    /// A plain close does not send a file that was only emptied. A shell that runs `echo x > f` duplicates the descriptor
    /// and closes the first one before it writes: sending the emptied file then would delete and make the node on a Vault,
    /// which loses its identity, just before the real upload. So such a file is made durable in the journal and sent
    /// when its last descriptor is gone.
    pub(crate) async fn flush_file(self: &Arc<Self>, file: &Arc<OpenFile>, wish: Wish) -> Result<()> {
        if self.stays_here(file) {
            return self.keep_here(file).await;
        }
        if wish != Wish::Send && self.config.write_back == WriteBack::Background {
            return self.keep_file(file, wish).await;
        }
        let _flushing = file.flushing.lock().await;
        let Some(Taken { dirty, path, _uploading }) = take(file, None).await else { return Ok(()) };
        if wish == Wish::Close && file.state().is_emptied() {
            return make_durable(self, file, &dirty, &path).await;
        }
        let outcome = send(self, file, &dirty, &path, &CancellationToken::new()).await;
        drop(_uploading);
        self.files.settle(file);
        if let Err(error) = &outcome {
            tracing::error!(%path, %error, "not uploaded; the bytes are kept in the journal");
            sender::attend(self, file, sender::Start::Later);
        }
        outcome.map(drop)
    }

    /// True for a file that is never sent: its name says so, and the service has none of that name.
    pub(crate) fn stays_here(&self, file: &OpenFile) -> bool {
        let state = file.state();
        state.on_service.is_none() && state.path.as_ref().is_some_and(|path| self.local.stays(path))
    }

    async fn keep_here(self: &Arc<Self>, file: &Arc<OpenFile>) -> Result<()> {
        if file.state().is_kept() {
            return Ok(());
        }
        let _flushing = file.flushing.lock().await;
        match take(file, None).await {
            Some(taken) => make_durable(self, file, &taken.dirty, &taken.path).await,
            None => Ok(()),
        }
    }

    /// Makes the changes durable here and leaves the upload to the background. What the last upload of the file met is told
    /// once, by an fsync.
    async fn keep_file(self: &Arc<Self>, file: &Arc<OpenFile>, wish: Wish) -> Result<()> {
        // Whatever an upload that is under way sends has been kept: it need not be waited for.
        if !file.state().is_kept() {
            let _flushing = file.flushing.lock().await;
            let Some(taken) = take(file, None).await else { return Ok(()) };
            make_durable(self, file, &taken.dirty, &taken.path).await?;
        }
        sender::attend(self, file, sender::Start::WhenQuiet);
        let mut state = file.state();
        match state.failure.as_mut().filter(|failure| wish == Wish::Sync && !failure.told) {
            Some(failure) => {
                failure.told = true;
                Err(failure.error.clone())
            }
            None => Ok(()),
        }
    }

    /// Sends the changes of a file on behalf of the background.
    pub(super) async fn send_in_background(self: &Arc<Self>, file: &Arc<OpenFile>) -> Result<Sent> {
        let _flushing = file.flushing.lock().await;
        let interrupt = CancellationToken::new();
        let Some(Taken { dirty, path, _uploading }) = take(file, Some(&interrupt)).await else {
            return Ok(Sent::Nothing);
        };
        if !file.state().wants_sending() {
            return Ok(Sent::Nothing);
        }
        let outcome = send(self, file, &dirty, &path, &interrupt).await;
        drop(_uploading);
        self.files.settle(file);
        if let Err(error) = &outcome {
            tracing::error!(%path, %error, "not uploaded; the bytes are kept in the journal");
        }
        outcome
    }
}

/// A file whose flush lock is held and which nobody may write to meanwhile.
struct Taken {
    dirty: Arc<DirtyFile>,
    path: NodePath,
    _uploading: Uploading,
}

async fn take(file: &Arc<OpenFile>, interrupt: Option<&CancellationToken>) -> Option<Taken> {
    let taken = {
        let mut state = file.state();
        let (dirty, path) = (state.dirty.clone()?, state.path.clone()?);
        state.uploading = true;
        // Emptying a Vault file is to delete and make its node: in between it has lost its properties.
        state.interrupt = interrupt.filter(|_| dirty.length() > 0).cloned();
        Taken { dirty, path, _uploading: Uploading(Arc::clone(file)) }
    };
    // A write that is under way would otherwise be in the file and not in what is sent.
    file.unchanged().await;
    Some(taken)
}

/// A file that an upload reads. Also an upload that is given up halfway, by a deadline, lets its writers go on.
struct Uploading(Arc<OpenFile>);

impl Drop for Uploading {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.uploading = false;
        state.interrupt = None;
        state.sending = None;
        state.rest();
    }
}
