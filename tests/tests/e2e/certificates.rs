//! `cadc-get-cert` and `vos-config`: from a password to a certificate with which everything else works.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use vofs_tests::process::{binary, run};
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    a_password_becomes_a_certificate,
    a_wrong_password_leaves_the_old_certificate,
    passwords_from_netrc,
    the_former_name_takes_the_password_from_netrc,
    vos_config_makes_the_file_once,
    the_doctor_says_what_is_in_use_and_what_is_wrong,
);

/// The command under its own name, for a user with a password and nothing else.
fn get_cert(world: &World) -> std::process::Command {
    let link = world.path("cadc-get-cert");
    if !link.exists() {
        symlink(binary("vospace"), &link).unwrap();
    }
    let mut command = std::process::Command::new(link);
    world.environment(&mut command);
    command.env_remove("VOSPACE_TOKEN").env("CADC_PASSWORD", "demo-password");
    command
}

fn a_password_becomes_a_certificate(profile: Profile) {
    let world = World::tls(profile).with_general_credentials();
    let told = run(get_cert(&world).args(["-u", "demo", "--days-valid", "3"])).ok().stdout();
    let file = world.path("home/.ssl/cadcproxy.pem");
    assert_eq!(told, format!("DONE. 3 day certificate saved in {}\n", file.display()));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // Nothing but the certificate says who is listing.
    world.put("private", b"x");
    let mut vls = world.command("vospace");
    vls.env_remove("VOSPACE_TOKEN").args(["ls", &world.uri("")]);
    assert_eq!(run(&mut vls).ok().stdout(), "private\n");
    // The forms that the guides show.
    let other = world.path("other.pem");
    let silent = run(get_cert(&world).args(["-q", "--days-valid", "-u", "demo", "--cert"]).arg(&other)).ok();
    assert_eq!(silent.stdout(), "");
    assert!(fs::read_to_string(&other).unwrap().contains("BEGIN CERTIFICATE"));
    assert_eq!(run(get_cert(&world).env("CADC_USERNAME", "demo")).ok().stdout().lines().count(), 1);
}

fn a_wrong_password_leaves_the_old_certificate(profile: Profile) {
    let world = World::tls(profile);
    let file = world.path("home/.ssl/cadcproxy.pem");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    // An old one that cannot be used must not keep anybody from getting a new one.
    fs::write(&file, "old").unwrap();
    run(get_cert(&world).args(["-u", "demo"]).env("CADC_PASSWORD", "wrong"))
        .fails_with(1, &["FAILED: invalid username/password combination"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    run(&mut get_cert(&world)).fails_with(2, &["-u USER"]);
    run(get_cert(&world).args(["-u", "demo", "--resource-id", "ivo://cadc.nrc.ca/none"]))
        .fails_with(1, &["FAILED to retrieve 10 day certificate", "ivo://cadc.nrc.ca/none"]);
    run(get_cert(&world).args(["-u", "demo"])).ok();
}

fn passwords_from_netrc(profile: Profile) {
    let world = World::tls(profile);
    let text = "machine 127.0.0.1 login demo password demo-password\n";
    fs::create_dir_all(world.path("home")).unwrap();
    fs::write(world.path("home/.netrc"), text).unwrap();
    run(get_cert(&world).arg("-n")).ok();
    let elsewhere = world.path("netrc");
    fs::write(&elsewhere, text).unwrap();
    run(get_cert(&world).arg("--netrc-file").arg(&elsewhere)).ok();
    run(get_cert(&world).args(["--netrc-file", "/nonexistent"])).fails_with(1, &["/nonexistent"]);
}

fn the_former_name_takes_the_password_from_netrc(profile: Profile) {
    let world = World::tls(profile).with_general_credentials();
    let get = |options: &[&str]| run(world.called("getCert").env_remove("VOSPACE_TOKEN").args(options));
    get(&[]).fails_with(1, &["home/.netrc"]);
    // The entry with the port comes before that of the host.
    let entry = |machine: &str, password: &str| format!("machine {machine} login demo password {password}\n");
    let text = entry("127.0.0.1", "wrong") + &entry(&world.server.address(), "demo-password");
    fs::write(world.path("home/.netrc"), text).unwrap();
    assert!(get(&[]).ok().stdout().starts_with("DONE. 10 day certificate saved in "));
    let told = get(&["--daysValid", "3", "--cert-filename", "my.pem", "--cert-server", "h"]).ok().stdout();
    assert!(told.starts_with("DONE. 3 day certificate") && world.local("my.pem").is_file(), "{told}");
    let listed = |certificate: &str| {
        let mut vls = world.called("vls");
        run(vls.env_remove("VOSPACE_TOKEN").args(["--certfile", certificate]).arg(world.uri("")))
    };
    listed("my.pem").ok();
}

fn vos_config_makes_the_file_once(profile: Profile) {
    let world = World::new(profile);
    let shown = world.vospace(&["config"]).ok().stdout();
    assert!(shown.contains("does not exist") && shown.contains("ivo://cadc.nrc.ca/vault vos"), "{shown}");
    world.vospace(&["config", "-g"]).ok();
    assert!(world.path("home/.config/vos/vos-config").is_file());
    world.vospace(&["config", "--generate"]).fails_with(1, &["exists already"]);
    // The services are the same with it as without.
    world.put("f", b"x");
    assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "f\n");
}

fn the_doctor_says_what_is_in_use_and_what_is_wrong(profile: Profile) {
    let world = World::tls(profile).with_general_credentials();
    let found = world.vospace(&["doctor", &world.uri("")]).ok().stdout();
    let service = format!("ok       service        ivo://{}", profile.authority().replace('~', "/"));
    for text in ["ok       credentials    a bearer token", &service, "you are        demo"] {
        assert!(found.contains(text), "{found}");
    }
    assert!(found.contains("1 MiB stored in ") && found.contains("upload in segments"), "{found}");
    assert_eq!(world.vospace(&["ls", &world.uri("")]).ok().stdout(), "");
    // Each thing that is wrong is named, with what to do.
    let wrong = world.vospace(&["doctor", "--token", "wrong", &world.uri("")]).fails_with(1, &[]).stdout();
    assert!(wrong.contains("FAILED   you are") && wrong.contains("renew your credentials"), "{wrong}");
    let missing = world.vospace(&["doctor", "--certfile", "/none.pem", &world.uri("")]).fails_with(1, &[]).stdout();
    assert!(missing.contains("FAILED   credentials    /none.pem") && missing.contains("cadc-get-cert"), "{missing}");
    let unknown = world.vospace(&["doctor", "nowhere:x"]).fails_with(1, &[]).stdout();
    assert!(unknown.contains("FAILED   service"), "{unknown}");
}
