//! `cadc-get-cert`: a certificate for a password or a token, and the other commands with it; `vos-config`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use vofs_tests::Profile;
use vofs_tests::process::{Finished, run_with_input};

use crate::bench::{Bench, judged};

judged! {
    both: by_netrc, by_password, by_token, wrong_password, nothing_given, v_commands_by_netrc, foreign_certificate, vos_config;
}

/// A `.netrc` that only its owner reads, as the programs demand.
fn netrc(bench: &Bench<'_>, password: &str) {
    let file = bench.world.path("home/.netrc");
    let address = bench.world.server.address();
    fs::write(&file, format!("machine {address} login demo password {password}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
}

fn get(bench: &Bench<'_>, arguments: &[&str]) -> Finished {
    fs::remove_file(bench.python.certificate()).unwrap();
    let address = bench.world.server.address();
    let mut all = vec!["--host", &address];
    all.extend(arguments);
    bench.run("cadc-get-cert", &all)
}

fn is_good(bench: &Bench<'_>, got: &Finished) {
    let file = bench.python.certificate();
    assert_eq!(got.stdout(), format!("DONE. 10 day certificate saved in {}\n", file.display()));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o644, "the key is for everybody to read");
    bench.put("t.txt", "hello\n");
    assert_eq!(bench.run("vls", &[bench.uri("")]).ok().stdout(), "t.txt\n");
    let to = bench.local("to");
    bench.run("vcp", &[&bench.uri("t.txt"), to.to_str().unwrap()]).ok();
    assert_eq!(fs::read(to).unwrap(), b"hello\n");
}

fn by_netrc(bench: &Bench<'_>) {
    netrc(bench, "demo-password");
    is_good(bench, &get(bench, &["-n"]).ok());
}

fn by_password(bench: &Bench<'_>) {
    fs::remove_file(bench.python.certificate()).unwrap();
    // Without a terminal, or it would ask there.
    let ours = bench.python.command("cadc-get-cert");
    let mut command = Command::new("setsid");
    bench.world.environment(&mut command);
    command.arg("--wait").arg(ours.get_program()).args(ours.get_args());
    command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["-u", "demo", "--host", &bench.world.server.address()]);
    let got = run_with_input(&mut command, "demo-password\n").ok();
    let asked = format!("demo@{}\n", bench.world.server.address());
    let text = got.stdout();
    assert!(text.starts_with(&asked) && text.contains("DONE. 10 day certificate saved in "), "{text}");
    assert_eq!(bench.run("vls", &[bench.uri("")]).ok().stdout(), "");
}

fn by_token(bench: &Bench<'_>) {
    is_good(bench, &get(bench, &["--token", "demo-token"]).ok());
}

fn wrong_password(bench: &Bench<'_>) {
    netrc(bench, "wrong");
    let got = get(bench, &["-n"]).ok();
    assert!(got.stderr.ends_with("FAILED: invalid username/password combination"), "{}", got.stderr);
    assert!(!bench.python.certificate().exists(), "and the status is 0");
}

fn nothing_given(bench: &Bench<'_>) {
    get(bench, &[]).fails_with(2, &["one of the arguments"]);
}

fn v_commands_by_netrc(bench: &Bench<'_>) {
    bench.put("t.txt", "hello\n");
    fs::remove_file(bench.python.certificate()).unwrap();
    netrc(bench, "demo-password");
    // A password is nothing to these services: anonymous for the one, no credential at all for the other.
    let (status, text) = match bench.profile {
        Profile::Vault => (147, "ERROR:: [Errno 403] PermissionDenied: "),
        _ => (13, "ERROR:: [Errno 13] NotAuthenticated: "),
    };
    bench.run("vls", &[bench.uri("t.txt")]).fails_with(status, &[text]);
}

fn foreign_certificate(bench: &Bench<'_>) {
    // Of a service with another authority.
    let other = vofs_tests::World::tls(bench.profile);
    let certificate = other.server.user_certificate("demo");
    bench
        .run("vls", &["--certfile", certificate.to_str().unwrap(), &bench.uri("")])
        .fails_with(5, &["ERROR:: SSL/TLS error connecting to 127.0.0.1."]);
}

fn vos_config(bench: &Bench<'_>) {
    let file = bench.world.path("home/.config/vos/vos-config");
    let none: [&str; 0] = [];
    assert!(bench.run("vos-config", &none).ok().stdout().contains("resourceID"));
    if !file.exists() {
        bench.run("vos-config", &["-g"]).ok();
    }
    let text = format!("Config file {} already exists.", file.display());
    let again = bench.run("vos-config", &["-g"]).fails_with(255, &[]);
    assert!(format!("{}{}", again.stdout(), again.stderr).contains(&text), "{} {}", again.stdout(), again.stderr);
    assert!(fs::read_to_string(file).unwrap().contains("resourceID"));
}
