//! SQLite, with both kinds of journal.

use vofs_tests::{Profile, World, every_profile};

use super::shell;

every_profile!(sqlite_with_a_rollback_journal, sqlite_with_a_write_ahead_log);

/// Rows that are written in several transactions, one of them taken back.
const WORK: &str = "
CREATE TABLE star (id INTEGER PRIMARY KEY, name TEXT, magnitude REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
INSERT INTO star SELECT i, 'HD ' || i, i / 7.0 FROM n;
BEGIN; DELETE FROM star; ROLLBACK;
UPDATE star SET magnitude = magnitude + 1 WHERE id % 3 = 0;
CREATE INDEX by_name ON star (name);
";

/// What is to come out of it, from any process.
const QUESTION: &str =
    "PRAGMA integrity_check; SELECT count(*), sum(id) FROM star; SELECT magnitude FROM star WHERE name = 'HD 2100';";

const ANSWER: &str = "ok\n3000|4501500\n301.0\n";

fn sqlite_with_a_rollback_journal(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    assert_eq!(
        shell(mount.path(), &format!("sqlite3 db 'PRAGMA journal_mode = delete; {WORK}'", WORK = quoted(WORK)))
            .stdout(),
        "delete\n"
    );
    assert_eq!(shell(mount.path(), &format!("sqlite3 db \"{QUESTION}\"")).stdout(), ANSWER);
    mount.unmount();
    std::fs::write(world.local("db"), world.bytes("db").unwrap()).unwrap();
    assert_eq!(shell(&world.local(""), &format!("sqlite3 db \"{QUESTION}\"")).stdout(), ANSWER);
    assert!(!world.exists("db-journal"));
}

fn sqlite_with_a_write_ahead_log(profile: Profile) {
    let world = World::new(profile);
    let mount = world.mount();
    // The log's index is a shared mapping, which the mount has.
    assert_eq!(
        shell(mount.path(), &format!("sqlite3 db 'PRAGMA journal_mode = wal; {}'", quoted(WORK))).stdout(),
        "wal\n"
    );
    assert_eq!(shell(mount.path(), &format!("sqlite3 db \"{QUESTION}\"")).stdout(), ANSWER);
    mount.unmount();
    std::fs::write(world.local("db"), world.bytes("db").unwrap()).unwrap();
    assert_eq!(shell(&world.local(""), &format!("sqlite3 db \"{QUESTION}\"")).stdout(), ANSWER);
}

/// For between single quotes of a shell.
fn quoted(text: &str) -> String {
    text.replace('\'', "'\\''")
}
