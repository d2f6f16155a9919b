//! fsx and fio: random operations whose every byte is checked.

use vofs_tests::fsx::{Settings, exercise};
use vofs_tests::{Profile, World, every_profile};

use super::shell;

every_profile!(fsx_as_it_comes, fsx_with_everything_there_is, fio_verifies_what_it_wrote);

/// Operations of each run: what a few seconds hold. `make soak-write` does a million.
const OPERATIONS: u64 = 3000;

/// The same each time: other sequences are for the long form.
const SEED: u64 = 20_261_121;

fn fsx_as_it_comes(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    exercise(&world, &mount.join("f"), Settings::Default, SEED, OPERATIONS).ok();
}

fn fsx_with_everything_there_is(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    exercise(&world, &mount.join("f"), Settings::Everything, SEED, OPERATIONS).ok();
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
