//! fsx and fio: random operations whose every byte is checked.

use std::path::Path;

use vofs_tests::process::run;
use vofs_tests::tools::tool;
use vofs_tests::{Profile, World, both_profiles};

use super::shell;

both_profiles!(fsx_as_it_comes, fsx_with_everything_there_is, fio_verifies_what_it_wrote);

/// Operations of each run: what a few seconds hold. `packaging/test/fsx.sh` does a million.
const OPERATIONS: &str = "3000";

/// All operations that this system has, with syncs, which upload, and reopenings.
const EVERYTHING: &str = "
flen = 1048576
[weights]
close_open = 0.2
read = 10
write = 10
mapread = 10
mapwrite = 10
invalidate = 1
truncate = 5
fsync = 0.2
fdatasync = 0.2
posix_fallocate = 5
punch_hole = 5
sendfile = 5
posix_fadvise = 2
copy_file_range = 5
";

fn fsx(world: &World, file: &Path, configuration: Option<&str>) {
    let mut command = tool("fsx");
    command.args(["-q", "-N", OPERATIONS, "-S", "20261121", "-P"]).arg(world.local(""));
    if let Some(text) = configuration {
        command.arg("-f").arg(world.local_file("fsx.toml", text));
    }
    run(command.arg(file)).ok();
}

fn fsx_as_it_comes(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fsx(&world, &mount.join("f"), None);
}

fn fsx_with_everything_there_is(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    fsx(&world, &mount.join("f"), Some(EVERYTHING));
    let here = std::fs::read(mount.join("f")).unwrap();
    mount.unmount();
    assert!(world.bytes("f").unwrap() == here, "the service has what was read");
}

fn fio_verifies_what_it_wrote(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    for (engine, more) in [("psync", "--fsync=500"), ("mmap", "")] {
        let job = format!(
            "fio --name=verify-{engine} --ioengine={engine} --rw=randrw --bs=4k --size=8M --io_size=8M --verify=crc32c \
             --verify_fatal=1 --do_verify=1 --randrepeat=1 --allow_file_create=1 --output=/dev/null {more}"
        );
        shell(mount.path(), &job);
    }
}
