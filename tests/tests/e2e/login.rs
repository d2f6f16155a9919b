//! Log-ins at an issuer of tokens, from the code to the end, before a site of SRCNet.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use vofs_tests::issuer::{Issuer, Login, log_in};
use vofs_tests::process::{Guard, code, run};
use vofs_tests::{Profile, World, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

/// What names the remedy.
const REMEDY: &str = "run: vospace login srcnet";

/// A site that leaves its tokens to an issuer, and a user's configuration that says so.
fn place(settings: &str) -> (Issuer, World) {
    let issuer = Issuer::start();
    issuer.settings(settings);
    let world = World::build(Profile::Srcnet, false, &["--issuer", issuer.url()]);
    let oidc = format!("auth = {{ scheme = \"oidc\", issuer = \"{}\", client-id = \"vofs\" }}", issuer.url());
    configure(&world, &format!("[service.srcnet]\nresource-id = \"ivo://srcnet.example/cavern\"\n{oidc}\n"));
    (issuer, world)
}

fn configure(world: &World, text: &str) {
    let directory = world.path("home/.config/vofs");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("config.toml"), text).unwrap();
}

fn token_file(world: &World) -> PathBuf {
    world.path("home/.local/state/vospace/tokens/srcnet.json")
}

fn kept(world: &World, key: &str) -> String {
    let tokens: serde_json::Value = serde_json::from_slice(&fs::read(token_file(world)).unwrap()).unwrap();
    tokens[key].as_str().unwrap().to_owned()
}

#[test]
fn a_log_in_from_the_code_to_a_listing_and_its_end() {
    let (issuer, world) = place("{}");
    let list = || world.vospace(&["ls", &world.uri("")]);
    list().fails_with(1, &["there is none", REMEDY]);
    let told = log_in(&world, &issuer);
    assert!(told.contains(&format!("{}/device?user_code=", issuer.url())), "{told}");
    assert!(told.contains("Logged in to srcnet") && told.contains("renewed by itself"), "{told}");
    assert_eq!(fs::metadata(token_file(&world)).unwrap().permissions().mode() & 0o777, 0o600);
    world.put("a.txt", "mine");
    assert_eq!(list().ok().stdout(), "a.txt\n");
    let doctor = run(world.command("vospace").args(["doctor", &world.uri("")])).ok().stdout();
    assert!(doctor.contains(&format!("ok       credentials    the log-in at {}", issuer.url())), "{doctor}");
    let (access, refresh) = (kept(&world, "access_token"), kept(&world, "refresh_token"));
    let log = run(world.command("vospace").args(["ls", "-d", &world.uri("")])).ok().stderr;
    assert!(!log.contains(&access) && !log.contains(&refresh) && !told.contains(&access));
    let ended = world.vospace(&["logout", "srcnet:"]).ok().stdout();
    assert_eq!((ended.as_str(), issuer.count("revoke")), ("srcnet: logged out\n", 1));
    assert!(!token_file(&world).exists());
    list().fails_with(1, &["there is none", REMEDY]);
    assert_eq!(world.vospace(&["logout", "srcnet"]).ok().stdout(), "srcnet: there was no log-in\n");
}

#[test]
fn an_issuer_that_wants_fewer_questions_gets_them() {
    let (issuer, world) = place(r#"{"slow_down": 1}"#);
    let login = Login::start(&world);
    wait_until("the first question", PATIENCE, || issuer.count("poll") == 1);
    issuer.enter(&login.user_code, true);
    assert_eq!(login.end().0, 0);
    assert_eq!(issuer.count("hasty"), 0);
}

#[test]
fn a_person_who_refuses_or_takes_too_long_is_not_logged_in() {
    let (issuer, world) = place("{}");
    let login = Login::start(&world);
    issuer.enter(&login.user_code, false);
    let (status, _, errors) = login.end();
    assert!(status == 1 && errors.contains("was refused there") && errors.contains(REMEDY), "{errors}");
    issuer.settings(r#"{"code_life": 2}"#);
    let (status, _, errors) = Login::start(&world).end();
    assert!(status == 1 && errors.contains("expired before it was entered") && errors.contains(REMEDY), "{errors}");
    assert!(!token_file(&world).exists());
}

#[test]
fn what_has_no_log_in_says_so() {
    let (_issuer, world) = place("{}");
    world.vospace(&["login", "srcnt"]).fails_with(1, &["'srcnt' is no service of the configuration"]);
    configure(&world, "[service.arc]\nresource-id = \"ivo://cadc.nrc.ca/arc\"\n");
    world.vospace(&["login", "arc"]).fails_with(1, &["arc has no log-in", "scheme = \"oidc\""]);
    configure(&world, "[service.arc]\nresouce-id = \"ivo://cadc.nrc.ca/arc\"\n");
    world.vospace(&["ls", "arc:"]).fails_with(1, &["config.toml", "[service.arc] has no resource-id"]);
}

#[test]
fn an_access_token_is_renewed_before_its_end() {
    let (issuer, world) = place(r#"{"life": 3}"#);
    log_in(&world, &issuer);
    let first = kept(&world, "refresh_token");
    wait_until("a renewal", PATIENCE, || {
        world.vospace(&["ls", &world.uri("")]).ok();
        issuer.count("refresh") > 0
    });
    assert_ne!(kept(&world, "refresh_token"), first, "the issuer changes it at each use");
    assert_eq!(fs::metadata(token_file(&world)).unwrap().permissions().mode() & 0o777, 0o600);
    world.vospace(&["ls", &world.uri("")]).ok();
    assert_eq!((issuer.count("reused"), issuer.count("refused")), (0, 0));
}

#[test]
fn programs_side_by_side_renew_a_refused_token_once() {
    let (issuer, world) = place("{}");
    log_in(&world, &issuer);
    issuer.end_access_tokens();
    let mut programs: Vec<Guard> = (0..6)
        .map(|number| {
            let errors = fs::File::create(world.path(&format!("ls.{number}"))).unwrap();
            let mut command = world.command("vospace");
            command.args(["ls", &world.uri("")]).stdout(std::process::Stdio::null()).stderr(errors);
            Guard::spawn(&mut command)
        })
        .collect();
    for (number, program) in programs.iter_mut().enumerate() {
        let status = program.wait(PATIENCE).expect("it ends");
        assert_eq!(code(status), 0, "{}", fs::read_to_string(world.path(&format!("ls.{number}"))).unwrap());
    }
    assert_eq!((issuer.count("refresh"), issuer.count("reused")), (1, 0));
}

#[test]
fn a_log_in_that_the_issuer_has_ended_says_how_to_begin_another() {
    let (issuer, world) = place("{}");
    log_in(&world, &issuer);
    issuer.end_log_ins();
    for verb in ["mkdir", "ls"] {
        world.vospace(&[verb, &world.uri("d")]).fails_with(1, &["the session is over", REMEDY]);
    }
    log_in(&world, &issuer);
    world.vospace(&["mkdir", &world.uri("d")]).ok();
}

#[test]
fn a_mount_goes_on_over_renewals_and_over_a_new_log_in() {
    let (issuer, world) = place(r#"{"life": 3}"#);
    log_in(&world, &issuer);
    let mount = world.mount();
    let mut number = 0;
    // With fsync: what `fs::write` does at the end is told to nobody.
    let mut write = || {
        number += 1;
        let mut file = fs::File::create(mount.join(format!("f{number}")))?;
        file.write_all(b"x")?;
        file.sync_all()
    };
    wait_until("two renewals", PATIENCE, || {
        write().unwrap();
        issuer.count("refresh") >= 2
    });
    let what = world.status()["credentials"]["what"].as_str().unwrap().to_owned();
    assert!(what.contains(issuer.url()) && what.contains("is renewed before"), "{what}");
    assert!(!mount.log().contains("the credentials end soon"), "what renews itself is no news");
    issuer.end_log_ins();
    wait_until("the end of the log-in", PATIENCE, || write().is_err());
    wait_until("the announcement", PATIENCE, || {
        world.status()["credentials"]["problem"].as_str().is_some_and(|problem| problem.contains(REMEDY))
    });
    log_in(&world, &issuer);
    wait_until("the mount goes on", PATIENCE, || write().is_ok());
    assert!(world.status()["credentials"]["problem"].is_null());
}
