//! Services of several makers in one configuration file, each with credentials of its own: none gets those of another.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use vofs_tests::process::run;
use vofs_tests::server::TOKEN;
use vofs_tests::{Profile, World};

/// The makers that copies go round by, in this order, and how each knows who the caller is: its header or cookie alone.
const RING: [(Profile, &str); 4] = [
    (Profile::Vault, "Bearer"),
    (Profile::Pyvospace, "PYVOSPACE_COOKIE"),
    (Profile::Datalab, "x-dl-authtoken"),
    (Profile::Srcnet, "Bearer"),
];

/// The secret of the user at one maker's service. No other takes it: a token that is not known is refused with 401.
fn secret(profile: Profile) -> String {
    format!("secret-of-{}", profile.name())
}

fn service(profile: Profile) -> World {
    // pyvospace is logged in to by a password; the token is that of the sessions that it begins.
    World::build(profile, false, &["--user", &format!("demo:{0}:{0}", secret(profile))])
}

/// A section for each of them, in the file of the first one's user.
fn configure(worlds: &[World]) {
    let mut sections = String::new();
    for world in worlds {
        let profile = world.server.profile;
        let file = world.path("secret");
        fs::write(&file, secret(profile)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let file = file.display();
        let base = format!("base-url = \"{}/{}\"", world.server.base(), profile.service());
        let registry = format!("registry = \"{}\"", world.server.registry());
        let (place, auth) = match profile {
            Profile::Pyvospace => (
                format!("{base}\nendpoints = {{ nodes = \"nodes\", sync = \"synctrans\", transfers = \"transfers\" }}"),
                format!("scheme = \"cookie\", login-url = \"login\", user = \"demo\", password-file = \"{file}\""),
            ),
            Profile::Datalab => {
                (base, format!("scheme = \"token\", token-file = \"{file}\", header = \"X-DL-AuthToken\""))
            }
            Profile::Srcnet => (registry, format!("scheme = \"token\", command = [\"cat\", \"{file}\"]")),
            _ => (registry, format!("scheme = \"token\", token-file = \"{file}\"")),
        };
        let resource_id = profile.authority().replace('~', "/");
        let name = profile.prefix();
        sections += &format!("[service.{name}]\nresource-id = \"ivo://{resource_id}\"\n{place}\nauth = {{ {auth} }}\n");
    }
    let directory = worlds[0].path("home/.config/vofs");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.toml"), sections).unwrap();
}

/// Every service is asked with its own credentials, in its own form, and with no other's.
#[track_caller]
fn only_their_own_came(worlds: &[World]) {
    for (world, (profile, form)) in worlds.iter().zip(RING) {
        let log = world.server.log();
        for entry in &log {
            assert!(entry.credentials.iter().all(|came| came == form), "{profile:?}: {entry:?}");
            assert_ne!(entry.status, 401, "{profile:?}: {entry:?}");
            assert!(entry.credentials.is_empty() || entry.user == "demo", "{profile:?}: {entry:?}");
        }
        let known = log.iter().filter(|entry| entry.user == "demo").count();
        assert!(known > 2, "{profile:?}: {known} requests of its user");
    }
}

fn worlds() -> Vec<World> {
    let worlds: Vec<World> = RING.iter().map(|(profile, _)| service(*profile)).collect();
    configure(&worlds);
    worlds
}

/// A command of the user of all of them. The token that counts where a section says nothing is nobody's.
fn command(worlds: &[World], program: &str) -> Command {
    let mut command = worlds[0].called(program);
    // The registry that others are looked up in knows the first service by another section than this user has.
    command.env("VOSPACE_TOKEN", TOKEN).env("VOSPACE_REGISTRY_URL", "http://127.0.0.1:1/reg");
    command
}

#[test]
fn copies_go_round_by_all_makers_and_each_sees_its_own_credentials_alone() {
    let worlds = worlds();
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at / 7 % 251) as u8).collect();
    let local = worlds[0].local_file("a", &bytes);
    let places = RING.iter().map(|(profile, _)| format!("{}:demo/a", profile.prefix()));
    let back = worlds[0].local("back");
    let (start, end) = (local.display().to_string(), back.display().to_string());
    let round: Vec<String> = [start].into_iter().chain(places).chain(["vos:demo/back".to_owned(), end]).collect();
    for step in round.windows(2) {
        run(command(&worlds, "vcp").args(step)).ok();
    }
    assert!(fs::read(&back).unwrap() == bytes);
    only_their_own_came(&worlds);
}

/// The same in one process: trees that are copied, and files that are read one after the other.
#[test]
fn one_program_with_two_services_keeps_their_credentials_apart() {
    let worlds = worlds();
    worlds[0].local_file("tree/a", "one");
    worlds[0].local_file("tree/b/c", "two");
    run(command(&worlds, "vcp").args(["tree", "pyvo:demo/tree"])).ok();
    for (from, to) in [("pyvo", "datalab"), ("datalab", "srcnet"), ("srcnet", "vos")] {
        run(command(&worlds, "vcp").args([&format!("{from}:demo/tree"), &format!("{to}:demo/tree")])).ok();
    }
    let mut find = command(&worlds, "vospace");
    let shown = run(find.args(["cat", "vos:demo/tree/b/c", "srcnet:demo/tree/a", "pyvo:demo/tree/b/c"])).ok();
    assert_eq!(shown.stdout(), "twoonetwo");
    only_their_own_came(&worlds);
}

/// A service that refuses its own credentials says so; those of the others are not tried.
#[test]
fn a_secret_that_is_refused_is_not_replaced_by_that_of_another_service() {
    let worlds = worlds();
    let lab = &worlds[3];
    fs::write(lab.path("secret"), "wrong").unwrap();
    run(command(&worlds, "vls").arg("srcnet:demo")).fails_with(1, &["renew your credentials"]);
    run(command(&worlds, "vls").arg("vos:demo")).ok();
    assert!(lab.server.log().iter().all(|entry| entry.user.is_empty()), "{:?}", lab.server.log());
}
