//! `cadc-get-cert`, and commands with credentials that cannot be used.

use std::fs;
use std::process::{Command, Stdio};

use vofs_tests::process::{Finished, run, run_with_input};
use vofs_tests::{Profile, World};

/// `cadc-get-cert` for a user who gives nothing but what is typed.
fn get_cert(world: &World, words: &str) -> Command {
    let mut command = world.called("cadc-get-cert");
    command.env_remove("VOSPACE_TOKEN").args(words.split(' ').filter(|word| !word.is_empty()));
    command
}

#[test]
fn who_gets_no_certificate_is_told_why() {
    let world = World::tls(Profile::Vault);
    let with_password = |words: &str| run(get_cert(&world, words).env("CADC_PASSWORD", "demo-password"));
    with_password("")
        .fails_with(2, &["say who you are: -u USER, -n (~/.netrc), --netrc-file FILE, --token TOKEN, or CADC_"]);
    let unsaved = with_password("-u demo --cert-filename /proc/none/x.pem");
    unsaved.fails_with(1, &["the certificate cannot be saved in /proc/none/x.pem: "]);
    with_password("-u a:b").fails_with(1, &["it has a colon; give the name of your account"]);
    let silent = run_with_input(&mut get_cert(&world, "-u demo"), "");
    silent
        .fails_with(1, &["there is no terminal to ask for a password; give it on standard input or in CADC_PASSWORD"]);
    // Standard input that is a directory.
    let mut unreadable = get_cert(&world, "-u demo");
    let output = unreadable.stdin(fs::File::open("/").unwrap()).stdout(Stdio::null()).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("the password cannot be read from standard input: "), "{told}");
}

#[test]
fn what_cannot_be_used_is_named_with_its_remedy() {
    let world = World::new(Profile::Vault).with_general_credentials();
    let listed = |words: &[&str]| {
        let mut vls = world.called("vls");
        run(vls.env_remove("VOSPACE_TOKEN").args(words).arg("vos:demo"))
    };
    let certificate = world.local_file("none.pem", "none");
    let certificate = certificate.to_str().unwrap();
    let said = "local/none.pem: it contains no certificate; run: cadc-get-cert -u <user>";
    listed(&["--certfile", certificate]).fails_with(1, &[said]);
    listed(&["--token", "two words"])
        .fails_with(1, &["it is empty or has characters that no token has; put the token"]);
    listed(&["--token", "wrong"])
        .fails_with(1, &["; renew your credentials (cadc-get-cert -u <user>, or a new token)"]);
}

#[test]
fn a_certificate_that_the_service_does_not_know_is_to_be_renewed() {
    let (world, elsewhere) = (World::tls(Profile::Vault), World::tls(Profile::Vault));
    let mut vls = world.called("vls");
    vls.env_remove("VOSPACE_TOKEN").arg("--certfile").arg(elsewhere.server.user_certificate("demo")).arg("vos:demo");
    let said = "; get a new certificate (cadc-get-cert -u <user>) or name another with --certfile";
    run(&mut vls).fails_with(1, &[said]);
}

/// As an account without a home directory, and without `HOME`.
fn homeless(world: &World, program: &str, words: &[&str]) -> Finished {
    let program = world.command(program);
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "54321", "--"]).arg(program.get_program()).args(words);
    command.env_clear().envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run(command.env_remove("HOME").current_dir("/"))
}

#[test]
fn who_has_no_home_directory_is_asked_for_names_of_files() {
    let world = World::new(Profile::Vault);
    let said = "there is no home directory (HOME is not set); name a file in VOSPACE_CONFIG_FILE";
    homeless(&world, "vospace", &["config", "-g"]).fails_with(1, &[said]);
    let said = "there is no home directory (HOME is not set); name the files";
    homeless(&world, "vospace", &["get-cert", "-n"]).fails_with(1, &[said]);
}
