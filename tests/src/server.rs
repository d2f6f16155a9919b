//! The embedded service as a process: started on a free port, restarted on the same, its request log.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::http;
use crate::process::{Guard, binary, run, run_within, wait_until};
use crate::profile::Profile;

/// How long the service may take until it says that it is ready. It writes to a disk, which on a shared machine may stand for half a
/// minute after much was written.
const START_LIMIT: Duration = Duration::from_secs(100);

/// How long it may take to make very many files, or the checksums of very large ones.
const POPULATE_LIMIT: Duration = Duration::from_secs(600);

/// The token of the user who owns the container `/demo`, unless `--user` says otherwise.
pub const TOKEN: &str = "demo-token";

/// One request that the service answered.
#[derive(Debug, Clone)]
pub struct Logged {
    /// HTTP method.
    pub method: String,
    /// Path, tokens masked.
    pub path: String,
    /// Query.
    pub query: String,
    /// The `Range` header, empty if there was none.
    pub range: String,
    /// Status.
    pub status: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// Whose it was; empty for nobody's.
    pub user: String,
    /// In which forms secrets came.
    pub credentials: Vec<String>,
}

impl Logged {
    /// Whether bytes of files were asked for.
    pub fn is_byte_read(&self) -> bool {
        let places = ["/files/", "/pullFromVoSpace/", "/datalab/data/"];
        self.method == "GET" && (places.iter().any(|place| self.path.contains(place)) || self.path.ends_with("/files"))
    }

    /// Whether a session was begun.
    pub fn is_log_in(&self) -> bool {
        self.method == "POST" && self.path.ends_with("/login")
    }

    /// Whether bytes of files were sent.
    pub fn is_byte_write(&self) -> bool {
        let places = ["/files/", "/pushToVoSpace/", "/datalab/data/"];
        self.method == "PUT" && places.iter().any(|place| self.path.contains(place))
    }
}

/// A running (or stopped) service.
#[derive(Debug)]
pub struct Server {
    /// Which one it imitates.
    pub profile: Profile,
    data: PathBuf,
    home: PathBuf,
    tls: bool,
    options: Vec<String>,
    port: u16,
    starts: u32,
    process: Option<Guard>,
    registry: String,
}

impl Server {
    /// Starts one with its data and output below `home`, and with more options of `vospaced serve`.
    pub fn start(home: &Path, profile: Profile, tls: bool, options: &[&str]) -> Self {
        let mut server = Self {
            profile,
            data: home.join("service"),
            home: home.to_owned(),
            tls,
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            port: 0,
            starts: 0,
            process: None,
            registry: String::new(),
        };
        server.resume();
        server
    }

    /// Starts it again, on the port that it had.
    pub fn resume(&mut self) {
        assert!(self.process.is_none(), "the service is running");
        self.starts += 1;
        let out = self.home.join(format!("vospaced.{}.out", self.starts));
        let mut command = Command::new(binary("vospaced"));
        command
            .args(["serve", "--control", "--profile", self.profile.name(), "--listen"])
            .arg(format!("127.0.0.1:{}", self.port))
            .arg("--data")
            .arg(&self.data)
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(self.home.join(format!("vospaced.{}.err", self.starts))).unwrap());
        if self.tls {
            command.arg("--tls");
        }
        let mut process = Guard::spawn(&mut command);
        let mut ready = None;
        wait_until("vospaced ready", START_LIMIT, || {
            if let Some(status) = process.ended() {
                panic!("vospaced ended with {status}: {}", self.errors());
            }
            ready = fs::read_to_string(&out)
                .unwrap()
                .lines()
                .find_map(|line| line.strip_prefix("vospaced ready: registry=").map(|url| url.trim().to_owned()));
            ready.is_some()
        });
        self.registry = ready.unwrap_or_default();
        self.port = self.registry.split(['/', ':']).nth(4).and_then(|port| port.parse().ok()).unwrap();
        self.process = Some(process);
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it where it stands, as a dead link would: connections stay open, new ones are made, nothing answers.
    pub fn freeze(&self) {
        self.process.as_ref().unwrap().signal(Signal::SIGSTOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.process.as_ref().unwrap().signal(Signal::SIGCONT);
    }

    /// What it printed on standard error in its latest run.
    pub fn errors(&self) -> String {
        fs::read_to_string(self.home.join(format!("vospaced.{}.err", self.starts))).unwrap_or_default()
    }

    /// URL of the registry.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The certificate authority of a TLS service.
    pub fn authority(&self) -> PathBuf {
        self.data.join("tls/ca.pem")
    }

    /// URL of a node's bytes, where they have one.
    pub fn bytes_url(&self, path: &str) -> String {
        format!("{}/{}/files/{path}", self.base(), self.profile.service())
    }

    /// URL at which a file is shown to whoever may read it: its bytes, or its document where a place for those has to be
    /// negotiated.
    pub fn shown_url(&self, path: &str) -> String {
        if self.profile.one_use() { self.node_url(path) } else { self.bytes_url(path) }
    }

    /// URL of a node's document.
    pub fn node_url(&self, path: &str) -> String {
        format!("{}/{}/nodes/{path}", self.base(), self.profile.service())
    }

    /// The header by which a request is of the user `demo`: not every maker's service takes a bearer token.
    pub fn credential(&self) -> (&'static str, String) {
        match self.profile {
            Profile::Datalab => ("X-DL-AuthToken", TOKEN.to_owned()),
            Profile::Pyvospace => ("Cookie", format!("PYVOSPACE_COOKIE={TOKEN}")),
            _ => ("Authorization", format!("Bearer {TOKEN}")),
        }
    }

    /// `http://host:port`, or with https.
    pub fn base(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address())
    }

    /// Loads a tree of files into `container` while the service is down or up.
    pub fn import(&self, tree: &Path, container: &str) {
        let mut command = Command::new(binary("vospaced"));
        command.args(["import", "--profile", self.profile.name(), "--data"]).arg(&self.data).arg(tree).arg(container);
        run(&mut command).ok();
    }

    /// Makes files by `vospaced populate` with these arguments, while the service is down or up.
    pub fn populate(&self, arguments: &[String]) {
        let mut command = Command::new(binary("vospaced"));
        command.args(["populate", "--profile", self.profile.name(), "--data"]).arg(&self.data).args(arguments);
        run_within(&mut command, POPULATE_LIMIT).ok();
    }

    /// The requests since the start or the last [`Server::forget`].
    pub fn log(&self) -> Vec<Logged> {
        let answer = http::request("GET", &format!("{}/_bench/log", self.base()), None);
        let entries: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let text = |entry: &serde_json::Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        entries
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| Logged {
                method: text(entry, "method"),
                path: text(entry, "path"),
                query: text(entry, "query"),
                range: text(entry, "range"),
                status: entry["status"].as_u64().unwrap_or(0),
                bytes_out: entry["bytes_out"].as_u64().unwrap_or(0),
                user: text(entry, "user"),
                credentials: serde_json::from_value(entry["credentials"].clone()).unwrap_or_default(),
            })
            .filter(|entry| !entry.path.starts_with("/_bench"))
            .collect()
    }

    /// Adds a rule by which requests go wrong, as JSON (docs/server.md, "Faults on demand").
    pub fn fault(&self, rule: &str) {
        self.post("/_bench/fault", rule);
    }

    /// Sends JSON to a control resource (docs/server.md, "More control").
    pub fn post(&self, path: &str, body: &str) {
        let answer = http::post(&format!("{}{path}", self.base()), body);
        assert!(answer.status < 300, "{path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
    }

    /// Whether each rule in force has fallen on a request, and on as many as it counts.
    pub fn has_met_all(&self) -> bool {
        let told = http::request("GET", &format!("{}/_bench/fault", self.base()), None).body;
        let rules: Vec<serde_json::Value> = serde_json::from_slice(&told).unwrap();
        rules.iter().all(|rule| rule["seen"].as_u64() > Some(0) && rule["count"].as_u64().unwrap_or(0) == 0)
    }

    /// Removes all rules.
    pub fn heal(&self) {
        http::request("DELETE", &format!("{}/_bench/fault", self.base()), None);
    }

    /// Part of the path of requests that nearly every command begins with.
    pub fn first_path(&self) -> &'static str {
        if self.profile.has_capabilities() { "/capabilities" } else { "/nodes/" }
    }

    /// Part of the path of requests for bytes.
    pub fn byte_path(&self) -> &'static str {
        match self.profile {
            Profile::Vault | Profile::Strict | Profile::Both => "/minoc/",
            Profile::Cavern => "/arc/files/",
            Profile::Srcnet => "/cavern/files/",
            // Both of `pushToVoSpace` and of `pullFromVoSpace`.
            Profile::Pyvospace => "VoSpace/",
            Profile::Datalab => "/datalab/data/",
        }
    }

    /// Part of the path of requests that ask for a place for bytes by a document; with it they go through that one route.
    pub fn negotiation_path(&self) -> &'static str {
        match self.profile {
            Profile::Datalab => "/datalab/sync",
            _ => "/synctrans",
        }
    }

    /// The name of that route.
    pub fn negotiation_route(&self) -> &'static str {
        self.negotiation_path().rsplit('/').next().unwrap_or_default()
    }

    /// The certificate with key of a user of a TLS service.
    pub fn user_certificate(&self, user: &str) -> PathBuf {
        self.data.join(format!("tls/users/{user}.pem"))
    }

    /// Empties the request log.
    pub fn forget(&self) {
        http::request("DELETE", &format!("{}/_bench/log", self.base()), None);
    }
}
