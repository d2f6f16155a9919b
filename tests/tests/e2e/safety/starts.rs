//! What every command starts with: credentials, configuration, registry; and how it says that something is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, SystemTime};

use vofs_tests::process::{Finished, run};
use vofs_tests::server::Logged;
use vofs_tests::{Profile, Stranger, World, every_profile};

every_profile!(
    s03_what_was_not_done_is_not_status_0,
    s06_the_key_is_private_and_the_token_goes_to_no_stranger,
    s06_a_token_can_come_from_a_file,
    s08_a_service_that_stays_busy_is_named_in_words,
    s13_the_cause_is_told_as_it_is,
    s14_dates_have_the_offset_of_their_season,
    s14_times_are_compared_whatever_the_season,
    s16_a_broken_configuration_is_named_and_kept,
);

fn s03_what_was_not_done_is_not_status_0(profile: Profile) {
    let world = World::tls(profile);
    world.local_file("d/f", b"x");
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "PUT", "path": "{path}", "status": 400}}"#));
    world.vospace(&["sync", "d/", &world.uri("d")]).fails_with(1, &["ERROR:: ", "d/f"]);
    world.server.heal();
    world.vospace(&["rm", &world.uri("d")]).fails_with(1, &["add -R"]);
    for verb in [&["ls"][..], &["rm"], &["cat"], &["chmod", "o+r"]] {
        let pattern = world.uri("none*");
        let arguments: Vec<&str> = verb.iter().copied().chain([pattern.as_str()]).collect();
        world.vospace(&arguments).fails_with(1, &["nothing matches", "none*"]);
    }
    world.vospace(&["cp", &world.uri("none*"), "."]).fails_with(1, &["nothing matches"]);
    let mut wrong = world.called("cadc-get-cert");
    wrong.args(["-u", "demo"]).env("CADC_PASSWORD", "wrong").env_remove("VOSPACE_TOKEN");
    let wrong = run(&mut wrong).fails_with(1, &["FAILED: invalid username/password combination"]);
    assert!(wrong.stderr.ends_with('\n'), "{:?}", wrong.stderr);
}

fn s06_the_key_is_private_and_the_token_goes_to_no_stranger(profile: Profile) {
    let world = World::tls(profile);
    let mut get = world.called("cadc-get-cert");
    run(get.args(["-u", "demo"]).env("CADC_PASSWORD", "demo-password").env_remove("VOSPACE_TOKEN")).ok();
    let file = world.path("home/.ssl/cadcproxy.pem");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let world = World::new(profile);
    world.put("f", b"bytes");
    world.local_file("f", b"other bytes");
    let stranger = Stranger::listen();
    let endpoint = format!("http://{}/minoc", stranger.address());
    for route in ["files", "synctrans", "xfer", "sync", "transfers"] {
        world.server.fault(&format!(r#"{{"route": "{route}", "first_endpoint": "{endpoint}"}}"#));
    }
    // Whether they succeed by another way does not matter.
    let _ = world.vospace(&["cat", &world.uri("f")]);
    let _ = world.vospace(&["cp", "f", &world.uri("f")]);
    let heads = stranger.heads();
    let asked = |method: &str| heads.iter().any(|head| head.starts_with(method));
    // Bytes never come from another host in a Cavern.
    assert_eq!((asked("GET"), asked("PUT")), (!profile.in_place(), !profile.in_place()), "{heads:?}");
    for head in heads {
        let head = head.to_lowercase();
        assert!(!head.contains("demo-token") && !head.contains("authorization") && !head.contains("x-cadc"), "{head}");
    }
}

fn s06_a_token_can_come_from_a_file(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let file = world.local_file("token", b"demo-token\n");
    let mut vls = world.called("vls");
    vls.env_remove("VOSPACE_TOKEN").env("VOSPACE_TOKEN_FILE", &file).arg(world.uri(""));
    assert_eq!(run(&mut vls).ok().stdout(), "f\n");
    // Without one nothing is shown, but by a service whose section has it.
    let mut vls = world.called("vls");
    let nobody = run(vls.env_remove("VOSPACE_TOKEN").arg(world.uri("")));
    if profile.has_own_credentials() {
        nobody.ok();
    } else {
        nobody.fails_with(1, &["ask the owner"]);
    }
}

fn s08_a_service_that_stays_busy_is_named_in_words(profile: Profile) {
    let world = World::new(profile);
    for status in [503, 429] {
        // Longer than anybody waits.
        world.server.fault(&format!(r#"{{"path": "/nodes/", "status": {status}, "retry_after": "3600"}}"#));
        for line in [&["ls", &world.uri("d")][..], &["mkdir", &world.uri("d")], &["rm", &world.uri("d")]] {
            let ended =
                world.vospace(line).fails_with(1, &["ERROR:: ", "demo/d", &status.to_string(), "try again later"]);
            in_words(&ended);
        }
        world.server.heal();
    }
}

/// One line for each thing, and nothing of the program's inside.
#[track_caller]
fn in_words(ended: &Finished) {
    for line in ended.stderr.lines() {
        assert!(line.starts_with("ERROR:: "), "{line}");
        for inside in ["panicked", "RUST_BACKTRACE", "Error {", "Some(", "kind:", "src/"] {
            assert!(!line.contains(inside), "{line}");
        }
    }
}

fn s13_the_cause_is_told_as_it_is(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let node = world.uri("");
    let vls = || {
        let mut vls = world.called("vls");
        vls.arg(&node).env("XDG_CONFIG_HOME", world.path("home/.config"));
        vls
    };
    // Nobody listens there, and nothing is known from before.
    let fresh = world.path("fresh");
    fs::create_dir(&fresh).unwrap();
    let nowhere = run(vls().env("VOSPACE_REGISTRY_URL", "http://127.0.0.1:1").env("HOME", &fresh));
    if profile.has_own_credentials() {
        // Its address stands in its section.
        nowhere.ok();
    } else {
        in_words(&nowhere.fails_with(1, &["127.0.0.1:1", "check the network"]));
    }
    let unknown = run(vls().arg("nonesuch:x"));
    in_words(&unknown.fails_with(1, &["ivo://cadc.nrc.ca/nonesuch", "the registry", "does not know it"]));
    // A home that cannot be written to, or none, keeps nobody from working.
    let file = world.local_file("no-directory", b"");
    assert_eq!(run(vls().env("HOME", &file)).ok().stdout(), "f\n");
    assert_eq!(run(vls().env_remove("HOME")).ok().stdout(), "f\n");
    // A netrc that cannot be understood is named, where it is what counts.
    fs::write(world.path("home/.netrc"), "machine x nonsense").unwrap();
    let told = run(vls().env_remove("VOSPACE_TOKEN").arg("-w"));
    if profile.has_own_credentials() {
        told.ok();
    } else {
        let told = told.fails_with(1, &[".netrc"]);
        assert!(!told.stderr.contains("No VOSpace service"), "{}", told.stderr);
    }
    // The reason of a copy that failed is never empty.
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "status": 404}}"#));
    in_words(&world.vospace(&["cp", &world.uri("f"), "f"]).fails_with(1, &["demo/f", "404"]));
}

/// A node whose date is so many days before today.
fn dated(world: &World, name: &str, days: i64) {
    world.server.post("/_bench/clock", &format!(r#"{{"offset_ms": {}}}"#, -days * 86_400_000));
    world.put(name, b"x");
    world.vospace(&["ls", &world.uri(name)]).ok();
    world.server.post("/_bench/clock", r#"{"offset_ms": 0}"#);
}

/// In a form that `date` takes.
fn date_of(world: &World, name: &str) -> String {
    let shown = |key: &str| world.vospace(&["tag", &world.uri(name), key]).ok().stdout().trim().replace('\'', "");
    match shown("date").as_str() {
        // Seconds are told by another name (pyvospace, observed).
        "None" => format!("@{}", shown("mtime")),
        date if date.ends_with("+0000") => date.to_owned(),
        date => format!("{date}Z"),
    }
}

fn s14_dates_have_the_offset_of_their_season(profile: Profile) {
    let world = World::new(profile);
    for (name, days) in [("now", 0), ("other-season", 182)] {
        dated(&world, name, days);
        let date = date_of(&world, name);
        let mut vls = world.called("vls");
        let row = run(vls.env("TZ", "America/Vancouver").args(["-l", &world.uri(name)])).ok().stdout();
        let reckoned = |format: &str| {
            let mut reckoner = Command::new("date");
            run(reckoner.env("TZ", "America/Vancouver").args(["-d", &date, format])).ok().stdout()
        };
        let this_year = reckoned("+%Y") == run(Command::new("date").env("TZ", "America/Vancouver").arg("+%Y")).stdout();
        let expected = reckoned(if this_year { "+%b %d %H:%M" } else { "+%b %d  %Y" });
        assert!(row.contains(expected.trim_end()), "{expected} in {row}");
    }
}

fn s14_times_are_compared_whatever_the_season(profile: Profile) {
    const HALF_AN_HOUR: Duration = Duration::from_secs(1800);
    let world = World::new(profile);
    dated(&world, "f", 182);
    let there = world.uri("");
    let seconds = run(Command::new("date").args(["-d", &date_of(&world, "f"), "+%s"])).ok().stdout();
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.trim().parse().unwrap());
    for (modified, sent) in [(date - HALF_AN_HOUR, 0), (date + HALF_AN_HOUR, 1)] {
        let file = world.local_file("d/f", b"y");
        fs::File::options().write(true).open(file).unwrap().set_modified(modified).unwrap();
        world.server.forget();
        let mut vsync = world.called("vsync");
        run(vsync.env("TZ", "America/Vancouver").args(["--ignore-checksum", "d/", &there])).ok();
        assert_eq!(world.server.log().iter().filter(|request| Logged::is_byte_write(request)).count(), sent);
    }
}

fn s16_a_broken_configuration_is_named_and_kept(profile: Profile) {
    let world = World::new(profile);
    let file = world.path("home/.config/vos/vos-config");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    for text in ["[vos]\nresourceID = nonsense\n", "[vos]\nresourceID = ivo://cadc.nrc.ca/vospace vos\n", "no ini"] {
        fs::write(&file, text).unwrap();
        for help in ["--help", "--version"] {
            run(world.called("vls").arg(help)).ok();
        }
        let _ = run(world.called("vls").arg(world.uri("")));
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "nobody's business but the user's");
    }
    fs::write(&file, "[vos]\nresourceID = nonsense\n").unwrap();
    in_words(&run(world.called("vls").arg(world.uri(""))).fails_with(1, &["vos-config", "nonsense"]));
}
