//! Certificate, and name with password: who the caller is as the section of a service says it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use vofs_tests::process::{Finished, run};
use vofs_tests::{Profile, Stranger, World};

/// Writes the one section of the user's configuration.
fn configure(world: &World, place: &str, auth: &str) {
    let directory = world.path("home/.config/vofs");
    fs::create_dir_all(&directory).unwrap();
    let profile = world.server.profile;
    let (name, resource_id) = (profile.prefix(), profile.authority().replace('~', "/"));
    let section = format!("[service.{name}]\nresource-id = \"ivo://{resource_id}\"\n{place}auth = {{ {auth} }}\n");
    fs::write(directory.join("config.toml"), section).unwrap();
}

/// A command of a user who has no other credentials.
fn vospace(world: &World, line: &[&str]) -> Finished {
    run(world.command("vospace").env_remove("VOSPACE_TOKEN").args(line))
}

#[test]
fn a_certificate_that_a_section_names_opens_its_service() {
    for profile in [Profile::Vault, Profile::Cavern] {
        let world = World::tls(profile);
        world.put("f", b"private");
        let file = world.server.user_certificate("demo").display().to_string();
        configure(&world, "", &format!("scheme = \"certificate\", file = \"{file}\""));
        world.server.forget();
        assert_eq!(vospace(&world, &["cat", &world.uri("f")]).ok().stdout(), "private");
        let log = world.server.log();
        assert!(log.iter().any(|entry| entry.user == "demo"), "{log:?}");
        assert!(log.iter().all(|entry| entry.credentials.is_empty()), "{log:?}");
        let told = vospace(&world, &["doctor", &world.uri("")]).ok().stdout();
        assert!(told.contains("ok       credentials") && told.contains(&file), "{told}");
        let mount = world.mounting().variable("VOSPACE_TOKEN", None).start();
        assert_eq!(fs::read(mount.join("f")).unwrap(), b"private");
        mount.unmount();
        let gone = world.path("none.pem").display().to_string();
        configure(&world, "", &format!("scheme = \"certificate\", file = \"{gone}\""));
        vospace(&world, &["cat", &world.uri("f")]).fails_with(1, &[&gone]);
    }
}

/// The services that are imitated take no passwords with requests: what comes is seen at a host that takes nothing, and that it is
/// no hindrance at one that overlooks it.
#[test]
fn a_name_and_a_password_of_a_section_are_sent_with_each_request() {
    let world = World::new(Profile::Vault);
    world.put("f", b"public");
    world.vospace(&["chmod", "o+r", &world.uri("")]).ok();
    world.vospace(&["chmod", "o+r", &world.uri("f")]).ok();
    let secret = world.local_file("password", "open sesame\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let auth = format!("scheme = \"basic\", user = \"aladdin\", password-file = \"{}\"", secret.display());
    configure(&world, "", &auth);
    world.server.forget();
    assert_eq!(vospace(&world, &["cat", &world.uri("f")]).ok().stdout(), "public");
    let log = world.server.log();
    let came: Vec<&String> = log.iter().flat_map(|entry| &entry.credentials).collect();
    assert!(!came.is_empty() && came.iter().all(|form| *form == "Basic"), "{log:?}");
    // What has a grant of its own gets nothing beside it.
    assert!(log.iter().all(|entry| !entry.path.starts_with("/minoc") || entry.credentials.is_empty()), "{log:?}");

    let stranger = Stranger::listen();
    let base = format!("base-url = \"http://{}/vospace\"\n", stranger.address());
    configure(&world, &base, &auth);
    vospace(&world, &["ls", &world.uri("")]).fails_with(1, &["check the path"]);
    let heads = stranger.heads();
    // RFC 7617 §2: of "aladdin:open sesame".
    let sent = "Basic YWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    assert!(!heads.is_empty() && heads.iter().all(|head| head.contains(sent)), "{heads:?}");
}
