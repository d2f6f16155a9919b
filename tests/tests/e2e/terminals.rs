//! What a person at a terminal sees: bars, quoted names, completed words, manual pages.

use std::fs;
use std::process::{Command, Stdio};

use vofs_tests::process::{Finished, binary, built, run};
use vofs_tests::{Profile, World, both_profiles};

both_profiles!(words_are_completed_by_the_service);

/// Runs a command line of a shell on a terminal of its own.
fn on_terminal(world: &World, line: &str) -> Finished {
    let mut command = Command::new("script");
    world.environment(&mut command);
    let path = format!("{}:{}", built().display(), std::env::var("PATH").unwrap());
    run(command.args(["-qec", line, "/dev/null"]).env("PATH", path).env("TERM", "xterm"))
}

#[test]
fn bars_are_drawn_on_a_terminal_and_nowhere_else() {
    let world = World::new(Profile::Vault);
    world.local_file("tree/large", vec![7; 12_000_000]);
    world.local_file("tree/small", b"small");
    let shown = on_terminal(&world, &format!("vospace cp --bwlimit 20M tree {}", world.uri("tree"))).ok().stdout();
    assert!(shown.contains("2 files") && shown.contains("large") && shown.contains("MB/s"), "{shown:?}");
    let shown = on_terminal(&world, &format!("vospace sync -q tree {}", world.uri("quiet"))).ok().stdout();
    assert_eq!(shown, "", "--quiet");
    let finished = world.vospace(&["cp", "tree", &world.uri("piped")]).ok();
    assert_eq!((finished.stdout(), finished.stderr.as_str()), (String::new(), ""), "no terminal");
    // What is said meanwhile is not drawn over.
    world.local_file("tree/bad#name", b"x");
    let shown = on_terminal(&world, &format!("vospace cp tree {}", world.uri("again"))).stdout();
    assert!(shown.contains("ERROR:: ") && shown.contains("bad#name"), "{shown:?}");
}

#[test]
fn names_are_quoted_where_a_person_would_copy_them() {
    let world = World::new(Profile::Vault);
    world.put("it's;odd", b"x");
    world.put("plain", b"x");
    let list = world.uri("");
    assert_eq!(world.vospace(&["ls", &list]).ok().stdout(), "it's;odd\nplain\n");
    assert_eq!(world.vospace(&["ls", "-Q", &list]).ok().stdout(), "'it'\\''s;odd'\nplain\n");
    let shown = on_terminal(&world, &format!("vospace ls {list}")).ok().stdout();
    assert_eq!(shown.replace('\r', ""), "'it'\\''s;odd'\nplain\n");
    let shown = on_terminal(&world, &format!("vospace ls -N {list}")).ok().stdout();
    assert_eq!(shown.replace('\r', ""), "it's;odd\nplain\n");
    // Fed back.
    let found = world.vospace(&["find", "-Q", "--name", "it*", &list]).ok().stdout();
    let line = format!("vospace cat {}", found.trim());
    assert_eq!(on_terminal(&world, &line).ok().stdout(), "x");
}

/// What bash would offer for `line`, with the cursor at its end.
#[track_caller]
fn offered(world: &World, line: &str) -> Vec<String> {
    let script = r#"
        eval "$(vospace completions bash)"
        COMP_LINE=$1
        COMP_POINT=${#COMP_LINE}
        COMP_WORDS=()
        # As readline cuts them: at blanks, and at the characters of COMP_WORDBREAKS, which become words.
        while read -r word; do COMP_WORDS+=("$word"); done < <(
            printf '%s\n' "$COMP_LINE" | sed -E 's/ +/\n/g; s/([:=]+)/\n\1\n/g' | sed -E '/^$/d')
        if [[ $COMP_LINE == *" " ]]; then COMP_WORDS+=(""); fi
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        # Behind a colon readline completes the empty word.
        current=${COMP_WORDS[COMP_CWORD]}
        if [[ $current == : ]]; then current=; fi
        compopt() { :; }
        _vospace_complete "${COMP_WORDS[0]}" "$current" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let bin = world.path("bin");
    if !bin.exists() {
        fs::create_dir(&bin).unwrap();
        for name in ["vospace", "vls", "vcp"] {
            std::os::unix::fs::symlink(binary("vospace"), bin.join(name)).unwrap();
        }
        std::os::unix::fs::symlink(binary("mountvofs"), bin.join("mountvofs")).unwrap();
    }
    let mut command = Command::new("bash");
    world.environment(&mut command);
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let finished = run(command.args(["--norc", "-c", script, "bash", line]).env("PATH", path)).ok();
    assert_eq!(finished.stderr, "", "{line}");
    finished.stdout().lines().map(str::to_owned).filter(|line| !line.is_empty()).collect()
}

fn words_are_completed_by_the_service(profile: Profile) {
    let world = World::new(profile);
    for name in ["images/one.fits", "images/two.fits", "images/it's", "index"] {
        world.local_file(&format!("tree/{name}"), name);
    }
    world.vospace(&["cp", "tree/", &world.uri("tree")]).ok();
    let tree = world.uri("tree");
    let prefix = profile.prefix();
    assert!(offered(&world, "vls --lo").contains(&"--long".to_owned()));
    assert_eq!(offered(&world, &format!("vls {}", &prefix[..2])), [format!("{prefix}:")]);
    assert_eq!(offered(&world, &format!("vls {prefix}:de")), ["demo/"]);
    assert_eq!(offered(&world, &format!("vls -l {tree}/i")), ["demo/tree/images/", "demo/tree/index"]);
    assert_eq!(offered(&world, &format!("vospace ls {tree}/images/o")), ["demo/tree/images/one.fits"]);
    assert_eq!(offered(&world, &format!("vls {tree}/images/it")), ["demo/tree/images/it\\'s"]);
    // From a cache for the next keys, and anew after a while.
    world.server.forget();
    assert_eq!(offered(&world, &format!("vls {tree}/images/t")), ["demo/tree/images/two.fits"]);
    assert!(world.server.log().is_empty(), "{:?}", world.server.log());
    // Both sides of a copy; only containers where nothing else makes sense.
    let both = offered(&world, "vcp tr");
    assert_eq!(both, ["tree/"]);
    assert_eq!(offered(&world, &format!("vcp {tree}/ind")), ["demo/tree/index"]);
    assert_eq!(offered(&world, &format!("vospace mkdir {tree}/i")), ["demo/tree/images/"]);
    // A place that nobody knows is no reason to say anything.
    assert_eq!(offered(&world, "vls nowhere:a"), [""; 0]);
    assert_eq!(offered(&world, &format!("vls {}/", world.uri("none"))), [""; 0]);
    assert!(offered(&world, "mountvofs --cache").contains(&"--cache-limit".to_owned()));
}

#[test]
fn scripts_are_valid_and_manual_pages_can_be_read() {
    let world = World::new(Profile::Vault);
    let script = world.vospace(&["completions", "bash"]).ok().stdout();
    fs::write(world.local("script"), &script).unwrap();
    run(Command::new("bash").arg("-n").arg(world.local("script"))).ok();
    for shell in ["zsh", "fish"] {
        let script = world.vospace(&["completions", shell]).ok().stdout();
        assert!(script.contains("vls") && script.contains("cadc-get-cert"), "{shell}: {script}");
    }
    world.vospace(&["completions", "tcsh"]).fails_with(2, &["bash"]);
    world.vospace(&["man", "pages"]).ok();
    run(world.command("mountvofs").arg("--man")).ok();
    let mut pages: Vec<_> = fs::read_dir(world.local("pages")).unwrap().map(|entry| entry.unwrap().path()).collect();
    pages.sort();
    assert!(pages.len() >= 19, "{pages:?}");
    for page in pages {
        let name = page.file_stem().unwrap().to_str().unwrap().to_owned();
        let read = Command::new("man").arg("-l").arg("--warnings").arg(&page).stdin(Stdio::null()).output().unwrap();
        let text = String::from_utf8_lossy(&read.stdout).into_owned();
        assert!(read.status.success() && read.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&read.stderr));
        assert!(text.contains(&name) && text.contains("EXIT STATUS") && text.contains("--certfile"), "{name}: {text}");
    }
}
