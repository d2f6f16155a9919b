//! Where options come from: command line, environment, the user's file. (The system's file, and all mistakes, are tried
//! beside the code.)

use std::fs;
use std::time::Duration;

use vofs_tests::process::run;
use vofs_tests::{Finished, Profile, World, every_profile, wait_until};

every_profile!(
    a_file_decides_and_the_command_line_overrules_it,
    a_mount_is_found_by_what_is_configured_for_it,
    credentials_on_the_command_line_that_nobody_gets,
);

/// What a mount says at its start is said by then.
const SOON: Duration = Duration::from_secs(60);

/// Writes it above the section that the service may need.
fn configure(world: &World, text: &str) {
    let place = world.path("home/.config/vofs/config.toml");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    let before = fs::read_to_string(&place).unwrap_or_default();
    let section = before.find("[service.").map_or("", |at| &before[at..]);
    fs::write(&place, format!("{text}{section}")).unwrap();
}

fn show(world: &World, options: &[&str]) -> Finished {
    run(world.command("mountvofs").args(["config", "show"]).args(options))
}

fn a_file_decides_and_the_command_line_overrules_it(profile: Profile) {
    let world = World::new(profile);
    configure(&world, &format!("[mount]\nmax-flush-threads = 3\n[mount.\"{}\"]\nreadonly = true\n", world.uri("")));
    let mount = world.mount();
    let refused = fs::write(mount.join("f"), b"x").unwrap_err();
    assert_eq!(refused.raw_os_error(), Some(nix::libc::EROFS));
    mount.unmount();
    let mount = world.mounting().options(&["--readonly=false"]).start();
    fs::write(mount.join("f"), b"x").unwrap();
    mount.unmount();
    let mount = world.mounting().variable("VOFS_READONLY", Some("no")).start();
    fs::write(mount.join("f"), b"y").unwrap();
    mount.unmount();
    assert_eq!(world.bytes("f").unwrap(), b"y");
    let uri = world.uri("");
    let shown = show(&world, &["--vospace", &uri, "--cache_limit=2GiB"]).ok().stdout();
    let line = |name: &str| shown.lines().find(|line| line.split_whitespace().next() == Some(name)).unwrap().to_owned();
    assert!(line("readonly").contains("true") && line("readonly").contains(&format!("[mount.\"{uri}\"]")), "{shown}");
    assert!(line("max-flush-threads").contains(" 3 ") && line("max-flush-threads").contains("config.toml [mount]"));
    assert!(line("cache-limit").contains("2GiB") && line("cache-limit").ends_with("command line"));
    assert!(line("drain-timeout").contains("600") && line("drain-timeout").ends_with("default"));
    assert!(line("token").contains("VOSPACE_TOKEN") || profile.has_own_credentials(), "{shown}");
    assert!(!shown.contains("demo-token"), "{shown}");
    let json: serde_json::Value =
        serde_json::from_str(&show(&world, &["--json", "--vospace", &uri]).ok().stdout()).unwrap();
    let readonly = json.as_array().unwrap().iter().find(|setting| setting["option"] == "readonly").unwrap();
    assert_eq!((readonly["value"].as_str(), readonly["origin"]["kind"].as_str()), (Some("true"), Some("file")));
    // A mistake ends the program before anything is done, and says what was meant.
    configure(&world, "[mount]\ncache-limt = \"1GiB\"\n");
    let refused = show(&world, &[]).fails_with(2, &["config.toml", "'cache-limt'", "did you mean 'cache-limit'?"]);
    assert_eq!(refused.stdout(), "");
    run(world.command("mountvofs").args(["--vospace", &uri])).fails_with(2, &["did you mean 'cache-limit'?"]);
}

fn a_mount_is_found_by_what_is_configured_for_it(profile: Profile) {
    let world = World::new(profile);
    let uri = world.uri("");
    let place = world.path("elsewhere");
    configure(
        &world,
        &format!("[mount]\nvospace = \"{uri}\"\n[mount.\"{uri}\"]\ncache-dir = \"{}\"\n", place.display()),
    );
    let _mount = world.mounting().cache(&place).start();
    for line in [&["status"][..], &["status", "--vospace", &uri]] {
        let told = run(world.command("mountvofs").args(line)).ok().stdout();
        assert!(told.contains(place.to_str().unwrap()), "{told}");
    }
    let elsewhere = [&format!("{uri} on {}", world.path("mnt").display())[..], "nothing is mounted"];
    run(world.command("mountvofs").args(["status", "--vospace", "vos:other"])).fails_with(1, &elsewhere);
    let all = run(world.command("mountvofs").args(["status", "--all", "--json"])).ok().stdout();
    let all: serde_json::Value = serde_json::from_str(&all).unwrap();
    let places: Vec<_> = all.as_array().unwrap().iter().map(|report| report["cache_dir"].as_str().unwrap()).collect();
    assert_eq!(places, [place.to_str().unwrap()]);
}

/// Who names credentials means them to be used; where they are not, that is said.
fn credentials_on_the_command_line_that_nobody_gets(profile: Profile) {
    let world = World::new(profile);
    let uri = world.uri("");
    let typed = ["--token", "demo-token", uri.as_str()];
    let list = |world: &World| world.vospace(&[&["ls"], &typed[..]].concat());
    let mount = |world: &World| {
        let mut command = world.command("mountvofs");
        command.args(["--foreground", "--token", "demo-token", "--vospace", &uri]);
        command.arg("--mountpoint").arg(world.path("mnt")).arg("--cache_dir").arg(world.path("cache"));
        command
    };
    // The section has its own, which count.
    let overruled = format!("--token is not used for {}: the auth of [service.", profile.prefix());
    assert_eq!(list(&world).ok().stderr.contains(&overruled), profile.has_own_credentials());
    let mounted = world.mounting().options(&["--token", "demo-token"]).start();
    if profile.has_own_credentials() {
        wait_until("the mount says so", SOON, || mounted.log().contains(&overruled));
    }
    mounted.unmount();
    // It has none: a service that a registry names gets them, and the address of a line in a file does not.
    let world = world.with_general_credentials();
    world.server.forget();
    if !profile.has_own_credentials() {
        assert_eq!(list(&world).ok().stderr, "");
        return;
    }
    let refused = format!("--token: it is not sent to the base-url of [service.{}]", profile.prefix());
    list(&world).fails_with(1, &[&refused, "write its auth"]);
    run(&mut mount(&world)).fails_with(6, &[&refused]);
    let doctor = world.vospace(&[&["doctor"], &typed[..]].concat());
    assert!(doctor.status == 1 && doctor.stdout().contains(&refused), "{}", doctor.stdout());
    assert!(world.server.log().is_empty(), "nothing was asked: {:?}", world.server.log());
}
