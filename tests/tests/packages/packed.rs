//! The packages: made, installed where nothing else is, and used there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use vofs_tests::process::{built, run};

use crate::{finish, prepared, project, script};

/// Installed, toured, mounted by mount(8) and by /etc/fstab, as another user, and removed, in a minimal system.
#[test]
fn the_deb_in_a_clean_root() {
    let out = tempfile::tempdir().unwrap();
    let package = finish(script("packaging/deb/build.sh").arg(built()).arg(out.path())).stdout();
    let tried = finish(script("packaging/test/clean-root.sh").arg(prepared("clean-root")).arg(package.trim())).stdout();
    for part in [
        "all right in both profiles",
        "== /etc/fstab, as the guide has it",
        "== autofs, as the guide has it",
        "== setuid=",
        "== remove",
        "== all right",
    ] {
        assert!(tried.contains(part), "no '{part}' in: {tried}");
    }
}

/// Installed into an empty root by rpm itself; it holds what the other package holds.
#[test]
fn the_rpm_has_all_and_runs() {
    let out = tempfile::tempdir().unwrap();
    let package = finish(script("packaging/rpm/build.sh").arg(built()).arg(out.path())).stdout();
    let root = out.path().join("root");
    fs::create_dir(&root).unwrap();
    // The C library and fuse3 are not packages of rpm on this machine.
    finish(Command::new("rpm").args(["--install", "--nodeps", "--noscripts", "--root"]).arg(&root).arg(package.trim()));
    let needed = run(Command::new("rpm").args(["-qp", "--requires", package.trim()])).ok().stdout();
    assert!(needed.contains("fuse3") && needed.contains("libc.so.6"), "{needed}");

    let laid = out.path().join("laid");
    run(Command::new(project("packaging/install.sh")).args(["install", "/usr"]).arg(built()).env("DESTDIR", &laid))
        .ok();
    let files = |root: &Path| -> BTreeSet<String> {
        let found = run(Command::new("find").arg(root.join("usr")).args(["!", "-type", "d", "-printf", "%P %m %l\n"]));
        found.ok().stdout().lines().filter(|line| !line.starts_with("lib/sysimage")).map(str::to_owned).collect()
    };
    assert_eq!(files(&root), files(&laid));
    run(Command::new(root.join("usr/bin/vls")).arg("--version")).ok();
    finish(Command::new("rpm").args(["--erase", "--noscripts", "--root"]).arg(&root).arg("vofs"));
    assert!(!root.join("usr/share/doc/vofs").exists() && !root.join("usr/bin/vls").exists());
}

/// Installed by pip into an environment of its own, from which the tour runs.
#[test]
fn the_wheel_in_a_fresh_environment() {
    let out = tempfile::tempdir().unwrap();
    let wheel = finish(script("packaging/wheel/build.py").arg(built()).arg(out.path())).stdout();
    let environment = out.path().join("environment");
    finish(Command::new("python3").args(["-m", "venv"]).arg(&environment));
    let pip = environment.join("bin/pip");
    let quiet = ["--quiet", "--disable-pip-version-check", "--no-input"];
    finish(Command::new(&pip).arg("install").args(quiet).arg("--no-index").arg(wheel.trim()));
    // Through a link from elsewhere, as conda and pipx make them.
    let linked = out.path().join("vls");
    std::os::unix::fs::symlink(environment.join("bin/vls"), &linked).unwrap();
    run(Command::new(&linked).arg("--version")).ok();
    for file in [
        "man/man1/vls.1",
        "man/man1/vospace.1",
        "bash-completion/completions/vls",
        "zsh/site-functions/_vospace",
        "fish/vendor_completions.d/vls.fish",
    ] {
        let text = fs::read_to_string(environment.join("share").join(file)).unwrap();
        assert!(text.contains("vls"), "{file}");
    }
    let toured = finish(script("packaging/demo/demo.sh").arg(environment.join("bin")).env("DEMO_ONCE", "1")).stdout();
    assert!(toured.contains("all right in both profiles"), "{toured}");
    finish(Command::new(&pip).arg("uninstall").args(quiet).args(["--yes", "vofs"]));
    for gone in ["bin/vls", "bin/mountvofs", "share/man/man1/vls.1"] {
        assert!(!environment.join(gone).exists(), "{gone}");
    }
}
