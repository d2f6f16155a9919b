//! What each option does, in the order of the commands.

use std::fs;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use vofs_tests::process::{Finished, run, run_with_input};
use vofs_tests::server::Logged;
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    of_vls,
    of_vcp_and_vcat,
    of_vcp_on_links,
    of_what_makes_and_removes,
    of_rights_and_tags,
    of_vsync,
    of_all_commands,
    of_cadc_get_cert,
);

#[track_caller]
fn called(world: &World, line: &[&str]) -> Finished {
    run(world.called(line[0]).args(&line[1..]))
}

fn sent(world: &World) -> usize {
    // One without success is how it is learned whether bytes can be sent to a path.
    world.server.log().iter().filter(|request| Logged::is_byte_write(request) && request.status < 300).count()
}

fn of_vls(profile: Profile) {
    let world = World::new(profile);
    for (name, length) in [("d/b", 2000), ("d/a", 3000), ("d/c", 1000)] {
        world.local_file(name, vec![0; length]);
        called(&world, &["vmkdir", "-p", &world.uri("d")]).ok();
        world.let_dates_differ();
        called(&world, &["vcp", name, &world.uri("d")]).ok();
        called(&world, &["vls", &world.uri(name)]).ok();
    }
    let vls = |options: &[&str]| {
        let uri = world.uri("d");
        let line: Vec<&str> = ["vls"].into_iter().chain(options.iter().copied()).chain([uri.as_str()]).collect();
        called(&world, &line).ok().stdout()
    };
    let columns = |text: &str| text.lines().next().unwrap().split_whitespace().count();
    for (option, count) in [("-l", 9), ("--long", 9), ("-g", 8), ("--group", 8), ("-lg", 9)] {
        assert_eq!(columns(&vls(&[option])), count, "{option}");
    }
    for option in ["-lh", "-lhS"] {
        assert!(vls(&[option]).contains(" 3K "), "{option}");
    }
    assert!(vls(&["-l", "--human"]).contains(" 1000B "));
    for (options, order) in [
        (&["-S"][..], "a\nb\nc\n"),
        (&["--Size", "-r"], "c\nb\na\n"),
        (&["-t"], "c\na\nb\n"),
        (&["--time", "--reverse"], "b\na\nc\n"),
        (&["-S", "-t"], "a\nb\nc\n"),
        (&["-r"], "c\nb\na\n"),
    ] {
        assert_eq!(vls(options), order, "{options:?}");
    }
}

fn of_vcp_and_vcat(profile: Profile) {
    let world = World::new(profile);
    for name in ["a.fits", "b.txt", "c.tmp"] {
        world.local_file(&format!("t/{name}"), name);
    }
    let names = |container: &str| called(&world, &["vls", "-r", &world.uri(container)]).ok().stdout();
    called(&world, &["vcp", "--exclude", ".tmp,.txt", "t", &world.uri("one")]).ok();
    assert_eq!(names("one"), "a.fits\n");
    called(&world, &["vcp", "--include=.tmp", "--exclude", "c", "t", &world.uri("two")]).ok();
    assert_eq!(names("two"), "c.tmp\n");
    // Those that have no effect, or not on this.
    let without = ["--ignore", "--quick", "--overwrite", "--nstreams=1", "--timeout=3600"];
    let line: Vec<&str> = ["vcp"].into_iter().chain(without).chain(["t", "HERE"]).collect();
    let there = world.uri("three");
    let line: Vec<&str> = line.into_iter().map(|word| if word == "HERE" { &there } else { word }).collect();
    called(&world, &line).ok();
    assert_eq!(names("three"), "c.tmp\nb.txt\na.fits\n");
    // Asked, and answered in both ways.
    world.local_file("f", b"new");
    world.put("f", b"old");
    for (option, answer, bytes) in [("-i", "n\n", b"old"), ("--interrogate", "y\n", b"new")] {
        let asked = run_with_input(world.called("vcp").args([option, "f", &world.uri("f")]), answer).ok();
        assert!(asked.stderr.contains("exists.  Overwrite? (y/n): "), "{}", asked.stderr);
        assert_eq!(world.bytes("f").unwrap(), bytes);
    }
    // Headers only, where the service cuts them out.
    run(world.command("vospaced").arg("sample").arg(world.local("images"))).ok();
    called(&world, &["vcp", "images/starfield.fits", &world.uri("x.fits")]).ok();
    let copied = called(&world, &["vcp", "--head", &world.uri("x.fits"), "x.txt"]);
    let printed = called(&world, &["vcat", "--head", &world.uri("x.fits")]);
    if !profile.cuts_out() {
        copied.fails_with(1, &["cuts nothing out"]);
        printed.fails_with(1, &["cuts nothing out"]);
    } else {
        copied.ok();
        assert_eq!(fs::read_to_string(world.local("x.txt")).unwrap(), printed.ok().stdout());
    }
    let silent = called(&world, &["vcat", "-q", &world.uri("none")]).fails_with(1, &[]);
    assert_eq!(silent.stderr, "");
}

fn of_vcp_on_links(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"f");
    called(&world, &["vln", &world.uri("f"), &world.uri("l")]).ok();
    for option in ["-L", "--follow-links"] {
        called(&world, &["vcp", option, &world.uri("l"), option.trim_start_matches('-')]).ok();
        assert_eq!(fs::read(world.local(option.trim_start_matches('-'))).unwrap(), b"f");
    }
    called(&world, &["vcp", &world.uri("l"), "without"]).fails_with(1, &["is a link"]);
}

fn of_what_makes_and_removes(profile: Profile) {
    let world = World::new(profile);
    called(&world, &["vmkdir", &world.uri("a/b")]).fails_with(1, &["demo/a/b"]);
    called(&world, &["vmkdir", "-p", &world.uri("a/b")]).ok();
    called(&world, &["vrmdir", &world.uri("a/b")]).ok();
    for option in ["-R", "--recursive", "--rec"] {
        called(&world, &["vmkdir", "-p", &world.uri("a/b/c")]).ok();
        called(&world, &["vrm", &world.uri("a")]).fails_with(1, &["-R"]);
        called(&world, &["vrm", option, &world.uri("a")]).ok();
        assert!(!world.exists("a"), "{option}");
    }
    world.put("f", b"f");
    let emulated: &[&str] = if profile.moves_files() { &[] } else { &["--emulate-rename"] };
    called(&world, &[&["vmv"], emulated, &[&world.uri("f"), &world.uri("g")]].concat()).ok();
    assert!(!world.exists("f") && world.exists("g"));
}

fn of_rights_and_tags(profile: Profile) {
    let world = World::new(profile);
    called(&world, &["vmkdir", "-p", &world.uri("d/e")]).ok();
    world.put("d/e/f", b"f");
    let shown = |key: &str| called(&world, &["vtag", &world.uri("d/e/f"), key]).ok().stdout();
    for (option, mode, value) in [("-R", "o+r", "'true'\n"), ("--recursive", "o-r", "'false'\n")] {
        let changed = called(&world, &["vchmod", option, mode, &world.uri("d")]);
        if !profile.has_tree_jobs() {
            changed.fails_with(1, &["cannot change the properties of a tree"]);
            continue;
        }
        changed.ok();
        assert!(
            shown("ispublic") == value || (mode == "o-r" && shown("ispublic") == "None\n"),
            "{}",
            shown("ispublic")
        );
    }
    for option in ["-R", "--recursive"] {
        let changed = called(&world, &["vtag", option, &world.uri("d"), "title=t"]);
        if !profile.has_tree_jobs() {
            changed.fails_with(1, &["cannot change the properties of a tree"]);
            continue;
        }
        changed.ok();
        assert_eq!(shown("title"), "'t'\n");
        called(&world, &["vtag", option, "--remove", &world.uri("d"), "title"]).ok();
        assert_eq!(shown("title"), "None\n");
    }
    called(&world, &["vtag", &world.uri("d/e/f"), "title=t"]).ok();
    called(&world, &["vtag", "--remove", &world.uri("d/e/f"), "title"]).ok();
    assert_eq!(shown("title"), "None\n");
    let file = world.uri("d/e/f");
    called(&world, &["vlock", &file]).fails_with(255, &[]);
    let locked = called(&world, &["vlock", "--lock", &file]);
    if !profile.has_locks() {
        locked.fails_with(1, &["no locks"]);
    } else {
        locked.ok();
        called(&world, &["vlock", &file]).ok();
        called(&world, &["vlock", "--unlock", &file]).ok();
    }
    called(&world, &["vlock", &file]).fails_with(255, &[]);
}

fn of_vsync(profile: Profile) {
    let world = World::new(profile);
    for name in ["a.txt", "sub/b.dat", "sub/c.tmp"] {
        world.local_file(&format!("t/{name}"), name);
    }
    let there = world.uri("t");
    let vsync = |options: &[&str]| {
        world.server.forget();
        let line: Vec<&str> = ["vsync"].into_iter().chain(options.iter().copied()).chain(["t/", &there]).collect();
        called(&world, &line).ok();
        sent(&world)
    };
    // Without a digest nothing is known to be the same.
    let again = if profile.tells_digests() { 0 } else { 1 };
    assert_eq!(vsync(&["--exclude", ".tmp,.dat"]), 1);
    assert_eq!(vsync(&["--include", "^sub/b"]), 1);
    assert_eq!(vsync(&["-r", "-n", "2"]), 1 + 2 * again);
    assert_eq!(vsync(&["--recursive", "--nstreams=3", "--cache_nodes", "--cache_filename", "cache.db"]), 3 * again);
    assert_eq!(vsync(&["--ignore-checksum"]), 0);
    assert_eq!(vsync(&["--overwrite"]), 3);
    // The same length, and newer by more than the second to which times are compared.
    let file = fs::File::create(world.local("t/a.txt")).unwrap();
    (&file).write_all(b"A.txt").unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
    assert_eq!(vsync(&["--ignore-checksum"]), 1);
    assert!(!world.local("cache.db").exists());
}

fn of_all_commands(profile: Profile) {
    let world = World::tls(profile);
    world.put("f", b"f");
    let listed = |line: &[&str]| {
        let mut vls = world.called("vls");
        run(vls.env_remove("VOSPACE_TOKEN").args(line).arg(world.uri("")))
    };
    let certificate = world.server.user_certificate("demo");
    assert_eq!(listed(&["--certfile", certificate.to_str().unwrap()]).ok().stdout(), "f\n");
    assert_eq!(listed(&["--token", "demo-token"]).ok().stdout(), "f\n");
    let nobody = listed(&["--certfile="]);
    if profile.has_own_credentials() {
        nobody.ok();
    } else {
        nobody.fails_with(1, &["ERROR:: "]);
    }
    // The log, from nothing to everything, and never among the results.
    let mut lines = 0;
    for option in ["-w", "-v", "-d"] {
        let told = listed(&["--token", "demo-token", option]).ok();
        assert_eq!(told.stdout(), "f\n");
        assert!(told.stderr.lines().count() >= lines, "{option}: {}", told.stderr);
        assert!(!told.stderr.contains("demo-token"), "{}", told.stderr);
        lines = told.stderr.lines().count();
    }
    assert!(lines > 0);
    for option in ["--warning", "--verbose", "--debug", "--vos-debug"] {
        assert_eq!(listed(&["--token", "demo-token", option]).ok().stdout(), "f\n");
    }
    // Options may stand behind, and be cut short where no other begins so.
    let row = called(&world, &["vls", &world.uri(""), "--lon"]).ok().stdout();
    assert_eq!(row.split_whitespace().count(), 9, "{row}");
    called(&world, &["vcp", "--exc", "none", &world.uri("f"), "here", "--over"]).ok();
    assert_eq!(fs::read(world.local("here")).unwrap(), b"f");
    // A service whose authority nobody trusts.
    let untrusted = |options: &[&str]| {
        let mut vls = world.called("vls");
        vls.env("HOME", world.path("other")).env("XDG_CONFIG_HOME", world.path("home/.config"));
        run(vls.env_remove("VOSPACE_CA_BUNDLE").args(options).arg(world.uri("")))
    };
    untrusted(&[]).fails_with(1, &["certificate", "VOSPACE_CA_BUNDLE"]);
    for option in ["-k", "--insecure"] {
        assert_eq!(untrusted(&[option]).ok().stdout(), "f\n");
    }
}

fn of_cadc_get_cert(profile: Profile) {
    let world = World::tls(profile);
    let netrc = "machine 127.0.0.1 login demo password demo-password\n";
    fs::write(world.path("home/.netrc"), netrc).unwrap();
    let file = world.local_file("netrc", netrc).to_str().unwrap().to_owned();
    let usual = world.path("home/.ssl/cadcproxy.pem");
    let other = world.local("deep/other.pem");
    let other_text = other.to_str().unwrap();
    let address = world.server.address();
    for (line, days, to) in [
        (&["-n"][..], 10, &usual),
        (&["--netrc-file", &file], 10, &usual),
        (&["-u", "demo"], 10, &usual),
        (&["--user", "demo", "--days-valid", "3"], 3, &usual),
        (&["--token", "demo-token", "--days-valid=5"], 5, &usual),
        (&["-n", "--days-valid"], 10, &usual),
        (&["-n", "--cert-filename", other_text], 10, &other),
        (&["-n", "--cert", other_text], 10, &other),
        (&["-n", "--resource-id", "ivo://cadc.nrc.ca/cred", "--host", &address, "-k"], 10, &usual),
    ] {
        let _ = fs::remove_file(to);
        let mut get = world.called("cadc-get-cert");
        let got = run(get.env_remove("VOSPACE_TOKEN").env("CADC_PASSWORD", "demo-password").args(line)).ok();
        assert_eq!(got.stdout(), format!("DONE. {days} day certificate saved in {}\n", to.display()), "{line:?}");
        assert!(to.is_file());
    }
    let mut quiet = world.called("cadc-get-cert");
    assert_eq!(run(quiet.args(["-n", "-q"])).ok().stdout(), "");
    let mut by_environment = world.called("cadc-get-cert");
    by_environment.env("CADC_USERNAME", "demo").env("CADC_PASSWORD", "demo-password").env_remove("VOSPACE_TOKEN");
    run(&mut by_environment).ok();
    let mut unknown = world.called("cadc-get-cert");
    run(unknown.args(["-n", "--resource-id", "ivo://x/y"])).fails_with(1, &["ivo://x/y"]);
}
