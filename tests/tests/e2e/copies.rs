//! `vcp`: files and trees both ways, and everything that it refuses.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use vofs_tests::process::{Guard, code, run};
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    files_both_ways,
    trees_both_ways,
    a_copy_has_the_time_of_its_bytes,
    identical_files_are_left_alone,
    several_sources_need_a_directory,
    two_sources_onto_one_file_are_refused,
    names_and_wildcards,
    filters,
    links_are_left_out_unless_followed,
    failures_leave_the_old_file,
    one_failure_does_not_stop_the_others,
    interrupted_in_the_middle,
    asked_before_replacing,
    refusals,
);

fn files_both_ways(profile: Profile) {
    let world = World::new(profile);
    let bytes: Vec<u8> = (0..7_000_000_u32).map(|i| (i % 249) as u8).collect();
    let file = world.local_file("big.bin", &bytes);
    world.vospace(&["cp", "big.bin", &world.uri("")]).ok();
    assert!(world.bytes("big.bin").unwrap() == bytes);
    world.vospace(&["cp", "big.bin", &world.uri("other.name")]).ok();
    assert!(world.exists("other.name"));
    fs::remove_file(&file).unwrap();
    world.vospace(&["cp", &world.uri("big.bin"), "."]).ok();
    assert!(fs::read(&file).unwrap() == bytes);
    world.vospace(&["cp", &world.uri("big.bin"), "copy.bin"]).ok();
    assert!(fs::read(world.local("copy.bin")).unwrap() == bytes);
    world.local_file("empty", b"");
    world.vospace(&["cp", "empty", &world.uri("empty")]).ok();
    world.vospace(&["cp", &world.uri("empty"), "empty.back"]).ok();
    assert_eq!(fs::read(world.local("empty.back")).unwrap(), b"");
    // Replaced, and replaced by nothing.
    world.local_file("big.bin", b"small now");
    world.vospace(&["cp", "big.bin", &world.uri("big.bin")]).ok();
    assert_eq!(world.bytes("big.bin").as_deref(), Some(&b"small now"[..]));
    world.vospace(&["cp", "empty", &world.uri("big.bin")]).ok();
    assert_eq!(world.bytes("big.bin"), Some(Vec::new()));
    let left: Vec<_> = fs::read_dir(world.path("local")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("part")), "{left:?}");
}

fn tree(world: &World) {
    for i in 0..30 {
        world.local_file(&format!("tree/a/f{i:02}"), format!("content of {i}"));
    }
    world.local_file("tree/a/b/deep", vec![3; 300_000]);
    world.local_file("tree/empty", b"");
    fs::create_dir(world.local("tree/nothing")).unwrap();
}

#[track_caller]
fn same(a: &Path, b: &Path) {
    run(Command::new("diff").arg("-r").arg(a).arg(b)).ok();
}

fn trees_both_ways(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    // A destination that does not exist receives the content; one that does, the directory.
    world.vospace(&["cp", "tree", &world.uri("new")]).ok();
    assert_eq!(world.bytes("new/a/f07").as_deref(), Some(&b"content of 7"[..]));
    world.vospace(&["cp", "tree", &world.uri("new")]).ok();
    assert_eq!(world.bytes("new/tree/a/f07").as_deref(), Some(&b"content of 7"[..]));
    assert!(world.exists("new/tree/nothing"));
    world.vospace(&["cp", &world.uri("new/tree"), "back"]).ok();
    same(&world.local("tree"), &world.local("back"));
    fs::create_dir(world.local("there")).unwrap();
    world.vospace(&["cp", &world.uri("new/tree"), "there"]).ok();
    same(&world.local("tree"), &world.local("there/tree"));
    world.vospace(&["cp", &format!("{}/", world.uri("new/tree")), "there"]).ok();
    same(&world.local("tree/a"), &world.local("there/a"));
}

fn a_copy_has_the_time_of_its_bytes(profile: Profile) {
    const DAY: Duration = Duration::from_secs(86_400);
    let world = World::new(profile);
    let clock = |ahead: i64| world.server.post("/_bench/clock", &format!(r#"{{"offset_ms": {ahead}}}"#));
    clock(-3 * i64::try_from(DAY.as_millis()).unwrap());
    world.put("f", b"three days old");
    clock(0);
    world.vospace(&["cp", &world.uri("f"), "f"]).ok();
    let modified = fs::metadata(world.local("f")).unwrap().modified().unwrap();
    if profile.in_place() {
        // Its times are those of its file system, whatever the clock of the service; to the second, in an answer.
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let date = world.vospace(&["tag", &world.uri("f"), "date"]).ok().stdout();
        let date = run(Command::new("date").args(["-d", &format!("{}Z", date.trim().trim_matches('\'')), "+%s"])).ok();
        assert_eq!((since.as_secs().to_string(), since.subsec_nanos()), (date.stdout().trim().to_owned(), 0));
    } else {
        let age = modified.elapsed().unwrap();
        assert!(age > 2 * DAY && age < 4 * DAY, "{age:?}");
    }
    // By which the next run knows it, in both directions.
    world.server.forget();
    world.vospace(&["sync", "--ignore-checksum", &world.uri("f"), "."]).ok();
    world.vospace(&["sync", "--ignore-checksum", "f", &world.uri("")]).ok();
    let moved: Vec<_> = world.server.log().into_iter().filter(|r| r.is_byte_read() || r.is_byte_write()).collect();
    assert!(moved.is_empty(), "{moved:?}");
}

fn identical_files_are_left_alone(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    world.vospace(&["cp", "tree", &world.uri("tree")]).ok();
    world.vospace(&["cp", &world.uri("tree"), "back"]).ok();
    world.server.forget();
    world.vospace(&["cp", &format!("{}/", world.uri("tree")), "back"]).ok();
    world.vospace(&["cp", "tree", &world.uri("")]).ok();
    let moved: Vec<_> =
        world.server.log().into_iter().filter(|entry| entry.is_byte_read() || entry.is_byte_write()).collect();
    // Without a digest nothing is known to be the same.
    assert!(moved.is_empty() == profile.tells_digests(), "bytes moved again: {moved:?}");
    // One that changed is not left alone, even at the same length.
    world.local_file("tree/a/f07", "CONTENT of 7");
    world.vospace(&["cp", "tree", &world.uri("")]).ok();
    assert_eq!(world.bytes("tree/a/f07").as_deref(), Some(&b"CONTENT of 7"[..]));
    world.vospace(&["cp", &format!("{}/", world.uri("tree")), "back"]).ok();
    assert_eq!(fs::read(world.local("back/a/f07")).unwrap(), b"CONTENT of 7");
}

fn several_sources_need_a_directory(profile: Profile) {
    let world = World::new(profile);
    world.local_file("a", b"a");
    world.local_file("b", b"b");
    world.vospace(&["cp", "a", "b", &world.uri("x")]).fails_with(1, &["demo/x", "several sources"]);
    assert!(!world.exists("x"));
    world.vospace(&["cp", "a", &format!("{}/", world.uri("none"))]).fails_with(1, &["does not exist"]);
    world.vospace(&["cp", "a", "b", &world.uri("")]).ok();
    world.vospace(&["cp", &world.uri("a"), &world.uri("b"), "c"]).fails_with(1, &["several sources"]);
    assert!(!world.local("c").exists());
    world.vospace(&["cp", &world.uri("a"), "none/"]).fails_with(1, &["does not exist"]);
}

fn two_sources_onto_one_file_are_refused(profile: Profile) {
    let world = World::new(profile);
    world.local_file("one/x", b"1");
    world.local_file("two/x", b"2");
    world.vospace(&["cp", "one/x", "two/x", &world.uri("")]).fails_with(1, &["one/x", "two/x", "would both become"]);
    assert!(!world.exists("x"), "nothing is copied");
}

fn names_and_wildcards(profile: Profile) {
    let world = World::new(profile);
    for name in ["semi;colon", "été", "a&b", "paren(1)", "plus+"].into_iter().filter(|name| profile.takes_name(name))
    {
        world.local_file(&format!("odd/{name}"), name);
    }
    world.vospace(&["cp", "odd", &world.uri("odd")]).ok();
    world.vospace(&["cp", &world.uri("odd"), "back"]).ok();
    same(&world.local("odd"), &world.local("back"));
    world.local_file("bad/a#b", b"x");
    world.local_file("bad/good", b"good");
    world.vospace(&["cp", "bad", &world.uri("bad")]).fails_with(1, &["bad/a#b", "#"]);
    assert_eq!(world.bytes("bad/good").as_deref(), Some(&b"good"[..]));
    assert!(!world.exists("bad/a"));
    fs::create_dir(world.local("some")).unwrap();
    world.vospace(&["cp", &world.uri("odd/p*"), "some"]).ok();
    assert_eq!(fs::read_dir(world.local("some")).unwrap().count(), 2);
    world.vospace(&["cp", &world.uri("odd/*.fits"), "some"]).fails_with(1, &["*.fits"]);
}

fn filters(profile: Profile) {
    let world = World::new(profile);
    for name in ["a.fits", "b.fits", "c.tmp", "d.txt"] {
        world.local_file(&format!("tree/{name}"), name);
    }
    world.vospace(&["cp", "--exclude", ".tmp,.txt", "tree", &world.uri("one")]).ok();
    world.vospace(&["cp", "--include", "a.,c.", "tree", &world.uri("two")]).ok();
    let names = |container: &str| world.vospace(&["ls", "-r", &world.uri(container)]).ok().stdout();
    assert_eq!(names("one"), "b.fits\na.fits\n");
    assert_eq!(names("two"), "c.tmp\na.fits\n");
}

fn links_are_left_out_unless_followed(profile: Profile) {
    let world = World::new(profile);
    world.local_file("tree/f", b"f");
    symlink("f", world.local("tree/l")).unwrap();
    symlink("..", world.local("tree/round")).unwrap();
    let copied = world.vospace(&["cp", "tree", &world.uri("plain")]).ok();
    assert!(copied.stderr.contains("2 links were left out"), "{}", copied.stderr);
    assert!(!world.exists("plain/l"));
    world.vospace(&["cp", "-L", "tree", &world.uri("followed")]).fails_with(1, &["circle"]);
    assert_eq!(world.bytes("followed/l").as_deref(), Some(&b"f"[..]));
    world.vospace(&["cp", "tree/l", &world.uri("x")]).fails_with(1, &["is a link", "-L"]);

    let mount = world.mount();
    symlink("plain/f", mount.join("remote")).unwrap();
    mount.unmount();
    world.vospace(&["cp", &world.uri("remote"), "y"]).fails_with(1, &["is a link", "-L"]);
    world.vospace(&["cp", "-L", &world.uri("remote"), "y"]).ok();
    assert_eq!(fs::read(world.local("y")).unwrap(), b"f");
}

fn failures_leave_the_old_file(profile: Profile) {
    let mut world = World::new(profile);
    world.put("f", vec![1; 3_000_000]);
    let old = world.local_file("f", b"old");
    world.server.kill();
    world.vospace(&["cp", &world.uri("f"), "f"]).fails_with(1, &["ERROR:: "]);
    assert_eq!(fs::read(&old).unwrap(), b"old");
    world.server.resume();
    fs::create_dir(world.local("d")).unwrap();
    fs::create_dir(world.local("d/f")).unwrap();
    world.vospace(&["cp", &world.uri("f"), "d"]).fails_with(1, &["d/f is a directory"]);
}

fn one_failure_does_not_stop_the_others(profile: Profile) {
    let world = World::new(profile);
    world.local_file("a", b"a");
    world.local_file("b", b"b");
    world.vospace(&["cp", "a", "missing", "b", &world.uri("")]).fails_with(1, &["missing"]);
    assert!(world.exists("a") && world.exists("b"));
    fs::create_dir(world.local("out")).unwrap();
    world.vospace(&["cp", &world.uri("a"), &world.uri("none"), &world.uri("b"), "out"]).fails_with(1, &["demo/none"]);
    assert_eq!(fs::read_dir(world.local("out")).unwrap().count(), 2);
}

fn interrupted_in_the_middle(profile: Profile) {
    let world = World::new(profile);
    let big = fs::File::create(world.local("big")).unwrap();
    big.set_len(200_000_000).unwrap();
    world.vospace(&["cp", "big", &world.uri("big")]).ok();
    fs::create_dir(world.local("to")).unwrap();
    fs::write(world.local("to/big"), b"old").unwrap();
    let names = || -> Vec<String> {
        fs::read_dir(world.local("to"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let mut command = world.command("vospace");
    let mut copy = Guard::spawn(command.args(["cp", &world.uri("big"), "to"]));
    wait_until("the temporary file", Duration::from_secs(30), || names().len() >= 2);
    copy.signal(Signal::SIGINT);
    assert_eq!(copy.wait(Duration::from_secs(10)).map(code), Some(130));
    assert_eq!(fs::read(world.local("to/big")).unwrap(), b"old");
    // Only what the next run can go on with is left.
    let left = names().into_iter().filter(|name| name != "big").count();
    assert!(left == 0 || !profile.in_place(), "{:?}", names());
    world.vospace(&["cp", &world.uri("big"), "to"]).ok();
    assert_eq!(names(), ["big"]);
}

fn asked_before_replacing(profile: Profile) {
    let world = World::new(profile);
    for name in ["a", "b"] {
        world.put(name, format!("remote {name}"));
        world.local_file(name, format!("local {name}"));
    }
    world.local_file("answers", b"n\ny\n");
    let mut command = world.command("vospace");
    command.args(["cp", "-i", &world.uri("a"), &world.uri("b"), "."]);
    let answers = fs::File::open(world.local("answers")).unwrap();
    let output = command.stdin(answers).output().unwrap();
    let asked = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), asked.matches("exists.  Overwrite? (y/n): ").count()), (Some(0), 2), "{asked}");
    assert_eq!(fs::read(world.local("a")).unwrap(), b"local a");
    assert_eq!(fs::read(world.local("b")).unwrap(), b"remote b");
}

fn refusals(profile: Profile) {
    let world = World::new(profile);
    world.local_file("a", b"a");
    world.vospace(&["cp", "a", "b"]).fails_with(2, &["both are local"]);
    world.vospace(&["cp", "a", &world.uri("a"), &world.uri("b")]).fails_with(2, &["a is local and others are nodes"]);
    world.vospace(&["cp", "--head", "a", &world.uri("a")]).fails_with(2, &["--head"]);
    world.put("f", b"f");
    fs::create_dir(world.local("d")).unwrap();
    world.vospace(&["cp", "d", &world.uri("f")]).fails_with(1, &["onto the file"]);
    assert_eq!(world.bytes("f").as_deref(), Some(&b"f"[..]));
}
