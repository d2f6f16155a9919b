//! Every option of the Python commands: it exists under its name, and has its effect, on every profile.

use vofs_tests::process::run;
use vofs_tests::{Profile, World};

mod effects;

/// What all the `v*` commands take.
const COMMON: [&str; 11] = [
    "--certfile=",
    "--token=x",
    "-v",
    "--verbose",
    "-w",
    "--warning",
    "-d",
    "--debug",
    "--vos-debug",
    "-k",
    "--insecure",
];

/// The options of each command, with values where they take some; deprecated and hidden ones among them, and ours.
const OPTIONS: [(&str, &[&str]); 19] = [
    (
        "vls",
        &[
            "-l",
            "--long",
            "-g",
            "--group",
            "-h",
            "--human",
            "-S",
            "--Size",
            "-t",
            "--time",
            "-r",
            "--reverse",
            "-lghStr",
            "-R",
            "--recursive",
            "--json",
            "-Q",
            "--quote-name",
            "-N",
            "--literal",
            "-n 4",
            "--nstreams=4",
            "--timeout 9",
            "--registry http://h/reg",
        ],
    ),
    (
        "vcp",
        &[
            "--exclude a,b",
            "--exclude=a",
            "--include a",
            "-i",
            "--interrogate",
            "-L",
            "--follow-links",
            "--ignore",
            "--head",
            "--quick",
            "--overwrite",
            "--nstreams=1",
            "--timeout=3600",
            "--bwlimit 10M",
            "--dry-run",
            "--json",
            "--quiet",
        ],
    ),
    ("vcat", &["--head", "-q", "--quiet", "--bwlimit=1M"]),
    ("vrm", &["-R", "--recursive", "--rec", "-n 4", "--nstreams=4"]),
    ("vrmdir", &[]),
    ("vmkdir", &["-p", "--parents"]),
    ("vfind", &["--name *.fits", "--type f", "--larger 1M", "--smaller 1G", "-Q", "-N", "--nstreams=4", "--json"]),
    ("vdu", &["-s", "--summarize", "-H", "--human", "-n 4", "--json"]),
    ("vdf", &["-b", "--bytes", "--json"]),
    ("vdoctor", &[]),
    ("getCert", &["--daysValid 3", "--cert-filename f", "--cert-server h", "-V"]),
    ("vmv", &[]),
    ("vln", &[]),
    ("vlock", &["--lock", "--unlock"]),
    ("vchmod", &["-R", "--recursive"]),
    (
        "vsync",
        &[
            "--ignore-checksum",
            "--cache_nodes",
            "--cache_filename f",
            "-r",
            "--recursive",
            "-n 30",
            "--nstreams 1",
            "--nstreams=4",
            "--exclude a,b",
            "--include ^a",
            "-L",
            "--follow-links",
            "--delete",
            "--delete -y",
            "--delete --yes",
            "--dry-run",
            "--json",
            "-q",
            "--bwlimit 10M",
            "--overwrite",
        ],
    ),
    ("vtag", &["--remove", "-R", "--recursive", "--json"]),
    ("vos-config", &["-g", "--generate"]),
    (
        "cadc-get-cert",
        &[
            "-n",
            "--netrc-file f",
            "-u me",
            "--user me",
            "--cert-filename f",
            "--cert f",
            "--days-valid 3",
            "--days-valid=3",
            "--days-valid",
            "--resource-id ivo://x/y",
            "--host h",
            "-q",
            "--quiet",
            "-V",
        ],
    ),
];

/// Help comes after all that stands before it was understood, and before anything is done.
#[test]
fn every_option_is_known_by_its_name() {
    let world = World::new(Profile::Vault);
    for (name, options) in OPTIONS {
        for option in options.iter().chain(&COMMON) {
            if *option == "-V" {
                run(world.called(name).arg(option)).ok();
                continue;
            }
            let words = option.split(' ');
            let help = run(world.called(name).args(words).arg("--help")).ok();
            assert!(help.stdout().contains(&format!("Usage: {name}")), "{name} {option}: {}", help.stdout());
        }
        run(world.called(name).args(["--no-such-option", "--help"])).fails_with(2, &["--no-such-option"]);
    }
    assert!(world.server.log().is_empty());
}
