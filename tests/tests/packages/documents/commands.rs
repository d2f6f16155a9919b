//! The commands that documents show are run, as they stand there. A block of a shell is marked: `sh run` is run here, all such blocks of
//! a document one after the other in one shell that stops at the first failure; `sh elsewhere: REASON` cannot be, and says why.
//! The README is for people only and has no marks: what becomes of its blocks is said here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use vofs_tests::process::{binary, built, run, run_within};
use vofs_tests::{Profile, World};

use super::documents;
use crate::{LIMIT, prepared, project};

const PRELUDE: &str = include_str!("prelude.sh");

/// The commands as which `vospace` is called.
const COMMANDS: [&str; 21] = [
    "vls",
    "vcp",
    "vsync",
    "vcat",
    "vmkdir",
    "vrm",
    "vrmdir",
    "vmv",
    "vln",
    "vlock",
    "vchmod",
    "vtag",
    "vfind",
    "vdu",
    "vdf",
    "vdoctor",
    "vlogin",
    "vlogout",
    "vos-config",
    "cadc-get-cert",
    "getCert",
];

/// What is written behind the three backticks of blocks that are no commands.
/// Those in Rust are run by `library` of the end-to-end tests.
/// Those for `fstab` and `autofs` are mounted by packaging/test/clean-root-inside.sh.
const NO_COMMANDS: [&str; 10] = ["mermaid", "text", "yaml", "toml", "json", "fstab", "autofs", "xml", "ini", "rust"];

/// The blocks of the README by their first words: why one is not run, or what is made ready for it.
const README: [(&str, Result<&str, &str>); 3] = [
    ("make demo", Err("the tests of the packages take the tour, and `make test` runs this one")),
    ("mkdir ~/vault", Ok("vospaced sample samples; vcp samples/starfield.fits vos:demo/image.fits")),
    (
        "vls -l vos:",
        Ok("mkdir -p data results run8; date > results/a; date > run8/b
            vmkdir vos:demo/run7; vcp 'samples/starfield.fits' vos:demo/run7/
            vmkdir vos:demo/results; vmkdir vos:demo/data; vcp results/a vos:demo/data/"),
    ),
];

/// A block that is shown as code.
struct Block {
    /// What stands behind the backticks; none for one that is only indented.
    mark: Option<String>,
    line: usize,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut fenced, mut indented) = (false, false);
    for (number, line) in document.lines().enumerate() {
        if let Some(mark) = line.strip_prefix("```") {
            fenced = !fenced;
            indented = false;
            if fenced {
                blocks.push(Block { mark: Some(mark.trim().to_owned()), line: number + 1, text: String::new() });
            }
        } else if fenced || line.starts_with("    ") {
            if !fenced && !indented {
                blocks.push(Block { mark: None, line: number + 1, text: String::new() });
            }
            indented = !fenced;
            let block = blocks.last_mut().expect("one is open");
            block.text += line.strip_prefix("    ").filter(|_| indented).unwrap_or(line);
            block.text.push('\n');
        } else if !line.is_empty() {
            indented = false;
        }
    }
    blocks
}

#[test]
fn every_block_says_what_becomes_of_it() {
    let mut run = 0;
    for (name, text) in documents().into_iter().filter(|(name, _)| name != "README.md") {
        for block in blocks(&text) {
            let place = format!("{name}:{}", block.line);
            let mark = block.mark.unwrap_or_else(|| panic!("{place}: only indented; write ```sh run"));
            match mark.strip_prefix("sh ") {
                Some("run") => run += 1,
                Some(other) => {
                    let reason = other.strip_prefix("elsewhere: ").unwrap_or_else(|| panic!("{place}: ```{mark}"));
                    assert!(reason.len() > 10, "{place}: why is it not run?");
                }
                None => assert!(NO_COMMANDS.contains(&mark.as_str()), "{place}: ```{mark}"),
            }
        }
    }
    assert!(run > 10, "{run}");
}

/// Every block of a document that can be run here, in one shell that stops at the first failure.
#[test]
fn commands_work() {
    for (name, text) in documents() {
        let script: String = if name == "README.md" {
            blocks(&text).iter().filter_map(|block| of_readme(block).ok()).collect()
        } else {
            let run = |block: &Block| block.mark.as_deref() == Some("sh run");
            blocks(&text).into_iter().filter(run).map(|block| block.text).collect()
        };
        if !script.is_empty() {
            works(&name, &script);
        }
    }
}

/// A block of the README with what it needs.
fn of_readme(block: &Block) -> Result<String, &'static str> {
    let (_, treatment) = README
        .iter()
        .find(|(first, _)| block.text.starts_with(first))
        .unwrap_or_else(|| panic!("README.md:{}: say in this test how it is run: {}", block.line, block.text));
    treatment.map(|ready| format!("{ready}\n{}", block.text))
}

fn works(name: &str, script: &str) {
    let world = World::new(Profile::Both);
    let bin = world.path("bin");
    fs::create_dir(&bin).unwrap();
    for command in COMMANDS {
        symlink(binary("vospace"), bin.join(command)).unwrap();
    }
    fs::create_dir(world.path("home/tmp")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = script
        .replace("YOURNAME", "demo")
        .replace("vos:USER", "vos:demo")
        .replace("home/USER", "home/demo")
        .replace("home-USER", "home-demo")
        .replace("target/debug/", "")
        .replace("/tmp/", "$HOME/tmp/")
        .replace("127.0.0.1:8080", "127.0.0.1:$PORT");
    let mut shell = Command::new("bash");
    world.environment(&mut shell);
    let places = [&bin, &built(), &project("packaging/batch"), &prepared("venv").join("bin")];
    let path = places.map(|place| place.to_str().unwrap().to_owned()).join(":");
    shell.env("PATH", format!("{path}:/usr/bin:/bin")).env("TMPDIR", world.path("local"));
    shell.env("PORT", port.to_string());
    let said = run_within(shell.args(["-euxo", "pipefail", "-c", &format!("{PRELUDE}\n{script}")]), LIMIT);
    assert_eq!(said.status, 0, "{name}:\n{}\n{}", said.stdout(), said.stderr);
}

/// What a program or one of its subcommands knows, from what it says itself.
#[derive(Debug, Default)]
struct Known {
    options: BTreeSet<String>,
    commands: BTreeMap<String, Known>,
}

impl Known {
    fn of(program: &Path, arguments: &[String]) -> Self {
        let help = run(Command::new(program).args(arguments).arg("--help")).ok().stdout();
        let mut known = Known { options: long_options(&help).collect(), commands: BTreeMap::new() };
        let commands = help.split("Commands:\n").nth(1).unwrap_or_default();
        for command in commands.lines().take_while(|line| line.starts_with("  ")) {
            // What is indented further belongs to the line before.
            let Some(word) = command.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')) else { continue };
            let word = word.split([' ', ',']).next().unwrap().to_owned();
            let below = if word == "help" {
                Known::default()
            } else {
                Known::of(program, &[arguments, std::slice::from_ref(&word)].concat())
            };
            known.commands.insert(word, below);
        }
        known
    }

    /// What is wrong with a command line behind the name of the program, as a reader would type it.
    fn faults(&self, line: &str) -> Vec<String> {
        let mut here = self;
        for word in line.split_whitespace() {
            match here.commands.get(word) {
                Some(below) => here = below,
                None if !here.commands.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '-') => {
                    if !word.starts_with('-') {
                        return vec![format!("there is no command {word}")];
                    }
                    break;
                }
                None => break,
            }
        }
        let unknown = long_options(line).filter(|option| !here.options.contains(option));
        unknown.map(|option| format!("there is no {option} there")).collect()
    }
}

/// Words such as `--cache-limit`, with hyphens throughout.
fn long_options(text: &str) -> impl Iterator<Item = String> + '_ {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'));
    words.filter(|word| word.starts_with("--") && word.len() > 3).map(|word| word.replace('_', "-"))
}

/// The subcommands and options of commands in running text, in tables and in blocks that are not run: the program has them, each
/// option where it stands. What begins with a command of `mountvofs` is one of it, as in `pin --lazy`.
#[test]
fn options_exist() {
    let home = tempfile::tempdir().unwrap();
    let mut known: BTreeMap<String, Known> = BTreeMap::new();
    for name in COMMANDS.into_iter().chain(["mountvofs", "vospaced", "vospace"]) {
        let called = home.path().join(name);
        symlink(binary(if ["mountvofs", "vospaced"].contains(&name) { name } else { "vospace" }), &called).unwrap();
        known.insert(name.to_owned(), Known::of(&called, &[]));
    }
    for (line, fault) in [
        ("drain --json", "there is no --json there"),
        ("pending lst", "there is no command lst"),
        ("refresch /", "there is no command refresch"),
    ] {
        assert_eq!(known["mountvofs"].faults(line), [fault], "{line}");
    }
    let (mut seen, mut wrong) = (0, Vec::new());
    for (name, text) in documents() {
        let shown =
            blocks(&text).into_iter().flat_map(|block| block.text.lines().map(str::to_owned).collect::<Vec<_>>());
        let inline = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).map(str::to_owned);
        for command in shown.chain(inline.collect::<Vec<_>>()) {
            // Behind these another program is called.
            let own = command.split([';', '|', '#', '&', '>']).next().unwrap();
            let (program, line) = own.split_once(' ').unwrap_or((own, ""));
            let of_mount = known["mountvofs"].commands.contains_key(program) && line.starts_with("--");
            let (has, line) = match known.get(program) {
                Some(has) => (has, line),
                None if of_mount => (&known["mountvofs"], own),
                None => continue,
            };
            seen += long_options(line).count();
            wrong.extend(has.faults(line).into_iter().map(|fault| format!("{name}: `{command}`: {fault}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 40, "{seen}");
}
