//! Certificates and tokens that end while a mount runs, and are renewed.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile, wait_until};

every_profile!(
    a_certificate_that_ends_is_announced_and_a_new_one_is_taken_up,
    a_certificate_that_has_expired_before_leaves_what_is_public,
    a_renewed_token_is_taken_up,
);

const PATIENCE: Duration = Duration::from_secs(60);

/// Writes a certificate of the user that ends in `life`, signed by the authority of the service.
fn certify(world: &World, file: &Path, life: Duration) {
    let place = |name: &str| fs::read_to_string(world.path("service/tls").join(name)).unwrap();
    let authority = Issuer::from_ca_cert_pem(&place("ca.pem"), KeyPair::from_pem(&place("ca.key")).unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "demo");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + (now - Duration::from_secs(300));
    params.not_after = epoch + now + life;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, &authority).unwrap();
    // In one step, as the tools do it.
    let beside = file.with_extension("new");
    fs::write(&beside, certificate.pem() + &key.serialize_pem()).unwrap();
    fs::rename(beside, file).unwrap();
}

fn errno<T>(outcome: io::Result<T>) -> Option<i32> {
    outcome.err().and_then(|error| error.raw_os_error())
}

fn a_certificate_that_ends_is_announced_and_a_new_one_is_taken_up(profile: Profile) {
    let world = World::tls(profile).with_general_credentials();
    world.put("private", b"mine");
    world.put("unread", b"mine too");
    world.put("public", b"everybody's");
    world.vospace(&["chmod", "o+r", &world.uri("")]).ok();
    world.vospace(&["chmod", "o+r", &world.uri("public")]).ok();
    let file = world.path("proxy.pem");
    certify(&world, &file, Duration::from_secs(15));
    let mount =
        world.mounting().variable("VOSPACE_TOKEN", None).options(&["--certfile", file.to_str().unwrap()]).start();
    assert_eq!(fs::read(mount.join("private")).unwrap(), b"mine");
    wait_until("the announcement", PATIENCE, || mount.log().contains("the credentials end soon"));
    assert!(world.status()["credentials"]["seconds_left"].as_i64().unwrap() <= 15);
    wait_until("the end of the certificate", PATIENCE, || {
        mount.log().contains("the credentials cannot be used any more: ")
    });
    // What anybody may read can be read, also what was never asked for; the rest says why not.
    let forget = || world.ask_mount(&["forget", "/"]).ok();
    forget();
    wait_until("public data", PATIENCE, || fs::read(mount.join("public")).is_ok_and(|bytes| bytes == b"everybody's"));
    wait_until("EACCES", PATIENCE, || errno(fs::read(mount.join("unread"))) == Some(nix::libc::EACCES));
    assert_eq!(errno(fs::write(mount.join("new"), b"x")), Some(nix::libc::EACCES));
    let log = mount.log();
    assert!(log.contains("expired") && log.contains("cadc-get-cert"), "{log}");
    assert!(world.status()["credentials"]["problem"].as_str().unwrap().contains("cadc-get-cert"));
    certify(&world, &file, Duration::from_secs(10 * 24 * 3600));
    wait_until("the new certificate", PATIENCE, || {
        fs::read(mount.join("unread")).is_ok_and(|bytes| bytes == b"mine too")
    });
    fs::write(mount.join("after"), b"x").unwrap();
    assert!(world.status()["credentials"]["seconds_left"].as_i64().unwrap() > 9 * 24 * 3600);
}

fn a_certificate_that_has_expired_before_leaves_what_is_public(profile: Profile) {
    let world = World::tls(profile).with_general_credentials();
    world.put("private", b"mine");
    world.put("public", b"everybody's");
    world.vospace(&["chmod", "o+r", &world.uri("")]).ok();
    world.vospace(&["chmod", "o+r", &world.uri("public")]).ok();
    let file = world.path("proxy.pem");
    certify(&world, &file, Duration::ZERO);
    let mut vcp = world.called("vcp");
    vcp.env_remove("VOSPACE_TOKEN").arg("--certfile").arg(&file);
    run(vcp.arg(world.uri("public")).arg(world.local("copy"))).ok();
    assert_eq!(fs::read(world.local("copy")).unwrap(), b"everybody's");
    let mount =
        world.mounting().variable("VOSPACE_TOKEN", None).options(&["--certfile", file.to_str().unwrap()]).start();
    assert!(
        mount.log().contains("expired") && mount.log().contains("until then only public data can be read"),
        "{}",
        mount.log()
    );
    assert_eq!(fs::read(mount.join("public")).unwrap(), b"everybody's");
    assert_eq!(errno(fs::read(mount.join("private"))), Some(nix::libc::EACCES));
    certify(&world, &file, Duration::from_secs(3600));
    fs::write(mount.join("after"), b"x").unwrap();
    assert_eq!(fs::read(mount.join("private")).unwrap(), b"mine");
    assert_eq!(world.bytes("after").unwrap(), b"x");
}

fn a_renewed_token_is_taken_up(profile: Profile) {
    let ends = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() + 1800;
    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub": "demo", "exp": {ends}}}"#));
    let first = format!("eyJhbGciOiJub25lIn0.{claims}.c2ln");
    let options = ["--user", &format!("demo:{first}"), "--user", "demo:second-token"];
    let world = World::build(profile, false, &options).with_general_credentials();
    let file = world.local_file("token", &first);
    let mount = world.mounting().variable("VOSPACE_TOKEN", None).variable("VOSPACE_TOKEN_FILE", file.to_str()).start();
    fs::write(mount.join("one"), b"x").unwrap();
    wait_until("the announcement", PATIENCE, || mount.log().contains("the credentials end soon"));
    let left = world.status()["credentials"]["seconds_left"].as_i64().unwrap();
    assert!((1..=1800).contains(&left), "{left}");
    assert!(mount.log().contains("put a new token into") && !mount.log().contains(&claims), "{}", mount.log());
    world.local_file("token", "nobody's");
    assert_eq!(errno(fs::write(mount.join("two"), b"x")), Some(nix::libc::EACCES));
    world.local_file("token", "second-token");
    fs::write(mount.join("three"), b"x").unwrap();
    wait_until("the news of it", PATIENCE, || mount.log().contains("the credentials were renewed"));
}
