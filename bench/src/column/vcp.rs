//! This project's commands: what bulk copying reaches, and therefore what the mount could reach; over TLS where they are
//! compared with those of Python, which speak nothing else.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::{Access, Column, Commands, Programs, Session};
use crate::data::USER;
use crate::link::Link;
use crate::service::{Profile, TOKEN};
use crate::stage::Stage;

/// `vcp` and the others.
#[derive(Debug)]
pub(crate) struct Vcp {
    /// Over TLS.
    pub(crate) tls: bool,
}

impl Column for Vcp {
    fn name(&self) -> &'static str {
        if self.tls { "commands" } else { "vcp" }
    }

    fn about(&self) -> &'static str {
        if self.tls { "the `v*` commands of this project, over TLS" } else { "`vcp` of this project, to a local file" }
    }

    fn absent(&self, stage: &Stage) -> Option<String> {
        stage.program("vospace").err().map(|error| error.to_string())
    }

    fn open(&self, stage: &Stage, place: &Path, profile: Profile, link: Link) -> Result<Session> {
        let service = stage.service(place, profile, link, self.tls)?;
        let local = place.join("local");
        fs::create_dir(&local)?;
        let home = place.to_string_lossy().into_owned();
        let mut environment =
            vec![("HOME", home), ("VOSPACE_REGISTRY_URL", service.registry()), ("VOSPACE_TOKEN", TOKEN.to_owned())];
        if self.tls {
            environment.push(("VOSPACE_CA_BUNDLE", stage.data.authority().to_string_lossy().into_owned()));
        }
        let uri = format!("{}:{USER}", profile.prefix());
        let commands = Commands { programs: Programs::Whole(stage.program("vospace")?), environment, uri, local };
        Ok(Session::over(Access::Commands(commands), service))
    }
}
