//! Configuration files with mistakes, and options that cannot be.

use std::fs;

use vofs_tests::{Profile, World};

#[test]
fn a_mistake_in_the_configuration_is_named_with_its_place() {
    let world = World::new(Profile::Vault);
    let directory = world.path("home/.config/vofs");
    fs::create_dir_all(&directory).unwrap();
    let token = "VOSPACE_TOKEN in [mount]: a token does not belong into this file; name a file that holds it by VOSPACE_TOKEN_FILE";
    let service = "[service.vos]\nresource-id = 'ivo://cadc.nrc.ca/vault'\n";
    for (text, said) in [
        ("[mount]\ncache-limt = 1\n".to_owned(), "did you mean 'cache-limit'?"),
        (
            "[mount.vos]\nreadonly = true\n".to_owned(),
            "[mount.vos] is not the name of a space: write [mount.\"vos:USER\"]",
        ),
        ("[mount]\ntoken = 'x'\n".to_owned(), token.trim_start_matches("VOSPACE_TOKEN in [mount]")),
        ("[mount]\nreadonly = 1.5\n".to_owned(), "is no value of an option; give text, a whole number, true or false"),
        ("[mount]\ncache-dir = 'here'\n".to_owned(), "has to begin with / or ~/"),
        ("[mount.'vos:demo']\nvospace = 'vos:x'\n".to_owned(), "is for one space, so it has no vospace"),
        (format!("{service}quirks = {{ qqq = 'no' }}\n"), "unknown quirk 'qqq'; vospace doctor shows all"),
        (format!("{service}quirks = {{ paging = 'never' }}\n"), "the quirk paging cannot be \"never\": "),
    ] {
        fs::write(directory.join("config.toml"), &text).unwrap();
        let ended = match text.starts_with(service) {
            true => world.vospace(&["ls", "vos:demo"]),
            false => world.ask_mount(&["config", "show"]),
        };
        assert!(ended.status != 0 && ended.stderr.contains(said), "{text}: {} {}", ended.status, ended.stderr);
    }
    fs::remove_file(directory.join("config.toml")).unwrap();
    fs::create_dir(directory.join("config.toml")).unwrap();
    let said = "config.toml: the configuration cannot be read: Is a directory";
    world.vospace(&["ls", "vos:demo"]).fails_with(1, &[said]);
    fs::remove_dir(directory.join("config.toml")).unwrap();
    fs::write(directory.join("config.toml"), format!("{service}auth = {{ scheme = 'anonymous' }}\n")).unwrap();
    world
        .vospace(&["login", "vos"])
        .fails_with(1, &["vos has no log-in: its section needs auth = { scheme = \"oidc\""]);
}
