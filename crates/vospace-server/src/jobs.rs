//! Jobs: the UWS side of transfers, recursive removal and recursive property changes.
//!
//! A job is made PENDING (or already running, for a synchronous transfer), is QUEUED by `PHASE=RUN` until one of the few
//! places of its kind is free, EXECUTING then, and ends in COMPLETED, ERROR or ABORTED. Jobs belong to their caller; the
//! job of an anonymous caller is open to whoever knows its identity. They are kept on disk and are there after a
//! restart, as they were: one that was at work then says EXECUTING for ever (Cavern, observed), and a client has to be
//! able to bear that. The oldest are forgotten when there are too many.
//!
//! Lock order: the table's lock, then the disk's; neither is ever held while a job works.

mod disk;
mod record;

use crate::fault::Fault;
use crate::faults::{self, Effect};
use crate::identity::Caller;
use crate::space::negotiate::Negotiated;
use disk::Disk;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use uuid::Uuid;
use vospace_client::node::Node;
use vospace_client::xml::job::Phase;
use vospace_client::xml::transfer::Transfer;

/// Jobs remembered; a job takes about a kilobyte.
const REMEMBERED: usize = 10_000;

/// Jobs of one kind that work at a time; more are QUEUED (Cavern, observed).
const AT_A_TIME: usize = 6;

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

/// The kinds of jobs: each has a resource of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `/transfers`.
    Transfer,
    /// `/async-delete`.
    Remove,
    /// `/async-setprops`.
    SetProperties,
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
    /// Whether its byte URL, where it is good for one request, has been used.
    pub spent: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was started.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

impl Job {
    fn new(owner: Caller, work: Option<Work>, phase: Phase) -> Job {
        Job {
            id: Uuid::new_v4().simple().to_string(),
            owner,
            work,
            phase,
            fault: None,
            results: Vec::new(),
            negotiated: None,
            spent: false,
            created: Timestamp::now(),
            started: None,
            ended: None,
        }
    }

    /// What kind of job it is.
    pub fn kind(&self) -> Kind {
        match self.work {
            Some(Work::Transfer(_)) | None => Kind::Transfer,
            Some(Work::Remove(_)) => Kind::Remove,
            Some(Work::SetProperties(_)) => Kind::SetProperties,
        }
    }
}

#[derive(Debug)]
struct Entry {
    job: Job,
    phases: watch::Sender<Phase>,
    aborted: Arc<AtomicBool>,
}

impl From<Job> for Entry {
    fn from(job: Job) -> Entry {
        Entry { phases: watch::Sender::new(job.phase), job, aborted: Arc::new(AtomicBool::new(false)) }
    }
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<String, Entry>,
    order: VecDeque<String>,
}

/// The jobs of one space.
#[derive(Debug)]
pub struct Jobs {
    table: Mutex<Table>,
    disk: Disk,
    /// The places of each kind.
    places: [Arc<Semaphore>; 3],
}

impl Jobs {
    /// Opens or creates the jobs in this file.
    pub fn open(file: &Path) -> Result<Jobs, Fault> {
        let disk = Disk::open(file)?;
        let mut table = Table::default();
        for job in disk.all()? {
            table.order.push_back(job.id.clone());
            table.entries.insert(job.id.clone(), Entry::from(job));
        }
        let places = std::array::from_fn(|_| Arc::new(Semaphore::new(AT_A_TIME)));
        Ok(Jobs { table: Mutex::new(table), disk, places })
    }

    /// Makes a job.
    pub fn create(&self, owner: Caller, work: Option<Work>, phase: Phase) -> String {
        let job = Job::new(owner, work, phase);
        let id = job.id.clone();
        self.disk.keep(&job);
        let mut table = self.table.lock();
        table.entries.insert(id.clone(), Entry::from(job));
        table.order.push_back(id.clone());
        if table.order.len() > REMEMBERED
            && let Some(oldest) = table.order.pop_front()
        {
            table.entries.remove(&oldest);
            self.disk.forget(&oldest);
        }
        id
    }

    /// A copy of the job.
    pub fn get(&self, id: &str) -> Option<Job> {
        self.table.lock().entries.get(id).map(|entry| entry.job.clone())
    }

    /// The identities of this caller's jobs of a kind, oldest first.
    pub fn of(&self, owner: &Caller, kind: Kind) -> Vec<(String, Phase)> {
        let table = self.table.lock();
        let wanted = |job: &&Job| job.owner == *owner && job.kind() == kind;
        let jobs = table.order.iter().filter_map(|id| Some(&table.entries.get(id)?.job));
        jobs.filter(wanted).map(|job| (job.id.clone(), job.phase)).collect()
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
            self.disk.keep(&entry.job);
        }
    }

    /// Queues a PENDING job: returns its work, or `None` if it cannot be started.
    pub fn start(&self, id: &str) -> Option<(Option<Work>, Arc<AtomicBool>)> {
        let started = {
            let table = self.table.lock();
            let entry = table.entries.get(id)?;
            (entry.job.phase == Phase::Pending).then(|| (entry.job.work.clone(), Arc::clone(&entry.aborted)))
        }?;
        self.change(id, |job| job.phase = Phase::Queued);
        Some(started)
    }

    /// Waits for a place of its kind and has the job EXECUTING; `None` if it was aborted before, or a fault has it end or
    /// stick. The place is free again when what is returned is dropped.
    pub async fn begin(&self, id: &str, effect: Option<&Effect>) -> Option<OwnedSemaphorePermit> {
        let kind = self.get(id)?.kind();
        let place = Arc::clone(&self.places[kind as usize]).acquire_owned().await.ok()?;
        if let Some(Effect::SlowJobMs(milliseconds)) = effect {
            faults::delay(*milliseconds).await;
        }
        if self.get(id)?.phase != Phase::Queued || self.diverted(id, effect) {
            return None;
        }
        self.change(id, |job| {
            if job.phase == Phase::Queued {
                job.phase = Phase::Executing;
            }
        });
        (self.get(id)?.phase == Phase::Executing).then_some(place)
    }

    /// Ends a job that is at work because its bytes have passed; tells whether it was.
    pub fn complete(&self, id: &str) -> bool {
        let mut was = false;
        self.change(id, |job| {
            was = job.phase == Phase::Executing;
            if was {
                job.phase = Phase::Completed;
            }
        });
        was
    }

    /// Uses up the byte URL of a job; tells whether it was there to be used.
    pub fn spend(&self, id: &str) -> bool {
        let mut table = self.table.lock();
        match table.entries.get_mut(id).map(|entry| &mut entry.job) {
            Some(job) if job.phase == Phase::Executing => !std::mem::replace(&mut job.spent, true),
            _ => false,
        }
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
            self.disk.forget(id);
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

    fn jobs() -> (tempfile::TempDir, Arc<Jobs>) {
        let dir = tempfile::tempdir().unwrap();
        let jobs = Jobs::open(&dir.path().join("jobs")).unwrap();
        (dir, Arc::new(jobs))
    }

    #[tokio::test]
    async fn waiting_ends_at_any_change() {
        let (_dir, jobs) = jobs();
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
        assert_eq!(waiting.await.unwrap(), Phase::Queued);
        assert!(jobs.start(&id).is_none());
        assert!(jobs.begin(&id, None).await.is_some());
        jobs.fail(&id, Fault::denied(""));
        jobs.wait(&id, 60).await;
        let job = jobs.get(&id).unwrap();
        assert_eq!((job.phase, job.fault.unwrap().text()), (Phase::Error, "PermissionDenied".to_owned()));
    }

    #[tokio::test]
    async fn six_of_a_kind_work_at_a_time() {
        let (_dir, jobs) = jobs();
        let work = || Some(Work::Remove(None));
        let mut places = Vec::new();
        for _ in 0..AT_A_TIME {
            let id = jobs.create(Caller::Anonymous, work(), Phase::Pending);
            jobs.start(&id).unwrap();
            places.push(jobs.begin(&id, None).await.unwrap());
        }
        let id = jobs.create(Caller::Anonymous, work(), Phase::Pending);
        jobs.start(&id).unwrap();
        let mut seventh = Box::pin(jobs.begin(&id, None));
        assert!(futures_util::poll!(&mut seventh).is_pending());
        assert_eq!(jobs.get(&id).unwrap().phase, Phase::Queued);
        let other = jobs.create(Caller::Anonymous, None, Phase::Pending);
        jobs.start(&other).unwrap();
        assert!(jobs.begin(&other, None).await.is_some(), "another kind has its own places");
        jobs.abort(&id);
        places.clear();
        assert!(seventh.await.is_none(), "aborted while it was queued");
    }

    #[test]
    fn jobs_are_there_after_a_restart_as_they_were() {
        let (dir, jobs) = jobs();
        let pending = jobs.create(Caller::Anonymous, None, Phase::Pending);
        let working = jobs.create(Caller::Anonymous, None, Phase::Executing);
        let gone = jobs.create(Caller::Anonymous, None, Phase::Pending);
        jobs.abort(&pending);
        jobs.remove(&gone);
        drop(jobs);
        let jobs = Jobs::open(&dir.path().join("jobs")).unwrap();
        assert_eq!(jobs.get(&pending).unwrap().phase, Phase::Aborted);
        assert!(jobs.start(&pending).is_none());
        assert_eq!(jobs.get(&working).unwrap().phase, Phase::Executing);
        assert!(jobs.get(&gone).is_none());
        assert_eq!(jobs.of(&Caller::Anonymous, Kind::Transfer).len(), 2);
    }
}
