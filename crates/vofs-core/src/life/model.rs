//! The engine against a plain file system in memory, in both modes: random operations of programs on files and directories, open,
//! closed, renamed and removed; with a service that fails, says no, loses answers, is out of reach and mends; with another client that
//! changes files and directories; and with daemons that are killed and started again, between operations and within them before and
//! after every request and every step that makes something durable. The service replaces files as a whole, or writes them in place,
//! where an upload that breaks leaves a part under the old digest. Whatever was acknowledged is there afterwards, under its name or
//! beside it where somebody else took that; what was being done when the daemon was killed is done or not, and nothing between. Only
//! of a write into a file that stays open a part may be there: nothing was promised of it.
//!
//! How sequences that failed are kept is in docs/development.md.

mod act;
mod kept;
mod oracle;
mod run;
mod steps;
mod theirs;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{FileFailurePersistence, RngSeed};

use crate::config::WriteBack;

use run::{Run, Service};
use steps::Step;

type Checked = std::result::Result<(), TestCaseError>;

/// Does all that, and has everything settled in the end.
fn check(service: Service, mode: WriteBack, steps: &[Step]) -> Checked {
    let mut run = Run::new(service, mode);
    for (step, stamp) in steps.iter().zip(1..) {
        if std::env::var_os("VOFS_MODEL_TRACE").is_some() {
            eprintln!("{stamp}: {step:?}");
        }
        run.step(step, stamp)?;
    }
    run.settle()
}

/// A sequence that prints itself as it is pasted into a test that is kept: a step a line.
#[derive(Clone)]
struct Sequence(Vec<Step>);

impl std::fmt::Debug for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "\n    {step:?},"))
    }
}

fn sequence() -> impl Strategy<Value = Sequence> {
    prop::collection::vec(steps::step(), 1..40).prop_map(Sequence)
}

/// How many sequences are tried, always the same: a defect is found by whoever looks for it, and not by who changed something else.
/// `PROPTEST_CASES` asks for more, and for others each time.
const CASES: u32 = 96;

fn configuration() -> ProptestConfig {
    let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|number| number.parse().ok());
    let kept = FileFailurePersistence::Direct(concat!(env!("CARGO_MANIFEST_DIR"), "/src/life/model/regressions.txt"));
    ProptestConfig {
        cases: wanted.unwrap_or(CASES),
        rng_seed: if wanted.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) },
        max_shrink_iters: 2000,
        failure_persistence: Some(Box::new(kept)),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(configuration())]
    #[test]
    fn the_engine_is_a_plain_file_system(in_place in any::<bool>(), background in any::<bool>(), steps in sequence()) {
        let service = if in_place { Service::Cavern } else { Service::Vault };
        check(service, if background { WriteBack::Background } else { WriteBack::Close }, &steps.0)?;
    }
}
