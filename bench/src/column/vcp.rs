//! This project's commands: what bulk copying reaches, and therefore what the mount could reach.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::{Access, Column, Commands, Session};
use crate::data::USER;
use crate::link::Link;
use crate::service::{Profile, TOKEN};
use crate::stage::Stage;

/// `vcp` and the others.
#[derive(Debug)]
pub(crate) struct Vcp;

impl Column for Vcp {
    fn name(&self) -> &'static str {
        "vcp"
    }

    fn about(&self) -> &'static str {
        "`vcp` of this project, to a local file"
    }

    fn absent(&self, stage: &Stage) -> Option<String> {
        stage.program("vospace").err().map(|error| error.to_string())
    }

    fn open(&self, stage: &Stage, place: &Path, profile: Profile, link: Link) -> Result<Session> {
        let service = stage.service(place, profile, link, false)?;
        let local = place.join("local");
        fs::create_dir(&local)?;
        let home = place.to_string_lossy().into_owned();
        let environment =
            vec![("HOME", home), ("VOSPACE_REGISTRY_URL", service.registry()), ("VOSPACE_TOKEN", TOKEN.to_owned())];
        let uri = format!("{}:{USER}", profile.prefix());
        let commands = Commands { program: stage.program("vospace")?, environment, uri, local };
        Ok(Session::over(Access::Commands(commands), service))
    }
}
