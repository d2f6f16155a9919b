//! What `make install` lays (by `packaging/install.sh`) and `make uninstall` takes away.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use vofs_tests::process::{built, run};

use crate::project;

fn install(prefix: &Path) {
    run(Command::new(project("packaging/install.sh")).arg("install").arg(prefix).arg(built())).ok();
}

/// What make would do, or does.
fn make(arguments: &[&str]) -> String {
    run(Command::new("make").arg("-C").arg(project(".")).args(arguments)).ok().stdout()
}

/// All files and links below a directory.
fn files(root: &Path) -> BTreeSet<String> {
    let found = run(Command::new("find").arg(root).args(["!", "-type", "d", "-printf", "%P\n"])).ok().stdout();
    found.lines().map(str::to_owned).collect()
}

#[test]
fn laid_and_taken_away() {
    let root = tempfile::tempdir().unwrap();
    let bin = root.path().join("bin");
    install(root.path());
    let installed = files(root.path());
    let programs: Vec<&str> = installed.iter().filter_map(|file| file.strip_prefix("bin/")).collect();
    let wanted = "cadc-get-cert getCert mountvofs vcat vchmod vcp vdf vdoctor vdu vfind vln vlock vlogin vlogout vls vmkdir vmv vos-config \
                  vospace vospaced vrm vrmdir vsync vtag";
    assert_eq!(programs, wanted.split_whitespace().collect::<Vec<_>>());
    for file in [
        "share/bash-completion/completions/vls",
        "share/zsh/site-functions/_vospace",
        "share/fish/vendor_completions.d/vls.fish",
        "share/man/man1/vls.1",
        "share/man/man1/vospace.1",
    ] {
        assert!(fs::read_to_string(root.path().join(file)).unwrap().contains("vls"), "{file}");
    }
    for file in [
        "sbin/mount.vofs",
        "share/systemd/user/vofs@.service",
        "lib/systemd/system/vofs@.service",
        "share/man/man1/mountvofs.1",
        "share/vofs/demo/demo.sh",
        "share/doc/vofs/examples/kubernetes/pod.yaml",
        "share/doc/vofs/examples/batch/with-space.sh",
    ] {
        assert!(installed.contains(file), "{file} is not in {installed:?}");
    }
    let unit = fs::read_to_string(root.path().join("share/systemd/user/vofs@.service")).unwrap();
    assert!(unit.contains(&format!("ExecStart={}/mountvofs ", bin.display())), "{unit}");
    run(Command::new(bin.join("vls")).arg("--version")).ok();
    run(Command::new(root.path().join("sbin/mount.vofs")).args(["vos:demo", "/", "-f"])).ok();

    // The Python client's command of the same name stays, with its page.
    fs::remove_file(bin.join("vmv")).unwrap();
    fs::write(bin.join("vmv"), "somebody else's").unwrap();
    make(&["uninstall", &format!("PREFIX={}", root.path().display())]);
    assert_eq!(files(root.path()), BTreeSet::from(["bin/vmv".to_owned(), "share/man/man1/vmv.1".to_owned()]));
}

/// The places that packagers choose go to the script that lays the files.
#[test]
fn make_hands_on_where() {
    let told = make(&["--dry-run", "install", "PREFIX=/opt/vofs", "DESTDIR=/stage"]);
    assert!(told.contains("DESTDIR=/stage BINDIR=/opt/vofs/bin packaging/install.sh install /opt/vofs"), "{told}");
    let told = make(&["--dry-run", "uninstall", "PREFIX=/opt/vofs", "BINDIR=/opt/bin"]);
    assert!(told.contains("BINDIR=/opt/bin packaging/install.sh uninstall /opt/vofs"), "{told}");
}
