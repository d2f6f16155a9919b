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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mount {
    /// Default settings.
    Default,
    /// Openings ask nothing within the lifetime of attributes.
    Ttl,
    /// `close` and `fsync` do not wait for the upload.
    Background,
    /// The kernel reads whole files of the block cache by itself.
    Passthrough,
}

impl Mount {
    fn options(self) -> &'static [&'static str] {
        match self {
            Mount::Default => &[],
            Mount::Ttl => &["--open-check", "ttl"],
            Mount::Background => &["--write-back", "background"],
            Mount::Passthrough => &["--passthrough"],
        }
    }
}

impl Column for Mount {
    fn name(&self) -> &'static str {
        match self {
            Mount::Default => "mount",
            Mount::Ttl => "mount-ttl",
            Mount::Background => "mount-background",
            Mount::Passthrough => "mount-passthrough",
        }
    }

    fn about(&self) -> &'static str {
        match self {
            Mount::Default => "`mountvofs` of this project, default settings, an empty cache",
            Mount::Ttl => {
                "`mount` with `--open-check ttl`: opening a cached file asks nothing within 15 s, like NFS with `nocto`"
            }
            Mount::Background => {
                "`mount` with `--write-back background`: `close` and `fsync` wait for this disk only, files are sent afterwards"
            }
            Mount::Passthrough => {
                "`mount` with `--passthrough`: the kernel reads whole files of the block cache by itself"
            }
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
            .args(self.options())
            .env("HOME", place)
            .env("VOSPACE_REGISTRY_URL", service.registry())
            .env("VOSPACE_TOKEN", TOKEN);
        let mounted = Mounted::start(&mut command, &point, &place.join("mountvofs.out"))?;
        Ok(Session::over(Access::Tree(point), service).mounted(mounted))
    }
}
