//! Sequences that are always tried: systematic ones, and what random ones came down to when they found a defect.

use super::Checked;
use super::run::Service;
use super::steps::{Op, Step, Theirs};
use crate::config::WriteBack;
use crate::remote::fake::How;

const MODES: [WriteBack; 2] = [WriteBack::Close, WriteBack::Background];

/// On services of both kinds.
fn check(mode: WriteBack, steps: &[Step]) -> Checked {
    [Service::Vault, Service::Cavern].into_iter().try_for_each(|service| super::check(service, mode, steps))
}

fn write(path: &'static str, length: usize) -> Op {
    Op::Write { path, offset: 0, length, truncate: false }
}

fn append(path: &'static str, length: usize) -> Op {
    Op::Append { path, length }
}

fn rename(from: &'static str, to: &'static str) -> Op {
    Op::Rename { from, to }
}

fn unlink(path: &'static str) -> Op {
    Op::Unlink { path }
}

fn lasting(request: &'static str, how: How) -> Step {
    Step::Fault { request, how, times: None }
}

/// Between the synchronisation of the data and the commit of the journal too: with files that the service has, that wait for it, and
/// whose uploads fail.
#[test]
fn killed_at_every_step_that_makes_something_durable() {
    let anew = Op::Write { path: "a", offset: 0, length: 70_000, truncate: true };
    let ops = [anew, append("a", 5000), rename("a", "b"), rename("a", "c"), unlink("a")];
    for (mode, trouble) in
        MODES.into_iter().flat_map(|mode| [Step::Mend, lasting("put", How::Broken)].map(|trouble| (mode, trouble)))
    {
        for (within, after) in ops.iter().flat_map(|op| (0..7).map(move |after| (op.clone(), after))) {
            let cut = Step::Cut { within, after };
            let before = [Step::Do(write("a", 100_000)), Step::Do(write("b", 50_000)), trouble.clone()];
            let steps = [&before[..], &[Step::Do(write("a", 80_000)), cut]].concat();
            check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?} {steps:?}: {error}"));
        }
    }
}

#[test]
fn the_lost_upload_of_a_replaced_file_is_not_taken_for_that_of_somebody_else() {
    let steps = [
        Step::Do(write("a", 0)),
        lasting("put", How::Lost),
        Step::Do(write("b", 0)),
        Step::Do(write("a", 1)),
        Step::Do(rename("b", "a")),
    ];
    check(WriteBack::Close, &steps).unwrap_or_else(|error| panic!("{error}"));
}
#[test]
fn what_was_made_or_moved_is_seen_though_the_answer_was_lost() {
    let ops = [
        ("mkdir", Op::Mkdir { path: "n" }),
        ("delete", Op::Rmdir { path: "e/s" }),
        ("delete", unlink("e/a")),
        ("rename", rename("a", "n")),
        ("rename", rename("d/s", "e/s")),
        ("delete", rename("d/s", "e/s")),
        ("rename", rename("d", "n")),
    ];
    for (mode, (request, op)) in MODES.into_iter().flat_map(|mode| ops.clone().map(|op| (mode, op))) {
        let steps = [
            Step::Do(Op::Mkdir { path: "e/s" }),
            Step::Settle,
            Step::Fault { request, how: How::Lost, times: Some(1) },
            Step::Do(op.clone()),
        ];
        check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?} {op:?}: {error}"));
    }
}

/// What a rename has replaced is deleted later when it cannot be at once. By then others may stand under both names.
#[test]
fn what_was_replaced_does_not_come_back_when_the_name_is_left_or_made_anew() {
    for (mode, later) in MODES.into_iter().flat_map(|mode| {
        let later = [vec![rename("b", "c")], vec![unlink("b")], vec![write("a", 7)], vec![unlink("b"), write("a", 7)]];
        later.map(|later| (mode, later))
    }) {
        for killed in [false, true] {
            let mut steps = vec![lasting("delete /.vofs-replaced", How::Broken), Step::Do(rename("a", "b"))];
            // Where it is sent, it would tell itself from the one that was moved.
            steps.extend([Step::Do(Op::Read { path: "b" }), lasting("put", How::Broken)]);
            steps.extend(later.iter().cloned().map(Step::Do));
            steps.extend(killed.then_some(Step::Crash));
            check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?} {later:?} {killed}: {error}"));
        }
    }
}

/// The journal knows what was set aside by the directory's former name.
#[test]
fn what_a_rename_left_does_not_stay_in_a_directory_that_is_renamed_or_removed() {
    let moved = Step::Do(rename("d", "n"));
    let emptied = ["d/b", "d/a"].map(unlink).into_iter().chain(["d/s", "d"].map(|path| Op::Rmdir { path }));
    for (mode, later) in MODES.into_iter().flat_map(|mode| {
        [vec![moved.clone()], emptied.clone().map(Step::Do).collect()].map(|later: Vec<_>| (mode, later))
    }) {
        for fault in ["delete /d/.vofs-replaced", "rename /d/a "] {
            let steps = [
                Step::Do(write("d/b", 7)),
                Step::Settle,
                Step::Fault { request: fault, how: How::Broken, times: Some(2) },
                Step::Fault { request: "rename /d/.vofs-replaced", how: How::Broken, times: Some(1) },
                Step::Do(rename("d/a", "d/b")),
            ];
            let steps = [&steps[..], &later].concat();
            check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?} {fault} {later:?}: {error}"));
        }
    }
}

/// The program is told of a failure, finds its file gone, and makes another one; then the failure turns out to have been none.
#[test]
fn a_file_that_is_made_after_a_move_of_unknown_end_keeps_its_name() {
    for (mode, killed) in MODES.into_iter().flat_map(|mode| [false, true].map(|killed| (mode, killed))) {
        let steps = [
            lasting("put", How::Broken),
            Step::Fault { request: "rename /a ", how: How::Lost, times: Some(1) },
            lasting("rename /.vofs-replaced", How::Broken),
            Step::Do(rename("a", "b")),
            Step::Do(write("a", 7)),
        ];
        let steps = [&steps[..], if killed { &[Step::Crash] } else { &[] }].concat();
        check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?} {killed}: {error}"));
    }
}

#[test]
fn a_write_that_nothing_was_promised_of_may_come_in_part() {
    let steps = [
        Step::Do(Op::Open { slot: 1, path: "a" }),
        Step::Do(append("a", 1)),
        Step::Do(Op::Poke { slot: 1, offset: 0, length: 131_072 }),
        Step::Crash,
    ];
    for mode in MODES {
        check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?}: {error}"));
    }
}

#[test]
fn what_was_known_of_an_empty_directory_is_not_shown_of_the_one_that_takes_its_name() {
    let steps = [
        Step::Outside(Theirs::Remove { path: "d/a" }),
        Step::Outside(Theirs::Move { from: "d/s", to: "e/s" }),
        Step::Crash,
        Step::Do(Op::List { path: "d" }),
        Step::Do(rename("e", "d")),
    ];
    for mode in MODES {
        check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?}: {error}"));
    }
}

/// What the answer to a rename would have told, the next daemon does not know either; and while it is offline, an old listing without
/// the new name does not say that there is none.
#[test]
fn nothing_is_made_offline_at_a_name_that_a_lost_answer_left_in_doubt() {
    let steps = [
        Step::Settle,
        Step::Fault { request: "rename", how: How::Lost, times: Some(3) },
        Step::Do(rename("d/s", "d/b")),
        Step::Cut { within: append("d/a", 13_137), after: 2 },
        Step::Fault { request: "stat", how: How::CutOff, times: None },
        Step::Do(Op::Write { path: "d/b", offset: 0, length: 0, truncate: true }),
    ];
    check(WriteBack::Background, &steps).unwrap_or_else(|error| panic!("{error}"));
}

/// Also what was not read or written of it before.
#[test]
fn an_open_file_that_loses_its_name_is_read_whole() {
    for (mode, length) in MODES.into_iter().flat_map(|mode| [None, Some(0), Some(1)].map(|length| (mode, length))) {
        for last in [unlink("b"), rename("e/a", "b")] {
            let mut steps = vec![Step::Do(Op::Open { slot: 0, path: "b" })];
            steps.extend(length.map(|length| Step::Do(Op::Poke { slot: 0, offset: 1, length })));
            steps.extend([Step::Do(last.clone()), Step::Do(Op::Peek { slot: 0 })]);
            check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?} {steps:?}: {error}"));
        }
    }
}

/// Of an upload that had arrived and is sent again because nobody heard of that, a part stands under its own digest.
#[test]
fn a_repeated_upload_that_breaks_in_place_is_not_taken_for_somebody_elses() {
    let anew = |length| Op::Write { path: "e/a", offset: 0, length, truncate: true };
    for (mode, last) in MODES.into_iter().flat_map(|mode| [12, 3, 20].map(|length| (mode, length))) {
        let steps = [
            lasting("put", How::Lost),
            Step::Do(anew(12)),
            Step::Mend,
            Step::Fault { request: "put", how: How::Torn, times: Some(1) },
            Step::Crash,
            Step::Do(anew(last)),
        ];
        check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?} {last}: {error}"));
    }
}

#[test]
fn a_kill_behind_an_upload_that_arrived_and_one_that_breaks_in_place() {
    let steps = [
        Step::Cut { within: Op::Write { path: "e/a", offset: 0, length: 12, truncate: true }, after: 6 },
        Step::Fault { request: "put", how: How::Torn, times: Some(1) },
        Step::Do(Op::Write { path: "e/a", offset: 0, length: 0, truncate: false }),
        Step::Do(Op::Write { path: "d/a", offset: 0, length: 111_613, truncate: true }),
    ];
    for _ in 0..10 {
        check(WriteBack::Close, &steps).unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A Vault empties a file by deleting its node and making it anew, and the second request does not get through.
#[test]
fn what_is_emptied_halfway_can_be_renamed_replaced_and_removed() {
    let emptied = Op::Write { path: "e/a", offset: 0, length: 0, truncate: true };
    let next = [
        rename("e/a", "d/a"),
        rename("e/a", "n"),
        rename("a", "e/a"),
        unlink("e/a"),
        rename("e", "n"),
        append("e/a", 5),
    ];
    for (mode, next) in MODES.into_iter().flat_map(|mode| next.clone().map(|next| (mode, next))) {
        let steps = [
            Step::Fault { request: "make", how: How::CutOff, times: Some(3) },
            Step::Do(emptied.clone()),
            Step::Do(next.clone()),
            Step::Do(Op::List { path: "" }),
        ];
        check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?} {next:?}: {error}"));
    }
}

/// What is needed of its base cannot be had any more: what was written is kept, and the file is not one that can never be sent.
#[test]
fn a_changed_file_whose_removal_was_done_unheard_does_not_wait_for_ever() {
    for mode in MODES {
        let steps = [
            lasting("put", How::Broken),
            Step::Do(append("e/a", 10_350)),
            Step::Fault { request: "delete", how: How::Lost, times: Some(1) },
            Step::Do(unlink("e/a")),
            Step::Settle,
        ];
        check(mode, &steps)
            .unwrap_or_else(|error| panic!("{mode:?}: {}", &error.to_string()[..300.min(error.to_string().len())]));
    }
}
