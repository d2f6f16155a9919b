//! Precedence, sections, mistakes, and the table of the documents.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// A user's file, a system's file, and an environment.
struct Place {
    directory: TempDir,
    variables: HashMap<&'static str, &'static str>,
}

impl Place {
    fn new(user: &str, system: &str, variables: &[(&'static str, &'static str)]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in [("user.toml", user), ("system.toml", system)] {
            fs::write(directory.path().join(name), text).expect("written");
        }
        Place { directory, variables: variables.iter().copied().collect() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn resolve(&self, words: &str) -> Result<Resolved, Refusal> {
        let words: Vec<OsString> =
            std::iter::once("mountvofs").chain(words.split_whitespace()).map(OsString::from).collect();
        let variable = |name: &str| self.variables.get(name).map(|value| (*value).to_owned());
        let files = ["user.toml", "system.toml", "none.toml"].map(|name| self.file(name)).into();
        resolve_in(&words, &Surroundings { variable: &variable, files })
    }

    #[track_caller]
    fn of(&self, words: &str, name: &str) -> (Option<String>, Origin) {
        let resolved = self.resolve(words).expect("resolved");
        let setting = resolved.settings.into_iter().find(|setting| setting.name == name).expect("an option");
        (setting.value, setting.origin)
    }

    #[track_caller]
    fn refused(&self, words: &str) -> String {
        match self.resolve(words) {
            Err(Refusal::Elsewhere(failure)) => {
                assert_eq!(failure.status, Status::Usage);
                failure.message
            }
            other => panic!("{other:?}"),
        }
    }
}

fn in_file(path: &Path, section: &str) -> Origin {
    Origin::File { path: path.to_owned(), section: section.to_owned() }
}

#[test]
fn flag_before_environment_before_user_before_system_before_default() {
    let steps = [
        ("", "", &[][..], "", "50GiB", Origin::Default),
        ("", "[mount]\ncache-limit = '1GiB'", &[], "", "1GiB", Origin::CommandLine),
        ("[mount]\ncache_limit = 2048", "[mount]\ncache-limit = '1GiB'", &[], "", "2048", Origin::CommandLine),
        (
            "[mount]\ncache-limit = '2GiB'",
            "[mount]\ncache-limit = '1GiB'",
            &[("VOFS_CACHE_LIMIT", "3GiB")],
            "",
            "3GiB",
            Origin::Variable("VOFS_CACHE_LIMIT".into()),
        ),
        (
            "[mount]\ncache-limit = '2GiB'",
            "[mount]\ncache-limit = '1GiB'",
            &[("VOFS_CACHE_LIMIT", "3GiB")],
            "--cache-limit=4GiB",
            "4GiB",
            Origin::CommandLine,
        ),
    ];
    for (number, (user, system, variables, words, value, origin)) in steps.into_iter().enumerate() {
        let place = Place::new(user, system, variables);
        let origin = match number {
            1 => in_file(&place.file("system.toml"), "mount"),
            2 => in_file(&place.file("user.toml"), "mount"),
            _ => origin,
        };
        assert_eq!(place.of(words, "cache-limit"), (Some(value.to_owned()), origin), "step {number}");
    }
    let place = Place::new("[mount]\ncache-limit = 2048", "", &[]);
    assert_eq!(place.resolve("").expect("resolved").args.cache_limit, 2048 << 20, "a number is MiB here too");
}

#[test]
fn a_section_of_a_space_counts_before_that_of_all_within_its_file() {
    let user = "[mount]\nwrite-back = 'background'\nreadonly = true\n[mount.'vos:USER/']\nreadonly = false\n";
    let system =
        "[mount]\nvospace = 'arc:home/USER'\n[mount.'vos:USER']\nwrite-back = 'close'\nmax-flush-threads = 3\n";
    let place = Place::new(user, system, &[]);
    let resolved = place.resolve("--vospace vos:USER").expect("resolved").args;
    assert!(!resolved.readonly && resolved.max_flush_threads == 3);
    assert!(matches!(resolved.write_back, crate::args::When::Background), "the user's file, whatever its section");
    assert_eq!(
        place.of("--vospace vos:USER/", "readonly"),
        (Some("false".into()), in_file(&place.file("user.toml"), "mount.\"vos:USER\""))
    );
    let other = place.resolve("").expect("resolved").args;
    assert_eq!((other.vospace.as_str(), other.readonly, other.max_flush_threads), ("arc:home/USER", true, 10));
    assert!(!place.resolve("--readonly=false").expect("resolved").args.readonly);
}

#[test]
fn lists_and_home_directories() {
    let place = Place::new("[mount]\nlocal-only = ['*.swp', '.DS_Store']\ncertfile = '~/my.pem'\n", "", &[]);
    let args = place.resolve("").expect("resolved").args;
    assert_eq!(args.local_only, "*.swp,.DS_Store");
    let home = std::env::home_dir().expect("there is one");
    assert_eq!(args.certfile, Some(home.join("my.pem")));
}

#[test]
fn credentials_of_the_environment_come_before_those_of_a_file() {
    let user = "[mount]\ncertfile = '/mine.pem'\nregistry = 'https://mine/reg'\n";
    let place = Place::new(user, "", &[("VOSPACE_TOKEN", "secret"), ("VOSPACE_REGISTRY_URL", "https://here/reg")]);
    let args = place.resolve("").expect("resolved").args;
    assert_eq!((args.certfile, args.registry, args.token), (None, None, None), "the client finds them itself");
    let resolved = place.resolve("").expect("resolved");
    let shown = show::as_text(&resolved.settings);
    assert!(shown.contains("environment, VOSPACE_TOKEN") && shown.contains("https://here/reg"), "{shown}");
    assert!(!shown.contains("secret") && !show::as_json(&resolved.settings).to_string().contains("secret"));
    let typed = place.resolve("--certfile /typed.pem").expect("resolved").args;
    assert_eq!(typed.certfile, Some(PathBuf::from("/typed.pem")));
}

#[test]
fn mistakes_are_named_with_what_was_meant() {
    for (file, said) in [
        ("[mount]\ncache-limt = 1", &["user.toml", "'cache-limt' in [mount]", "'cache-limit'"][..]),
        ("[mount]\nzzz = 1", &["unknown key 'zzz'", "config show"]),
        ("[mount.'vos:OTHER']\nreadnoly = true", &["[mount.\"vos:OTHER\"]", "'readonly'"]),
        ("[mont]\n", &["unknown section 'mont'", "'mount'"]),
        ("cache-limit = 1", &["above all sections"]),
        ("[mount.vos]\nreadonly = true", &["[mount.\"vos:USER\"]"]),
        ("[mount.'vos:USER']\nvospace = 'vos:OTHER'", &["has no vospace"]),
        ("[mount]\ncache-limit = 'much'", &["cache-limit in [mount]", "much"]),
        ("[mount]\nwrite-back = 'later'", &["background"]),
        ("[mount]\nreadonly = 1.5", &["float"]),
        ("[mount]\ncache-dir = 'here'", &["'here' has to begin with /"]),
        ("[mount]\ntoken = 'x'", &["VOSPACE_TOKEN_FILE"]),
        ("[mount]\nnothreads = true", &["unknown key 'nothreads'"]),
        ("[mount\n", &["user.toml", "line 1"]),
    ] {
        let refused = Place::new(file, "", &[]).refused("");
        assert!(said.iter().all(|part| refused.contains(part)), "{file}: {refused}");
    }
    let refused = Place::new("", "", &[("VOFS_CACHE_LIMIT", "much")]).refused("");
    assert!(refused.contains("VOFS_CACHE_LIMIT") && refused.contains("much"), "{refused}");
    assert!(matches!(Place::new("", "", &[]).resolve("--no-such"), Err(Refusal::Typed(_))));
}

/// The lines of the table in docs/configuration.md, from the definition.
fn table() -> String {
    let definition = args::definition();
    let line = |(name, option): (&str, &Arg)| {
        let help = option.get_help().map(ToString::to_string).unwrap_or_default();
        let usual = option.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
        let usual = usual.filter(|value| !value.is_empty()).map(|value| format!("`{value}`")).unwrap_or_default();
        let key = if name == "token" { "–".to_owned() } else { format!("`{name}`") };
        let help = help.replace('|', "\\|").replace('\n', " ");
        format!("| {key} | `{}` | {usual} | {help} |\n", layers::variable_of(name))
    };
    options(&definition).filter(|(_, option)| !option.is_hide_set()).map(line).collect()
}

/// `VOFS_UPDATE_DOCS=1 cargo nextest run -p vofs-mount documented` writes it.
#[test]
fn all_options_are_documented_as_they_are() {
    const BEGIN: &str = "| Key | Variable | Default | What it does |\n|---|---|---|---|\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = fs::read_to_string(&path).expect("readable");
    let (before, rest) = text.split_once(BEGIN).expect("a table");
    let (found, after) = rest.split_once("\n\n").expect("something behind the table");
    if std::env::var_os("VOFS_UPDATE_DOCS").is_some() {
        let new = format!("{before}{BEGIN}{}\n{after}", table());
        fs::write(&path, new).expect("written");
        return;
    }
    assert_eq!(format!("{found}\n"), table(), "VOFS_UPDATE_DOCS=1 writes it anew");
}
