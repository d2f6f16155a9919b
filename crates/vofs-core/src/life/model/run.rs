//! A sequence of steps: a service, one daemon after another, and the oracle that looks on.

use std::time::Duration;

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::Checked;
use super::act::Programs;
use super::oracle::{Oracle, shape};
use super::steps::{Op, SLOTS, Step};
use super::world::Tree;
use crate::config::{Config, WriteBack};
use crate::dirty::Part;
use crate::journal::Stage;
use crate::kill_points;
use crate::life::tests::{Bench, runtime};
use crate::path::NodePath;
use crate::remote::fake::Fault;

/// How often it is looked whether something has come about by itself, and for how long.
const LOOK: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(20);

/// What the service has in the beginning: directories end in a slash.
const THERE: [(&str, usize); 7] =
    [("a", 70_000), ("b", 10), ("d/", 0), ("d/a", 100_000), ("d/s/", 0), ("e/", 0), ("e/a", 5)];

/// How the service keeps bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Service {
    /// A new version takes the place of the old one when all of it is there.
    Vault,
    /// They are written over the old ones.
    Cavern,
}

pub(super) struct Run {
    pub(super) bench: Bench,
    mode: WriteBack,
    // Before its runtime, without which nothing of it can be ended.
    programs: Option<Programs>,
    life: Runtime,
    pub(super) oracle: Oracle,
}

fn failed(why: impl Into<String>) -> TestCaseError {
    TestCaseError::fail(why.into())
}

impl Run {
    pub(super) fn new(service: Service, mode: WriteBack) -> Self {
        let mut run =
            Run { bench: Bench::new(), mode, programs: None, life: runtime(), oracle: Oracle::new(Tree::new()) };
        if matches!(service, Service::Cavern) {
            run.bench.remote.write_in_place();
        }
        for (path, length) in THERE {
            match path.strip_suffix('/') {
                Some(directory) => run.bench.remote.add_directory(directory),
                None => run.bench.remote.store(path, vec![0; length]),
            }
        }
        run.oracle = Oracle::new(run.bench.remote.tree());
        run.start().expect("a service that is well");
        run
    }

    pub(super) fn within<T>(&mut self, act: impl AsyncFnOnce(&Bench, &mut Programs, &mut Oracle) -> T) -> T {
        let programs = self.programs.as_mut().expect("a daemon is there");
        self.life.block_on(act(&self.bench, programs, &mut self.oracle))
    }

    /// A new daemon. One that does not begin because of the state of the service begins when that is mended.
    fn start(&mut self) -> Checked {
        let mode = self.mode;
        let settings = |config: &mut Config| {
            config.write_back = mode;
            config.quiet = Duration::from_millis(2);
            config.hope = Duration::from_millis(40);
            config.silence = Duration::from_millis(500);
        };
        let was_well = self.bench.remote.is_well();
        let mount = match self.life.block_on(self.bench.try_mount(settings)) {
            Ok(mount) => mount,
            Err(error) if was_well => return Err(failed(format!("no daemon begins: {error}"))),
            Err(_) => {
                self.mend();
                let again = self.life.block_on(self.bench.try_mount(settings));
                again.map_err(|error| failed(format!("no daemon begins: {error}")))?
            }
        };
        self.programs = Some(Programs::new(mount));
        Ok(())
    }

    pub(super) fn mend(&self) {
        self.bench.remote.mend();
        self.bench.remote.go_down(false);
    }

    /// What ends with its runtime in the middle of everything is what a killed daemon is.
    pub(super) fn restart(&mut self) -> Checked {
        drop(std::mem::replace(&mut self.life, runtime()));
        self.programs = None;
        self.bench.remote.stall_after(None, false);
        kill_points::arm(None);
        self.start()
    }

    pub(super) fn step(&mut self, step: &Step, stamp: u8) -> Checked {
        match step {
            Step::Do(op) => {
                self.within(async |bench, programs, oracle| operate(bench, programs, oracle, op, stamp).await)?;
            }
            Step::Fault { request, how, times } => {
                self.bench.remote.fail(Fault { prefix: (*request).to_owned(), how: *how, left: *times });
            }
            Step::Down => self.bench.remote.go_down(true),
            Step::Mend => self.mend(),
            Step::Crash => {
                self.restart()?;
                self.oracle.killed(&self.found());
            }
            Step::Killed { within, after, done } => {
                self.bench.remote.stall_after(Some(*after), *done);
                self.interrupted(within, stamp, async |bench| bench.remote.stalled().await)?;
            }
            Step::Cut { within, after } => {
                kill_points::arm(Some(*after));
                self.interrupted(within, stamp, async |_| kill_points::reached().await)?;
            }
            Step::Settle => self.settle()?,
            Step::Outside(theirs) => self.outside(theirs, stamp)?,
            Step::Contest { ours, theirs, killed } => self.contest(ours, theirs, *killed, stamp)?,
        }
        if self.oracle.is_out_of_hand() { self.settle() } else { Ok(()) }
    }

    /// Kills the daemon within `op`, or after it.
    fn interrupted(&mut self, op: &Op, stamp: u8, killed: impl AsyncFnOnce(&Bench)) -> Checked {
        let acknowledged = self.within(async |bench, programs, oracle| {
            tokio::select! {
                outcome = operate(bench, programs, oracle, op, stamp) => outcome.map(|()| true),
                () = killed(bench) => Ok(false),
            }
        })?;
        self.restart()?;
        let found = self.found();
        match acknowledged {
            true => self.oracle.killed(&found),
            false => self.oracle.killed_within(op, stamp, &found),
        }
        Ok(())
    }

    /// The files that wait for their upload, laid over what the service has.
    fn found(&self) -> Tree {
        let waiting = self.programs.as_ref().map(|programs| programs.mount.0.files.dirty()).unwrap_or_default();
        let mut tree = self.bench.remote.tree();
        for file in waiting {
            let (path, dirty) = {
                let state = file.state();
                (state.path.clone(), state.dirty.clone())
            };
            // One that was sent meanwhile is in the tree.
            let Some((path, dirty)) = path.zip(dirty) else { continue };
            let base = tree.get(path.as_str()).cloned().flatten().unwrap_or_default();
            let mut bytes = vec![0; dirty.length() as usize];
            let parts = dirty.parts(0..dirty.length());
            let is_read = parts.into_iter().all(|part| {
                let range = part.range().start as usize..part.range().end as usize;
                match part {
                    Part::Local(_) => dirty.read(range.start as u64, &mut bytes[range]).is_ok(),
                    Part::Base(_) => base.get(range.clone()).map(|base| bytes[range].copy_from_slice(base)).is_some(),
                    Part::Zero(_) => true,
                }
            });
            if is_read {
                tree.insert(path.as_str().to_owned(), Some(bytes.into()));
            }
        }
        tree
    }

    /// Mends all, and has everything be what it should: here and at the service.
    pub(super) fn settle(&mut self) -> Checked {
        self.mend();
        self.within(async |bench, programs, oracle| {
            for slot in 0..SLOTS {
                operate(bench, programs, oracle, &Op::Shut { slot }, 0).await?;
            }
            sent(programs).await
        })?;
        let beside: Vec<_> =
            self.bench.remote.tree().into_keys().filter(|path| self.oracle.may_be_beside(path)).collect();
        beside.iter().for_each(|path| self.bench.remote.drop_node(path));
        if !beside.is_empty() {
            self.doubt_all()?;
        }
        let tree = self.bench.remote.tree();
        if !self.oracle.has(&tree) {
            let why = "the service has, when all is settled,";
            return Err(failed(format!("{why}\n     {}\n  not {}", shape(&tree), self.oracle.shapes())));
        }
        self.seen_as(&tree)?;
        self.oracle = Oracle::new(tree);
        Ok(())
    }

    /// Everything is read through the mount.
    pub(super) fn seen_as(&mut self, tree: &Tree) -> Checked {
        let seen = self.within(async |_, programs, _| programs.tree().await);
        let seen = seen.map_err(|error| failed(format!("the mount cannot be read: {error}")))?;
        if seen == *tree {
            return Ok(());
        }
        Err(failed(format!("the mount shows\n     {}\n  not {}", shape(&seen), shape(tree))))
    }
}

/// Does it and has the oracle judge what came of it. What needs an open file that is not there is left out.
async fn operate(bench: &Bench, programs: &mut Programs, oracle: &mut Oracle, op: &Op, stamp: u8) -> Checked {
    let is_apt = match op {
        Op::Open { slot, path } => !programs.has_open(*slot) && !oracle.may_be_open(path),
        Op::Poke { slot, .. } | Op::Peek { slot } | Op::Sync { slot } | Op::Shut { slot } => programs.has_open(*slot),
        _ => true,
    };
    if !is_apt {
        return Ok(());
    }
    let was_calm = is_calm(bench, programs).await;
    let outcome = programs.act(op, stamp).await;
    let calm = was_calm && is_calm(bench, programs).await;
    if std::env::var_os("VOFS_MODEL_TRACE").is_some() {
        eprintln!("  {op:?} (calm: {calm}): {outcome}");
    }
    oracle.judge(op, stamp, &outcome, calm)
}

/// Nothing goes wrong, and nothing that went wrong is still being mended.
async fn is_calm(bench: &Bench, programs: &Programs) -> bool {
    let engine = &programs.mount.0;
    bench.remote.is_well()
        && engine.offline_since().is_none()
        && engine.status().await.is_ok_and(|status| status.unfinished_moves == 0)
}

async fn until(programs: &Programs, what: &str, holds: impl AsyncFn() -> bool) -> Checked {
    let begun = std::time::Instant::now();
    while !holds().await {
        if begun.elapsed() > PATIENCE {
            return Err(failed(format!("never {what}: {:?}", programs.mount.0.files.dirty())));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}

/// Returns when each upload that is under way has ended. One that has asked what the service has, and not sent its bytes yet, knows of
/// nobody who comes between the two: no service lets it say that.
pub(super) async fn begun_ended(programs: &Programs) -> Checked {
    for file in programs.mount.0.files.dirty() {
        until(programs, "ended", async || !file.state().uploading).await?;
    }
    Ok(())
}

/// Returns when nothing goes on any more by itself; gives what the service has refused.
pub(super) async fn quiet(programs: &Programs) -> std::result::Result<Vec<NodePath>, TestCaseError> {
    let engine = &programs.mount.0;
    until(programs, "reachable", async || engine.offline_since().is_none()).await?;
    programs.mount.until_settled().await;
    let goes_on = || engine.files.dirty().iter().any(|file| file.state().stage.goes_on());
    until(programs, "at rest", async || !goes_on()).await?;
    let refused = engine.files.dirty().into_iter().filter(|file| file.state().stage == Stage::Refused);
    Ok(refused.filter_map(|file| file.state().path.clone()).collect())
}

/// Returns when the service has everything. What it refused when it was not well, the user has tried again.
pub(super) async fn sent(programs: &Programs) -> Checked {
    quiet(programs).await?;
    programs.mount.0.retry_pending(None).await.map_err(|error| failed(format!("not tried again: {error}")))?;
    until(programs, "sent", async || programs.mount.0.files.dirty().is_empty()).await
}
