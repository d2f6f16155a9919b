//! `vospace doctor`: each thing that can be wrong is told by a line with its remedy, and the others are looked at still.

use std::fs;

use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile};

every_profile!(
    a_registry_that_cannot_be_reached,
    a_service_that_is_not_known,
    an_authority_that_nobody_trusts,
    a_clock_that_is_wrong,
    a_token_that_is_refused,
    a_certificate_that_has_expired_or_is_none,
    a_place_that_cannot_be_written_to,
    what_the_user_says_of_a_service_is_told_from_what_was_learned,
);

/// What it found; each line of something wrong has a remedy behind a semicolon or in words.
#[track_caller]
fn found(world: &World, change: impl FnOnce(&mut std::process::Command), status: i32) -> String {
    let mut doctor = world.command("vospace");
    doctor.args(["doctor", &world.uri("")]);
    change(&mut doctor);
    let ended = run(&mut doctor).fails_with(status, &[]);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    ended.stdout()
}

fn a_registry_that_cannot_be_reached(profile: Profile) {
    let world = World::new(profile);
    let home = world.path("fresh");
    fs::create_dir(&home).unwrap();
    let told = found(
        &world,
        |doctor| {
            doctor.env("VOSPACE_REGISTRY_URL", "http://127.0.0.1:1/reg").env("HOME", &home);
        },
        1,
    );
    assert!(told.contains("ok       credentials") && told.contains("http://127.0.0.1:1/reg"), "{told}");
    assert!(told.contains("FAILED   service") && told.contains("check the network"), "{told}");
}

fn a_service_that_is_not_known(profile: Profile) {
    let world = World::new(profile);
    let told = world.vospace(&["doctor", "nowhere:x"]).fails_with(1, &[]).stdout();
    assert!(told.contains("FAILED   service") && told.contains("check the prefix"), "{told}");
    let told = world.vospace(&["doctor", "--registry", "ftp://x", &world.uri("")]).fails_with(1, &[]);
    assert!(
        told.stderr.contains("give the full URL") || told.stdout().contains("give the full URL"),
        "{}",
        told.stderr
    );
}

fn an_authority_that_nobody_trusts(profile: Profile) {
    let world = World::tls(profile);
    let told = found(
        &world,
        |doctor| {
            doctor.env_remove("VOSPACE_CA_BUNDLE").env("HOME", world.path("other"));
        },
        1,
    );
    assert!(told.contains("FAILED   service") && told.contains("VOSPACE_CA_BUNDLE"), "{told}");
}

fn a_clock_that_is_wrong(profile: Profile) {
    let world = World::new(profile);
    let headers = r#"{"date": "Sat, 01 Jan 2000 00:00:00 GMT"}"#;
    world.server.fault(&format!(r#"{{"path": "{}", "headers": {headers}}}"#, world.server.first_path()));
    let told = found(&world, |_| {}, 0);
    assert!(told.contains("warning  clock") && told.contains("set it (NTP)"), "{told}");
    assert!(told.contains("1 MiB stored in"), "{told}");
}

fn a_token_that_is_refused(profile: Profile) {
    let world = World::new(profile).with_general_credentials();
    let told = found(
        &world,
        |doctor| {
            doctor.env("VOSPACE_TOKEN", "wrong");
        },
        1,
    );
    assert!(told.contains("FAILED   you are") && told.contains("renew your credentials"), "{told}");
    let told = found(
        &world,
        |doctor| {
            doctor.env_remove("VOSPACE_TOKEN");
        },
        0,
    );
    assert!(told.contains("warning  you are") && told.contains("cadc-get-cert"), "{told}");
    assert!(profile != Profile::Strict || told.contains("warning  node"), "{told}");
}

/// A certificate that ended years ago, with its key.
fn expired(world: &World) -> std::path::PathBuf {
    let mut params = rcgen::CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2020, 1, 2);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    world.local_file("expired.pem", certificate.pem() + &key.serialize_pem())
}

fn a_certificate_that_has_expired_or_is_none(profile: Profile) {
    let world = World::tls(profile).with_general_credentials();
    let expired = expired(&world);
    for file in [expired.as_path(), &world.local_file("broken.pem", "none"), &world.path("missing.pem")] {
        let told = found(
            &world,
            |doctor| {
                doctor.arg("--certfile").arg(file);
            },
            1,
        );
        assert!(told.contains("FAILED   credentials") && told.contains("cadc-get-cert"), "{told}");
        assert!(told.contains(&file.display().to_string()), "{told}");
    }
    let mut vls = world.called("vls");
    let refused =
        run(vls.arg("--certfile").arg(&expired).arg(world.uri(""))).fails_with(1, &["expired", "cadc-get-cert"]);
    assert!(refused.stderr.starts_with("ERROR:: ") && refused.stderr.lines().count() == 1, "{}", refused.stderr);
}

fn a_place_that_cannot_be_written_to(profile: Profile) {
    let world = World::build(profile, false, &["--user", "demo:demo-token:demo-password", "--user", "ada:ada-token"]);
    let foreign = world.uri("").replace("demo", "ada");
    let told = world.vospace(&["doctor", &foreign]).fails_with(1, &[]).stdout();
    // What may not be read is refused by the standard, and not shown as empty.
    let refuses = matches!(profile, Profile::Strict | Profile::Datalab);
    let failed = if refuses { "FAILED   node" } else { "FAILED   bytes" };
    assert!(told.contains(failed) && told.contains("ask the owner"), "{told}");
    let missing = world.vospace(&["doctor", &world.uri("none")]).fails_with(1, &[]).stdout();
    assert!(missing.contains("FAILED   node") && missing.contains("check the path"), "{missing}");
    let path = world.server.byte_path();
    world.server.fault(&format!(r#"{{"method": "GET", "path": "{path}", "digest": "missing", "count": 1}}"#));
    found(&world, |_| {}, 0);
}

fn what_the_user_says_of_a_service_is_told_from_what_was_learned(profile: Profile) {
    let world = World::new(profile);
    let place = world.path("home/.config/vofs/config.toml");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    let section = fs::read_to_string(&place).unwrap_or_else(|_| {
        let resource_id = profile.authority().replace('~', "/");
        format!("[service.{}]\nresource-id = \"ivo://{resource_id}\"\n", profile.prefix())
    });
    fs::write(&place, format!("{section}quirks = {{ paging = \"no\" }}\n")).unwrap();
    world.put("f", b"x");
    world.server.forget();
    world.vospace(&["ls", &world.uri("")]).ok();
    let asked: Vec<String> = world.server.log().into_iter().map(|entry| entry.query).collect();
    assert!(!asked.iter().any(|query| query.contains("limit=5000")), "{asked:?}");
    let told = found(&world, |_| {}, 0);
    assert!(told.contains("configured     pages: no (paging)"), "{told}");
    assert!(told.contains("learned        dates: ") && told.matches("configured ").count() == 1, "{told}");
    let from = if profile.has_capabilities() { "its capabilities" } else { "its section of the configuration file" };
    assert!(told.contains(&format!("addresses      from {from}")), "{told}");
}
