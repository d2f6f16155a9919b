use super::*;
use crate::clock::Millis;
use crate::heard::Heard;

fn pending(id: &str) -> Pending {
    Pending {
        id: id.into(),
        path: "a/b".into(),
        length: 3,
        base: None,
        base_length: 0,
        written: vec![(0, 3)],
        mtime: Millis(5),
        access: None,
        stage: Stage::Waiting,
        error: None,
        begun: false,
        attempted: Vec::new(),
        properties: Vec::new(),
    }
}

#[tokio::test]
async fn what_was_put_is_found_by_the_next_mount() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let database = place.path().join("journal.db");
    {
        let journal = Journal::open(&database, place.path(), "vos:a").await.expect("opens");
        journal.put(&pending("1")).await.expect("put");
        journal.put(&pending("2")).await.expect("put");
        journal.remove("1").await.expect("removed");
    }
    let journal = Journal::open(&database, place.path(), "vos:a").await.expect("opens");
    let found = journal.pending().await.expect("read");
    assert_eq!(found.iter().map(|pending| pending.id.as_str()).collect::<Vec<_>>(), ["2"]);
}

/// Overwrites what stands where the database keeps `text`.
fn damage(database: &Path, text: &str) {
    let mut bytes = std::fs::read(database).expect("read");
    let found = bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect("stands there");
    let page = found / 4096 * 4096;
    bytes[page..page + 100].fill(0xEE);
    std::fs::write(database, bytes).expect("written");
}

/// The directory in which what cannot be read was set aside.
fn aside(place: &Path) -> std::path::PathBuf {
    let mut entries = std::fs::read_dir(place).expect("listed").map(|entry| entry.expect("an entry").path());
    let aside = entries.find(|path| path.display().to_string().contains("damaged-journal-"));
    aside.expect("something was set aside")
}

#[tokio::test]
async fn of_a_damaged_journal_what_can_be_read_is_kept_and_nothing_is_deleted() {
    let heard = Heard::here();
    let place = tempfile::tempdir().expect("a temporary directory");
    let (database, dirty) = (place.path().join("journal.db"), place.path().join("dirty"));
    std::fs::create_dir(&dirty).expect("made");
    {
        let journal = Journal::open(&database, &dirty, "vos:a").await.expect("opens");
        for number in 0..200 {
            let id = format!("file-{number:03}");
            std::fs::write(dirty.join(&id), &id).expect("written");
            journal.put(&pending(&id)).await.expect("put");
        }
    }
    damage(&database, "file-100");
    let journal = Journal::open(&database, &dirty, "vos:a").await.expect("opens");
    let found = journal.pending().await.expect("read");
    assert!(found.len() > 20 && found.len() < 200, "{} found", found.len());
    for pending in &found {
        assert_eq!(std::fs::read_to_string(dirty.join(&pending.id)).expect("there"), pending.id);
    }
    let kept = |directory: &Path| std::fs::read_dir(directory).expect("listed").count();
    assert_eq!(kept(&dirty) + kept(&aside(place.path())), 200 + 1, "every file, and the damaged journal");
    heard.says("the journal was damaged: ");
}

#[tokio::test]
async fn a_journal_that_is_no_database_is_kept_aside_with_its_files() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let (database, dirty) = (place.path().join("journal.db"), place.path().join("dirty"));
    std::fs::create_dir(&dirty).expect("made");
    std::fs::write(&database, vec![0xAB; 10_000]).expect("written");
    std::fs::write(dirty.join("x"), "never uploaded").expect("written");
    let journal = Journal::open(&database, &dirty, "vos:a").await.expect("opens");
    assert!(journal.pending().await.expect("read").is_empty());
    assert_eq!(std::fs::read_to_string(aside(place.path()).join("x")).expect("kept"), "never uploaded");
}

#[tokio::test]
async fn files_of_another_space_are_not_uploaded_to_this_one() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let database = place.path().join("journal.db");
    Journal::open(&database, place.path(), "vos:a").await.expect("opens").put(&pending("1")).await.expect("put");
    let refused = Journal::open(&database, place.path(), "vos:b").await.expect_err("another space").to_string();
    assert!(
        refused.contains("1 file(s) of vos:a that were not uploaded yet; mount vos:a with this cache"),
        "{refused}"
    );
}

#[tokio::test]
async fn bytes_whose_journal_is_gone_are_kept_aside() {
    let heard = Heard::here();
    for empty in [false, true] {
        let place = tempfile::tempdir().expect("a temporary directory");
        let (database, dirty) = (place.path().join("journal.db"), place.path().join("dirty"));
        std::fs::create_dir(&dirty).expect("made");
        std::fs::write(dirty.join("x"), "never uploaded").expect("written");
        if empty {
            std::fs::write(&database, "").expect("written");
        }
        let journal = Journal::open(&database, &dirty, "vos:a").await.expect("opens");
        assert!(journal.pending().await.expect("read").is_empty());
        assert_eq!(std::fs::read_to_string(aside(place.path()).join("x")).expect("kept"), "never uploaded");
    }
    heard.says("the journal was gone: nobody knows any more where 1 file(s) belong that may not have been uploaded; they are in ");
}

#[tokio::test]
async fn a_record_of_a_later_release_and_a_database_that_ended_are_named() {
    let place = tempfile::tempdir().expect("a temporary directory");
    let journal = Journal::open(&place.path().join("journal.db"), place.path(), "vos:a").await.expect("opens");
    let later = "INSERT INTO pending (id, record) VALUES ('x', '{\"of\": \"a later release\"}')";
    journal.db.call(move |connection| connection.execute(later, [])).await.expect("put");
    let said = journal.pending().await.expect_err("unknown").to_string();
    assert!(said.starts_with("the journal holds a record that this release cannot read ("), "{said}");
    assert!(said.ends_with("; mount with the release that wrote it"), "{said}");
    let ended = journal.db.call::<()>(|_| panic!("on purpose")).await.expect_err("it ends").to_string();
    assert_eq!(ended, "cache directory: database: its thread has ended");
}
