//! The Python `vofs` 3.1, the mount that this project takes the place of, as far as it runs: with `six`, which it needs
//! and does not name, with libfuse 2, over TLS because its client speaks nothing else, and with the full URI of the
//! service, with which it lists a directory in one request and not in one for each file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::mounted::Mounted;
use super::{Access, Column, Session};
use crate::data::USER;
use crate::link::Link;
use crate::service::{Profile, TOKEN};
use crate::stage::Stage;

/// What starts it.
const STARTER: &str = include_str!("vofs.py");

/// Asks whether all that it needs is there.
const PROBE: &str = "import ctypes.util, certifi, six, vos, vofs.mountvofs; assert ctypes.util.find_library('fuse'), 'no libfuse 2'; print(certifi.where())";

/// See the module.
#[derive(Debug)]
pub(crate) struct Vofs;

fn python(stage: &Stage) -> PathBuf {
    stage.peers().join("bin/python")
}

/// The bundle of certificates that it trusts; the reason when it does not run.
fn bundle(stage: &Stage) -> Result<PathBuf, String> {
    let python = python(stage);
    if !python.exists() {
        return Err(format!("no {}; packaging/prepare.sh peers makes it", python.display()));
    }
    let probed =
        Command::new(python).args(["-W", "ignore", "-c", PROBE]).output().map_err(|error| error.to_string())?;
    if !probed.status.success() {
        let said = String::from_utf8_lossy(&probed.stderr);
        return Err(said.trim_end().lines().last().unwrap_or_default().to_owned());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&probed.stdout).trim()))
}

impl Column for Vofs {
    fn name(&self) -> &'static str {
        "vofs"
    }

    fn about(&self) -> &'static str {
        "Python `vofs` 3.1 with `vos` 3.7, default settings, over TLS (its client speaks nothing else)"
    }

    fn absent(&self, stage: &Stage) -> Option<String> {
        bundle(stage).err()
    }

    fn open(&self, stage: &Stage, place: &Path, profile: Profile, link: Link) -> Result<Session> {
        let service = stage.service(place, profile, link, true)?;
        let mut trusted = fs::read(bundle(stage).map_err(anyhow::Error::msg)?)?;
        let authority = stage.data.authority();
        trusted.extend(fs::read(&authority).with_context(|| authority.display().to_string())?);
        let (point, trust) = (place.join("mnt"), place.join("trusted.pem"));
        fs::create_dir(&point)?;
        fs::write(&trust, trusted)?;
        let mut command = Command::new(python(stage));
        command
            .args(["-W", "ignore", "-c", STARTER])
            .arg(&trust)
            .args(["--foreground", "--token", TOKEN])
            .arg(format!("--vospace=vos://cadc.nrc.ca~vault/{USER}"))
            .arg(format!("--mountpoint={}", point.display()))
            .arg(format!("--cache_dir={}", place.join("cache").display()))
            .arg(format!("--log={}", place.join("vofs.log").display()))
            .current_dir(place)
            .env("HOME", place)
            .env("VOSPACE_WEBSERVICE", service.host())
            .env("PYTHONDONTWRITEBYTECODE", "1");
        let mounted = Mounted::start(&mut command, &point, &place.join("vofs.out"))?;
        Ok(Session::over(Access::Tree(point), service).mounted(mounted))
    }
}
