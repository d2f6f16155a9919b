//! `rclone mount` over WebDAV, with its default settings or with its cache on disk.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Error, Result};

use super::mounted::Mounted;
use super::{Access, Column, Session, installed};
use crate::link::Link;
use crate::service::Profile;
use crate::stage::Stage;

/// See the module.
#[derive(Debug)]
pub(crate) struct Rclone {
    /// `--vfs-cache-mode full`: what is read is kept on disk, as the mount of this project always does.
    pub(crate) cached: bool,
}

impl Column for Rclone {
    fn name(&self) -> &'static str {
        if self.cached { "rclone-full" } else { "rclone" }
    }

    fn about(&self) -> &'static str {
        if self.cached {
            "the same with `--vfs-cache-mode full`"
        } else {
            "`rclone mount` of Debian's package, default settings, over WebDAV without TLS"
        }
    }

    fn absent(&self, _: &Stage) -> Option<String> {
        installed("rclone").err()
    }

    fn open(&self, stage: &Stage, place: &Path, _: Profile, link: Link) -> Result<Session> {
        let export = stage.export(place, link)?;
        let point = place.join("mnt");
        fs::create_dir(&point)?;
        let mut command = Command::new(installed("rclone").map_err(Error::msg)?);
        command
            .args(["mount", ":webdav:"])
            .arg(&point)
            .arg(format!("--webdav-url={}", export.base))
            .args(["--webdav-vendor=other", "--config=/dev/null"])
            .arg("--cache-dir")
            .arg(place.join("cache"))
            .env("HOME", place);
        if self.cached {
            command.arg("--vfs-cache-mode=full");
        }
        let mounted = Mounted::start(&mut command, &point, &place.join("rclone.out"))?;
        Ok(Session::over(Access::Tree(point), export).mounted(mounted))
    }
}
