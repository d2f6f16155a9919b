//! The systemd units: systemd itself reads them, and their command line is one that mounts.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use vofs_tests::process::{binary, built, run};
use vofs_tests::{Profile, World};

use crate::project;

/// A unit, as the installation lays it.
fn template(world: &World, kind: &str) -> PathBuf {
    let prefix = world.path("installed");
    if !prefix.exists() {
        run(Command::new(project("packaging/install.sh")).arg("install").arg(&prefix).arg(built())).ok();
    }
    prefix.join(match kind {
        "user" => "share/systemd/user/vofs@.service",
        _ => "lib/systemd/system/vofs@.service",
    })
}

#[test]
fn systemd_takes_them() {
    let world = World::new(Profile::Vault);
    fs::create_dir(world.path("run")).unwrap();
    for kind in ["user", "system"] {
        let unit = template(&world, kind);
        let mut verify = Command::new("systemd-analyze");
        verify.args(["verify", "--man=no", &format!("--{kind}")]).arg(&unit).env("XDG_RUNTIME_DIR", world.path("run"));
        let said = run(&mut verify).ok();
        // systemd warns and goes on where it does not know a key.
        let ours: Vec<&str> = said.stderr.lines().filter(|line| line.contains("vofs@")).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
    // The names that the units and the guide promise.
    for (uri, name) in [("vos:USER", "vos:USER"), ("arc:home/USER", "arc:home-USER"), ("vos:a-b", r"vos:a\x2db")] {
        assert_eq!(run(Command::new("systemd-escape").arg(uri)).ok().stdout().trim(), name);
    }
}

/// The command line of the user unit, with the instance put in as systemd does, mounts; a second start after `kill -9` clears
/// what is left and mounts again.
#[test]
fn its_command_line_mounts_again_after_a_crash() {
    let world = World::new(Profile::Cavern);
    world.put("f", b"here");
    let unit = fs::read_to_string(template(&world, "user")).unwrap();
    let line = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let point = world.path("mnt");
    let line = line.replace("%I", &world.uri("")).replace("${VOFS_MOUNTPOINT}", point.to_str().unwrap());
    let words: Vec<String> = line.replace(" $VOFS_OPTIONS", "").split(' ').map(str::to_owned).collect();
    assert!(words[0].ends_with("/bin/mountvofs"), "{words:?}");
    assert_eq!(words[1], "--foreground");
    let options: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    let unit_mount = || {
        let mut command = world.command("mountvofs");
        command.args(&options);
        vofs_tests::mount::adopt(command, &point, &world.path("mountvofs.err"))
    };
    fs::create_dir(&point).unwrap();
    let mut first = unit_mount();
    assert_eq!(fs::read(first.join("f")).unwrap(), b"here");
    first.crash();
    let second = unit_mount();
    assert_eq!(fs::read(second.join("f")).unwrap(), b"here");
    second.end_by(nix::sys::signal::Signal::SIGTERM);
    // The name by which it is known to mount(8) is the same program.
    symlink(binary("mountvofs"), world.path("mount.vofs")).unwrap();
    run(Command::new(world.path("mount.vofs")).args(["vos:USER", "/mnt", "-f", "-o", "_netdev"])).ok();
}
