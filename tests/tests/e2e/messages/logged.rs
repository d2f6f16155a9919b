//! What a mount logs that works all the same.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nix::sys::signal::Signal;
use vofs_tests::mount::{Mount, adopt};
use vofs_tests::process::{binary, run};
use vofs_tests::{Profile, World, wait_until};

const SOON: Duration = Duration::from_secs(60);

#[track_caller]
fn logs(mount: &Mount, said: &str) {
    wait_until(said, SOON, || mount.log().contains(said));
}

#[test]
fn a_place_for_the_control_socket_that_is_taken_is_said() {
    let world = World::new(Profile::Vault);
    fs::create_dir_all(world.path("cache/control/taken")).unwrap();
    let mount = world.mount();
    logs(&mount, "no control socket: `mountvofs status` and `drain` cannot ask this mount");
    assert_eq!(fs::read_dir(mount.path()).unwrap().count(), 0);
}

#[test]
fn a_token_that_ends_is_said_with_what_renews_it() {
    let ends = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 4;
    let token = format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE_NO_PAD.encode(format!(r#"{{"exp": {ends}}}"#)));
    let world = World::build(Profile::Vault, false, &["--user", &format!("demo:{token}")]).with_general_credentials();
    let file = world.local_file("token", &token);
    let mount = world.mounting().variable("VOSPACE_TOKEN", None).variable("VOSPACE_TOKEN_FILE", file.to_str()).start();
    logs(&mount, "the credentials have expired; put a new token into ");
}

#[test]
fn what_a_program_is_refused_is_said_with_its_number() {
    let world = World::new(Profile::Vault);
    let mount = world.mount();
    fs::write(mount.join("a b"), "x").unwrap_err();
    logs(&mount, "name refused path=/a b");
    logs(&mount, "failed operation=\"create\"");
    assert!(mount.log().contains("errno=22 error=/a b: "), "{}", mount.log());
}

#[test]
fn a_service_manager_that_is_not_there_is_said() {
    let world = World::new(Profile::Vault);
    let mount = world.mounting().variable("NOTIFY_SOCKET", Some("/none")).start();
    logs(&mount, "the service manager was not told error=");
}

/// Whoever asks while as many ask already as the daemon may have files open.
#[test]
fn connections_that_cannot_be_taken_are_said() {
    let world = World::new(Profile::Vault);
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    fs::create_dir(world.path("mnt")).unwrap();
    let mut command = Command::new("sh");
    world.environment(&mut command);
    command.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""]).arg(binary("mountvofs"));
    command.args(["-f", "-v", "--vospace", "vos:demo", "--metrics", &metrics.to_string(), "--mountpoint"]);
    command.arg(world.path("mnt")).arg("--cache_dir").arg(world.path("cache"));
    let log = world.path("limited.log");
    let mount = adopt(command, &world.path("mnt"), &log);
    let connected = || UnixStream::connect(world.path("cache/control"));
    let asked: Vec<_> = (0..40).map(|_| connected()).collect();
    logs(&mount, "control: no connection could be taken error=");
    let read = TcpStream::connect(metrics);
    logs(&mount, "metrics: no connection could be taken error=");
    drop((asked, read));
}

/// Something else stands above the mount point when the daemon is asked to end.
#[test]
fn a_mount_that_cannot_be_taken_away_is_said() {
    let world = World::new(Profile::Vault);
    let (above, point) = (world.path("above"), world.path("above/mnt"));
    fs::create_dir_all(&point).unwrap();
    let mount = world.mounting().point(&point).start();
    run(Command::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(&above)).ok();
    mount.signal(Signal::SIGTERM);
    logs(&mount, "not unmounted error=");
    run(Command::new("umount").arg(&above)).ok();
}
