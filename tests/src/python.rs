//! Python from `target/venv`: astropy, and the other client of the same service.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Finished, built, run};

/// The virtual environment that `packaging/prepare.sh python` makes.
#[derive(Debug)]
pub struct Python {
    venv: PathBuf,
}

impl Python {
    /// Finds it.
    pub fn find() -> Self {
        let venv = built().parent().unwrap().join("venv");
        assert!(venv.join("bin/python").exists(), "no {}: run packaging/prepare.sh python", venv.display());
        Self { venv }
    }

    /// A program of the environment, `python` among them.
    pub fn program(&self, name: &str) -> Command {
        Command::new(self.venv.join("bin").join(name))
    }

    /// Runs a script with arguments; its output, when it ended well.
    #[track_caller]
    pub fn script(&self, script: &str, arguments: &[&Path]) -> Finished {
        let mut command = self.program("python");
        // Warnings about unusual headers are not ours.
        command.args(["-W", "ignore", "-c", script]).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1");
        run(&mut command).ok()
    }

    /// The directory of an installed package.
    pub fn package(&self, name: &str) -> PathBuf {
        let script = format!("import os, {name}; print(os.path.dirname({name}.__file__))");
        PathBuf::from(self.script(&script, &[]).stdout().trim())
    }
}
