//! This project's mount, with its default settings, or asking less.

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
pub(crate) struct Mount {
    /// Openings ask nothing within the lifetime of attributes.
    pub(crate) ttl: bool,
}

impl Column for Mount {
    fn name(&self) -> &'static str {
        if self.ttl { "mount-ttl" } else { "mount" }
    }

    fn about(&self) -> &'static str {
        if self.ttl {
            "the same with `--open-check ttl`: opening a cached file asks nothing within 15 s, like NFS with `nocto`"
        } else {
            "`mountvofs` of this project, default settings, an empty cache"
        }
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
            .args(if self.ttl { ["--open-check", "ttl"].as_slice() } else { &[] })
            .env("HOME", place)
            .env("VOSPACE_REGISTRY_URL", service.registry())
            .env("VOSPACE_TOKEN", TOKEN);
        let mounted = Mounted::start(&mut command, &point, &place.join("mountvofs.out"))?;
        Ok(Session::over(Access::Tree(point), service).mounted(mounted))
    }
}
