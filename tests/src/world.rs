//! One test's world: a temporary directory, a service in it, and programs that know of nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::TempDir;

use crate::configured;
use crate::http;
use crate::mount::{Mount, Mounting};
use crate::process::{Finished, binary, run};
use crate::profile::Profile;
use crate::server::{Server, TOKEN};
use crate::transfer;

/// Set to keep the temporary directories with their logs.
const KEEP: &str = "VOFS_TEST_KEEP";

/// A service and a place for files.
#[derive(Debug)]
pub struct World {
    /// The service.
    pub server: Server,
    root: TempDir,
    /// Milliseconds by which the service's clock is ahead.
    ahead: AtomicU64,
    /// Credentials are those of the service's section.
    is_configured: bool,
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
        Self::around(Self::directory(), profile, tls, options)
    }

    /// The same service for a user whose credentials are those of options and variables, for each service alike.
    #[must_use]
    pub fn with_general_credentials(mut self) -> Self {
        configured::forget_credentials(&self.root.path().join("home"));
        self.is_configured = false;
        self
    }

    fn around(root: TempDir, profile: Profile, tls: bool, options: &[&str]) -> Self {
        let server = Server::start(root.path(), profile, tls, options);
        configured::write(&server, &root.path().join("home"));
        if profile == Profile::Datalab {
            // It looks once a second whether a transfer is ready: too long for tests of anything else.
            server.post("/_bench/profile", r#"{"space": "datalab", "habits": {"transfers": {"pause_ms": 10}}}"#);
        }
        Self { server, root, ahead: AtomicU64::new(0), is_configured: profile.has_own_credentials() }
    }

    /// A service on plain HTTP whose data are in a directory that stays, and may be there from a former run.
    pub fn kept(profile: Profile, data: &Path) -> Self {
        fs::create_dir_all(data).unwrap();
        let root = Self::directory();
        symlink(fs::canonicalize(data).unwrap(), root.path().join("service")).unwrap();
        Self::around(root, profile, false, &[])
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
            .env("VOSPACE_CA_BUNDLE", self.server.authority())
            .current_dir(self.path("local"));
        if !self.is_configured {
            command.env("VOSPACE_TOKEN", TOKEN);
        }
        if !self.server.authority().exists() {
            command.env_remove("VOSPACE_CA_BUNDLE");
        }
    }

    /// Runs `vospace VERB ARGUMENTS…`.
    #[track_caller]
    pub fn vospace(&self, arguments: &[&str]) -> Finished {
        run(self.command("vospace").args(arguments))
    }

    /// Moves nodes, by copies where the service moves no files that hold bytes.
    #[track_caller]
    pub fn mv(&self, arguments: &[&str]) -> Finished {
        let emulated: &[&str] = if self.server.profile.moves_files() { &[] } else { &["--emulate-rename"] };
        self.vospace(&[&["mv"], emulated, arguments].concat())
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

    /// Lets the service's clock go on where its dates could not tell what is written now from what was written just before.
    pub fn let_dates_differ(&self) {
        if !self.server.profile.has_exact_dates() {
            let ahead = self.ahead.fetch_add(2000, Ordering::Relaxed) + 2000;
            self.server.post("/_bench/clock", &format!(r#"{{"offset_ms": {ahead}}}"#));
        }
    }

    /// The bytes that the service holds, by plain HTTP; none when there is no such node, or it is just being made anew and
    /// its bytes are at no site (503).
    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        if self.server.profile.one_use() {
            return self.exists(path).then(|| transfer::fetch(&self.server, &format!("demo/{path}")));
        }
        let url = self.server.bytes_url(&format!("demo/{path}"));
        let answer = http::request("GET", &url, Some(TOKEN));
        match answer.status {
            200 | 204 => Some(answer.body),
            404 => None,
            503 if String::from_utf8_lossy(&answer.body).contains("no copies") => None,
            status => panic!("GET {url}: {status} {}", String::from_utf8_lossy(&answer.body)),
        }
    }

    /// Whether the service has a node, by plain HTTP.
    pub fn exists(&self, path: &str) -> bool {
        let url = self.server.node_url(&format!("demo/{path}"));
        // Not every service takes the question for no children.
        let query = if self.server.profile.one_use() { "" } else { "?limit=0" };
        let (name, value) = self.server.credential();
        match http::request_with("GET", &format!("{url}{query}"), &[(name, &value)]).status {
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

    /// `mountvofs COMMAND` for the mount with the usual cache directory of this world.
    pub fn ask_mount(&self, line: &[&str]) -> Finished {
        run(self.command("mountvofs").args(line).arg("--cache_dir").arg(self.path("cache")))
    }

    /// How that mount stands.
    #[track_caller]
    pub fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.ask_mount(&["status", "--json"]).ok().stdout()).unwrap()
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
