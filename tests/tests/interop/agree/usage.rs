//! Command lines: what is help, what is wrong usage, which options there are; and the commands without a tree.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use vofs_tests::Profile;

use crate::bench::{self, Bench, judged};

judged! {
    vault: cadc_get_cert, cadc_get_cert_wrongly;
}

const COMMANDS: [&str; 14] = [
    "vls",
    "vcp",
    "vcat",
    "vrm",
    "vrmdir",
    "vmkdir",
    "vmv",
    "vln",
    "vlock",
    "vchmod",
    "vsync",
    "vtag",
    "vos-config",
    "cadc-get-cert",
];

/// Words of a help text that begin with a dash, as options.
fn options(help: &str) -> Vec<String> {
    let words = help.split(|c: char| c.is_whitespace() || ",[]()|='`\"".contains(c));
    let mut found: Vec<String> = words
        .map(|word| word.trim_end_matches(['.', ':', ';']))
        .filter(|word| {
            let name = word.trim_start_matches('-');
            word.starts_with('-')
                && name.starts_with(|c: char| c.is_ascii_alphabetic())
                && (word.starts_with("--") || name.len() == 1)
        })
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// What the package says of its options, ours take: whether they know an option shows without anything being done,
/// because help comes first.
#[test]
fn every_option_in_the_help_of_the_package_is_taken() {
    bench::with(Profile::Vault, |bench| {
        for name in COMMANDS {
            let help = bench.run(name, &["--help"]).ok().stdout();
            let options = options(&help);
            assert!(options.iter().any(|option| option == "--help"), "{name}: {help}");
            for option in options {
                // Words of the text that only name other programs' options.
                let taken = bench.ours(name, &[&option, "--help"]);
                let value = bench.ours(name, &[&option, "1", "--help"]);
                assert!(taken.status == 0 || value.status == 0, "{name} {option}: {} {}", taken.stderr, value.stderr);
            }
        }
    });
}

#[test]
fn help_version_and_wrong_usage_have_the_same_status() {
    bench::with(Profile::Vault, |bench| {
        for name in COMMANDS {
            for (line, status) in
                [(&["-h"][..], 0), (&["--help"], 0), (&["--nonsense"], 2), (&[], 2), (&["--version"], 0)]
            {
                let expected = match (name, line) {
                    // What it is without arguments; and it has no version.
                    ("vos-config", [] | ["--version"]) => continue,
                    // Sizes for people, of nothing.
                    ("vls", ["-h"]) => 2,
                    _ => status,
                };
                let ours = bench.ours(name, line).fails_with(expected, &[]);
                assert_eq!(ours.stdout().is_empty(), expected != 0, "{name} {line:?}");
                // One of them tells how all of the package do.
                if line.is_empty() || name == "vrm" {
                    bench.run(name, line).fails_with(expected, &[]);
                }
            }
        }
        for (name, line) in [
            ("vls", &["-h"][..]),
            ("vcp", &["one"]),
            ("vmv", &["one"]),
            ("vln", &["one"]),
            ("vchmod", &["o+r"]),
            ("vlock", &["--lock", "--unlock", "vos:x"]),
            ("vsync", &["one"]),
            ("cadc-get-cert", &["-n", "-u", "demo"]),
            ("cadc-get-cert", &["-u", "demo", "--days-valid", "many"]),
        ] {
            let (theirs, ours) = (bench.run(name, line), bench.ours(name, line));
            assert_eq!((ours.status, theirs.status), (2, 2), "{name} {line:?}: {} {}", ours.stderr, theirs.stderr);
        }
    });
}

/// A `.netrc` as each of the two wants it: the package looks for the host with its port where one is given.
fn netrc(bench: &Bench<'_>, password: &str) {
    let file = bench.world.path("home/.netrc");
    let address = bench.world.server.address();
    let host = address.split(':').next().unwrap();
    let machines = [host, &address].map(|machine| format!("machine {machine} login demo password {password}\n"));
    fs::write(&file, machines.concat()).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn cadc_get_cert(bench: &Bench<'_>) {
    netrc(bench, "demo-password");
    let address = bench.world.server.address();
    let to = bench.local("deep/new.pem").to_str().unwrap().to_owned();
    let file = bench.world.path("home/.netrc").to_str().unwrap().to_owned();
    for line in [
        &["-n"][..],
        &["--netrc-file", &file],
        &["-n", "--days-valid", "3"],
        &["-n", "--days-valid=20", "--cert-filename", &to],
        &["-n", "-q"],
        &["-n", "--quiet", "--resource-id", "ivo://cadc.nrc.ca/cred"],
        &["--token", "demo-token"],
    ] {
        let [theirs, ours] = [true, false].map(|package| {
            let _ = fs::remove_file(bench.python.certificate());
            let _ = fs::remove_file(&to);
            let line: Vec<&str> = ["--host", &address].into_iter().chain(line.iter().copied()).collect();
            let ended = if package { bench.run("cadc-get-cert", &line) } else { bench.ours("cadc-get-cert", &line) };
            (ended.ok().stdout(), bench.python.certificate().exists(), fs::exists(&to).unwrap())
        });
        assert_eq!(ours, theirs, "{line:?}");
    }
}

fn cadc_get_cert_wrongly(bench: &Bench<'_>) {
    netrc(bench, "demo-password");
    for line in [&["--token", "wrong"][..], &["--netrc-file", "/none"]] {
        let ours = bench.ours("cadc-get-cert", line);
        assert!(ours.status == 1 && ours.stdout().is_empty(), "{line:?}: {}", ours.stderr);
    }
}
