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

every_profile!(f26_a_directory_that_may_not_be_read_looks_empty, f27_credentials_that_end_are_renewed);

/// The names in a directory, in order.
fn listed(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.file_name().into_string().unwrap()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

fn f26_a_directory_that_may_not_be_read_looks_empty(profile: Profile) {
    let users = ["--user", "demo:demo-token:demo-password", "--user", "ada:ada-token:x", "--group", "team:demo,ada"];
    let world = World::build(profile, false, &users);
    let at = |path: &str| format!("{}:ada{path}", profile.prefix());
    let ada = |arguments: &[&str]| -> Finished {
        run(world.command("vospace").env("VOSPACE_TOKEN", "ada-token").args(arguments)).ok()
    };
    let bytes = world.local_file("bytes", b"ada's");
    ada(&["mkdir", "-p", &at("/top/d")]);
    for name in ["a", "b"] {
        ada(&["cp", bytes.to_str().unwrap(), &at(&format!("/top/d/{name}"))]);
    }
    for place in ["", "/top"] {
        ada(&["chmod", "o+r", &at(place)]);
    }
    ada(&["chmod", "g+w", &at("/top/d"), "team"]);

    let mount = world.mounting().vospace(&at("/top")).options(&["--write-back", "background"]).start();
    let directory = mount.join("d");
    assert_eq!(listed(&directory).unwrap(), ["a", "b"]);
    let rule = r#"{"method": "PUT", "path": "BYTES", "status": 503}"#;
    world.server.fault(&rule.replace("BYTES", world.server.byte_path()));
    fs::write(directory.join("mine"), b"waits").unwrap();
    ada(&["chmod", "g-w", &at("/top/d")]);
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
    wait_until("the upload is refused", PATIENCE, || told(&world, &["pending", "list"]).contains("refused"));
    assert_eq!(fs::read(directory.join("mine")).unwrap(), b"waits", "what was written is here");

    ada(&["chmod", "g+w", &at("/top/d"), "team"]);
    told(&world, &["pending", "retry"]);
    wait_until("all of it is there again", PATIENCE, || listed(&directory).is_ok_and(|names| names == all));
    mount.unmount();
    assert_eq!(ada(&["cat", &at("/top/d/mine")]).stdout(), "waits");
    assert_eq!(ada(&["cat", &at("/top/d/a")]).stdout(), "ada's");
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
