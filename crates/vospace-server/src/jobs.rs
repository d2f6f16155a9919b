//! Jobs: the UWS side of transfers, recursive removal and recursive property changes.
//!
//! A job is made PENDING (or already running, for a synchronous transfer), is started by `PHASE=RUN`, and ends in
//! COMPLETED, ERROR or ABORTED. Jobs belong to their caller; the job of an anonymous caller is open to whoever knows its
//! identity. They live in memory only: a job does not survive a restart, as a client has to be able to bear. The oldest
//! are forgotten when there are too many.
//!
//! Lock order: the table's lock is the only one; it is never held while a job works.

use crate::fault::Fault;
use crate::faults::Effect;
use crate::identity::Caller;
use crate::space::negotiate::Negotiated;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;
use vospace_client::node::Node;
use vospace_client::xml::job::Phase;
use vospace_client::xml::transfer::Transfer;

/// Jobs remembered; a job takes about a kilobyte.
const REMEMBERED: usize = 10_000;

/// Longest `WAIT` in seconds; longer and negative ones are cut to it.
pub const LONGEST_WAIT: i64 = 60;

/// What a job does.
#[derive(Clone, Debug)]
pub enum Work {
    /// A negotiation or a move.
    Transfer(Transfer),
    /// Recursive removal of this URI; `None` if the request named none.
    Remove(Option<String>),
    /// Recursive change of properties.
    SetProperties(Box<Node>),
}

/// A job as it stands.
#[derive(Clone, Debug)]
pub struct Job {
    /// Identity, random.
    pub id: String,
    /// Who made it.
    pub owner: Caller,
    /// What it does.
    pub work: Option<Work>,
    /// Where it stands.
    pub phase: Phase,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// Names and references of the results.
    pub results: Vec<(String, String)>,
    /// The outcome of a negotiation.
    pub negotiated: Option<Negotiated>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

#[derive(Debug)]
struct Entry {
    job: Job,
    phases: watch::Sender<Phase>,
    aborted: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<String, Entry>,
    order: VecDeque<String>,
}

/// The jobs of one space.
#[derive(Debug, Default)]
pub struct Jobs {
    table: Mutex<Table>,
}

impl Jobs {
    /// Makes a job.
    pub fn create(&self, owner: Caller, work: Option<Work>, phase: Phase) -> String {
        let id = Uuid::new_v4().simple().to_string();
        let job = Job {
            id: id.clone(),
            owner,
            work,
            phase,
            fault: None,
            results: Vec::new(),
            negotiated: None,
            created: Timestamp::now(),
            started: None,
            ended: None,
        };
        let entry = Entry { job, phases: watch::Sender::new(phase), aborted: Arc::new(AtomicBool::new(false)) };
        let mut table = self.table.lock();
        table.entries.insert(id.clone(), entry);
        table.order.push_back(id.clone());
        if table.order.len() > REMEMBERED
            && let Some(oldest) = table.order.pop_front()
        {
            table.entries.remove(&oldest);
        }
        id
    }

    /// A copy of the job.
    pub fn get(&self, id: &str) -> Option<Job> {
        self.table.lock().entries.get(id).map(|entry| entry.job.clone())
    }

    /// The identities of this caller's jobs, oldest first.
    pub fn of(&self, owner: &Caller) -> Vec<(String, Phase)> {
        let table = self.table.lock();
        let of = |id: &String| table.entries.get(id).filter(|entry| entry.job.owner == *owner);
        table.order.iter().filter_map(of).map(|entry| (entry.job.id.clone(), entry.job.phase)).collect()
    }

    /// Changes a job, and tells those who wait for it.
    pub fn change(&self, id: &str, change: impl FnOnce(&mut Job)) {
        if let Some(entry) = self.table.lock().entries.get_mut(id) {
            let before = entry.job.phase;
            change(&mut entry.job);
            if entry.job.phase != before {
                if entry.job.phase == Phase::Executing {
                    entry.job.started = Some(Timestamp::now());
                } else if entry.job.phase.is_final() {
                    entry.job.ended = Some(Timestamp::now());
                }
                entry.phases.send_replace(entry.job.phase);
            }
        }
    }

    /// Starts a PENDING job: returns its work, or `None` if it cannot be started.
    pub fn start(&self, id: &str) -> Option<(Option<Work>, Arc<AtomicBool>)> {
        let started = {
            let table = self.table.lock();
            let entry = table.entries.get(id)?;
            (entry.job.phase == Phase::Pending).then(|| (entry.job.work.clone(), Arc::clone(&entry.aborted)))
        }?;
        self.change(id, |job| job.phase = Phase::Executing);
        Some(started)
    }

    /// Ends a job with an error.
    pub fn fail(&self, id: &str, fault: Fault) {
        self.change(id, |job| {
            job.phase = Phase::Error;
            job.fault = Some(fault);
        });
    }

    /// Whether a fault has the job end or stick here, instead of doing anything.
    pub fn diverted(&self, id: &str, effect: Option<&Effect>) -> bool {
        match effect {
            Some(Effect::JobPhase(phase)) => self.change(id, |job| job.phase = phase.0),
            Some(Effect::JobError(text)) => self.fail(id, Fault::plain(500, text)),
            _ => return false,
        }
        true
    }

    /// Asks a job to stop: at once if it has not started, else at its next step.
    pub fn abort(&self, id: &str) {
        if let Some(entry) = self.table.lock().entries.get(id) {
            entry.aborted.store(true, Ordering::Relaxed);
        }
        self.change(id, |job| {
            if matches!(job.phase, Phase::Pending | Phase::Queued) {
                job.phase = Phase::Aborted;
            }
        });
    }

    /// Forgets a job.
    pub fn remove(&self, id: &str) {
        let mut table = self.table.lock();
        if let Some(entry) = table.entries.remove(id) {
            entry.aborted.store(true, Ordering::Relaxed);
            table.order.retain(|other| other != id);
        }
    }

    /// Waits until the phase of the job changes (any change), or until the time is over. A job that has ended is not
    /// waited for.
    pub async fn wait(&self, id: &str, seconds: i64) {
        let seconds = if (0..=LONGEST_WAIT).contains(&seconds) { seconds } else { LONGEST_WAIT };
        let mut phases = match self.table.lock().entries.get(id) {
            Some(entry) if !entry.job.phase.is_final() => entry.phases.subscribe(),
            _ => return,
        };
        // An error means that the job was removed, a time-out that nothing changed: both end the wait.
        let _ = tokio::time::timeout(Duration::from_secs(seconds.cast_unsigned()), phases.changed()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_ends_at_any_change() {
        let jobs = Arc::new(Jobs::default());
        let id = jobs.create(Caller::Anonymous, None, Phase::Pending);
        let waiting = tokio::spawn({
            let (jobs, id) = (Arc::clone(&jobs), id.clone());
            async move {
                jobs.wait(&id, -1).await;
                jobs.get(&id).unwrap().phase
            }
        });
        tokio::task::yield_now().await;
        assert!(jobs.start(&id).is_some());
        assert_eq!(waiting.await.unwrap(), Phase::Executing);
        assert!(jobs.start(&id).is_none());
        jobs.fail(&id, Fault::denied(""));
        jobs.wait(&id, 60).await;
        let job = jobs.get(&id).unwrap();
        assert_eq!((job.phase, job.fault.unwrap().text()), (Phase::Error, "PermissionDenied".to_owned()));
    }

    #[test]
    fn a_pending_job_is_aborted_at_once() {
        let jobs = Jobs::default();
        let id = jobs.create(Caller::Anonymous, None, Phase::Pending);
        jobs.abort(&id);
        assert_eq!(jobs.get(&id).unwrap().phase, Phase::Aborted);
        assert!(jobs.start(&id).is_none());
    }
}
