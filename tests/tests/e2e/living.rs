//! What is asked of a mount that runs: its status, what is in its cache, other limits, its end.

use std::fs::{self, File};
use std::io::{Write as _, pipe};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use vofs_tests::mount::is_mounted;
use vofs_tests::process::{Guard, built, run_with_input};
use vofs_tests::server::Logged;
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    warm_pin_forget,
    refresh_shows_what_others_changed,
    limits_change_while_it_runs,
    operations_and_log_lines_are_told,
    what_hangs_is_named,
    a_drain_waits_no_longer_than_it_is_told,
    unmount_uploads_first,
    the_screen,
    who_has_read_enough_is_no_fault,
);

const PATIENCE: Duration = Duration::from_secs(60);

fn byte_reads(world: &World) -> usize {
    world.server.log().iter().filter(|request| request.bytes_out > 0 && Logged::is_byte_read(request)).count()
}

fn warm_pin_forget(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("tree/deep/one", vec![1; 3_000_000]);
    world.put("tree/two", vec![2; 2_000_000]);
    let mount = world.mounting().options(&["--cache_limit=64MiB"]).start();
    let table = fs::read_to_string("/proc/self/mounts").unwrap();
    let own = table.lines().find(|line| line.contains(mount.path().to_str().unwrap())).unwrap();
    assert!(own.contains(" fuse.vofs "), "{own}");
    // A path in the mount, and one below its root.
    let tree = mount.join("tree");
    let told = world.ask_mount(&["warm", tree.to_str().unwrap()]).ok().stdout();
    assert!(told.starts_with("2 of 2 file(s)"), "{told}");
    world.server.forget();
    assert_eq!(fs::read(tree.join("deep/one")).unwrap(), vec![1; 3_000_000]);
    assert_eq!(fs::read(tree.join("two")).unwrap(), vec![2; 2_000_000]);
    assert_eq!(byte_reads(&world), 0);
    world.ask_mount(&["pin", "tree/deep"]).ok();
    assert_eq!(world.ask_mount(&["pin"]).ok().stdout(), "/tree/deep\n");
    assert!(world.status()["cache_pinned"].as_u64().unwrap() >= 3_000_000);
    world.ask_mount(&["forget", "tree/deep/one"]).fails_with(1, &["unpin"]);
    let told = world.ask_mount(&["forget", "tree"]).ok().stdout();
    assert!(told.starts_with("/tree: 1 file(s)"), "{told}");
    world.ask_mount(&["limits", "--cache-limit", "17MiB"]).ok();
    world.put("tree/large", vec![3; 20_000_000]);
    world.ask_mount(&["refresh", "tree"]).ok();
    world.ask_mount(&["warm", "tree"]).fails_with(1, &["--cache-limit"]);
    world.ask_mount(&["warm", "nowhere"]).fails_with(1, &["/nowhere", "no such file"]);
    mount.unmount();
    // The pin is there at the next mount, and what it keeps.
    let mount = world.mount();
    assert_eq!(world.ask_mount(&["pin"]).ok().stdout(), "/tree/deep\n");
    world.server.forget();
    assert_eq!(fs::read(mount.join("tree/deep/one")).unwrap(), vec![1; 3_000_000]);
    assert_eq!(byte_reads(&world), 0);
    world.ask_mount(&["unpin", "tree/deep"]).ok();
    assert_eq!(world.ask_mount(&["pin"]).ok().stdout(), "");
    mount.unmount();
    world.ask_mount(&["warm", "tree"]).fails_with(1, &["nothing is mounted"]);
}

fn refresh_shows_what_others_changed(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("d/f", b"old");
    let mount = world.mount();
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(mount.join("d")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!((names().len(), fs::metadata(mount.join("d/f")).unwrap().len()), (1, 3));
    assert!(!mount.join("d/g").exists() && !mount.join("top").exists());
    world.put("d/f", b"new and longer");
    world.put("d/g", b"another");
    world.put("top", b"in the root");
    world.ask_mount(&["refresh", "d"]).ok();
    // Names that were asked for in vain are as expired as those that were there.
    assert_eq!(fs::read(mount.join("d/g")).unwrap(), b"another");
    assert_eq!(names(), ["f", "g"]);
    assert_eq!(fs::metadata(mount.join("d/f")).unwrap().len(), 14);
    world.ask_mount(&["refresh", "/"]).ok();
    assert_eq!(fs::read(mount.join("top")).unwrap(), b"in the root");
    assert_eq!(fs::read(mount.join("d/f")).unwrap(), b"new and longer");
    world.ask_mount(&["refresh", "nowhere"]).fails_with(1, &["/nowhere"]);
}

fn limits_change_while_it_runs(profile: Profile) {
    let world = World::new(profile);
    let options = ["--cache_limit=64MiB", "--bwlimit-down=200M", "--max-transfers=7", "--free-space=1MiB"];
    world.put_deep("d/f", b"x");
    let mount = world.mounting().options(&options).start();
    let limits = |change: &[&str]| -> Value {
        let line: Vec<&str> = ["limits", "--json"].iter().chain(change).copied().collect();
        serde_json::from_str(&world.ask_mount(&line).ok().stdout()).unwrap()
    };
    let before = limits(&[]);
    for (name, value) in [
        ("cache-limit", Some(64 << 20)),
        ("free-space", Some(1 << 20)),
        ("max-transfers", Some(7)),
        ("max-flush-threads", Some(10)),
        ("bwlimit-down", Some(200_000_000)),
        ("bwlimit-up", None),
    ] {
        assert_eq!(before[name].as_u64(), value, "{name}: {before}");
    }
    for number in 0..4 {
        world.put(&format!("f{number}"), vec![number; 10_000_000]);
        assert_eq!(fs::read(mount.join(format!("f{number}"))).unwrap(), vec![number; 10_000_000]);
    }
    assert!(world.status()["cache_used"].as_u64().unwrap() > 30 << 20);
    let after = limits(&["--cache-limit=20MiB", "--bwlimit-down=none", "--bwlimit-up=1M", "--max-transfers=2"]);
    let others = limits(&["--memory-limit=32MiB", "--read-timeout=7", "--metadata-timeout=3", "--drain-timeout=9"]);
    let number = |name: &str| others[name].as_u64().unwrap();
    assert_eq!((number("memory-limit"), number("read-timeout"), number("drain-timeout")), (32 << 20, 7, 9));
    assert_eq!((after["bwlimit-down"].as_u64(), after["bwlimit-up"].as_u64()), (None, Some(1_000_000)));
    assert!(world.status()["cache_used"].as_u64().unwrap() <= 20 << 20);
    fs::write(mount.join("up"), vec![9; 100_000]).unwrap();
    assert_eq!(world.bytes("up").unwrap(), vec![9; 100_000]);
    world.ask_mount(&["limits", "--cache-limit=1MiB"]).fails_with(1, &["too small"]);
    // Programs wait no longer than that for names, in a directory that nobody has listed.
    world.server.freeze();
    let waited = fs::metadata(mount.join("d/none")).unwrap_err();
    assert!(matches!(waited.raw_os_error(), Some(nix::libc::ETIMEDOUT | nix::libc::EIO)), "{waited}");
    assert!(mount.log().contains("no answer within the deadline operation="), "{}", mount.log());
    assert!(mount.log().contains("seconds=3"), "{}", mount.log());
    world.server.thaw();
}

fn operations_and_log_lines_are_told(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("d/f", b"x");
    let mount = world.mount();
    let told = world.path("trace.out");
    let mut command = world.command("mountvofs");
    command.args(["trace", "--json", "--cache_dir"]).arg(world.path("cache"));
    command.stdin(Stdio::null()).stdout(File::create(&told).unwrap());
    let tracing = Guard::spawn(&mut command);
    let mut number = 0;
    wait_until("an operation that is told", PATIENCE, || {
        // Each a name that was never asked for; the first may come before anybody listens.
        number += 1;
        assert!(fs::metadata(mount.join(format!("d/none{number}"))).is_err());
        fs::read_to_string(&told).unwrap().lines().any(|line| line.contains(r#""operation":"lookup""#))
    });
    let line: Value = serde_json::from_str(fs::read_to_string(&told).unwrap().lines().next().unwrap()).unwrap();
    assert!(line["pid"].as_u64().is_some() && line["milliseconds"].as_f64().is_some(), "{line}");
    drop(tracing);
    assert_eq!(world.ask_mount(&["log-level"]).ok().stdout(), "info\n");
    assert!(!mount.log().contains("DEBUG"));
    assert_eq!(world.ask_mount(&["log-level", "debug"]).ok().stdout(), "debug\n");
    wait_until("a line of the log", PATIENCE, || {
        number += 1;
        let _ = fs::metadata(mount.join(format!("none{number}")));
        mount.log().contains("DEBUG")
    });
    world.ask_mount(&["log-level", "loud"]).fails_with(1, &["'loud': error, warn, info, debug or trace is needed"]);
}

fn what_hangs_is_named(profile: Profile) {
    let world = World::new(profile);
    world.put_deep("d/f", vec![7; 1_000_000]);
    let mount = world.mount();
    let read = fs::read(mount.join("d/f")).unwrap();
    assert_eq!(read.len(), 1_000_000);
    let shown = world.status();
    assert_eq!((shown["service"]["reachable"].as_bool(), shown["stuck"].as_array().unwrap().len()), (Some(true), 0));
    assert!(shown["service"]["received"].as_u64().unwrap() >= 1_000_000, "{shown}");
    // Bytes that were fetched when the file was opened may be here before the program asks for them.
    let bytes = |kind: &str| shown["reads"][kind].as_u64().unwrap();
    assert!(bytes("miss_bytes") + bytes("hit_bytes") >= 1_000_000, "{shown}");
    let credentials = if profile == Profile::Pyvospace { "a session of demo" } else { "token" };
    assert!(shown["credentials"]["what"].as_str().unwrap().contains(credentials), "{shown}");
    assert!(!shown.to_string().contains("demo-token"));
    world.server.freeze();
    let waiting = std::thread::spawn({
        let path = mount.join("d/other");
        move || fs::create_dir(path)
    });
    // Whether there is one of this name may be known from a listing; that it was made, from the service alone.
    let is_named = |one: &Value| (one["operation"] == "lookup" || one["operation"] == "mkdir") && one["path"] == "d";
    wait_until("a request that hangs", PATIENCE, || world.status()["stuck"].as_array().unwrap().iter().any(is_named));
    let text = world.ask_mount(&["status"]).ok().stdout();
    let is_shown = text.contains("lookup /d by process") || text.contains("mkdir /d by process");
    assert!(text.contains("stuck") && is_shown, "{text}");
    world.server.thaw();
    let _ = waiting.join().unwrap();
    wait_until("nothing that hangs", PATIENCE, || world.status()["stuck"].as_array().unwrap().is_empty());
}

fn a_drain_waits_no_longer_than_it_is_told(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().options(&["--write-back", "background"]).start();
    let mut file = File::create(mount.join("f")).unwrap();
    world.server.freeze();
    file.write_all(b"waits").unwrap();
    drop(file);
    world
        .ask_mount(&["drain", "--timeout=1"])
        .fails_with(1, &["f: not uploaded; it is in the journal (`mountvofs pending list` says why)"]);
    world.server.thaw();
    world.ask_mount(&["drain"]).ok();
    assert_eq!(world.bytes("f").unwrap(), b"waits");
}

fn unmount_uploads_first(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().options(&["--write-back", "background"]).start();
    fs::write(mount.join("f"), b"not sent yet").unwrap();
    world.ask_mount(&["unmount"]).ok();
    assert!(!is_mounted(mount.path()));
    assert_eq!(world.bytes("f").unwrap(), b"not sent yet");
    // Nothing of the old one is in the way of the next.
    drop(mount);
    world.mount().unmount();
}

fn the_screen(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    let watch = |line: &str| {
        let mut command = Command::new("script");
        world.environment(&mut command);
        let path = format!("{}:{}", built().display(), std::env::var("PATH").unwrap());
        let line = format!("stty cols 120 rows 40; {line} --cache_dir {}", world.path("cache").display());
        run_with_input(command.args(["-qec", &line, "/dev/null"]).env("PATH", path).env("TERM", "xterm"), "q")
    };
    let shown = watch("mountvofs status --watch").ok().stdout();
    // Word by word: blanks are passed over by moving the cursor.
    for word in ["/demo", mount.path().to_str().unwrap(), "reachable,", "credentials", "cache", "sent", "q"] {
        assert!(shown.contains(word), "{word}: {shown:?}");
    }
    assert!(shown.contains("\u{1b}[?1049h") && shown.contains("\u{1b}[?1049l"), "the screen is given back: {shown:?}");
    world.ask_mount(&["status", "--watch", "--json"]).fails_with(2, &["--json"]);
    mount.unmount();
    let gone = watch("mountvofs status --watch").fails_with(1, &[]);
    assert!(gone.stdout().contains("nothing is mounted"), "{}", gone.stdout());
}

fn who_has_read_enough_is_no_fault(profile: Profile) {
    let world = World::new(profile);
    let _mount = world.mount();
    for line in [&["status"][..], &["status", "--json"], &["limits"], &["pin"], &["log-level"], &["pending", "list"]] {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let mut command = world.command("mountvofs");
        command.args(line).arg("--cache_dir").arg(world.path("cache")).stdout(writer);
        let finished = command.output().unwrap();
        let said = String::from_utf8_lossy(&finished.stderr).into_owned();
        assert_eq!((finished.status.code(), said.as_str()), (Some(0), ""), "{line:?}");
    }
}
