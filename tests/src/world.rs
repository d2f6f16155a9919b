//! One test's world: a temporary directory, a service in it, and programs that know of nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::http;
use crate::mount::{Mount, Mounting};
use crate::process::{Finished, binary, run};
use crate::server::{Profile, Server, TOKEN};

/// Set to keep the temporary directories with their logs.
const KEEP: &str = "VOFS_TEST_KEEP";

/// A service and a place for files.
#[derive(Debug)]
pub struct World {
    /// The service.
    pub server: Server,
    root: TempDir,
}

impl World {
    /// A service on plain HTTP.
    pub fn new(profile: Profile) -> Self {
        Self::build(profile, false, &[])
    }

    /// A service on TLS, with a test authority.
    pub fn tls(profile: Profile) -> Self {
        Self::build(profile, true, &[])
    }

    /// A service on plain HTTP or TLS, with options of `vospaced serve`.
    pub fn build(profile: Profile, tls: bool, options: &[&str]) -> Self {
        let root = Self::directory();
        Self { server: Server::start(root.path(), profile, tls, options), root }
    }

    /// A service on plain HTTP whose data are in a directory that stays, and may be there from a former run.
    pub fn kept(profile: Profile, data: &Path) -> Self {
        fs::create_dir_all(data).unwrap();
        let root = Self::directory();
        symlink(fs::canonicalize(data).unwrap(), root.path().join("service")).unwrap();
        Self { server: Server::start(root.path(), profile, false, &[]), root }
    }

    fn directory() -> TempDir {
        let mut root = tempfile::Builder::new().prefix("vofs-e2e.").tempdir().unwrap();
        root.disable_cleanup(std::env::var_os(KEEP).is_some());
        for directory in ["home", "local"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        root
    }

    /// A path in the temporary directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// A path for local files of the test.
    pub fn local(&self, name: &str) -> PathBuf {
        self.root.path().join("local").join(name)
    }

    /// Writes a local file.
    pub fn local_file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.local(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// The URI of a node below the user's container; the container itself for an empty path.
    pub fn uri(&self, path: &str) -> String {
        let slash = if path.is_empty() { "" } else { "/" };
        format!("{}:demo{slash}{path}", self.server.profile.prefix())
    }

    /// A built program in an environment that holds this world and no other.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(binary(program));
        self.environment(&mut command);
        command
    }

    /// The same program under the name of one of its commands, as it is installed: `vls`, `vcp`, `cadc-get-cert`.
    pub fn called(&self, name: &str) -> Command {
        let link = self.path("bin").join(name);
        if !link.exists() {
            fs::create_dir_all(self.path("bin")).unwrap();
            symlink(binary("vospace"), &link).unwrap();
        }
        let mut command = Command::new(link);
        self.environment(&mut command);
        command
    }

    /// Gives a command the environment of this world.
    pub fn environment(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("TZ", "UTC")
            .env("LANG", "C.UTF-8")
            .env("VOSPACE_REGISTRY_URL", self.server.registry())
            .env("VOSPACE_TOKEN", TOKEN)
            .env("VOSPACE_CA_BUNDLE", self.server.authority())
            .current_dir(self.path("local"));
        if !self.server.authority().exists() {
            command.env_remove("VOSPACE_CA_BUNDLE");
        }
    }

    /// Runs `vospace VERB ARGUMENTS…`.
    #[track_caller]
    pub fn vospace(&self, arguments: &[&str]) -> Finished {
        run(self.command("vospace").args(arguments))
    }

    /// Another client makes the directories above `path`, and writes a file as [`World::put`].
    #[track_caller]
    pub fn put_deep(&self, path: &str, bytes: impl AsRef<[u8]>) {
        if let Some((above, _)) = path.rsplit_once('/') {
            self.vospace(&["mkdir", "-p", &self.uri(above)]).ok();
        }
        self.put(path, bytes);
    }

    /// Another client writes a file: through the command line, so that no mount knows of it.
    #[track_caller]
    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let file = tempfile::NamedTempFile::new_in(self.path("local")).unwrap();
        fs::write(file.path(), bytes).unwrap();
        self.vospace(&["cp", file.path().to_str().unwrap(), &self.uri(path)]).ok();
    }

    /// The bytes that the service holds, by plain HTTP; none when there is no such node.
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let url = self.server.bytes_url(&format!("demo/{path}"));
        let answer = http::request("GET", &url, Some(TOKEN));
        match answer.status {
            200 | 204 => Some(answer.body),
            404 => None,
            status => panic!("GET {url}: {status} {}", String::from_utf8_lossy(&answer.body)),
        }
    }

    /// Whether the service has a node, by plain HTTP.
    pub fn exists(&self, path: &str) -> bool {
        let url = self.server.node_url(&format!("demo/{path}"));
        match http::request("GET", &format!("{url}?limit=0"), Some(TOKEN)).status {
            200 => true,
            404 => false,
            status => panic!("GET {url}: {status}"),
        }
    }

    /// Mounts the user's container with all defaults.
    #[track_caller]
    pub fn mount(&self) -> Mount {
        self.mounting().start()
    }

    /// A mount still to be started.
    pub fn mounting(&self) -> Mounting {
        Mounting::new(self)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        // What the programs said explains a failure better than the assertion does.
        let mut logs: Vec<PathBuf> = fs::read_dir(self.root.path())
            .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
            .unwrap_or_default();
        logs.retain(|path| path.extension().is_some_and(|kind| kind == "err" || kind == "log"));
        logs.sort();
        for log in logs {
            eprintln!("--- {}\n{}", log.display(), tail(&log));
        }
    }
}

/// The last lines of a log.
fn tail(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(60)..].join("\n")
}
