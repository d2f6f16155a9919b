//! `mount.vofs`, as mount(8) calls it. The real mount(8), and `setuid=`, are tried where the package is installed
//! (`packages`).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use vofs_tests::mount::is_mounted;
use vofs_tests::process::{Finished, binary, run};
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(mounts_with_the_options_of_a_table, says_what_mount_expects);

struct Helper<'a> {
    world: &'a World,
    point: PathBuf,
}

impl<'a> Helper<'a> {
    fn new(world: &'a World) -> Self {
        symlink(binary("mountvofs"), world.path("mount.vofs")).unwrap();
        let point = world.path("mnt");
        fs::create_dir(&point).unwrap();
        Self { world, point }
    }

    fn call(&self, spec: &str, options: &str) -> Finished {
        let mut helper = Command::new(self.world.path("mount.vofs"));
        self.world.environment(&mut helper);
        // mount(8) at boot has no home directory for it; services that need a section have it in the system's file.
        helper.env_remove("HOME").env("XDG_CONFIG_HOME", self.world.path("home/.config")).current_dir("/");
        run(helper.arg(spec).arg(&self.point).args(["-n", "-o", options]))
    }

    fn options(&self) -> String {
        format!("rw,noauto,_netdev,x-systemd.automount,cache_dir={}", self.world.path("cache").display())
    }

    fn unmount(&self) {
        run(Command::new("fusermount3").arg("-u").arg(&self.point)).ok();
        wait_until("the end of the daemon", Duration::from_secs(30), || {
            nix::fcntl::Flock::lock(
                fs::File::open(self.world.path("cache/lock")).unwrap(),
                nix::fcntl::FlockArg::LockExclusiveNonblock,
            )
            .is_ok()
        });
    }
}

fn mounts_with_the_options_of_a_table(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"here");
    let helper = Helper::new(&world);
    helper.call(&world.uri(""), &format!("{},noexec,max_flush_threads=2", helper.options())).ok();
    let table = fs::read_to_string("/proc/self/mounts").unwrap();
    let line = table.lines().find(|line| line.contains(helper.point.to_str().unwrap())).unwrap().to_owned();
    let read = fs::read(helper.point.join("f"));
    helper.unmount();
    assert_eq!(read.unwrap(), b"here");
    assert!(line.contains(" rw,") && line.contains("noexec"), "{line}");
    assert!(world.path("cache/mountvofs.log").exists());
}

fn says_what_mount_expects(profile: Profile) {
    let world = World::new(profile);
    let helper = Helper::new(&world);
    helper
        .call(&world.uri(""), "cache_dri=/x")
        .fails_with(1, &["option 'cache_dri' is not known; those of `mountvofs --help` are"]);
    helper
        .call(&world.uri(""), "remount,ro")
        .fails_with(1, &["/mnt: a mounted space cannot be mounted anew with other options; unmount it first"]);
    helper.call(&world.uri("nowhere"), &helper.options()).fails_with(32, &["does not exist"]);
    assert!(!is_mounted(&helper.point));
}
