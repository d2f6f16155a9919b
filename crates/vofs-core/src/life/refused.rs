//! What programs are refused, with the number and the words; and what is said of requests that are done for the most part.

use super::background::{LONG, quiet, write_new};
use super::tests::{Bench, READ, WRITE};
use crate::errno::ToErrno;
use crate::fs::attr::SetAttr;
use crate::fs::xattr::SetXattr;
use crate::handles::OpenFlags;
use crate::heard::Heard;
use crate::inode::Ino;
use crate::local::LocalNames;
use crate::remote::fake::{Fault, Habits, How};

#[tokio::test]
async fn what_cannot_be_done_with_a_node_is_said_with_its_number() {
    let bench = Bench::new();
    bench.remote.store("f", "x");
    bench.remote.add_directory("d");
    let local = LocalNames::new(&["*.swp"]).expect("patterns");
    let mount = bench.mount_as(|config| config.local_only = local).await;
    let engine = &mount.0;
    let (f, d) = (mount.ino("f").await, mount.ino("d").await);
    write_new(&mount, "a.swp", b"x").await;
    let here = mount.ino("a.swp").await;
    let set = async |ino, name, value: &[u8]| engine.setxattr(ino, name, value, SetXattr::Any).await;
    let others = SetAttr { uid: Some(engine.config.uid + 1), ..SetAttr::default() };
    let kept = "a name that stays on this machine is that of a file or a directory (--local-only)";
    for (outcome, errno, said) in [
        (set(f, "user.vos.k", b"\xff").await, libc::EINVAL, "user.vos.k: a property is text in UTF-8"),
        (set(f, "user.vos.k", b" x").await, libc::EINVAL, "a service drops blanks at the ends of a property"),
        (
            set(f, "trusted.k", b"x").await,
            libc::EOPNOTSUPP,
            "trusted.k: a VOSpace keeps properties only; call it user.vos.",
        ),
        (set(f, "user.vos.length", b"7").await, libc::EPERM, "the property length belongs to the service"),
        (set(here, "user.vos.k", b"x").await, libc::EOPNOTSUPP, "does not have it, so it has no properties there"),
        (
            engine.getxattr_now("security.capability").expect("known").map(drop),
            libc::EOPNOTSUPP,
            "security.capability: only user.vos.… exist here",
        ),
        (engine.setattr(f, None, others).await.map(drop), libc::EPERM, "a VOSpace node cannot be given away"),
        (
            engine.rename(Ino::ROOT, "d", d, "x", false).await,
            libc::EINVAL,
            "/d: invalid: a directory cannot be moved below itself",
        ),
        (engine.readlink(f).await.map(drop), libc::EINVAL, "/f: invalid: not a link"),
        (
            engine.symlink(Ino::ROOT, "l", "../x").await.map(drop),
            libc::EINVAL,
            "the target ../x is outside the mount; give a relative path or a vos: URI",
        ),
        (engine.symlink(Ino::ROOT, "b.swp", "f").await.map(drop), libc::EPERM, kept),
    ] {
        let error = outcome.expect_err(said);
        assert!(error.to_string().contains(said), "no {said:?} in: {error}");
        assert_eq!(error.to_errno(), errno, "{error}");
    }
}

#[tokio::test]
async fn what_is_not_set_after_an_upload_is_said_and_the_bytes_are_there() {
    let bench = Bench::new();
    let mount = bench.mount_as(|config| config.remote_mtime = true).await;
    for request in ["access", "property"] {
        bench.remote.fail(Fault::lasting(request, How::Refused));
    }
    let heard = Heard::here();
    let fh = mount.create("f").await;
    let wanted = SetAttr { mode: Some(0o644), mtime: Some(std::time::UNIX_EPOCH), ..SetAttr::default() };
    mount.0.setattr(mount.ino("f").await, Some(fh), wanted).await.expect("noted");
    mount.0.write(fh, 0, b"x").await.expect("written");
    mount.close(fh).await.expect("stored");
    assert_eq!(bench.remote.bytes("f").expect("there"), "x");
    heard.says("the mode was not set path=/f");
    heard.says("the modification time was not set path=/f");
}

#[tokio::test]
async fn properties_that_a_service_dropped_and_does_not_take_again_are_named() {
    let bench = Bench::new();
    bench.remote.has_habits(Habits { drops_properties: true, ..Habits::default() });
    bench.remote.store("f", "base");
    bench.remote.set("f", "title", "precious");
    let mount = bench.mount().await;
    bench.remote.fail(Fault::lasting("properties of ", How::Refused));
    let heard = Heard::here();
    let fh = mount.open("f", OpenFlags { truncate: true, ..WRITE }).await;
    mount.0.write(fh, 0, b"new").await.expect("written");
    mount.close(fh).await.expect("stored");
    heard.says(
        "the service dropped these properties at the upload, and does not take them again path=/f lost=[\"title\"]",
    );
}

#[tokio::test]
async fn what_a_discarded_upload_left_there_is_said() {
    let bench = Bench::new();
    let mount = bench.mount().await;
    bench.remote.lose_answers("put");
    let fh = mount.create("f").await;
    mount.0.write(fh, 0, b"x").await.expect("written");
    mount.close(fh).await.expect_err("no answer");
    bench.remote.break_requests("stat /f");
    let heard = Heard::here();
    mount.0.discard_pending("f").await.expect("dropped");
    heard.says("what a lost upload left on the service stays there path=/f");
}

#[tokio::test]
async fn who_reads_a_removed_file_is_told_that_it_is_not_kept() {
    let bench = Bench::new();
    bench.remote.store("f", vec![7; 300_000]);
    let mount = bench.mount().await;
    let fh = mount.open("f", READ).await;
    bench.remote.break_requests("get");
    let heard = Heard::here();
    mount.0.unlink(Ino::ROOT, "f").await.expect("removed");
    heard.says("removed while it is open: not kept whole for who reads it path=/f");
    mount.0.release(fh).await;
}

#[tokio::test]
async fn what_a_failed_rename_of_a_directory_leaves_is_said() {
    let bench = Bench::new();
    bench.remote.add_directory("d");
    bench.remote.store("d/a", "a");
    bench.remote.store("d/b", "b");
    bench.remote.add_directory("empty");
    let mount = bench.mount().await;
    bench.remote.break_requests("rename /d");
    bench.remote.break_requests("mkdir");
    let heard = Heard::here();
    mount.0.rename(Ino::ROOT, "d", Ino::ROOT, "empty", false).await.expect_err("broken");
    heard.says("a move failed, and the empty directory in its way is not back directory=/empty");
}

#[tokio::test]
async fn copies_of_a_rename_that_failed_or_was_overtaken_are_named() {
    let bench = Bench::new();
    bench.remote.has_habits(Habits { moves_nothing: true, ..Habits::default() });
    bench.remote.add_directory("d");
    bench.remote.store("d/a", "a");
    bench.remote.store("d/b", "b");
    bench.remote.store("f", "the content");
    let mount = bench.mount_as(|config| config.emulate_rename = true).await;
    bench.remote.break_requests("put /e/b");
    bench.remote.break_requests("delete /e");
    let heard = Heard::here();
    mount.0.rename(Ino::ROOT, "d", Ino::ROOT, "e", false).await.expect_err("broken");
    heard.says("a copy of a rename that failed was not removed yet path=/e");
    bench.remote.mend();
    mount.until_settled().await;
    // Somebody changes the file between the last look at it and its removal, while the journal is written.
    bench.remote.requests();
    let change = async {
        let mut asked = Vec::new();
        let is_looked_at = |asked: &[String]| {
            let copied = asked.iter().position(|request| request.starts_with("put /g"));
            copied.is_some_and(|at| asked[at..].iter().any(|request| request == "stat /f"))
        };
        while !is_looked_at(&asked) {
            tokio::task::yield_now().await;
            asked.extend(bench.remote.requests());
        }
        bench.remote.store("f", "somebody else's");
    };
    let (renamed, ()) = tokio::join!(mount.0.rename(Ino::ROOT, "f", Ino::ROOT, "g", false), change);
    renamed.expect("copied");
    heard.says("error=/f: invalid: it was changed while it was renamed by copying: both are kept");
    assert_eq!(bench.remote.bytes("f").expect("kept"), "somebody else's");
}

#[tokio::test]
async fn what_another_machine_left_of_a_rename_is_explained() {
    let bench = Bench::new();
    bench.remote.store(".vofs-replaced-53d8d97b2e7b41f084b906fd8aecd04b-old", "old");
    let mount = bench.mount_as(quiet(LONG)).await;
    let heard = Heard::here();
    mount.names("").await;
    heard.says("an interrupted rename left this, of another machine or a lost cache directory; if no mount is at work");
}
