//! `vospaced` that serves nothing, and why.

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;

use vofs_tests::process::run;
use vofs_tests::{Profile, World};

use super::{each, words};

#[test]
fn what_a_service_cannot_be_made_of_is_said() {
    let world = World::new(Profile::Vault);
    fs::create_dir(world.local("odd")).unwrap();
    world.local_file("odd/tls", "a file");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let ask = |words: &[&str]| run(world.command("vospaced").args(words));
    ask(&["serve", "--data", "d", "--listen", &address.to_string()])
        .fails_with(1, &["cannot listen on 127.0.0.1:", "; choose another with --listen (port 0 takes a free one)"]);
    ask(&words("init --data d --user ada")).ok();
    ask(&["serve", "--user", "a:b c"]).fails_with(2, &["a token is not empty and has no blanks"]);
    each(
        ask,
        &[
            ("serve --data /proc/none", 1, "cannot use the data directory /proc/none: "),
            ("serve --data odd --tls --listen 127.0.0.1:0", 1, "cannot set up TLS: "),
            ("init --data d --user ada", 1, "user ada is there already; edit "),
            ("init --data d --user a/b", 2, "a user name has letters, digits, - and _ only: "),
            ("serve --latency soon", 2, "expected a time like 20ms, 5s or 1min"),
            ("serve --total-rate 0", 2, "a rate is above zero"),
        ],
    );
}

#[test]
fn what_import_would_replace_is_said() {
    let world = World::new(Profile::Vault);
    world.local_file("tree/f", "new");
    world.put("f", "a file");
    world.put_deep("d/f/g", "in a container");
    let import = |from: &str, to: &str| {
        let mut command = world.command("vospaced");
        run(command.args(["import", "--data"]).arg(world.path("service")).args([from, to]))
    };
    import("tree", "demo/f").fails_with(1, &["f exists and is no container"]);
    import("tree", "demo/d").fails_with(1, &["f exists and is no file"]);
    fs::rename(world.local("tree/f"), world.local("tree/new")).unwrap();
    nix::unistd::mkfifo(&world.local("tree/pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::write(world.local("tree").join(OsStr::from_bytes(b"latin-\xe9")), "x").unwrap();
    let told = import("tree", "demo/d").ok().stderr;
    for said in ["left out: neither file nor directory", "left out: no client could address this name"] {
        assert!(told.contains(said), "{told}");
    }
    assert_eq!(world.bytes("d/new").unwrap(), b"new");
    assert_eq!(world.bytes("f").unwrap(), b"a file");
    assert_eq!(world.bytes("d/f/g").unwrap(), b"in a container");
}
