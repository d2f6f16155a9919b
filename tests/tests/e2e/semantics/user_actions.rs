//! What users do to files, and what the Python mount made of it: lost, emptied or falsified files with exit status 0.
//! Here each of them does what it says, on the service too.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::process::Command;

use vofs_tests::process::{Finished, run};
use vofs_tests::{Mount, Profile, World, every_profile};

every_profile!(
    touch,
    append_by_the_shell,
    copy_over,
    emptied_by_the_shell,
    truncate_to_a_size,
    mv_onto_an_existing_file,
    mv_of_a_file_and_of_a_directory,
    an_editor_replaces_a_file,
    a_patch_in_the_middle_of_a_large_file,
    read_and_append_by_one_handle,
    chmod_of_a_new_file,
    the_size_after_a_write,
    a_file_that_was_replaced_there,
    several_openers,
    opened_read_and_closed_in_a_loop,
    a_file_read_while_it_is_written,
    names_with_brackets_are_no_cutouts,
);

/// Runs a line of shell in the mount.
#[track_caller]
fn shell(mount: &Mount, line: &str) -> Finished {
    run(Command::new("sh").arg("-ec").arg(line).current_dir(mount.path())).ok()
}

fn touch(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "not to be emptied");
    let mount = world.mount();
    shell(&mount, "touch f; touch new; touch -d 2001-09-09T01:46:40Z f");
    assert_eq!(world.bytes("f").unwrap(), b"not to be emptied");
    assert_eq!(world.bytes("new").unwrap(), b"");
    assert_eq!(shell(&mount, "stat -c %Y f").stdout(), "1000000000\n");
}

fn append_by_the_shell(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "first\n");
    let mount = world.mount();
    shell(&mount, "echo second >> f; echo third >> f");
    assert_eq!(world.bytes("f").unwrap(), b"first\nsecond\nthird\n");
    assert_eq!(shell(&mount, "cat f").stdout(), "first\nsecond\nthird\n");
}

fn copy_over(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "old, and longer than what comes");
    let new = world.local_file("new", "new");
    let mount = world.mount();
    shell(&mount, &format!("cp {} f", new.display()));
    assert_eq!(world.bytes("f").unwrap(), b"new");
    assert_eq!(shell(&mount, "cat f; stat -c %s f").stdout(), "new3\n");
}

fn emptied_by_the_shell(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "old");
    world.put("g", "old");
    let mount = world.mount();
    shell(&mount, "> f; echo new > g");
    vofs_tests::wait_until("the empty file", std::time::Duration::from_secs(60), || {
        world.bytes("f").unwrap().is_empty()
    });
    assert_eq!(world.bytes("g").unwrap(), b"new\n");
    assert_eq!(shell(&mount, "cat f g").stdout(), "new\n");
}

fn truncate_to_a_size(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "0123456789");
    let mount = world.mount();
    shell(&mount, "truncate -s 4 f");
    assert_eq!(world.bytes("f").unwrap(), b"0123");
    shell(&mount, "truncate -s 6 f");
    assert_eq!(world.bytes("f").unwrap(), b"0123\0\0");
    nix::unistd::truncate(&mount.join("f"), 2).unwrap();
    assert_eq!(world.bytes("f").unwrap(), b"01");
}

fn mv_onto_an_existing_file(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().renaming().start();
    for round in 0..5 {
        shell(&mount, &format!("echo source {round} > source; echo target > target; mv source target"));
        assert_eq!(world.bytes("target").unwrap(), format!("source {round}\n").into_bytes());
        assert!(!world.exists("source"));
    }
}

fn mv_of_a_file_and_of_a_directory(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "f");
    world.put_deep("d/g", "g");
    let mount = world.mounting().renaming().start();
    shell(&mount, "mv f renamed; mkdir to; mv renamed to; mv d to/e; mv to/e .");
    assert_eq!((world.bytes("to/renamed").unwrap(), world.bytes("e/g").unwrap()), (b"f".to_vec(), b"g".to_vec()));
    assert!(!world.exists("f") && !world.exists("d") && !world.exists("renamed"));
}

fn an_editor_replaces_a_file(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "old");
    let mount = world.mounting().renaming().start();
    for round in 0..3 {
        let mut temporary = File::create(mount.join(".f.tmp")).unwrap();
        write!(temporary, "round {round}").unwrap();
        temporary.sync_all().unwrap();
        drop(temporary);
        fs::rename(mount.join(".f.tmp"), mount.join("f")).unwrap();
        assert_eq!(fs::read_to_string(mount.join("f")).unwrap(), format!("round {round}"));
        assert_eq!(world.bytes("f").unwrap(), format!("round {round}").into_bytes());
    }
    assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "f\n");
}

fn a_patch_in_the_middle_of_a_large_file(profile: Profile) {
    let world = World::new(profile);
    let mut bytes: Vec<u8> = (0..20_000_000_u32).map(|at| (at / 7 % 251) as u8).collect();
    world.put("f", &bytes);
    let mount = world.mount();
    let file = OpenOptions::new().write(true).open(mount.join("f")).unwrap();
    for at in [0, 12_345_678, 19_999_995] {
        file.write_all_at(b"patch", at).unwrap();
        bytes[at as usize..at as usize + 5].copy_from_slice(b"patch");
    }
    drop(file);
    assert!(world.bytes("f").unwrap() == bytes);
    assert!(fs::read(mount.join("f")).unwrap() == bytes);
}

fn read_and_append_by_one_handle(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "old ");
    let mount = world.mount();
    let mut file = OpenOptions::new().read(true).append(true).open(mount.join("f")).unwrap();
    file.write_all(b"and new").unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "old and new");
    drop(file);
    assert_eq!(world.bytes("f").unwrap(), b"old and new");
}

fn chmod_of_a_new_file(profile: Profile) {
    let world = World::new(profile);
    world.vospace(&["chmod", "o+r", &world.uri("")]).ok();
    let mount = world.mount();
    shell(&mount, "echo public > f; chmod 644 f; echo private > g; chmod 644 g; chmod 600 g");
    let rows = world.vospace(&["ls", "-l", &world.uri("f"), &world.uri("g")]).ok().stdout();
    let modes: Vec<&str> = rows.lines().filter_map(|row| row.split_whitespace().next()).collect();
    assert_eq!(modes, ["-rw----r--", "-rw-------"]);
    // The same that anybody sees who has no name: its bytes, or its document where a place for those has to be negotiated.
    let anonymous =
        |name: &str| vofs_tests::http::request("GET", &world.server.shown_url(&format!("demo/{name}")), None);
    let (shown, hidden) = (anonymous("f"), anonymous("g").status);
    if profile == Profile::Pyvospace {
        assert_eq!((shown.status, hidden), (403, 403), "who has no name sees nothing there");
    } else {
        assert_eq!(shown.status, 200);
        assert!(profile.one_use() || shown.body == b"public\n");
        // A document is shown to whoever may read its container.
        assert!(matches!(hidden, 401 | 403) || profile == Profile::Datalab, "{hidden}");
    }
}

fn the_size_after_a_write(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    for length in [1_usize, 100_000, 0, 7] {
        fs::write(mount.join("f"), vec![b'x'; length]).unwrap();
        assert_eq!(fs::metadata(mount.join("f")).unwrap().len(), length as u64);
        let listed = fs::read_dir(mount.path()).unwrap().next().unwrap().unwrap();
        assert_eq!(listed.metadata().unwrap().len(), length as u64);
        assert_eq!(fs::read(mount.join("f")).unwrap().len(), length);
    }
}

fn a_file_that_was_replaced_there(profile: Profile) {
    let world = World::new(profile);
    let version = |round: u8| vec![b'a' + round; 100_000];
    world.put("f", version(0));
    let mount = world.mount();
    for round in 0..4 {
        world.let_dates_differ();
        world.put("f", version(round));
        assert!(fs::read(mount.join("f")).unwrap() == version(round), "round {round}: neither old nor mixed");
    }
    mount.unmount();
    world.let_dates_differ();
    world.put("f", version(9));
    let mount = world.mount();
    assert!(fs::read(mount.join("f")).unwrap() == version(9), "after another mount");
}

fn several_openers(profile: Profile) {
    let world = World::new(profile);
    world.put("f", vec![b'x'; 3_000_000]);
    let mount = world.mount();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut bytes = Vec::new();
                let mut file = File::open(mount.join("f")).unwrap();
                file.read_to_end(&mut bytes).unwrap();
                assert!(bytes == vec![b'x'; 3_000_000]);
                nix::unistd::close(std::os::fd::OwnedFd::from(file)).unwrap();
            });
        }
    });
    let readers: Vec<File> = (0..3).map(|_| File::open(mount.join("f")).unwrap()).collect();
    let writer = OpenOptions::new().write(true).open(mount.join("f")).unwrap();
    writer.write_all_at(b"y", 0).unwrap();
    nix::unistd::close(std::os::fd::OwnedFd::from(writer)).unwrap();
    for reader in readers {
        nix::unistd::close(std::os::fd::OwnedFd::from(reader)).unwrap();
    }
    assert_eq!(world.bytes("f").unwrap()[0], b'y');
}

fn opened_read_and_closed_in_a_loop(profile: Profile) {
    let world = World::new(profile);
    world.put("f", "content");
    let mount = world.mount();
    for _ in 0..100 {
        let mut file = File::open(mount.join("f")).unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "content");
        nix::unistd::close(std::os::fd::OwnedFd::from(file)).unwrap();
    }
}

fn a_file_read_while_it_is_written(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    let mut writer = File::create(mount.join("log")).unwrap();
    for line in 0..20 {
        writeln!(writer, "line {line}").unwrap();
        assert_eq!(fs::read_to_string(mount.join("log")).unwrap().lines().count(), line + 1);
    }
    drop(writer);
    assert_eq!(world.bytes("log").unwrap().iter().filter(|byte| **byte == b'\n').count(), 20);
}

fn names_with_brackets_are_no_cutouts(profile: Profile) {
    let world = World::new(profile);
    world.put("f.fits", "the whole");
    let mount = world.mount();
    for name in ["f.fits[1]", "f.fits#1"] {
        assert!(!mount.join(name).exists(), "{name} is the whole file under another name");
        assert!(fs::write(mount.join(name), b"x").is_err());
    }
    fs::write(mount.join("f(1,2,3)"), b"a name").unwrap();
    assert_eq!(fs::read(mount.join("f(1,2,3)")).unwrap(), b"a name");
    assert_eq!(world.bytes("f.fits").unwrap(), b"the whole");
}
