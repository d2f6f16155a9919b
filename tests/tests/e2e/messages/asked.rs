//! Commands to a mount: `mountvofs status`, `pin`, `pending` and the others.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::{UnixListener, UnixStream};

use vofs_tests::process::run;
use vofs_tests::{Profile, World};

use super::each;

#[test]
fn what_a_mount_does_not_do_it_says_with_the_way_to_it() {
    let world = World::new(Profile::Vault);
    world.put_deep("kept/f", vec![1; 100_000]);
    world.put("large", vec![1; 60_000_000]);
    let _mount = world.mounting().options(&["--cache_limit", "50MiB"]).start();
    world.ask_mount(&["pin", "kept"]).ok();
    let table = [
        ("forget kept/f", 1, "it is pinned; `mountvofs unpin` comes first"),
        ("limits --cache-limit=1KiB", 1, "a cache of 1024 bytes is too small: "),
        ("warm large", 1, "of them are pinned: `mountvofs limits --cache-limit` raises that, as far as the disk goes"),
        ("forget ../x", 2, "../x: give it without `..`"),
        ("status --watch", 2, "--watch needs a terminal: "),
        (
            "pending discard none",
            1,
            "none: invalid: no file of this path or number waits for its upload; `mountvofs pending",
        ),
    ];
    each(|words| world.ask_mount(words), &table);
    let told = world.ask_mount(&["unpin", "large"]).ok().stderr;
    assert!(told.contains("/large: was not pinned by this name; pinned: /kept"), "{told}");
    let mut odd = world.command("mountvofs");
    odd.arg("forget").arg(OsStr::from_bytes(b"latin-\xe9")).arg("--cache_dir").arg(world.path("cache"));
    run(&mut odd).fails_with(2, &["names in a VOSpace are UTF-8"]);
    // Who speaks another language on the socket.
    let mut stream = UnixStream::connect(world.path("cache/control")).unwrap();
    stream.write_all(b"what is up?\n").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert!(answer.contains("this mount does not understand the request: "), "{answer}");
}

#[test]
fn where_no_mount_answers_it_is_said_which_was_meant() {
    let world = World::new(Profile::Vault);
    let said = "nothing is mounted with the cache directory ";
    world.ask_mount(&["status"]).fails_with(1, &[said, "; name it with --cache_dir, or the space with --vospace"]);
    fs::create_dir(world.path("cache")).unwrap();
    let said = "/cache is not the cache directory of a mount; name it with --cache_dir, or the space with --vospace";
    world.ask_mount(&["pending", "list"]).fails_with(8, &[said]);
    // A daemon that takes the question and ends.
    let socket = UnixListener::bind(world.path("cache/control")).unwrap();
    let ending = std::thread::spawn(move || {
        let mut question = String::new();
        BufReader::new(socket.accept().unwrap().0).read_line(&mut question).unwrap();
    });
    world.ask_mount(&["limits"]).fails_with(1, &["the mount does not answer: the connection ended"]);
    ending.join().unwrap();
}

#[test]
fn paths_of_two_mounts_are_for_two_commands() {
    let world = World::new(Profile::Vault);
    world.vospace(&["mkdir", "vos:demo/d"]).ok();
    let _one = world.mount();
    let (point, cache) = (world.path("second"), world.path("cache2"));
    let _other = world.mounting().vospace("vos:demo/d").point(&point).cache(&cache).start();
    let mut forget = world.command("mountvofs");
    forget.arg("forget").arg(world.path("mnt/x")).arg(point.join("y"));
    run(&mut forget).fails_with(2, &["/second/y: is in another mount than the paths before it"]);
}

#[test]
fn what_cannot_be_fetched_or_saved_whole_is_said() {
    let world = World::new(Profile::Vault);
    world.put_deep("d/f", vec![1; 3_000_000]);
    world.vospace(&["ln", "vos:demo/d/f", "vos:demo/d/l"]).ok();
    let mount = world.mounting().options(&["--write-back", "background"]).start();
    world.server.fault(r#"{"route": "bytes", "status": 403}"#);
    world.ask_mount(&["pin", "d"]).fails_with(1, &["pinned, but 1 file(s) could not be fetched: "]);
    let patched = fs::File::options().write(true).open(mount.join("d/f")).unwrap();
    patched.write_all_at(b"ours", 1_500_000).unwrap();
    drop(patched);
    mount.kill();
    let to = world.local("saved");
    let told = world.ask_mount(&["pending", "export", "d/f", to.to_str().unwrap()]).ok().stderr;
    assert!(told.contains("d/f: bytes 0 to 1500000 were not changed here and stand on the service only"), "{told}");
    let saved = fs::read(&to).unwrap();
    assert!(saved.len() == 3_000_000 && saved[1_500_000..1_500_004] == *b"ours" && saved[0] == 0);
    world.server.heal();
    let _mount = world.mount();
    let told = world.ask_mount(&["warm", "d"]).ok().stdout();
    assert!(told.ends_with("; 1 link(s) are not followed\n"), "{told}");
}

/// A daemon that says that it ends, and keeps its lock.
#[test]
fn a_mount_that_does_not_end_is_said_after_a_while() {
    let world = World::new(Profile::Vault);
    fs::create_dir(world.path("cache")).unwrap();
    let lock = fs::File::create(world.path("cache/lock")).unwrap();
    lock.lock().unwrap();
    let socket = UnixListener::bind(world.path("cache/control")).unwrap();
    let answering = std::thread::spawn(move || {
        let mut stream = socket.accept().unwrap().0;
        BufReader::new(stream.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
        stream.write_all(b"{\"reply\": \"unmounting\", \"remaining\": []}\n").unwrap();
    });
    world.ask_mount(&["unmount"]).fails_with(1, &["the mount does not end; its log says why"]);
    answering.join().unwrap();
}
