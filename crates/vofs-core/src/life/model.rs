//! The engine against a plain map from names to bytes, in both modes: random operations with a link that breaks, loses
//! answers and mends, with another client that writes, and with daemons that are killed and started again, between operations
//! and within them before and after every request and every step that makes something durable. Whatever was closed, with or
//! without an error, is there afterwards; what was being done when the daemon was killed is done or not, and nothing between.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::tests::{Bench, Mount, READ, WRITE, runtime};
use crate::config::{Config, WriteBack};
use crate::fs::attr::SetAttr;
use crate::handles::OpenFlags;
use crate::inode::Ino;
use crate::kill_points;
use crate::path::NodePath;

type Checked = std::result::Result<(), TestCaseError>;

/// Names are few, so that operations meet.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A little more than two blocks, so that ends, holes and block edges are met.
const LONGEST: usize = 150_000;

#[derive(Debug, Clone)]
enum Step {
    Write {
        name: usize,
        offset: usize,
        length: usize,
        truncate: bool,
    },
    Append {
        name: usize,
        length: usize,
    },
    Resize {
        name: usize,
        length: usize,
    },
    Read {
        name: usize,
        offset: usize,
        length: usize,
    },
    Rename {
        from: usize,
        to: usize,
    },
    Remove {
        name: usize,
    },
    List,
    /// Another client writes it, once nothing waits.
    Outside {
        name: usize,
        length: usize,
    },
    Break,
    /// Uploads are done, and nobody hears of it.
    Lose,
    Mend,
    Crash,
    /// Another client writes a file that a program has changed here and not closed yet.
    Meanwhile {
        name: usize,
        length: usize,
    },
    /// The daemon is killed at the step after so many by which something becomes durable here.
    Cut {
        within: Box<Step>,
        after: usize,
    },
    /// The daemon is killed when it waits for the answer to the request after so many. `done`: the service has done that one.
    Killed {
        within: Box<Step>,
        after: usize,
        done: bool,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..NAMES.len();
    let place = || prop_oneof![Just(0), 0..LONGEST, Just(65_536), Just(131_072)];
    prop_oneof![
        4 => (name(), place(), place(), any::<bool>())
            .prop_map(|(name, offset, length, truncate)| Step::Write { name, offset, length, truncate }),
        2 => (name(), 0..20_000_usize).prop_map(|(name, length)| Step::Append { name, length }),
        2 => (name(), place()).prop_map(|(name, length)| Step::Resize { name, length }),
        4 => (name(), place(), place()).prop_map(|(name, offset, length)| Step::Read { name, offset, length }),
        3 => (name(), name()).prop_map(|(from, to)| Step::Rename { from, to }),
        1 => name().prop_map(|name| Step::Remove { name }),
        2 => Just(Step::List),
        1 => (name(), 1..20_000_usize).prop_map(|(name, length)| Step::Outside { name, length }),
        1 => (name(), 1..20_000_usize).prop_map(|(name, length)| Step::Meanwhile { name, length }),
        1 => Just(Step::Break),
        1 => Just(Step::Lose),
        2 => Just(Step::Mend),
        1 => Just(Step::Crash),
        2 => (whole_step(), 0..8_usize, any::<bool>())
            .prop_map(|(within, after, done)| Step::Killed { within: Box::new(within), after, done }),
        2 => (whole_step(), 0..12_usize).prop_map(|(within, after)| Step::Cut { within: Box::new(within), after }),
    ]
}

/// A step that is done or not.
fn whole_step() -> impl Strategy<Value = Step> {
    let name = || 0..NAMES.len();
    prop_oneof![
        (name(), 0..LONGEST).prop_map(|(name, length)| Step::Write { name, offset: 0, length, truncate: true }),
        (name(), 1..20_000_usize).prop_map(|(name, length)| Step::Append { name, length }),
        (name(), name()).prop_map(|(from, to)| Step::Rename { from, to }),
        name().prop_map(|name| Step::Remove { name }),
    ]
}

/// The plain file system.
#[derive(Debug, Default, Clone)]
struct Model(BTreeMap<&'static str, Vec<u8>>);

impl Model {
    fn write(&mut self, name: &'static str, offset: usize, bytes: &[u8]) {
        if bytes.is_empty() {
            self.0.entry(name).or_default();
            return;
        }
        let file = self.0.entry(name).or_default();
        let end = offset + bytes.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[offset..end].copy_from_slice(bytes);
    }
}

async fn write_file(mount: &Mount, name: &str, offset: Option<usize>, bytes: &[u8], truncate: bool) {
    let flags = OpenFlags { append: offset.is_none(), truncate, ..WRITE };
    let (_, opened) = mount.0.create(Ino::ROOT, name, flags).await.expect("opened or made");
    mount.0.write(opened.fh, offset.unwrap_or(0) as u64, bytes).await.expect("written");
    // An upload that fails is told here, and tried again.
    let _ = mount.close(opened.fh).await;
}

async fn run_step(bench: &Bench, mount: &Mount, model: &mut Model, step: &Step, stamp: u8) -> Checked {
    match *step {
        Step::Write { name, offset, length, truncate } => {
            let (name, bytes) = (NAMES[name], vec![stamp; length]);
            if truncate {
                model.0.remove(name);
            }
            model.write(name, offset, &bytes);
            write_file(mount, name, Some(offset), &bytes, truncate).await;
        }
        Step::Append { name, length } => {
            let (name, bytes) = (NAMES[name], vec![stamp; length]);
            let end = model.0.get(name).map_or(0, Vec::len);
            model.write(name, end, &bytes);
            write_file(mount, name, None, &bytes, false).await;
        }
        Step::Resize { name, length } => {
            if let Some((ino, _)) = mount.walk(NAMES[name]).await {
                let change = SetAttr { size: Some(length as u64), ..SetAttr::default() };
                let _ = mount.0.setattr(ino, None, change).await;
            }
            if let Some(file) = model.0.get_mut(NAMES[name]) {
                file.resize(length, 0);
            }
        }
        Step::Read { name, offset, length } => {
            let is_there = mount.walk(NAMES[name]).await.is_some();
            let expected = model.0.get(NAMES[name]);
            prop_assert_eq!(is_there, expected.is_some(), "{}", NAMES[name]);
            if let Some(expected) = expected {
                // What another client changed, attributes may still lack for a while, and an open may not.
                let fh = mount.open(NAMES[name], READ).await;
                let size = mount.walk(NAMES[name]).await.map(|(_, size)| size);
                prop_assert_eq!(size, Some(expected.len() as u64), "{}", NAMES[name]);
                let got = mount.0.read(fh, offset as u64, length).await.expect("read");
                mount.0.release(fh).await;
                let end = expected.len().min(offset + length);
                prop_assert!(got == expected[offset.min(end)..end], "{} at {offset}", NAMES[name]);
            }
        }
        Step::Rename { from, to } => {
            let renamed = mount.0.rename(Ino::ROOT, NAMES[from], Ino::ROOT, NAMES[to], false).await;
            prop_assert_eq!(renamed.is_ok(), model.0.contains_key(NAMES[from]), "{:?}", renamed);
            if from != to
                && let Some(bytes) = model.0.remove(NAMES[from])
            {
                model.0.insert(NAMES[to], bytes);
            }
        }
        Step::Remove { name } => {
            let removed = mount.0.unlink(Ino::ROOT, NAMES[name]).await;
            prop_assert_eq!(removed.is_ok(), model.0.remove(NAMES[name]).is_some(), "{:?}", removed);
        }
        Step::List => {
            let names = mount.names("").await;
            prop_assert_eq!(names, model.0.keys().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        }
        Step::Outside { name, length } => {
            bench.remote.mend();
            mount.until_clean().await;
            let bytes = vec![stamp; length];
            bench.remote.store(NAMES[name], bytes.clone());
            // As when the time is over for which attributes are believed.
            mount.0.names.expire(&NodePath::new(NAMES[name]));
            mount.0.names.expire(&NodePath::root());
            model.0.insert(NAMES[name], bytes);
        }
        Step::Meanwhile { name, length } => {
            bench.remote.mend();
            mount.until_clean().await;
            let (name, ours, theirs) = (NAMES[name], vec![stamp; length + 1], vec![!stamp; length]);
            let (_, opened) = mount.0.create(Ino::ROOT, name, WRITE).await.expect("opened or made");
            mount.0.setattr(ino_of(mount, name).await, Some(opened.fh), emptied()).await.expect("emptied");
            mount.0.write(opened.fh, 0, &ours).await.expect("written");
            bench.remote.store(name, theirs.clone());
            mount.close(opened.fh).await.expect("both are kept");
            mount.until_clean().await;
            let beside = bench.remote.paths().into_iter().find(|path| path.starts_with(&format!("{name}.conflict-")));
            let beside = beside.ok_or_else(|| TestCaseError::fail(format!("{name}: ours lost")))?;
            prop_assert!(bench.remote.bytes(&beside).is_some_and(|bytes| bytes == ours), "{beside}");
            prop_assert!(bench.remote.bytes(name).is_some_and(|bytes| bytes == theirs), "{name} is theirs");
            prop_assert_eq!(mount.read(&beside).await, ours);
            // The user has seen it.
            mount.0.unlink(Ino::ROOT, &beside).await.expect("removed");
            mount.0.names.expire(&NodePath::new(name));
            model.0.insert(name, theirs);
        }
        Step::Break => bench.remote.break_requests("put"),
        Step::Lose => bench.remote.lose_answers("put"),
        Step::Mend => bench.remote.mend(),
        Step::Crash | Step::Killed { .. } | Step::Cut { .. } => {
            unreachable!("done by the caller, who owns the runtime")
        }
    }
    Ok(())
}

fn emptied() -> SetAttr {
    SetAttr { size: Some(0), ..SetAttr::default() }
}

async fn ino_of(mount: &Mount, name: &str) -> Ino {
    mount.walk(name).await.expect("it was opened").0
}

async fn start(bench: &Bench, mode: WriteBack) -> Mount {
    let settings = |config: &mut Config| {
        config.write_back = mode;
        config.quiet = Duration::from_millis(2);
    };
    bench.mount_as(settings).await
}

/// All that is seen through a mount.
async fn seen(mount: &Mount) -> Model {
    let mut found = Model::default();
    for name in NAMES {
        if mount.walk(name).await.is_some() {
            found.0.insert(name, mount.read(name).await);
        }
    }
    found
}

fn check(mode: WriteBack, steps: &[Step]) -> Checked {
    let bench = Bench::new();
    let mut model = Model::default();
    let mut life = runtime();
    let mut mount = life.block_on(start(&bench, mode));
    for (number, step) in steps.iter().enumerate() {
        let stamp = number as u8 + 1;
        let before = model.clone();
        let acknowledged = match step {
            Step::Crash => true,
            Step::Killed { within, after, done } => {
                bench.remote.stall_after(Some(*after), *done);
                life.block_on(async {
                    tokio::select! {
                        outcome = run_step(&bench, &mount, &mut model, within, stamp) => outcome.map(|()| true),
                        () = bench.remote.stalled() => Ok(false),
                    }
                })?
            }
            Step::Cut { within, after } => {
                kill_points::arm(Some(*after));
                life.block_on(async {
                    tokio::select! {
                        outcome = run_step(&bench, &mount, &mut model, within, stamp) => outcome.map(|()| true),
                        () = kill_points::reached() => Ok(false),
                    }
                })?
            }
            _ => {
                life.block_on(run_step(&bench, &mount, &mut model, step, stamp))?;
                continue;
            }
        };
        // What ends with its runtime in the middle of everything is what a killed daemon is.
        drop(mount);
        drop(std::mem::replace(&mut life, runtime()));
        bench.remote.stall_after(None, false);
        kill_points::arm(None);
        mount = life.block_on(start(&bench, mode));
        if let Step::Killed { within, .. } | Step::Cut { within, .. } = step {
            let after = applied(&before, within, stamp);
            let found = life.block_on(seen(&mount));
            let is_as_before = !acknowledged && found.0 == before.0;
            let shape = |model: &Model| -> Vec<_> {
                let shapes = model.0.iter().map(|(name, bytes)| (*name, bytes.len(), bytes.first().copied()));
                shapes.collect()
            };
            prop_assert!(
                is_as_before || found.0 == after.0,
                "{within:?}, acknowledged: {acknowledged}: {:?} became {:?}",
                shape(&before),
                shape(&found)
            );
            model = found;
        }
    }
    bench.remote.mend();
    life.block_on(mount.until_clean());
    for name in NAMES {
        let stored = bench.remote.bytes(name);
        prop_assert!(stored.as_deref() == model.0.get(name).map(Vec::as_slice), "{name} at the service");
    }
    prop_assert_eq!(bench.remote.paths().len(), model.0.len() + 1, "nothing else is left there");
    Ok(())
}

/// The model after a step that may or may not have come to its end in the mount.
fn applied(before: &Model, step: &Step, stamp: u8) -> Model {
    let mut after = before.clone();
    match *step {
        Step::Write { name, length, .. } => drop(after.0.insert(NAMES[name], vec![stamp; length])),
        Step::Append { name, length } => {
            after.0.entry(NAMES[name]).or_default().extend(vec![stamp; length]);
        }
        Step::Rename { from, to } => {
            if from != to
                && let Some(bytes) = after.0.remove(NAMES[from])
            {
                after.0.insert(NAMES[to], bytes);
            }
        }
        Step::Remove { name } => drop(after.0.remove(NAMES[name])),
        _ => {}
    }
    after
}

const fn write(name: usize, length: usize) -> Step {
    Step::Write { name, offset: 0, length, truncate: false }
}

/// Between the synchronisation of the data and the commit of the journal too: with files that the service has, that wait for it, and
/// whose uploads fail.
#[test]
fn killed_at_every_step_that_makes_something_durable() {
    let steps = [
        Step::Write { name: 0, offset: 0, length: 70_000, truncate: true },
        Step::Append { name: 0, length: 5000 },
        Step::Rename { from: 0, to: 1 },
        Step::Rename { from: 0, to: 2 },
        Step::Remove { name: 0 },
    ];
    for (mode, trouble) in [WriteBack::Close, WriteBack::Background]
        .into_iter()
        .flat_map(|mode| [Step::Mend, Step::Break].map(|trouble| (mode, trouble)))
    {
        for (within, after) in steps.iter().flat_map(|step| (0..7).map(move |after| (step.clone(), after))) {
            let cut = Step::Cut { within: Box::new(within), after };
            let steps = [write(0, 100_000), write(1, 50_000), trouble.clone(), write(0, 80_000), cut, Step::List];
            check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?} {steps:?}: {error}"));
        }
    }
}

/// What random sequences came down to when they found a defect.
#[test]
fn sequences_that_failed_once() {
    let found: [(WriteBack, Vec<Step>); 1] = [
        // What the lost upload of a replaced file had stored was taken for somebody else's.
        (WriteBack::Close, vec![write(0, 0), Step::Lose, write(1, 0), write(0, 1), Step::Rename { from: 1, to: 0 }]),
    ];
    for (mode, steps) in found {
        check(mode, &steps).unwrap_or_else(|error| panic!("{mode:?} {steps:?}: {error}"));
    }
}

/// How many sequences are tried; `PROPTEST_CASES` asks for more.
const CASES: u32 = 96;

fn configuration() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|number| number.parse().ok()).unwrap_or(CASES);
    ProptestConfig { cases, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(configuration())]
    #[test]
    fn the_engine_is_a_plain_file_system(background in any::<bool>(), steps in prop::collection::vec(step(), 1..40)) {
        check(if background { WriteBack::Background } else { WriteBack::Close }, &steps)?;
    }
}
