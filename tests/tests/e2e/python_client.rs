//! The Python `vos` client on the same service, over TLS: each reads what the other wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vofs_tests::process::{Finished, run};
use vofs_tests::{Profile, Python, World, both_profiles};

both_profiles!(python_reads_what_the_mount_wrote, the_mount_reads_what_python_wrote);

/// The Python programs with the test authority among the certificates that they trust.
struct PythonClient<'a> {
    world: &'a World,
    python: Python,
    trust: PathBuf,
}

/// The client trusts certifi's bundle and nothing else (observed), so certifi is told of another file.
const RUN: &str = r#"
import sys
import certifi
bundle = sys.argv[1]
certifi.where = certifi.core.where = lambda: bundle
import requests.certs, requests.adapters, requests.utils
requests.certs.where = certifi.where
requests.adapters.DEFAULT_CA_BUNDLE_PATH = requests.utils.DEFAULT_CA_BUNDLE_PATH = bundle
from importlib.metadata import entry_points
name = sys.argv[2]
sys.argv = sys.argv[2:]
(command,) = [e for e in entry_points(group='console_scripts') if e.name == name]
sys.exit(command.load()())
"#;

impl<'a> PythonClient<'a> {
    fn new(world: &'a World) -> Self {
        let python = Python::find();
        let bundle = python.script("import certifi; print(certifi.where())", &[]).stdout();
        let mut trusted = fs::read(bundle.trim()).unwrap();
        trusted.extend(fs::read(world.server.authority()).unwrap());
        let trust = world.path("trusted.pem");
        fs::write(&trust, trusted).unwrap();
        // A fresh answer to its question for newer releases: it would go to the network otherwise.
        let caches = world.path("home/.config/vos/caches");
        fs::create_dir_all(&caches).unwrap();
        Self { world, python, trust }
    }

    fn run(&self, name: &str, arguments: &[&str]) -> Finished {
        let mut command: Command = self.python.program("python");
        self.world.environment(&mut command);
        command
            .args(["-W", "ignore", "-c", RUN])
            .arg(&self.trust)
            .arg(name)
            .args(["--token", "demo-token"])
            .args(arguments)
            .env("VOSPACE_WEBSERVICE", self.world.server.address())
            .env("PYTHONDONTWRITEBYTECODE", "1");
        run(&mut command)
    }
}

/// Names and sizes for both directions; the last is above the size at which the Python client starts a transaction.
fn files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("text.txt", b"plain text\n".to_vec()),
        ("image.fits", (0..2_880 * 100_u32).map(|i| (i % 251) as u8).collect()),
        ("plus+at@.dat", vec![7; 4097]),
        ("large.bin", (0..6_000_000_u32).map(|i| (i % 241) as u8).collect()),
    ]
}

fn python_reads_what_the_mount_wrote(profile: Profile) {
    let world = World::tls(profile);
    let python = PythonClient::new(&world);
    let mount = world.mount();
    fs::create_dir(mount.join("d")).unwrap();
    for (name, bytes) in files() {
        fs::write(mount.join("d").join(name), bytes).unwrap();
    }
    let listed = python.run("vls", &[&world.uri("d")]).ok().stdout();
    let mut names: Vec<&str> = listed.lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["image.fits", "large.bin", "plus+at@.dat", "text.txt"]);
    for (name, bytes) in files() {
        let to = world.local(&format!("from-python-{name}"));
        python.run("vcp", &[&world.uri(&format!("d/{name}")), to.to_str().unwrap()]).ok();
        assert!(fs::read(&to).unwrap() == bytes, "{name}");
    }
    same_rows(&world, &python);
}

/// `vls -l` of both clients, where they are meant to agree: all but the target of links.
fn same_rows(world: &World, python: &PythonClient<'_>) {
    let rows = |text: String| {
        let mut rows: Vec<String> = text.lines().map(str::to_owned).collect();
        rows.sort();
        rows
    };
    for node in ["d", "d/image.fits"] {
        let theirs = rows(python.run("vls", &["-l", &world.uri(node)]).ok().stdout());
        let ours = rows(world.vospace(&["ls", "-l", &world.uri(node)]).ok().stdout());
        assert_eq!(ours, theirs);
    }
}

fn the_mount_reads_what_python_wrote(profile: Profile) {
    let world = World::tls(profile);
    let python = PythonClient::new(&world);
    let mount = world.mount();
    python.run("vmkdir", &[&world.uri("d")]).ok();
    for (name, bytes) in files() {
        let from: PathBuf = world.local_file(name, &bytes);
        python.run("vcp", &[from.to_str().unwrap(), &world.uri(&format!("d/{name}"))]).ok();
        assert!(fs::read(mount.join("d").join(name)).unwrap() == bytes, "{name}");
        assert!(world.vospace(&["cat", &world.uri(&format!("d/{name}"))]).ok().bytes == bytes, "{name}");
    }
    // Replaced by one, read by the other, and the other way round.
    let image = mount.join("d/image.fits");
    fs::write(&image, b"the mount was here").unwrap();
    let back: &Path = &world.local("back");
    python.run("vcp", &[&world.uri("d/image.fits"), back.to_str().unwrap()]).ok();
    assert_eq!(fs::read(back).unwrap(), b"the mount was here");
    fs::write(back, b"and now Python was").unwrap();
    python.run("vcp", &[back.to_str().unwrap(), &world.uri("d/image.fits")]).ok();
    assert_eq!(fs::read(&image).unwrap(), b"and now Python was");
    python.run("vrm", &[&world.uri("d/text.txt")]).ok();
    assert_eq!(fs::read(mount.join("d/text.txt")).unwrap_err().kind(), std::io::ErrorKind::NotFound);
}
