//! Machines on which nobody can mount. Each is made of name spaces of its own, so that this one stays as it is.

use std::process::Command;

use vofs_tests::process::run;
use vofs_tests::{Profile, World};

use crate::faults::{Attempt, status};

/// Mounts after `script` has changed the machine.
#[track_caller]
fn says(world: &World, script: &str, options: &[&str], text: &str) {
    let attempt = Attempt::new(world).option(options).command();
    let unshare: &[&str] = if nix::unistd::getuid().is_root() { &[] } else { &["--map-root-user"] };
    let mut command = Command::new("unshare");
    world.environment(&mut command);
    command.args(unshare).args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
    command.arg(attempt.get_program()).args(attempt.get_args());
    let ended = run(&mut command).fails_with(status::FUSE, &[text]);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn what_a_machine_lacks_is_said_with_who_can_change_it() {
    let world = World::new(Profile::Vault);
    let device = "mount -t tmpfs -o nodev none /dev && ";
    says(
        &world,
        &format!("{device} exec \"$@\""),
        &[],
        "/dev/fuse does not exist: load the kernel module (`modprobe fuse`)",
    );
    let node = format!("{device} mknod /dev/fuse c 10 229 && exec \"$@\"");
    says(
        &world,
        &node,
        &[],
        "/dev/fuse may not be opened by this user: ask an administrator for `chmod 666 /dev/fuse`",
    );
    let directory = format!("{device} mkdir /dev/fuse && exec \"$@\"");
    says(&world, &directory, &[], "; is the kernel module loaded (`modprobe fuse`)?");
    let alone =
        "if [ -e /etc/fuse.conf ]; then mount --bind /dev/null /etc/fuse.conf; fi && exec unshare --user \"$@\"";
    says(
        &world,
        alone,
        &["--allow_other"],
        "--allow_other needs the line `user_allow_other` in /etc/fuse.conf; an admin",
    );
    let bare = "PATH=/nowhere; exec /usr/bin/unshare --user \"$@\"";
    says(
        &world,
        bare,
        &[],
        "fusermount3 is not installed, and only root can mount without it: install the package fuse3",
    );
    // Where the kernel lets nobody mount: without the right to, and with a helper that fails.
    let helper = "mount -t tmpfs none /opt && printf '#!/bin/sh\\nexit 1\\n' > /opt/fusermount3 && chmod 755 /opt/fusermount3 && \
                  PATH=/opt exec /usr/bin/unshare --user \"$@\"";
    says(&world, helper, &[], "cannot mount on ");
}
