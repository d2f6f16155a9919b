//! `davfs2`, which copies whole files to its cache before they are opened.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Error, Result};
use nix::unistd::Group;

use super::mounted::Mounted;
use super::{Access, Column, Session, installed};
use crate::link::Link;
use crate::service::Profile;
use crate::stage::Stage;

/// Its daemon runs as this user and group.
const GROUP: &str = "davfs2";

/// See the module.
#[derive(Debug)]
pub(crate) struct Davfs2;

impl Column for Davfs2 {
    fn name(&self) -> &'static str {
        "davfs2"
    }

    fn about(&self) -> &'static str {
        "`mount.davfs` of Debian's package davfs2, default settings, over WebDAV without TLS"
    }

    fn absent(&self, _: &Stage) -> Option<String> {
        if !nix::unistd::geteuid().is_root() {
            return Some("only root can mount it without an entry in /etc/fstab".to_owned());
        }
        installed("mount.davfs").err()
    }

    fn open(&self, stage: &Stage, place: &Path, _: Profile, link: Link) -> Result<Session> {
        let export = stage.export(place, link)?;
        let (point, cache, settings) = (place.join("mnt"), place.join("cache"), place.join("davfs2.conf"));
        fs::create_dir(&point)?;
        fs::create_dir(&cache)?;
        let group = Group::from_name(GROUP)?.with_context(|| format!("no group {GROUP}"))?;
        chown(&cache, None, Some(group.gid.as_raw()))?;
        fs::set_permissions(&cache, Permissions::from_mode(0o770))?;
        fs::set_permissions(place, Permissions::from_mode(0o711))?;
        fs::write(&settings, format!("ask_auth 0\nuse_locks 0\ncache_dir {}\n", cache.display()))?;
        let mut command = Command::new(installed("mount.davfs").map_err(Error::msg)?);
        command.arg("-o").arg(format!("conf={}", settings.display())).arg(format!("{}/", export.base)).arg(&point);
        // Named after the mount point, with hyphens for slashes (mount.davfs(8)).
        let name = point.to_string_lossy().trim_start_matches('/').replace('/', "-");
        let pid = Path::new("/var/run/mount.davfs").join(format!("{name}.pid"));
        let mounted = Mounted::adopt(&mut command, &point, &pid)?;
        Ok(Session::over(Access::Tree(point), export).mounted(mounted))
    }
}
