//! How many files a mount can have open.

use std::fs::File;
use std::io::Read as _;
use std::process::Command;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use vofs_tests::{Profile, World, mount};

/// Four times what the daemon may open by the limit that it is started with.
const FILES: usize = 1000;

#[test]
fn a_low_limit_of_descriptors_is_raised_to_what_is_allowed() {
    // This process has them open as well.
    let (_, highest) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, highest, highest).unwrap();
    let world = World::new(Profile::Vault);
    world.server.populate(&["demo/many".into(), "--count".into(), FILES.to_string(), "--length".into(), "100".into()]);
    let (point, log) = (world.path("mnt"), world.path("mountvofs.log"));
    std::fs::create_dir(&point).unwrap();
    let mut command = Command::new("sh");
    world.environment(&mut command);
    command.args(["-c", r#"ulimit -S -n 256; exec "$0" "$@""#]).arg(vofs_tests::process::binary("mountvofs"));
    command.args(["--foreground", "--vospace", &world.uri("")]);
    command.arg("--mountpoint").arg(&point).arg("--cache_dir").arg(world.path("cache"));
    let mount = mount::adopt(command, &point, &log);
    let mut files: Vec<File> = Vec::with_capacity(FILES);
    for entry in std::fs::read_dir(mount.join("many")).unwrap() {
        let mut file = File::open(entry.unwrap().path()).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len(), 100);
        files.push(file);
    }
    assert_eq!(files.len(), FILES);
}
