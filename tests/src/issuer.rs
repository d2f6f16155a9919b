//! An OpenID Connect issuer as a process: `tests/issuer/issuer.py`, whose protocol is that of Authlib.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::http;
use crate::process::{Guard, code, wait_until};
use crate::python::Python;
use crate::world::World;

/// How long it may take until it is ready, and a log-in until it has asked or is done.
const LIMIT: Duration = Duration::from_secs(60);

/// A running issuer.
#[derive(Debug)]
pub struct Issuer {
    url: String,
    _process: Guard,
    _home: TempDir,
}

impl Issuer {
    /// Starts one on a free port.
    pub fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (out, errors) = (home.path().join("out"), home.path().join("err"));
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("issuer/issuer.py");
        let mut command = Python::find().program("python");
        command
            .arg(program)
            // Loopback needs no TLS.
            .env("AUTHLIB_INSECURE_TRANSPORT", "1")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&errors).unwrap());
        let mut process = Guard::spawn(&mut command);
        let mut url = None;
        wait_until("the issuer", LIMIT, || {
            if process.ended().is_some() {
                panic!("the issuer ended: {}", fs::read_to_string(&errors).unwrap());
            }
            let text = fs::read_to_string(&out).unwrap();
            url = text.lines().find_map(|line| line.strip_prefix("issuer ready: ").map(str::to_owned));
            url.is_some()
        });
        Self { url: url.unwrap(), _process: process, _home: home }
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Changes how it behaves from now on, by JSON: see the program.
    pub fn settings(&self, json: &str) {
        self.control("settings", json);
    }

    /// Ends every log-in.
    pub fn end_log_ins(&self) {
        self.control("end", "{}");
    }

    /// Ends every access token, long before its time.
    pub fn end_access_tokens(&self) {
        self.control("end", r#"{"access": true}"#);
    }

    fn control(&self, what: &str, json: &str) {
        assert_eq!(http::post(&format!("{}/_control/{what}", self.url), json).status, 200);
    }

    /// How often something happened: `poll`, `hasty`, `refresh`, `reused`, `refused`, `revoke`.
    pub fn count(&self, event: &str) -> usize {
        let answer = http::request("GET", &format!("{}/_control/events", self.url), None);
        let events: Vec<String> = serde_json::from_slice(&answer.body).unwrap();
        events.iter().filter(|seen| *seen == event).count()
    }

    /// The person enters the code, as `demo`.
    pub fn enter(&self, user_code: &str, allow: bool) {
        let form = format!("user=demo&user_code={user_code}&allow={}", if allow { "yes" } else { "no" });
        assert_eq!(http::post_form(&format!("{}/device", self.url), &form).status, 200);
    }
}

/// `vospace login srcnet` that waits for a person.
#[derive(Debug)]
pub struct Login {
    process: Guard,
    out: PathBuf,
    errors: PathBuf,
    /// What the person has to enter.
    pub user_code: String,
}

impl Login {
    /// Starts it, and returns when the code is shown.
    pub fn start(world: &World) -> Self {
        let (out, errors) = (world.path("login.out"), world.path("login.err"));
        let mut command = world.command("vospace");
        command.args(["login", "srcnet"]).stdin(Stdio::null());
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&errors).unwrap());
        let mut process = Guard::spawn(&mut command);
        let mut user_code = None;
        wait_until("the code", LIMIT, || {
            let text = fs::read_to_string(&out).unwrap();
            user_code = text.split_once("enter the code ").and_then(|(_, rest)| rest.lines().next().map(str::to_owned));
            assert!(user_code.is_some() || process.ended().is_none(), "{}", fs::read_to_string(&errors).unwrap());
            user_code.is_some()
        });
        Self { process, out, errors, user_code: user_code.unwrap() }
    }

    /// Waits for its end: exit status, standard output and error.
    pub fn end(mut self) -> (i32, String, String) {
        let status = self.process.wait(LIMIT).expect("it ends");
        (code(status), fs::read_to_string(&self.out).unwrap(), fs::read_to_string(&self.errors).unwrap())
    }
}

/// Logs in as `demo`.
#[track_caller]
pub fn log_in(world: &World, issuer: &Issuer) -> String {
    let login = Login::start(world);
    issuer.enter(&login.user_code, true);
    let (status, out, errors) = login.end();
    assert_eq!(status, 0, "{out}{errors}");
    out
}
