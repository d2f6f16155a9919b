//! Bytes of files: sizes, holes, appending, mapping, several handles.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};

use nix::fcntl::{FallocateFlags, fallocate};
use nix::unistd::{Whence, lseek};
use vofs_tests::process::run;
use vofs_tests::{Profile, Python, World, every_profile};

use super::errno;

every_profile!(
    appends_go_to_the_end_whoever_else_writes,
    a_hole_reads_as_zeros_and_arrives_as_zeros,
    holes_and_data_are_found,
    room_is_allocated_and_given_back,
    bytes_are_copied_within_the_mount,
    mapped_writes_arrive,
    emptied_and_written_by_one_program,
    an_open_file_outlives_its_name,
    two_openers_see_each_others_bytes,
    locks_hold_between_processes,
    a_reader_keeps_the_version_that_it_opened,
);

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 3 % 251) as u8).collect()
}

fn appends_go_to_the_end_whoever_else_writes(profile: Profile) {
    let world = World::new(profile);
    world.put("log", "begin\n");
    let mount = world.mount();
    let open = || OpenOptions::new().append(true).open(mount.join("log")).unwrap();
    let (mut one, mut two) = (open(), open());
    for line in 0..20 {
        writeln!(one, "one {line}").unwrap();
        writeln!(two, "two {line}").unwrap();
    }
    drop((one, two));
    let text = String::from_utf8(world.bytes("log").unwrap()).unwrap();
    assert_eq!(text.lines().count(), 41, "{text}");
    assert_eq!(text.lines().nth(40), Some("two 19"));
}

fn a_hole_reads_as_zeros_and_arrives_as_zeros(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(mount.join("sparse")).unwrap();
    file.write_all_at(b"end", 3_000_000).unwrap();
    file.write_all_at(b"begin", 0).unwrap();
    let mut hole = vec![1; 100_000];
    file.read_exact_at(&mut hole, 1_000_000).unwrap();
    assert!(hole.iter().all(|byte| *byte == 0));
    drop(file);
    let mut expected = vec![0; 3_000_003];
    expected[..5].copy_from_slice(b"begin");
    expected[3_000_000..].copy_from_slice(b"end");
    assert!(world.bytes("sparse").unwrap() == expected);
    // What was cut off does not come back when the file grows again.
    let file = OpenOptions::new().write(true).open(mount.join("sparse")).unwrap();
    file.set_len(2).unwrap();
    file.set_len(10).unwrap();
    drop(file);
    assert_eq!(world.bytes("sparse").unwrap(), b"be\0\0\0\0\0\0\0\0");
}

fn holes_and_data_are_found(profile: Profile) {
    let world = World::new(profile);
    world.put("whole", bytes(10_000));
    let mount = world.mount();
    let find = |file: &File, from: i64, whence: Whence| lseek(file.as_fd(), from, whence);
    let whole = File::open(mount.join("whole")).unwrap();
    assert_eq!(find(&whole, 100, Whence::SeekData), Ok(100));
    assert_eq!(find(&whole, 100, Whence::SeekHole), Ok(10_000));
    assert_eq!(find(&whole, 10_000, Whence::SeekData), Err(nix::errno::Errno::ENXIO));
    let sparse = File::create(mount.join("sparse")).unwrap();
    sparse.write_all_at(b"x", 100_000).unwrap();
    sparse.set_len(200_000).unwrap();
    assert_eq!(find(&sparse, 0, Whence::SeekHole), Ok(0));
    assert_eq!(find(&sparse, 0, Whence::SeekData), Ok(100_000));
    assert_eq!(find(&sparse, 100_000, Whence::SeekHole), Ok(100_001));
    assert_eq!(find(&sparse, 150_000, Whence::SeekData), Err(nix::errno::Errno::ENXIO));
}

fn room_is_allocated_and_given_back(profile: Profile) {
    let world = World::new(profile);
    world.put("f", bytes(50_000));
    let mount = world.mount();
    let file = OpenOptions::new().read(true).write(true).open(mount.join("f")).unwrap();
    let change = |flags: FallocateFlags, offset: i64, length: i64| fallocate(file.as_fd(), flags, offset, length);
    change(FallocateFlags::empty(), 40_000, 20_000).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 60_000);
    change(FallocateFlags::FALLOC_FL_KEEP_SIZE, 0, 1_000_000).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 60_000);
    change(FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE, 100, 5_000).unwrap();
    change(FallocateFlags::FALLOC_FL_ZERO_RANGE, 59_000, 2_000).unwrap();
    assert_eq!(change(FallocateFlags::FALLOC_FL_COLLAPSE_RANGE, 0, 4096), Err(nix::errno::Errno::EOPNOTSUPP));
    let mut expected = bytes(50_000);
    expected.resize(61_000, 0);
    expected[100..5_100].fill(0);
    let mut back = vec![0; 61_000];
    file.read_exact_at(&mut back, 0).unwrap();
    assert!(back == expected);
    drop(file);
    assert!(world.bytes("f").unwrap() == expected);
}

fn bytes_are_copied_within_the_mount(profile: Profile) {
    let world = World::new(profile);
    world.put("from", bytes(3_000_000));
    let mount = world.mount();
    let mut from = File::open(mount.join("from")).unwrap();
    let mut to = File::create_new(mount.join("to")).unwrap();
    to.write_all_at(b"0123456789", 0).unwrap();
    from.seek(SeekFrom::Start(1_000)).unwrap();
    to.seek(SeekFrom::Start(5)).unwrap();
    // Between two files the standard library asks for `copy_file_range`.
    assert_eq!(std::io::copy(&mut (&from).take(2_500_000), &mut to).unwrap(), 2_500_000);
    from.seek(SeekFrom::Start(3_000_000)).unwrap();
    assert_eq!(std::io::copy(&mut from, &mut to).unwrap(), 0, "nothing is behind the end");
    drop(to);
    let mut expected = b"01234".to_vec();
    expected.extend_from_slice(&bytes(3_000_000)[1_000..2_501_000]);
    assert!(world.bytes("to").unwrap() == expected);
    run(std::process::Command::new("cp").arg("--reflink=auto").arg(mount.join("from")).arg(mount.join("copy"))).ok();
    assert!(world.bytes("copy").unwrap() == bytes(3_000_000));
}

/// Writes through a mapping, once with msync and once without, and after the descriptor is closed.
const MAPPED: &str = r"
import mmap, os, sys
path = sys.argv[1]
fd = os.open(path, os.O_RDWR)
size = os.fstat(fd).st_size
with mmap.mmap(fd, size) as view:
    view[0:5] = b'first'
    view.flush()
    view[size - 4:] = b'last'
with mmap.mmap(fd, size) as view:
    os.close(fd)
    view[1000:1006] = b'closed'
    view.flush()
";

fn mapped_writes_arrive(profile: Profile) {
    let world = World::new(profile);
    world.put("m", bytes(200_000));
    let mount = world.mount();
    Python::find().script(MAPPED, &[&mount.join("m")]);
    let mut expected = bytes(200_000);
    expected[..5].copy_from_slice(b"first");
    expected[1000..1006].copy_from_slice(b"closed");
    expected[199_996..].copy_from_slice(b"last");
    assert!(fs::read(mount.join("m")).unwrap() == expected);
    mount.unmount();
    assert!(world.bytes("m").unwrap() == expected);
}

fn emptied_and_written_by_one_program(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "what was there");
    let mount = world.mount();
    let mut file = File::create(mount.join("f")).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 0);
    file.write_all(b"new").unwrap();
    drop(file);
    assert_eq!(world.bytes("f").unwrap(), b"new");
    run(std::process::Command::new("sh").arg("-c").arg(format!("echo shell > {}", mount.join("f").display()))).ok();
    assert_eq!(world.bytes("f").unwrap(), b"shell\n");
}

fn an_open_file_outlives_its_name(profile: Profile) {
    let world = World::new(profile);
    world.put("old", bytes(300_000));
    let mount = world.mount();
    let mut old = OpenOptions::new().read(true).write(true).open(mount.join("old")).unwrap();
    let mut new = OpenOptions::new().read(true).write(true).create_new(true).open(mount.join("new")).unwrap();
    new.write_all(b"never sent").unwrap();
    for name in ["old", "new"] {
        fs::remove_file(mount.join(name)).unwrap();
        assert!(!world.exists(name));
    }
    let mut text = Vec::new();
    old.read_to_end(&mut text).unwrap();
    assert!(text == bytes(300_000), "it is read after its removal");
    old.write_all_at(b"written", 0).unwrap();
    old.set_len(7).unwrap();
    let mut back = [0; 7];
    old.read_exact_at(&mut back, 0).unwrap();
    let data = old.metadata().unwrap();
    assert_eq!((&back, data.len(), data.nlink()), (b"written", 7, 0));
    let mut back = [0; 10];
    new.read_exact_at(&mut back, 0).unwrap();
    assert_eq!(&back, b"never sent");
    // A new file of that name is another one.
    fs::write(mount.join("old"), b"another").unwrap();
    drop((old, new));
    assert_eq!(world.bytes("old").unwrap(), b"another");
    assert!(!world.exists("new"));
}

fn two_openers_see_each_others_bytes(profile: Profile) {
    let world = World::new(profile);
    world.put("f", bytes(100_000));
    let mount = world.mount();
    let writer = OpenOptions::new().write(true).open(mount.join("f")).unwrap();
    let reader = File::open(mount.join("f")).unwrap();
    writer.write_all_at(b"in the middle", 50_000).unwrap();
    let mut back = [0; 13];
    reader.read_exact_at(&mut back, 50_000).unwrap();
    assert_eq!(&back, b"in the middle");
    writer.set_len(60_000).unwrap();
    assert_eq!(reader.metadata().unwrap().len(), 60_000);
    assert_eq!(reader.read_at(&mut back, 60_000).unwrap(), 0);
    drop(writer);
    let mut expected = bytes(60_000);
    expected[50_000..50_013].copy_from_slice(b"in the middle");
    assert!(world.bytes("f").unwrap() == expected);
}

/// A process locks a part of a file, and a child of it has the rest.
const POSIX_LOCKS: &str = "
import errno, fcntl, os, sys
file = open(sys.argv[1], 'r+')
fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 0)
child = os.fork()
if child == 0:
    other = open(sys.argv[1], 'r+')
    try:
        fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 5)
        os._exit(1)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            os._exit(2)
    fcntl.lockf(other, fcntl.LOCK_EX | fcntl.LOCK_NB, 10, 10)
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
";

fn locks_hold_between_processes(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "x");
    let mount = world.mount();
    let path = mount.join("f");
    let held = File::open(&path).unwrap();
    held.lock().unwrap();
    let flock = |how: &str| run(std::process::Command::new("flock").args(["-n", how]).arg(&path).arg("true")).status;
    assert_eq!(flock("-x"), 1);
    held.unlock().unwrap();
    assert_eq!(flock("-x"), 0);
    Python::find().script(POSIX_LOCKS, &[&path]);
}

fn a_reader_keeps_the_version_that_it_opened(profile: Profile) {
    let world = World::new(profile);
    world.put("f", bytes(10_000));
    let mount = world.mount();
    let file = File::open(mount.join("f")).unwrap();
    let mut all = vec![0; 10_000];
    file.read_exact_at(&mut all, 0).unwrap();
    world.put("f", vec![b'n'; 20_000]);
    // Whoever opens it from now on has the new one; whoever has it open the old one, or ESTALE, never a mixture.
    assert!(fs::read(mount.join("f")).unwrap() == vec![b'n'; 20_000]);
    let mut part = vec![0; 10_000];
    match file.read_exact_at(&mut part, 0) {
        Ok(()) => assert!(part == bytes(10_000), "of another version"),
        Err(_) => assert_eq!(errno(file.read_exact_at(&mut part, 0)), nix::errno::Errno::ESTALE),
    }
}
