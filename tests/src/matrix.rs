//! The tables of `docs/interoperability.md`: what was found when every verb was tried on every profile.
//!
//! The committed document is the expectation. Each test tries the verbs of one [`Area`] on one profile and compares its column,
//! refusals with status or errno and message, with what the document says: an ability that is lost, one that is won and a message
//! that changes are all differences. With `VOFS_WRITE_MATRIX` set, each test writes its column instead, one at a time.
//!
//! Only what stands between the two markers is written; what people write stands around it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::process::{Finished, built};
use crate::profile::Profile;
use crate::world::World;

const BEGIN: &str = "<!-- results: written by the end-to-end tests with VOFS_WRITE_MATRIX=1 -->";
const END: &str = "<!-- end of results -->";

/// Set to write what is found, and not to compare it.
const WRITE: &str = "VOFS_WRITE_MATRIX";

/// A cell without anything to add.
const YES: &str = "yes";

/// What came of one verb: done, with something to say about it or nothing; or what was said instead.
pub type Found = Result<String, String>;

/// The verbs of one kind, on one profile.
#[derive(Debug)]
pub struct Area<'a> {
    world: &'a World,
    title: &'static str,
    rows: Vec<(String, String)>,
}

impl<'a> Area<'a> {
    /// Nothing tried yet.
    pub fn new(world: &'a World, title: &'static str) -> Self {
        Self { world, title, rows: Vec::new() }
    }

    /// Tries one. Panics within it are failures of the test: neither done nor refused is no result.
    pub fn verb(&mut self, name: impl Into<String>, attempt: impl FnOnce() -> Found) {
        let name = name.into();
        assert!(self.rows.iter().all(|(known, _)| *known != name), "{name} is there already");
        let cell = match attempt() {
            Ok(note) if note.is_empty() => YES.to_owned(),
            Ok(note) => format!("{YES}: {}", self.plain(&note)),
            Err(refusal) => format!("no: {}", self.plain(&refusal)),
        };
        self.rows.push((name, cell));
    }

    /// What is of this run alone taken out, and what would end a cell.
    fn plain(&self, text: &str) -> String {
        let profile = self.world.server.profile;
        let text = text
            .replace(&self.world.server.base(), "")
            .replace(&self.world.server.address(), "HOST")
            .replace(&format!(" /{}/", profile.service()), " /")
            .replace(&format!("{}", self.world.local("").display()), "")
            .replace(&format!("{}", self.world.path("").display()), "")
            .replace(&format!("{}:demo", profile.prefix()), "demo")
            .replace(&format!("vos://{}/demo", profile.authority()), "demo")
            .replace(&format!("vos://{}/demo", profile.authority().replace('~', "!")), "demo")
            .replace('|', "¦");
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Compares with the document, or writes it.
    pub fn finish(self) {
        let place = document();
        let profile = self.world.server.profile;
        let column = Profile::EVERY.iter().position(|known| *known == profile).expect("a profile that stands alone");
        if std::env::var_os(WRITE).is_some() {
            let lock = File::create(built().join("matrix.lock")).unwrap();
            let _held = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| errno).unwrap();
            let mut tables = Tables::read(&place);
            tables.set(self.title, column, &self.rows);
            return tables.write(&place);
        }
        let expected = Tables::read(&place).column(self.title, column);
        let differing: Vec<_> = self.rows.iter().filter(|row| !expected.contains(row)).collect();
        let gone: Vec<_> =
            expected.iter().filter(|(name, _)| self.rows.iter().all(|(known, _)| known != name)).collect();
        assert!(
            differing.is_empty() && gone.is_empty(),
            "{} on {}: the document says otherwise\nfound: {differing:#?}\nexpected: {expected:#?}\nno such verb: {gone:?}\n\
             if this is meant: {WRITE}=1 make e2e, and read what changes in docs/interoperability.md",
            self.title,
            profile.name(),
        );
    }
}

/// What a command said when it did not do it.
pub fn told(finished: Finished) -> Result<Finished, String> {
    if finished.status == 0 {
        return Ok(finished);
    }
    let lines: Vec<&str> = finished.stderr.lines().filter_map(|line| line.strip_prefix("ERROR:: ")).collect();
    // What the program did not come to do is said by others.
    let text =
        if lines.is_empty() { finished.stderr.lines().next().unwrap_or_default().to_owned() } else { lines.join(" ") };
    Err(format!("status {}: {text}", finished.status))
}

/// The errno that a system call ended with.
pub fn errno<T>(result: std::io::Result<T>) -> Result<T, String> {
    result.map_err(|error| match error.raw_os_error() {
        Some(number) => format!("{:?}", Errno::from_raw(number)),
        None => error.to_string(),
    })
}

fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("docs/interoperability.md")
}

/// All tables, in the order of the document.
struct Tables {
    before: String,
    areas: Vec<(String, Vec<Row>)>,
    after: String,
}

struct Row {
    verb: String,
    cells: Vec<String>,
}

impl Tables {
    fn read(place: &Path) -> Self {
        let text = fs::read_to_string(place).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap_or_else(|| panic!("{}: no line {BEGIN}", place.display()));
        let (results, after) = rest.split_once(END).unwrap_or_else(|| panic!("{}: no line {END}", place.display()));
        let mut areas = Vec::new();
        for section in results.split("\n### ").skip(1) {
            let (title, body) = section.split_once('\n').unwrap();
            let notes: BTreeMap<&str, &str> = body.lines().filter_map(|line| line.split_once(". ")).collect();
            let rows = body.lines().filter(|line| line.starts_with("| ")).skip(1);
            let rows = rows.map(|line| {
                let mut cells = line[2..].trim_end_matches('|').strip_suffix(' ').unwrap().split(" | ");
                let verb = cells.next().unwrap().to_owned();
                Row { verb, cells: cells.map(|cell| whole(cell, &notes)).collect() }
            });
            areas.push((title.to_owned(), rows.collect()));
        }
        Self { before: before.to_owned(), areas, after: after.to_owned() }
    }

    fn column(&self, title: &str, column: usize) -> Vec<(String, String)> {
        let rows = self.areas.iter().find(|(known, _)| known == title).map_or(&[][..], |(_, rows)| rows);
        rows.iter().map(|row| (row.verb.clone(), row.cells[column].clone())).collect()
    }

    /// The verbs are those of the test that comes last; a cell that no test has filled stays empty.
    fn set(&mut self, title: &str, column: usize, found: &[(String, String)]) {
        if !self.areas.iter().any(|(known, _)| known == title) {
            self.areas.push((title.to_owned(), Vec::new()));
            self.areas.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        let (_, rows) = self.areas.iter_mut().find(|(known, _)| known == title).unwrap();
        let mut known: BTreeMap<String, Vec<String>> = rows.drain(..).map(|row| (row.verb, row.cells)).collect();
        for (verb, cell) in found {
            let mut cells = known.remove(verb).unwrap_or_else(|| vec![String::new(); Profile::EVERY.len()]);
            cells[column].clone_from(cell);
            rows.push(Row { verb: verb.clone(), cells });
        }
    }

    fn write(&self, place: &Path) {
        let mut text = format!("{}{BEGIN}\n", self.before);
        let heads: Vec<&str> = Profile::EVERY.iter().map(|profile| profile.name()).collect();
        for (title, rows) in &self.areas {
            let mut notes: Vec<&str> = Vec::new();
            write!(text, "\n### {title}\n\n| | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(heads.len()))
                .unwrap();
            for row in rows {
                let cells: Vec<String> = row.cells.iter().map(|cell| short(cell, &mut notes)).collect();
                writeln!(text, "| {} | {} |", row.verb, cells.join(" | ")).unwrap();
            }
            text.push('\n');
            for (number, note) in notes.iter().enumerate() {
                writeln!(text, "{}. {note}", number + 1).unwrap();
            }
        }
        fs::write(place, format!("{text}\n{END}{}", self.after)).unwrap();
    }
}

/// `no (3)` for what note 3 says.
fn short<'a>(cell: &'a str, notes: &mut Vec<&'a str>) -> String {
    let Some((word, note)) = cell.split_once(": ") else { return cell.to_owned() };
    let at = notes.iter().position(|known| *known == note).unwrap_or_else(|| {
        notes.push(note);
        notes.len() - 1
    });
    format!("{word} ({})", at + 1)
}

/// The other way round.
fn whole(cell: &str, notes: &BTreeMap<&str, &str>) -> String {
    match cell.trim().strip_suffix(')').and_then(|cell| cell.split_once(" (")) {
        Some((word, number)) => format!("{word}: {}", notes.get(number).copied().unwrap_or_default()),
        None => cell.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("d.md");
        fs::write(&place, format!("# Head\n\n{BEGIN}\n{END}\n\nAfter\n")).unwrap();
        let cells = |words: [&str; 2]| -> Vec<(String, String)> {
            ["ls", "mv a file"].iter().zip(words).map(|(verb, cell)| ((*verb).to_owned(), cell.to_owned())).collect()
        };
        let (first, second) =
            (cells(["yes", "no: status 1: it. Cannot"]), cells(["yes: no dates", "no: status 1: it. Cannot"]));
        for (column, found) in [(0, &first), (3, &second)] {
            let mut tables = Tables::read(&place);
            tables.set("Nodes", column, found);
            tables.write(&place);
        }
        let tables = Tables::read(&place);
        assert_eq!((tables.column("Nodes", 0), tables.column("Nodes", 3)), (first, second));
        assert!(tables.column("Nodes", 1).iter().all(|(_, cell)| cell.is_empty()));
        let text = fs::read_to_string(&place).unwrap();
        assert!(text.starts_with("# Head\n") && text.ends_with("\n\nAfter\n"), "{text}");
        assert!(text.contains("| mv a file | no (1) |  |  | no (1) |  |  |\n"), "{text}");
        assert!(
            text.contains("\n1. status 1: it. Cannot\n2. no dates\n") || text.contains("\n1. no dates\n"),
            "{text}"
        );
    }
}
