//! Completion in the shells themselves: zsh at a terminal of its own, fish by its own question; bash is in `terminals`.

use std::fs;
use std::process::Command;

use vofs_tests::process::run;
use vofs_tests::{Profile, World, every_profile};

every_profile!(zsh_completes_what_is_typed, fish_offers_what_fits);

/// Types a line and the tabulator in an interactive zsh, and prints the line that this makes of it.
///
/// The first argument loads the completions. The key that shows the line is understood when completion is done: until then
/// it waits in the terminal.
const ZSH: &str = r#"
zmodload zsh/zpty
zpty typist zsh -f -i
zpty -w typist "PS1= PS2= RPS1=; autoload -Uz compinit; $1; shown() { print -r -- \"<<\$BUFFER>>\"; BUFFER= }"
zpty -w typist "zle -N shown; bindkey '^X^T' shown; print -r -- re''ady"
zpty -r typist heard '*ready*'
zpty -w -n typist "$2"$'\t\x18\x14'
zpty -r typist heard '*<<*>>*'
print -r -- "$heard"
zpty -d typist
"#;

/// Loads the completions as who calls them in `.zshrc`.
const EVALUATED: &str = r#"compinit -D -u; eval "$(vospace completions zsh)""#;

/// A shell that finds the commands, in this world.
fn shell(world: &World, program: &str) -> Command {
    for name in ["vospace", "vls", "vcp"] {
        world.called(name);
    }
    let mut shell = Command::new(program);
    world.environment(&mut shell);
    let path = format!("{}:{}", world.path("bin").display(), std::env::var("PATH").unwrap());
    // Whoever types here has all the time that a busy machine takes.
    shell.env("PATH", path).env("TERM", "dumb").env("VOSPACE_COMPLETE_TIMEOUT", "60");
    shell
}

fn tree(world: &World) {
    for name in ["images/one.fits", "images/two.fits", "images/it's", "index"] {
        world.local_file(&format!("tree/{name}"), name);
    }
    world.vospace(&["cp", "tree/", &world.uri("tree")]).ok();
}

#[track_caller]
fn typed(world: &World, loading: &str, line: &str) -> String {
    let heard = run(shell(world, "zsh").args(["-f", "-c", ZSH, "zsh", loading, line])).ok().stdout();
    let (_, shown) = heard.split_once("<<").unwrap_or_else(|| panic!("{line}: {heard:?}"));
    shown.split_once(">>").unwrap().0.to_owned()
}

fn zsh_completes_what_is_typed(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let there = world.uri("tree");
    let prefix = profile.prefix();
    for (line, completed) in [
        (format!("vls {prefix}:de"), format!("vls {prefix}:demo/")),
        (format!("vls -l {there}/ind"), format!("vls -l {there}/index ")),
        (format!("vospace ls {there}/images/o"), format!("vospace ls {there}/images/one.fits ")),
        (format!("vls {there}/images/it"), format!("vls {there}/images/it\\'s ")),
        ("vls --Siz".to_owned(), "vls --Size ".to_owned()),
        ("vcp tr".to_owned(), "vcp tree/".to_owned()),
        ("vls nowhere:a".to_owned(), "vls nowhere:a".to_owned()),
    ] {
        assert_eq!(typed(&world, EVALUATED, &line), completed, "{line}");
    }
    // Found by its name, as an installation lays it.
    let functions = world.local("functions");
    fs::create_dir(&functions).unwrap();
    fs::write(functions.join("_vospace"), world.vospace(&["completions", "zsh"]).ok().bytes).unwrap();
    let installed = format!("fpath=({} $fpath); compinit -D -u", functions.display());
    for _ in 0..2 {
        assert_eq!(typed(&world, &installed, &format!("vls {there}/ind")), format!("vls {there}/index "));
    }
}

#[track_caller]
fn offered(world: &World, line: &str) -> Vec<String> {
    let script = "vospace completions fish | source; complete --do-complete $argv[1]";
    let offered = run(shell(world, "fish").args(["--no-config", "-c", script, line])).ok();
    // A description may stand behind each.
    offered.stdout().lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

fn fish_offers_what_fits(profile: Profile) {
    let world = World::new(profile);
    tree(&world);
    let there = world.uri("tree");
    let prefix = profile.prefix();
    assert!(offered(&world, "vls --lo").contains(&"--long".to_owned()));
    assert_eq!(offered(&world, &format!("vls {prefix}:de")), [format!("{prefix}:demo/")]);
    assert_eq!(offered(&world, &format!("vls -l {there}/i")), [format!("{there}/images/"), format!("{there}/index")]);
    assert_eq!(offered(&world, &format!("vospace ls {there}/images/o")), [format!("{there}/images/one.fits")]);
    assert_eq!(offered(&world, "vcp tr"), ["tree/"]);
    assert_eq!(offered(&world, &format!("vcp tree {there}/ind")), [format!("{there}/index")]);
    assert_eq!(offered(&world, "vls nowhere:a"), [""; 0]);
}
