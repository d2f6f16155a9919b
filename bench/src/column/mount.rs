//! This project's mount, with its default settings.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::mounted::Mounted;
use super::{Access, Column, Session};
use crate::data::USER;
use crate::link::Link;
use crate::service::{Profile, TOKEN};
use crate::stage::Stage;

/// `mountvofs`.
#[derive(Debug)]
pub(crate) struct Mount;

impl Column for Mount {
    fn name(&self) -> &'static str {
        "mount"
    }

    fn about(&self) -> &'static str {
        "`mountvofs` of this project, default settings, an empty cache"
    }

    fn absent(&self, stage: &Stage) -> Option<String> {
        stage.program("mountvofs").err().map(|error| error.to_string())
    }

    fn open(&self, stage: &Stage, place: &Path, profile: Profile, link: Link) -> Result<Session> {
        let service = stage.service(place, profile, link, false)?;
        let point = place.join("mnt");
        fs::create_dir(&point)?;
        let mut command = Command::new(stage.program("mountvofs")?);
        command
            .args(["--foreground", "--vospace"])
            .arg(format!("{}:{USER}", profile.prefix()))
            .arg("--mountpoint")
            .arg(&point)
            .arg("--cache_dir")
            .arg(place.join("cache"))
            .env("HOME", place)
            .env("VOSPACE_REGISTRY_URL", service.registry())
            .env("VOSPACE_TOKEN", TOKEN);
        let mounted = Mounted::start(&mut command, &point, &place.join("mountvofs.out"))?;
        Ok(Session::over(Access::Tree(point), service).mounted(mounted))
    }
}
