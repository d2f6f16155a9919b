//! Rights that are taken away and credentials that end: what is hidden is not gone, and what was written waits.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::thread;

use nix::libc;
use vofs_tests::process::{Finished, run};
use vofs_tests::server::TOKEN;
use vofs_tests::{Profile, World, every_profile, http, wait_until};

use super::{PATIENCE, close, pattern, told, until_met};

every_profile!(
    f26_a_directory_that_may_not_be_read_looks_empty,
    f27_credentials_that_end_are_renewed,
    f33_a_group_service_that_fails_takes_nothing_away,
);

/// The names in a directory, in order.
fn listed(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.file_name().into_string().unwrap()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// A space of somebody else, with a directory `top/d` of files `a` and `b` in which our group may write.
struct Shared(World);

impl Shared {
    fn new(profile: Profile) -> Self {
        let users =
            ["--user", "demo:demo-token:demo-password", "--user", "ada:ada-token:x", "--group", "team:demo,ada"];
        let shared = Shared(World::build(profile, false, &users));
        let bytes = shared.0.local_file("bytes", b"ada's");
        shared.ada(&["mkdir", "-p", &shared.at("/top/d")]);
        for name in ["a", "b"] {
            shared.ada(&["cp", bytes.to_str().unwrap(), &shared.at(&format!("/top/d/{name}"))]);
        }
        for place in ["", "/top"] {
            shared.ada(&["chmod", "o+r", &shared.at(place)]);
        }
        shared.ada(&["chmod", "g+w", &shared.at("/top/d"), "team"]);
        shared
    }

    fn at(&self, path: &str) -> String {
        format!("{}:ada{path}", self.0.server.profile.prefix())
    }

    /// What its owner does.
    fn ada(&self, arguments: &[&str]) -> Finished {
        run(self.0.command("vospace").env("VOSPACE_TOKEN", "ada-token").args(arguments)).ok()
    }
}

fn f26_a_directory_that_may_not_be_read_looks_empty(profile: Profile) {
    let shared = Shared::new(profile);
    let world = &shared.0;
    let mount = world.mounting().vospace(&shared.at("/top")).options(&["--write-back", "background"]).start();
    let directory = mount.join("d");
    assert_eq!(listed(&directory).unwrap(), ["a", "b"]);
    let rule = r#"{"method": "PUT", "path": "BYTES", "status": 503}"#;
    world.server.fault(&rule.replace("BYTES", world.server.byte_path()));
    fs::write(directory.join("mine"), b"waits").unwrap();
    shared.ada(&["chmod", "g-w", &shared.at("/top/d")]);
    world.server.heal();
    let all = ["a", "b", "mine"];
    wait_until("the listing says that it may not be read", PATIENCE, || match listed(&directory) {
        Ok(names) => {
            assert_eq!(names, all, "what is hidden is not gone");
            false
        }
        Err(error) => error.raw_os_error() == Some(libc::EACCES),
    });
    assert!(fs::remove_dir(&directory).is_err());
    wait_until("the upload is refused", PATIENCE, || told(world, &["pending", "list"]).contains("refused"));
    assert_eq!(fs::read(directory.join("mine")).unwrap(), b"waits", "what was written is here");

    shared.ada(&["chmod", "g+w", &shared.at("/top/d"), "team"]);
    told(world, &["pending", "retry"]);
    wait_until("all of it is there again", PATIENCE, || listed(&directory).is_ok_and(|names| names == all));
    mount.unmount();
    assert_eq!(shared.ada(&["cat", &shared.at("/top/d/mine")]).stdout(), "waits");
    assert_eq!(shared.ada(&["cat", &shared.at("/top/d/a")]).stdout(), "ada's");
}

fn f33_a_group_service_that_fails_takes_nothing_away(profile: Profile) {
    let shared = Shared::new(profile);
    let world = &shared.0;
    for name in ["a", "b"] {
        shared.ada(&["chmod", "g+r", &shared.at(&format!("/top/d/{name}")), "team"]);
    }
    let mount = world.mounting().vospace(&shared.at("/top")).start();
    let directory = mount.join("d");
    let all = ["a", "b"];
    assert_eq!(listed(&directory).unwrap(), all);
    assert_eq!(fs::read(directory.join("a")).unwrap(), b"ada's");
    world.server.post("/_bench/groups", r#"{"down": true}"#);
    world.server.forget();
    let refresh =
        run(world.command("mountvofs").arg("refresh").arg(&directory).arg("--cache_dir").arg(world.path("cache")));
    refresh.fails_with(1, &["failed to check membership with group service", "try again later"]);
    for _ in 0..3 {
        // A listing that ends early and looks whole is none.
        if let Ok(names) = listed(&directory) {
            assert_eq!(names, all, "{}", mount.log());
        }
        if let Ok(bytes) = fs::read(directory.join("a")) {
            assert_eq!(bytes, b"ada's");
        }
    }
    world.server.post("/_bench/groups", r#"{"down": false}"#);
    wait_until("all of it is there again", PATIENCE, || listed(&directory).is_ok_and(|names| names == all));
    wait_until("it can be read again", PATIENCE, || fs::read(directory.join("a")).is_ok_and(|read| read == b"ada's"));
    assert!(!world.server.log().iter().any(|entry| entry.is_byte_read() && entry.bytes_out > 0), "downloaded again");
    mount.unmount();
}

fn f27_credentials_that_end_are_renewed(profile: Profile) {
    let world = World::build(profile, false, &["--token-lifetime", "10min"]);
    let token = match profile.has_own_credentials() {
        // The one of the service's section.
        true => world.path(&format!("home/.{}-token", profile.prefix())),
        false => world.local_file("token", TOKEN),
    };
    let mounting = world.mounting().variable("VOSPACE_TOKEN", None);
    let mount = mounting.variable("VOSPACE_TOKEN_FILE", token.to_str()).start();
    let [mut during, mut after] = ["during", "after"].map(|name| File::create(mount.join(name)).unwrap());
    during.write_all(&pattern(400_000, 1)).unwrap();
    after.write_all(&pattern(1000, 2)).unwrap();
    // It ends while bytes are on their way: these arrive, the next ones do not even set out.
    let rule = r#"{"method": "PUT", "path": "BYTES", "count": 1, "bytes_per_second": 200000}"#;
    world.server.fault(&rule.replace("BYTES", world.server.byte_path()));
    let ends = || world.server.post("/_bench/clock", r#"{"offset_ms": 3600000}"#);
    if profile == Profile::Vault {
        thread::scope(|scope| {
            let closing = scope.spawn(|| close(during));
            until_met(&world);
            ends();
            closing.join().unwrap().unwrap();
        });
    } else {
        // The token is looked at when the bytes come, not before.
        close(during).unwrap();
        ends();
    }
    if profile == Profile::Pyvospace {
        // A session that has ended is begun anew, with the password.
        close(after).unwrap();
        mount.unmount();
        return assert_eq!(world.vospace(&["ls", "-r", &world.uri("")]).ok().stdout(), "during\nafter\n");
    }
    assert_eq!(close(after).unwrap_err().raw_os_error(), Some(libc::EACCES));
    assert!(fs::read(mount.join("after")).unwrap() == pattern(1000, 2), "what was written is here");
    let waiting = told(&world, &["status"]);
    assert!(waiting.contains("credentials refused"), "{waiting}");

    let login = http::post_form(&format!("{}/ac/login", world.server.base()), "username=demo&password=demo-password");
    let renewed = String::from_utf8(login.body).unwrap();
    fs::write(&token, &renewed).unwrap();
    let there = |name: &str| {
        if profile.one_use() {
            let shown = world.vospace(&["cat", &world.uri(name)]);
            return (shown.status == 0).then_some(shown.bytes);
        }
        let answer = http::request("GET", &world.server.bytes_url(&format!("demo/{name}")), Some(renewed.trim()));
        (answer.status == 200).then_some(answer.body)
    };
    wait_until("the upload with the new token", PATIENCE, || there("after").is_some_and(|it| it == pattern(1000, 2)));
    assert!(there("during").unwrap() == pattern(400_000, 1));
    mount.unmount();
}
