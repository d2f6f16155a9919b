//! The servers behind the shaped link: `vospaced` over the data of the works, or the export of the same files.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::data::USER;
use crate::export;
use crate::http::{Held, Http};
use crate::link::Link;
use crate::process::{Running, wait_until};

/// The token of the user, made up for the service.
pub(crate) const TOKEN: &str = "bench-token";

/// Longest that it may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Which service is imitated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Bytes at a byte service with ranges.
    Vault,
    /// Bytes in place, without ranges.
    Cavern,
}

impl Profile {
    fn name(self) -> &'static str {
        match self {
            Profile::Vault => "vault",
            Profile::Cavern => "cavern",
        }
    }

    /// Prefix of its URIs.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Profile::Vault => "vos",
            Profile::Cavern => "arc",
        }
    }
}

/// Where a server has its files.
#[derive(Debug)]
enum Holds {
    /// In a VOSpace.
    Nodes,
    /// In a directory.
    Tree(PathBuf),
}

/// A server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    /// `http://127.0.0.1:PORT`.
    pub(crate) base: String,
    holds: Holds,
    _running: Running,
}

impl Service {
    /// Starts it; its output goes below `place`.
    pub(crate) fn start(
        program: &Path,
        data: &Path,
        place: &Path,
        profile: Profile,
        link: Link,
        tls: bool,
    ) -> Result<Self> {
        let output = place.join("vospaced.out");
        let mut command = Command::new(program);
        command.args(["serve", "--control", "--listen=127.0.0.1:0", "--profile", profile.name()]);
        command.arg("--user").arg(format!("{USER}:{TOKEN}")).arg("--data").arg(data).args(link.options());
        if tls {
            command.arg("--tls");
        }
        let (registry, running) = Self::wait(&mut command, &output, "vospaced ready: registry=")?;
        let base = registry.strip_suffix("/reg/resource-caps").context("vospaced named no registry")?.to_owned();
        Ok(Self { base, holds: Holds::Nodes, _running: running })
    }

    /// Starts the export of a tree: this very program in another role.
    pub(crate) fn export(tree: &Path, place: &Path, link: Link) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("export").arg(tree).arg(link.to_string());
        let (base, running) = Self::wait(&mut command, &place.join("export.out"), export::READY)?;
        Ok(Self { base, holds: Holds::Tree(tree.to_owned()), _running: running })
    }

    /// The files that it has in a directory, without a request that would be counted.
    pub(crate) fn held(&self, http: &Http, directory: &str) -> Result<Vec<Held>> {
        match &self.holds {
            Holds::Nodes => http.held(&self.base, &format!("{USER}/{directory}")),
            Holds::Tree(tree) => held_in(&tree.join(directory)),
        }
    }

    /// Starts a server and reads what it says behind `ready`.
    fn wait(command: &mut Command, output: &Path, ready: &str) -> Result<(String, Running)> {
        let mut running = Running::daemon(command, output)?;
        let mut found = None;
        wait_until("the server", START_LIMIT, || {
            let said = fs::read_to_string(output)?;
            if let Some(status) = running.ended()? {
                bail!("the server ended with {status}: {}", said.trim_end());
            }
            found = said.lines().find_map(|line| line.strip_prefix(ready)).map(str::to_owned);
            Ok(found.is_some())
        })?;
        Ok((found.unwrap_or_default(), running))
    }

    /// The URL of the registry.
    pub(crate) fn registry(&self) -> String {
        format!("{}/reg/resource-caps", self.base)
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> &str {
        self.base.split_once("://").map_or("", |(_, host)| host)
    }
}

/// The files in a directory; none where there is no such directory.
fn held_in(directory: &Path) -> Result<Vec<Held>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut held = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = format!("{} {}", metadata.ino(), metadata.mtime_nsec());
            held.push(Held { name, length: metadata.len(), version });
        }
    }
    Ok(held)
}
