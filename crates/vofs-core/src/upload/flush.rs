//! From a close, an fsync or another try to the upload.

use std::sync::Arc;

use crate::engine::Engine;
use crate::error::Result;
use crate::file::OpenFile;

use super::{make_durable, retry, send};

impl Engine {
    /// Sends the changes of a file, if it has any.
    ///
    /// `now` is false for a plain close. A shell that runs `echo x > f` duplicates the descriptor and closes the first
    /// one before it writes: sending the emptied file then would delete and make the node on a Vault, which loses its
    /// identity, just before the real upload. So a file that was only emptied is made durable in the journal and
    /// sent when its last descriptor is gone.
    pub(crate) async fn flush_file(self: &Arc<Self>, file: &Arc<OpenFile>, now: bool) -> Result<()> {
        let _flushing = file.flushing.lock().await;
        let (dirty, path, emptied) = {
            let mut state = file.state();
            let (Some(dirty), Some(path)) = (state.dirty.clone(), state.path.clone()) else { return Ok(()) };
            let emptied = dirty.length() == 0 && state.on_service.as_ref().is_some_and(|version| version.length > 0);
            state.uploading = true;
            (dirty, path, emptied)
        };
        let uploading = Uploading(Arc::clone(file));
        let outcome = if emptied && !now {
            make_durable(self, file, &dirty, &path).await
        } else {
            send(self, file, &dirty, &path).await
        };
        drop(uploading);
        self.files.settle(file);
        if let Err(error) = &outcome {
            tracing::error!(%path, %error, "not uploaded; the bytes are kept in the journal");
            retry::keep_trying(self, file);
        }
        outcome
    }
}

/// A file that an upload reads. Also an upload that is given up halfway, by a deadline, lets its writers go on.
struct Uploading(Arc<OpenFile>);

impl Drop for Uploading {
    fn drop(&mut self) {
        self.0.state().uploading = false;
    }
}
