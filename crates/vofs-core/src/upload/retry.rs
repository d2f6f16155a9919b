//! Another try, and another, with longer pauses, until the service has the bytes.

use std::sync::Arc;

use crate::engine::Engine;
use crate::file::OpenFile;

/// Tries again in the background, unless somebody does already. What the service refused for good is left for the next
/// mount.
pub(crate) fn keep_trying(engine: &Arc<Engine>, file: &Arc<OpenFile>) {
    {
        let mut state = file.state();
        if state.retrying || state.refused || state.dirty.is_none() {
            return;
        }
        state.retrying = true;
    }
    let (engine, file) = (Arc::clone(engine), Arc::clone(file));
    engine.runtime.clone().spawn(async move {
        let (mut pause, longest) = engine.config.retry_pause;
        // A close that has just failed was a try; a file that was only emptied and closed has had none.
        if file.state().handles > 0 {
            tokio::time::sleep(pause).await;
        }
        loop {
            match Box::pin(engine.flush_file(&file, true)).await {
                Ok(()) => break,
                Err(error) if !error.is_transient() => break,
                Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
        file.state().retrying = false;
        engine.files.settle(&file);
    });
}
