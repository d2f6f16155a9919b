//! Asking for nodes of directories whose listings give names only.

use std::sync::Arc;

use crate::along::AHEAD;
use crate::engine::Engine;
use crate::error::{Error, Result};
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
        match self.along.begin(path) {
            Ok(_question) => self.ask(path).await,
            Err(others) => {
                others.ended().await;
                match self.meta_now(path) {
                    Some(known) => known?.map(|(meta, _)| meta).ok_or_else(|| Error::NotFound(path.clone())),
                    // Theirs failed, which says nothing of this one.
                    None => self.ask(path).await,
                }
            }
        }
    }

    fn ask_ahead(self: &Arc<Self>, path: NodePath) {
        let Ok(question) = self.along.begin(&path) else { return };
        let engine = Arc::clone(self);
        self.runtime.spawn(async move {
            let _place = engine.along.places.acquire().await;
            if let Err(error) = engine.ask(&path).await {
                tracing::debug!(%path, %error, "asked for ahead in vain");
            }
            drop(question);
        });
    }
}
