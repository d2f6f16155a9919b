//! The local file system once more, by way of FUSE: what that alone costs.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::mounted::Mounted;
use super::{Access, Column, Session};
use crate::link::Link;
use crate::service::Profile;
use crate::stage::Stage;

/// See [`crate::passthrough`].
#[derive(Debug)]
pub(crate) struct PassThrough;

impl Column for PassThrough {
    fn name(&self) -> &'static str {
        "passthrough"
    }

    fn about(&self) -> &'static str {
        "the local file system with the same files through a bare FUSE file system, no link in between"
    }

    fn absent(&self, _: &Stage) -> Option<String> {
        None
    }

    fn open(&self, stage: &Stage, place: &Path, _: Profile, _: Link) -> Result<Session> {
        let point = place.join("mnt");
        fs::create_dir(&point)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("pass-through").arg(stage.data.tree()).arg(&point);
        let mounted = Mounted::start(&mut command, &point, &place.join("passthrough.out"))?;
        Ok(Session::plain(Access::Tree(point)).mounted(mounted))
    }
}
