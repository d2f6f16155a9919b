//! The engine against a plain map from names to bytes: random operations with a link that breaks and mends, and with
//! daemons that are killed and started again in between. Whatever was closed, with or without an error, is there afterwards.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};

use super::tests::{Bench, Mount, READ, WRITE};
use crate::fs::attr::SetAttr;
use crate::handles::OpenFlags;
use crate::inode::Ino;

type Checked = std::result::Result<(), TestCaseError>;

/// Names are few, so that operations meet.
const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// A little more than two blocks, so that ends, holes and block edges are met.
const LONGEST: usize = 150_000;

#[derive(Debug, Clone)]
enum Step {
    Write { name: usize, offset: usize, length: usize, truncate: bool },
    Append { name: usize, length: usize },
    Resize { name: usize, length: usize },
    Read { name: usize, offset: usize, length: usize },
    Rename { from: usize, to: usize },
    Remove { name: usize },
    List,
    Break,
    Mend,
    Crash,
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
        1 => Just(Step::Break),
        2 => Just(Step::Mend),
        1 => Just(Step::Crash),
    ]
}

/// The plain file system.
#[derive(Debug, Default)]
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

async fn write(mount: &Mount, name: &str, offset: Option<usize>, bytes: &[u8], truncate: bool) {
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
            write(mount, name, Some(offset), &bytes, truncate).await;
        }
        Step::Append { name, length } => {
            let (name, bytes) = (NAMES[name], vec![stamp; length]);
            let end = model.0.get(name).map_or(0, Vec::len);
            model.write(name, end, &bytes);
            write(mount, name, None, &bytes, false).await;
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
            let found = mount.walk(NAMES[name]).await;
            let expected = model.0.get(NAMES[name]);
            prop_assert_eq!(found.map(|(_, size)| size), expected.map(|bytes| bytes.len() as u64), "{}", NAMES[name]);
            if let Some(expected) = expected {
                let fh = mount.open(NAMES[name], READ).await;
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
        Step::Break => bench.remote.break_requests("put"),
        Step::Mend => bench.remote.mend(),
        Step::Crash => unreachable!("done by the caller, who owns the runtime"),
    }
    Ok(())
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn check(steps: &[Step]) -> Checked {
    let bench = Bench::new();
    let mut model = Model::default();
    let mut life = runtime();
    let mut mount = life.block_on(bench.mount());
    for (number, step) in steps.iter().enumerate() {
        if matches!(step, Step::Crash) {
            // What ends with its runtime in the middle of everything is what a killed daemon is.
            drop(mount);
            drop(std::mem::replace(&mut life, runtime()));
            mount = life.block_on(bench.mount());
            continue;
        }
        life.block_on(run_step(&bench, &mount, &mut model, step, number as u8 + 1))?;
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 2000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_engine_is_a_plain_file_system(steps in prop::collection::vec(step(), 1..40)) {
        check(&steps)?;
    }
}
