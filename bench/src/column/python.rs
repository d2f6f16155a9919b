//! The commands of the Python `vos` 3.7, as they are installed, over TLS because they speak nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::{Access, Column, Commands, Programs, Session};
use crate::data::USER;
use crate::link::Link;
use crate::service::Profile;
use crate::stage::Stage;

/// Python reads a module of this name at every start. The commands trust the bundle of `certifi` and nothing else, so
/// certifi is told of another file.
const STARTUP: &str = "import os, certifi\ncertifi.where = certifi.core.where = lambda: os.environ['BENCH_TRUST']\n";

/// See the module.
#[derive(Debug)]
pub(crate) struct Python;

fn scripts(stage: &Stage) -> PathBuf {
    stage.peers().join("bin")
}

impl Column for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn about(&self) -> &'static str {
        "the commands of Python `vos` 3.7, default settings, over TLS (they speak nothing else)"
    }

    fn absent(&self, stage: &Stage) -> Option<String> {
        let vls = scripts(stage).join("vls");
        (!vls.exists()).then(|| format!("no {}; packaging/prepare.sh peers makes it", vls.display()))
    }

    fn open(&self, stage: &Stage, place: &Path, profile: Profile, link: Link) -> Result<Session> {
        let service = stage.service(place, profile, link, true)?;
        let (local, modules) = (place.join("local"), place.join("modules"));
        for directory in [&local, &modules] {
            fs::create_dir(directory)?;
        }
        fs::write(modules.join("sitecustomize.py"), STARTUP)?;
        // So that they do not ask a package index for newer releases.
        for package in ["vos", "cadcutils"] {
            let cache = place.join(".config").join(package).join("caches");
            fs::create_dir_all(&cache)?;
            fs::write(cache.join(".pypi_versions.json"), r#"{"releases": {}}"#)?;
        }
        let user = stage.data.service().join(format!("tls/users/{USER}.pem"));
        fs::create_dir(place.join(".ssl"))?;
        fs::copy(&user, place.join(".ssl/cadcproxy.pem")).with_context(|| user.display().to_string())?;
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let environment = vec![
            ("HOME", text(place)),
            ("VOSPACE_WEBSERVICE", service.host().to_owned()),
            ("PYTHONPATH", text(&modules)),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
            ("BENCH_TRUST", text(&stage.data.authority())),
        ];
        let directory = scripts(stage);
        let programs = Programs::Scripts { interpreter: directory.join("python"), directory };
        let commands = Commands { programs, environment, uri: format!("{}:{USER}", profile.prefix()), local };
        Ok(Session::over(Access::Commands(commands), service))
    }
}
