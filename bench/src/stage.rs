//! What all runs share: the built programs, the data, a client for plain HTTP.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::data::Data;
use crate::http::Http;
use crate::link::Link;
use crate::service::{Profile, Service};
use crate::sizes::{Scale, Sizes};

/// Written there, makes the kernel drop the pages of files that are not being written (proc(5)).
const DROP_PAGES: (&str, &str) = ("/proc/sys/vm/drop_caches", "1");

/// The setting of all runs.
#[derive(Debug)]
pub(crate) struct Stage {
    programs: PathBuf,
    /// Data, peers, and what is only needed while a work runs.
    pub(crate) work: PathBuf,
    /// The data.
    pub(crate) data: Data,
    /// Which sizes.
    pub(crate) scale: Scale,
    /// The sizes.
    pub(crate) sizes: Sizes,
    /// Plain HTTP.
    pub(crate) http: Http,
}

impl Stage {
    /// Everything below `work`; the programs lie beside this one.
    pub(crate) fn new(work: &Path, scale: Scale) -> Result<Self> {
        let own = std::env::current_exe()?;
        fs::create_dir_all(work)?;
        // Mount points are compared with the table of mounts, which has no links in it.
        let work = work.canonicalize()?;
        Ok(Self {
            programs: own.parent().context("no directory of this program")?.to_owned(),
            data: Data::open(&work.join("data"), scale)?,
            work,
            scale,
            sizes: scale.sizes(),
            http: Http::new()?,
        })
    }

    /// A built program.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf> {
        let path = self.programs.join(name);
        ensure!(path.exists(), "{} is not built: cargo build --workspace --bins", path.display());
        Ok(path)
    }

    /// Starts a service over the data.
    pub(crate) fn service(&self, place: &Path, profile: Profile, link: Link, tls: bool) -> Result<Service> {
        Service::start(&self.program("vospaced")?, &self.data.service(), place, profile, link, tls)
    }

    /// Starts the export of the plain tree.
    pub(crate) fn export(&self, place: &Path, link: Link) -> Result<Service> {
        Service::export(&self.data.tree(), place, link)
    }

    /// The Python environment with the peers that are written in it.
    pub(crate) fn peers(&self) -> PathBuf {
        // Beside the data of the bench, where packaging/prepare.sh makes it.
        self.work.join("venv")
    }

    /// Drops the page cache of the whole machine, for which one has to be root.
    pub(crate) fn drop_pages(&self) -> Result<()> {
        nix::unistd::sync();
        fs::write(DROP_PAGES.0, DROP_PAGES.1).context("the page cache can only be dropped by root")
    }
}
