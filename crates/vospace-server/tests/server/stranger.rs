//! The program as a stranger meets it: help, a data directory of his own, what to type next.

use reqwest::{Certificate, Client, Identity};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn vospaced(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vospaced"));
    command.args(arguments).arg("--data").arg(data);
    command
}

fn output(mut command: Command) -> (bool, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.success(), text(output.stdout), text(output.stderr))
}

/// A service as a process, and its first line.
struct Served(Child, String);

impl Served {
    fn start(arguments: &[&str], data: &Path) -> Served {
        let mut command = vospaced(&["serve", "--listen", "127.0.0.1:0"], data);
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Served(child, line)
    }

    /// What it says on stderr, to the last line.
    fn hint(&mut self) -> String {
        let lines = BufReader::new(self.0.stderr.take().unwrap()).lines().map(|line| line.unwrap() + "\n");
        let mut text = String::new();
        for line in lines {
            text.push_str(&line);
            if line.starts_with("Ctrl-C stops") {
                break;
            }
        }
        text
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn help_lists_commands_and_options() {
    let help = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vospaced"));
        command.args(arguments);
        output(command).1
    };
    let text = help(&["--help"]);
    for part in ["serve", "init", "import", "Examples:", "vospaced serve --data ~/space"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let text = help(&["serve", "--help"]);
    for part in ["--data", "--profile", "strict", "--tls", "Users and rights:", "Byte sites and lags", "For tests:"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn serve_says_in_one_line_that_it_is_ready_and_then_how_to_use_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut served = Served::start(&["--profile", "vault,cavern"], dir.path());
    assert!(served.1.starts_with("vospaced ready: registry=http://127.0.0.1:"), "{}", served.1);
    let registry = served.1.trim().strip_prefix("vospaced ready: registry=").unwrap().to_owned();
    let text = served.hint();
    for part in ["vls -l vos:demo", "vcp FILE vos:demo/", "mountvofs --vospace vos:demo", "arc:demo", "--tls"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.contains(&format!("export VOSPACE_REGISTRY_URL={registry} VOSPACE_TOKEN=demo-token")), "{text}");
}

#[tokio::test]
async fn init_makes_an_authority_a_user_and_certificates_that_serve_knows() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("space");
    let (done, out, error) = output(vospaced(&["init", "--user", "ada", "--user", "eve:eve-token"], &data));
    assert!(done, "{error}");
    for part in ["tls/ca.pem", "tls/users/ada.pem", "tls/users/eve.pem", "vospaced serve --data "] {
        assert!(out.contains(part), "{part}: {out}");
    }
    for file in ["users", "tls/ca.key", "tls/users/ada.pem"] {
        let mode = std::fs::metadata(data.join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let users = std::fs::read_to_string(data.join("users")).unwrap();
    let token = users.strip_prefix("ada:").unwrap().split(':').next().unwrap().to_owned();
    assert!(!out.contains(&token), "no secret on the screen");
    let (done, _, error) = output(vospaced(&["init", "--user", "ada"], &data));
    assert!(!done && error.contains("user ada is there already"), "{error}");
    assert!(output(vospaced(&["init"], &data)).0, "nothing to do");
    assert_eq!(std::fs::read_to_string(data.join("users")).unwrap(), users);

    let mut served = Served::start(&["--tls"], &data);
    let base = served.1.trim().strip_prefix("vospaced ready: registry=").unwrap();
    let base = base.strip_suffix("/reg/resource-caps").unwrap().to_owned();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let root = Certificate::from_pem(&std::fs::read(data.join("tls/ca.pem")).unwrap()).unwrap();
    let client = || Client::builder().tls_certs_only([root.clone()]);
    let home = format!("{base}/vault/nodes/ada?limit=0");
    let answer = client().build().unwrap().get(&home).bearer_auth(&token).send().await.unwrap();
    assert_eq!(answer.headers()["x-vo-authenticated"], "ada");
    let identity = Identity::from_pem(&std::fs::read(data.join("tls/users/eve.pem")).unwrap()).unwrap();
    let answer = client().identity(identity).build().unwrap().get(&home).send().await.unwrap();
    assert_eq!(answer.headers()["x-vo-authenticated"], "eve");
    let text = served.hint();
    assert!(text.contains("vls --certfile") && text.contains("tls/ca.pem") && !text.contains(&token), "{text}");
}
