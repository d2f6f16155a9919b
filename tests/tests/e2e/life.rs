//! The life of the daemon: into the background when the mount answers, out of it with nothing lost.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use vofs_tests::mount::is_mounted;
use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    goes_to_the_background_when_it_answers,
    ends_in_order,
    anonymous_is_read_only,
    read_only_on_request,
    a_certificate_opens_the_space,
    options_of_the_python_program,
    a_dead_mount_is_cleared_by_the_next,
);

fn goes_to_the_background_when_it_answers(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"here");
    let point = world.path("mnt");
    fs::create_dir(&point).unwrap();
    mounts_in_the_background(&world, &point);
}

/// Right after its daemon's end the kernel still has the attributes of the mount point, which then looks alive.
fn a_dead_mount_is_cleared_by_the_next(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"here");
    let mut dead = world.mount();
    fs::metadata(dead.path()).unwrap();
    dead.crash();
    mounts_in_the_background(&world, dead.path());
}

#[track_caller]
fn mounts_in_the_background(world: &World, point: &Path) {
    let mut command = world.command("mountvofs");
    command.args(["--vospace", &world.uri(""), "--mountpoint"]).arg(point).arg("--cache_dir").arg(world.path("cache"));
    command.arg("--log").arg(world.path("mountvofs.log"));
    run(&mut command).ok();
    // No waiting: it has promised to answer.
    assert!(is_mounted(point));
    let read = fs::read(point.join("f"));
    let daemons = daemons(point);
    run(Command::new("fusermount3").arg("-u").arg(point)).ok();
    assert_eq!(read.unwrap(), b"here");
    assert_eq!(daemons.len(), 1, "{daemons:?}");
    wait_until("the daemon's end", Duration::from_secs(30), || self::daemons(point).is_empty());
}

/// The processes that have a mount point among their arguments (one that has ended has none).
fn daemons(point: &Path) -> Vec<u32> {
    let wanted = point.to_str().unwrap().as_bytes();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let id = entry.file_name().to_str()?.parse().ok()?;
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            line.split(|byte| *byte == 0).any(|word| word == wanted).then_some(id)
        })
        .collect()
}

fn ends_in_order(profile: Profile) {
    let world = World::new(profile);
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mount = world.mount();
        let name = format!("written-before-{signal}");
        fs::write(mount.join(&name), b"kept").unwrap();
        mount.end_by(signal);
        assert_eq!(world.bytes(&name).as_deref(), Some(&b"kept"[..]));
    }
    let mount = world.mount();
    fs::write(mount.join("before-unmount"), b"kept").unwrap();
    mount.unmount();
    assert_eq!(world.bytes("before-unmount").as_deref(), Some(&b"kept"[..]));
}

fn anonymous_is_read_only(profile: Profile) {
    let world = World::new(profile).with_general_credentials();
    let mount = world.mount();
    fs::write(mount.join("public"), b"for all").unwrap();
    for path in [mount.join("public"), mount.path().to_owned()] {
        let mut mode = fs::metadata(&path).unwrap().permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
        fs::set_permissions(&path, mode).unwrap();
    }
    mount.unmount();
    let mount = world.mounting().variable("VOSPACE_TOKEN", None).cache(&world.path("anonymous")).start();
    assert_eq!(fs::read(mount.join("public")).unwrap(), b"for all");
    assert!(mount.log().contains("no credentials found: the mount is anonymous and read-only; get a certificate with"));
    let error = fs::write(mount.join("x"), b"").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(nix::libc::EROFS), "{error}");
}

fn read_only_on_request(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let mount = world.mounting().options(&["--readonly"]).start();
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"x");
    for error in [
        fs::write(mount.join("f"), b"y").unwrap_err(),
        fs::create_dir(mount.join("d")).unwrap_err(),
        fs::remove_file(mount.join("f")).unwrap_err(),
    ] {
        assert_eq!(error.raw_os_error(), Some(nix::libc::EROFS), "{error}");
    }
}

fn a_certificate_opens_the_space(profile: Profile) {
    let world = World::tls(profile).with_general_credentials();
    let certificate = world.server.user_certificate("demo");
    let certificate = certificate.to_str().unwrap();
    let mount = world.mounting().variable("VOSPACE_TOKEN", None).options(&["--certfile", certificate]).start();
    fs::write(mount.join("f"), b"by certificate").unwrap();
    assert_eq!(world.bytes("f").as_deref(), Some(&b"by certificate"[..]));
    mount.unmount();
    // Where everybody has it, it needs no option.
    fs::create_dir(world.path("home/.ssl")).unwrap();
    fs::copy(certificate, world.path("home/.ssl/cadcproxy.pem")).unwrap();
    let mut vls = world.command("vospace");
    vls.env_remove("VOSPACE_TOKEN").args(["ls", &world.uri("")]);
    assert_eq!(run(&mut vls).ok().stdout(), "f\n");
    // A service that nobody vouches for is refused, whatever it is shown.
    vls.env_remove("VOSPACE_CA_BUNDLE").env("HOME", world.path("local"));
    run(&mut vls).fails_with(1, &["ERROR:: ", "certificate"]);
}

fn options_of_the_python_program(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let all =
        ["--cache_nodes", "--max_flush_threads", "3", "--secure_get", "--nothreads", "--cache-limit", "100MiB", "-w"];
    let mount = world.mounting().options(&all).start();
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"x");
}
