//! The document and the tests are the same list.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// `file::test` for all tests in a file of this package: those of `every_profile!`, and single ones.
fn tests_of(module: &str) -> BTreeSet<String> {
    let file = root().join("tests/tests/e2e").join(module.replace("::", "/")).with_extension("rs");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut names: BTreeSet<String> = BTreeSet::new();
    for list in text.split("every_profile!(").skip(1) {
        let list = list.split(");").next().unwrap();
        names.extend(list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned));
    }
    for single in text.split("#[test]\n").skip(1) {
        names.extend(single.trim().strip_prefix("fn ").and_then(|rest| rest.split('(').next()).map(str::to_owned));
    }
    names.into_iter().map(|name| format!("{module}::{name}")).collect()
}

/// What the last column of the tables of a document names.
fn named_in(document: &str) -> BTreeSet<String> {
    let rows = document.lines().filter(|line| line.starts_with("| ") && line.ends_with("` |"));
    let cells = rows.filter_map(|row| row.trim_end_matches(" |").rsplit("| ").next());
    cells.flat_map(|cell| cell.split(", ")).map(|name| name.trim().trim_matches('`').to_owned()).collect()
}

#[test]
fn each_statement_has_a_test_and_each_test_a_statement() {
    let document = fs::read_to_string(root().join("docs/semantics.md")).unwrap();
    let named = named_in(&document);
    let modules: BTreeSet<&str> = named.iter().filter_map(|name| Some(name.rsplit_once("::")?.0)).collect();
    let known: BTreeSet<String> = modules.iter().flat_map(|module| tests_of(module)).collect();
    let missing: Vec<_> = named.difference(&known).collect();
    assert!(missing.is_empty(), "named in docs/semantics.md, and no test: {missing:?}");
    let own: BTreeSet<String> =
        ["abilities", "attributes", "background", "contents", "local_names", "names", "renames", "user_actions"]
            .iter()
            .flat_map(|module| tests_of(&format!("semantics::{module}")))
            .collect();
    let silent: Vec<_> = own.difference(&named).collect();
    assert!(silent.is_empty(), "tests that docs/semantics.md does not name: {silent:?}");
    // A row without a test would be read over.
    let rows = document.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let without: Vec<_> = rows.filter(|row| !row.ends_with("` |") && !row.ends_with("| test |")).collect();
    assert!(without.is_empty(), "rows without a test: {without:?}");
}
