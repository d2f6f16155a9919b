//! Recipes for what cannot be built on this machine (Homebrew, conda-forge, a container): that they can be read, and
//! that what they name is there. What they install is what `installed` and `packed` try.

use std::fs;
use std::process::Command;

use vofs_tests::process::{binary, run};

use crate::{prepared, project};

fn text(path: &str) -> String {
    fs::read_to_string(project(path)).unwrap()
}

/// The version of the workspace.
fn version() -> String {
    text("Cargo.toml").lines().find_map(|line| line.strip_prefix("version = ")).unwrap().trim_matches('"').to_owned()
}

#[test]
fn conda() {
    let check = r#"
import sys, yaml
recipe = yaml.safe_load(open(sys.argv[1]))
assert recipe["schema_version"] == 1 and recipe["context"]["version"] == sys.argv[2], recipe
assert recipe["about"]["license_file"] == ["LICENSE-MIT", "LICENSE-APACHE"]
print("\n".join(recipe["build"]["script"]))
"#;
    let mut python = Command::new(prepared("venv").join("bin/python"));
    let script =
        run(python.args(["-c", check]).arg(project("packaging/conda/recipe.yaml")).arg(version())).ok().stdout();
    assert!(script.contains("packaging/install.sh install $PREFIX target/dist"), "{script}");
}

#[test]
fn homebrew_and_container() {
    let formula = text("packaging/homebrew/vofs.rb");
    assert!(formula.contains(r#"system "packaging/install.sh", "install", prefix, "target/dist""#), "{formula}");
    assert!(text("Cargo.toml").contains("[profile.dist]"));
    let begun = [" do\n", "def ", "\n    if ", "class "].map(|word| formula.matches(word).count());
    assert_eq!(begun.iter().sum::<usize>(), formula.matches("end\n").count());
    let container = text("packaging/container/Containerfile");
    assert!(container.contains(&format!("vofs:{}", version())) && container.contains("COPY vofs_*.deb"), "{container}");
    // The line by which it is run: what bash is given in it is a command line of mountvofs, with paths that are volumes or made.
    let line = container.split("-c \\\n").nth(1).and_then(|rest| rest.split('\'').nth(1)).unwrap();
    let words = line.split(" && ").next().unwrap();
    let mut words = words.split_whitespace();
    assert_eq!(words.next(), Some("mountvofs"), "{line}");
    let words: Vec<&str> = words.collect();
    // --man ends it before anything is done, and after the options were read.
    run(Command::new(binary("mountvofs")).args(&words).arg("--man")).ok();
    for path in words.iter().filter(|word| word.starts_with('/')) {
        let is_volume = container.contains(&format!(":{path} ")) || container.contains(&format!(":{path}:ro "));
        let is_made =
            container.lines().any(|line| line.contains("mkdir ") && line.split(' ').any(|word| word == *path));
        assert!(is_volume || is_made, "{path} is neither a volume nor made: {line}");
    }
    for manifest in ["pod.yaml", "daemonset.yaml"] {
        assert!(text(&format!("packaging/kubernetes/{manifest}")).contains(&format!("image: vofs:{}\n", version())));
    }
}
