//! Names of which nobody knows whether a request has changed them: its answer was an error, and may have been lost on its way.

use crate::engine::Engine;
use crate::error::Result;
use crate::path::NodePath;

impl Engine {
    /// Passes on what came of a request that makes, moves or removes these names. After an error nothing is believed that was known of
    /// them or of what is below them: the program may look, and has to see what the service did.
    pub(crate) async fn or_doubt<T>(&self, outcome: Result<T>, names: &[&NodePath]) -> Result<T> {
        if outcome.is_err() {
            for path in names {
                if let Err(error) = self.names.doubt(path).await {
                    tracing::warn!(%path, %error, "metadata cache: what is known of it may be old");
                }
            }
        }
        outcome
    }
}
