//! The Python VOSpace client as its package installs it: `vls`, `vcp` and the others, and `cadc-get-cert`.
//!
//! They run unchanged, as real programs over TLS. All that is done to them is what their user would do: a home
//! directory with a certificate, the variable that names the service's host, and the test authority among the
//! certificates that `certifi` gives out, which are the only ones that they trust (observed). Nothing goes to the
//! network: the answer to their question for newer releases lies in their cache.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{Finished, run};
use crate::python::Python;
use crate::world::World;

/// Python reads a module of this name at every start, if there is one.
const STARTUP: &str = "\
import os
import certifi
certifi.where = certifi.core.where = lambda: os.environ['VOFS_TEST_TRUST']
";

/// The programs of the package, in the world of one test.
#[derive(Debug)]
pub struct PythonClient<'a> {
    world: &'a World,
    python: Python,
}

impl<'a> PythonClient<'a> {
    /// Makes the home of a user who has the certificate of `demo` where the programs look for it.
    pub fn new(world: &'a World) -> Self {
        let client = Self { world, python: Python::find() };
        for package in ["vos", "cadcutils"] {
            let cache = world.path(&format!("home/.config/{package}/caches"));
            fs::create_dir_all(&cache).unwrap();
            fs::write(cache.join(".pypi_versions.json"), r#"{"releases": {}}"#).unwrap();
        }
        fs::create_dir_all(client.certificate().parent().unwrap()).unwrap();
        fs::copy(world.server.user_certificate("demo"), client.certificate()).unwrap();
        let modules = world.path("python");
        fs::create_dir_all(&modules).unwrap();
        fs::write(modules.join("sitecustomize.py"), STARTUP).unwrap();
        client
    }

    /// Where the programs look for a certificate.
    pub fn certificate(&self) -> PathBuf {
        self.world.path("home/.ssl/cadcproxy.pem")
    }

    /// A program, in this world.
    pub fn command(&self, name: &str) -> Command {
        // Not by its first line: that one is wrong once the environment was moved or copied.
        let mut command = self.python.program("python");
        self.world.environment(&mut command);
        command
            .arg(self.python.program(name).get_program())
            .env("PYTHONPATH", self.world.path("python"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("VOFS_TEST_TRUST", self.world.server.authority())
            .env("VOSPACE_WEBSERVICE", self.world.server.address());
        command
    }

    /// Runs a program to its end.
    #[track_caller]
    pub fn run(&self, name: &str, arguments: &[impl AsRef<OsStr>]) -> Finished {
        run(self.command(name).args(arguments))
    }
}
