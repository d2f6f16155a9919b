//! `vos-config`: the file that gives services their prefixes.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Args;
use vospace_client::services::{self, ServiceSettings};
use vospace_client::uri::Prefixes;

use crate::output::Status;

/// What holds without a file, and what a new file begins with.
const DEFAULT: &str = "\
[vos]
# One service a line: its resource id in the registry, and the prefix that stands for it (vos:path).
# Any other prefix NAME stands for ivo://cadc.nrc.ca/NAME. The prefix vos always is that of Vault.
resourceID = ivo://cadc.nrc.ca/vault vos
    ivo://cadc.nrc.ca/arc arc
";

/// Options of `vos-config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Make the file, unless it exists
    #[arg(short, long)]
    generate: bool,
}

/// Shows or makes the file.
pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<Status> {
    let (path, _) = Prefixes::config_file();
    let path = path.context("there is no home directory (HOME is not set); name a file in VOSPACE_CONFIG_FILE")?;
    let mut out = std::io::stdout().lock();
    if args.generate {
        generate(&path)?;
        writeln!(out, "{} was made", path.display())?;
        return Ok(Status::Done);
    }
    match std::fs::read_to_string(&path) {
        Ok(text) => write!(out, "# {}\n{text}", path.display())?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            write!(out, "# {} does not exist (vos-config -g makes it); this holds:\n{DEFAULT}", path.display())?;
        }
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    }
    for ServiceSettings { name, prefix, resource_id, .. } in services::load()? {
        writeln!(out, "# {prefix}: is {resource_id}, by [service.{name}] of vofs/config.toml")?;
    }
    Ok(Status::Done)
}

fn generate(path: &PathBuf) -> anyhow::Result<()> {
    let shown = path.display();
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("the directory of {shown} cannot be made"))?;
    }
    let mut file = match std::fs::File::create_new(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            bail!("{shown} exists already; edit it, or remove it first")
        }
        result => result.with_context(|| format!("{shown} cannot be made"))?,
    };
    file.write_all(DEFAULT.as_bytes()).with_context(|| format!("{shown} cannot be written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_made_once_and_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vos/vos-config");
        generate(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), DEFAULT);
        std::fs::write(&path, "mine").unwrap();
        assert!(generate(&path).unwrap_err().to_string().contains("exists already"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
