//! The file system of this machine, with the same files on it.

use std::path::Path;

use anyhow::Result;

use super::{Access, Column, Session};
use crate::link::Link;
use crate::service::Profile;
use crate::stage::Stage;

/// Where the data are anyway.
#[derive(Debug)]
pub(crate) struct Native;

impl Column for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn about(&self) -> &'static str {
        "the local file system with the same files, no link in between"
    }

    fn absent(&self, _: &Stage) -> Option<String> {
        None
    }

    fn open(&self, stage: &Stage, _: &Path, _: Profile, _: Link) -> Result<Session> {
        Ok(Session::plain(Access::Tree(stage.data.tree())))
    }
}
