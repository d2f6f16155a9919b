//! What is done, by whom, and what goes wrong meanwhile; and how such sequences are drawn.

use proptest::prelude::*;

use crate::remote::fake::How;

/// Files that programs have open at a time.
pub(super) const SLOTS: usize = 2;

/// A little more than two blocks, so that ends, holes and block edges are met.
const LONGEST: usize = 150_000;

/// Written so that what a failed test prints can be pasted into one that is kept.
type Path = &'static str;

/// Names are few, so that operations meet.
const FILES: [Path; 6] = ["a", "b", "d/a", "d/b", "e/a", "d/s/a"];
const DIRECTORIES: [Path; 4] = ["d", "e", "d/s", "e/s"];

/// What a program does through the mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    Write {
        path: Path,
        offset: usize,
        length: usize,
        truncate: bool,
    },
    Append {
        path: Path,
        length: usize,
    },
    Resize {
        path: Path,
        length: usize,
    },
    Read {
        path: Path,
    },
    List {
        path: Path,
    },
    Rename {
        from: Path,
        to: Path,
    },
    Unlink {
        path: Path,
    },
    Mkdir {
        path: Path,
    },
    Rmdir {
        path: Path,
    },
    /// Opens or makes a file, and leaves it open.
    Open {
        slot: usize,
        path: Path,
    },
    /// Writes through an open file.
    Poke {
        slot: usize,
        offset: usize,
        length: usize,
    },
    /// Reads through it.
    Peek {
        slot: usize,
    },
    Sync {
        slot: usize,
    },
    Shut {
        slot: usize,
    },
}

/// What another client does.
#[derive(Debug, Clone)]
pub(super) enum Theirs {
    Store {
        path: Path,
        length: usize,
    },
    /// Writes over a file past the service, which keeps its length, and where the service lets it its digest. Not while an upload of
    /// ours may have been begun: under the old digest nobody could tell it from what that left.
    Scribble {
        path: Path,
    },
    Mkdir {
        path: Path,
    },
    Remove {
        path: Path,
    },
    Move {
        from: Path,
        to: Path,
    },
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Do(Op),
    /// Requests of a kind fail from now on, so many of them or all.
    Fault {
        request: &'static str,
        how: How,
        times: Option<usize>,
    },
    /// The service cannot be reached.
    Down,
    Mend,
    /// The daemon is killed, and started again in whatever state the service is.
    Crash,
    /// The daemon is killed when it waits for the answer to the request after so many. `done`: the service has done that one.
    Killed {
        within: Op,
        after: usize,
        done: bool,
    },
    /// The daemon is killed at the step after so many by which something becomes durable here.
    Cut {
        within: Op,
        after: usize,
    },
    /// All is mended, and everything has to be what it should.
    Settle,
    /// Another client is at work while nothing waits here.
    Outside(Theirs),
    /// Another client is at work while changes wait here, and the daemon may be killed before it knows.
    Contest {
        ours: Vec<Op>,
        theirs: Theirs,
        killed: bool,
    },
}

const REQUESTS: [&str; 10] = ["stat", "list", "get", "put", "delete", "rename", "mkdir", "make", "property", ""];

/// Mostly that of a file.
fn file() -> impl Strategy<Value = Path> {
    prop_oneof![12 => prop::sample::select(&FILES[..]), 1 => prop::sample::select(&DIRECTORIES[..])]
}

/// Mostly that of a directory.
fn directory() -> impl Strategy<Value = Path> {
    prop_oneof![12 => prop::sample::select(&DIRECTORIES[..]), 1 => prop::sample::select(&FILES[..])]
}

fn either() -> impl Strategy<Value = Path> {
    prop_oneof![2 => file(), 1 => directory()]
}

fn two() -> impl Strategy<Value = (Path, Path)> {
    prop_oneof![4 => (file(), file()), 3 => (directory(), directory()), 1 => (either(), either())]
}

fn length() -> impl Strategy<Value = usize> {
    prop_oneof![Just(0), 1..20_000_usize, 0..LONGEST, Just(65_536), Just(131_072)]
}

/// What is done as a whole or not.
fn whole() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (file(), length()).prop_map(|(path, length)| Op::Write { path, offset: 0, length, truncate: true }),
        2 => (file(), 1..20_000_usize).prop_map(|(path, length)| Op::Append { path, length }),
        5 => two().prop_map(|(from, to)| Op::Rename { from, to }),
        1 => file().prop_map(|path| Op::Unlink { path }),
        2 => directory().prop_map(|path| Op::Mkdir { path }),
        1 => directory().prop_map(|path| Op::Rmdir { path }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let slot = || 0..SLOTS;
    prop_oneof![
        14 => whole(),
        2 => (file(), length(), length())
            .prop_map(|(path, offset, length)| Op::Write { path, offset, length, truncate: false }),
        1 => (file(), length()).prop_map(|(path, length)| Op::Resize { path, length }),
        3 => file().prop_map(|path| Op::Read { path }),
        1 => directory().prop_map(|path| Op::List { path }),
        1 => Just(Op::List { path: "" }),
        4 => (slot(), file()).prop_map(|(slot, path)| Op::Open { slot, path }),
        7 => (slot(), length(), length()).prop_map(|(slot, offset, length)| Op::Poke { slot, offset, length }),
        2 => slot().prop_map(|slot| Op::Peek { slot }),
        2 => slot().prop_map(|slot| Op::Sync { slot }),
        2 => slot().prop_map(|slot| Op::Shut { slot }),
    ]
}

fn theirs() -> impl Strategy<Value = Theirs> {
    prop_oneof![
        1 => file().prop_map(|path| Theirs::Scribble { path }),
        7 => theirs_told(),
    ]
}

/// What the service knows of.
fn theirs_told() -> impl Strategy<Value = Theirs> {
    prop_oneof![
        2 => (file(), 1..20_000_usize).prop_map(|(path, length)| Theirs::Store { path, length }),
        1 => either().prop_map(|path| Theirs::Mkdir { path }),
        2 => either().prop_map(|path| Theirs::Remove { path }),
        2 => two().prop_map(|(from, to)| Theirs::Move { from, to }),
    ]
}

fn fault() -> impl Strategy<Value = Step> {
    let how = prop::sample::select(&[How::Broken, How::Lost, How::Lost, How::CutOff, How::Refused][..]);
    let times = || prop_oneof![2 => (1..4_usize).prop_map(Some), 1 => Just(None)];
    let any = (prop::sample::select(&REQUESTS[..]), how, times());
    prop_oneof![
        8 => any.prop_map(|(request, how, times)| Step::Fault { request, how, times }),
        1 => times().prop_map(|times| Step::Fault { request: "put", how: How::Torn, times }),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => op().prop_map(Step::Do),
        3 => fault(),
        1 => Just(Step::Down),
        2 => Just(Step::Mend),
        2 => Just(Step::Crash),
        2 => (whole(), 0..8_usize, any::<bool>())
            .prop_map(|(within, after, done)| Step::Killed { within, after, done }),
        2 => (whole(), 0..12_usize).prop_map(|(within, after)| Step::Cut { within, after }),
        1 => Just(Step::Settle),
        1 => theirs().prop_map(Step::Outside),
        1 => (prop::collection::vec(whole(), 1..5), theirs_told(), any::<bool>())
            .prop_map(|(ours, theirs, killed)| Step::Contest { ours, theirs, killed }),
    ]
}
