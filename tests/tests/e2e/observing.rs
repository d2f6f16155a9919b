//! What a mount tells of itself to programs: metrics, its log, a bundle for who helps.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use vofs_tests::mount::adopt;
use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile, http, wait_until};

every_profile!(
    metrics_on_loopback_only,
    nobody_listens_unless_asked_for,
    a_log_of_objects,
    a_log_is_private,
    lines_for_the_journal,
    a_bundle_without_secrets,
);

fn metrics_on_loopback_only(profile: Profile) {
    let world = World::new(profile);
    world.put("f", vec![7; 100_000]);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mount = world.mounting().options(&[&format!("--metrics={free}")]).start();
    assert_eq!(fs::read(mount.join("f")).unwrap().len(), 100_000);
    assert!(fs::read(mount.join("none")).is_err());
    let ask = |place: &str| http::request("GET", &format!("http://{free}{place}"), None);
    let text = String::from_utf8(ask("/metrics").body).unwrap();
    let value = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value(r#"vofs_operations_total{operation="lookup"}"#) >= 2.0);
    assert!(value(r#"vofs_transferred_bytes_total{direction="in"}"#) >= 100_000.0);
    assert_eq!(value("vofs_service_reachable"), 1.0);
    assert_eq!(value("vofs_cache_limit_bytes"), (50_u64 << 30) as f64);
    assert_eq!(value(r#"vofs_pending_files{state="failed"}"#), 0.0);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, number) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("vofs_") && number.parse::<f64>().is_ok(), "{line}");
    }
    assert_eq!((ask("/other").status, http::post(&format!("http://{free}/metrics"), "{}").status), (404, 405));
    mount.unmount();
    let mut open = world.command("mountvofs");
    open.args(["-f", "--vospace", &world.uri(""), "--metrics=0.0.0.0:9464", "--mountpoint"]).arg(world.path("mnt"));
    run(open.arg("--cache_dir").arg(world.path("cache"))).fails_with(2, &["only a loopback address"]);
}

/// Sockets of a process that wait for connections from other machines or this one.
fn listening(process: u32) -> usize {
    let inodes: Vec<String> = fs::read_dir(format!("/proc/{process}/fd"))
        .unwrap()
        .filter_map(|entry| {
            fs::read_link(entry.unwrap().path()).ok()?.to_str()?.strip_prefix("socket:[").map(str::to_owned)
        })
        .map(|inode| inode.trim_end_matches(']').to_owned())
        .collect();
    let tables =
        ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default());
    // The fourth column is the state, of which 0A is LISTEN; the tenth the inode.
    let listens = |line: &&str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        columns.get(3) == Some(&"0A") && columns.get(9).is_some_and(|inode| inodes.iter().any(|own| own == inode))
    };
    tables.iter().flat_map(|table| table.lines()).filter(listens).count()
}

fn nobody_listens_unless_asked_for(profile: Profile) {
    let world = World::new(profile);
    world.put("f", b"x");
    let mount = world.mount();
    assert_eq!(fs::read(mount.join("f")).unwrap(), b"x");
    assert_eq!(listening(mount.pid()), 0);
    mount.unmount();
    let mount = world.mounting().options(&["--metrics=127.0.0.1:0"]).start();
    assert_eq!(listening(mount.pid()), 1);
}

/// As it is made. One that is there already is somebody's who knows what it is: its mode stays.
fn a_log_is_private(profile: Profile) {
    let world = World::new(profile);
    let mode = |name: &str| fs::metadata(world.path(name)).unwrap().mode() & 0o777;
    world.mount().unmount();
    assert_eq!(mode("mountvofs.log"), 0o600);
    fs::set_permissions(world.path("mountvofs.log"), fs::Permissions::from_mode(0o640)).unwrap();
    let length = fs::metadata(world.path("mountvofs.log")).unwrap().len();
    world.mount().unmount();
    assert!(fs::metadata(world.path("mountvofs.log")).unwrap().len() > length);
    assert_eq!(mode("mountvofs.log"), 0o640);
}

fn a_log_of_objects(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mounting().options(&["--log-format=json", "--readonly=false"]).start();
    world.server.fault(r#"{"method": "GET", "path": "/nodes/demo/broken", "status": 500}"#);
    assert!(fs::metadata(mount.join("broken")).is_err());
    let failed = |line: &serde_json::Value| line["operation"] == "lookup" && line["errno"] == nix::libc::EIO;
    let lines = || -> Vec<serde_json::Value> {
        let text = fs::read_to_string(world.path("mountvofs.log")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
    };
    wait_until("the line of the failure", Duration::from_secs(60), || lines().iter().any(failed));
    let all = lines();
    let told: Vec<_> = all.iter().filter(|line| failed(line)).collect();
    assert_eq!(told.len(), 1, "one line a failed request");
    assert!(told[0]["error"].as_str().unwrap().contains("/broken") && told[0]["pid"].as_u64().is_some(), "{}", told[0]);
}

fn lines_for_the_journal(profile: Profile) {
    let world = World::new(profile);
    // The root is listed by who waits for the mount, and then answers for its names.
    world.put_deep("d/f", b"x");
    let point = world.path("mnt");
    fs::create_dir(&point).unwrap();
    let log = world.local_file("stderr", "");
    let here = fs::metadata(&log).unwrap();
    let mut command = world.command("mountvofs");
    command.args(["-f", "-v", "--vospace", &world.uri(""), "--mountpoint"]).arg(&point);
    command.arg("--cache_dir").arg(world.path("cache")).env("JOURNAL_STREAM", format!("{}:{}", here.dev(), here.ino()));
    let mount = adopt(command, &point, &log);
    world.server.fault(r#"{"method": "GET", "path": "/nodes/demo/d/broken", "status": 500}"#);
    let failed = fs::metadata(mount.join("d/broken")).unwrap_err();
    assert_eq!(failed.raw_os_error(), Some(nix::libc::EIO), "{failed}");
    let line = |start: &str, text: &str| {
        let log = fs::read_to_string(&log).unwrap();
        log.lines().any(|line| line.starts_with(start) && line.contains(text) && !line.contains('\u{1b}'))
    };
    wait_until("the mount", Duration::from_secs(60), || line("<6>mounted", &world.uri("")));
    wait_until("the failure", Duration::from_secs(60), || line("<4>failed", "errno=5"));
}

fn a_bundle_without_secrets(profile: Profile) {
    let world = World::tls(profile);
    let certificate = fs::read_to_string(world.server.user_certificate("demo")).unwrap();
    fs::create_dir_all(world.path("home/.ssl")).unwrap();
    fs::write(world.path("home/.ssl/cadcproxy.pem"), &certificate).unwrap();
    fs::write(world.path("home/.netrc"), "machine h login demo password netrc-password\n").unwrap();
    let mount = world.mounting().options(&["--debug"]).start();
    world.put("seen", b"x");
    fs::read(mount.join("seen")).unwrap();
    // What must never come into a log, in the ways in which it would.
    let key_line = certificate.lines().rfind(|line| !line.contains("-----")).unwrap();
    let mut lines = fs::File::options().append(true).open(world.path("mountvofs.log")).unwrap();
    writeln!(lines, "Authorization: Bearer demo-token\nCookie: CADC_SSO=cookie-value; a=b\n{certificate}").unwrap();
    // The cookie of a session is in the memory of its program only, and none other knows it in a line.
    let raw = if profile == Profile::Pyvospace { "no token" } else { "demo-token" };
    writeln!(lines, "raw {raw}, netrc-password, {key_line}, https://h/f?signature=signed-value").unwrap();
    let to = world.path("bundle.txt");
    let line = ["support-bundle", to.to_str().unwrap(), "--cache_dir", world.path("cache").to_str().unwrap()]
        .map(str::to_owned);
    let bundle = || run(world.command("mountvofs").args(&line).env("CADC_PASSWORD", "cadc-password"));
    bundle().ok();
    let text = fs::read_to_string(&to).unwrap();
    for present in
        ["===== status", "\"reachable\": true", "===== configuration", "/seen", "VOSPACE_REGISTRY_URL", "journal.db"]
    {
        assert!(text.contains(present), "no {present} in {text}");
    }
    let secret_lines = certificate.lines().filter(|line| !line.contains("-----") && line.len() > 20);
    let secrets = ["demo-token", "cookie-value", "netrc-password", "cadc-password", "signed-value", "PRIVATE KEY"];
    for secret in secrets.into_iter().chain(secret_lines) {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    bundle().fails_with(1, &["exists"]);
}
