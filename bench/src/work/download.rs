//! One large file down.

use std::fs;

use anyhow::Result;

use super::commands::{self, CommandWork, PYTHON};
use super::sequential::FILE;
use super::{complete, rate, row, size};
use crate::column::{Commands, Session};
use crate::data::Set;
use crate::process;
use crate::results::{Reading, Row, Seen};
use crate::service::Profile;
use crate::sizes::Sizes;
use crate::stage::Stage;
use crate::target::{Condition, Verdict};

/// See the module.
#[derive(Debug)]
pub(crate) struct Download {
    /// Of which service.
    pub(crate) profile: Profile,
}

impl Download {
    fn id(&self) -> &'static str {
        match self.profile {
            Profile::Vault => "download-vault",
            Profile::Cavern => "download-cavern",
        }
    }
}

impl CommandWork for Download {
    fn name(&self) -> &'static str {
        self.id()
    }

    fn set(&self) -> Set {
        Set::Sequential
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn rows(&self, sizes: &Sizes) -> Vec<Row> {
        let service = match self.profile {
            Profile::Vault => "Vault",
            Profile::Cavern => "Cavern",
        };
        vec![row(self.id(), format!("`vcp` of {} down, {service}", size(sizes.sequential)), "MB/s")]
    }

    fn run(&self, stage: &Stage, session: &Session, commands: &Commands) -> Result<Vec<Reading>> {
        stage.data.warm()?;
        let local = commands.local.join("copy");
        let mut command = commands.verb("cp");
        command.arg(commands.uri(FILE)).arg(&local);
        let (finished, usage) = session.measure(stage, || process::run(&mut command, commands::LIMIT))?;
        let bytes = stage.sizes.sequential;
        complete("bytes", fs::metadata(&local)?.len(), bytes)?;
        Ok(vec![rate(self.id(), bytes, finished.seconds(), finished.usage_beside(usage))])
    }

    fn judge(&self, seen: Seen<'_>) -> Vec<Verdict> {
        let row = self.id();
        let of = |rate: Option<f64>| seen.ours(row).zip(rate).map(|(ours, rate)| ours / rate);
        let conditions = match self.profile {
            Profile::Vault => vec![
                Condition::at_least("≥ 6 × Python vos", seen.ratio(row, PYTHON), 6.0),
                Condition::at_least("≥ 0.9 of the link", of(seen.link.total_rate()), 0.9),
            ],
            Profile::Cavern => {
                vec![Condition::at_least("≥ 0.95 of one connection", of(seen.link.connection_rate()), 0.95)]
            }
        };
        vec![Verdict { row, conditions }]
    }
}
