//! Asking for nodes of directories whose listings give names only.

use std::sync::Arc;

use crate::along::AHEAD;
use crate::engine::Engine;
use crate::error::Result;
use crate::meta::Meta;
use crate::path::NodePath;

impl Engine {
    /// [`Engine::ask`], for who walks through a directory whose listing tells nothing of its children: they are asked for ahead
    /// of him.
    pub(crate) async fn ask_along(self: &Arc<Self>, path: &NodePath) -> Result<Meta> {
        let (Some(directory), Some(next)) = (path.parent(), self.names.to_be_asked(path, AHEAD)) else {
            return self.ask(path).await;
        };
        if self.along.is_walk(&directory, self.clock.now()) {
            next.into_iter().for_each(|sibling| self.ask_ahead(sibling));
        }
        let _question = match self.along.begin(path) {
            Ok(question) => Some(question),
            Err(others) => {
                others.ended().await;
                None
            }
        };
        self.ask_unless_answered(path).await
    }

    /// Another question may have been answered just before this one began. Where it failed, that says nothing of this one.
    async fn ask_unless_answered(&self, path: &NodePath) -> Result<Meta> {
        match self.resolve_now(path) {
            Some(known) => known,
            None => self.ask(path).await,
        }
    }

    fn ask_ahead(self: &Arc<Self>, path: NodePath) {
        let Ok(question) = self.along.begin(&path) else { return };
        let engine = Arc::clone(self);
        self.runtime.spawn(async move {
            let _place = engine.along.places.acquire().await;
            if let Err(error) = engine.ask_unless_answered(&path).await {
                tracing::debug!(%path, %error, "asked for ahead in vain");
            }
            drop(question);
        });
    }
}
