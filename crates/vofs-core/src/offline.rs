//! Working while the service cannot be reached: what is known and cached is shown as it was known last, until the service
//! answers again.
//!
//! A request without an answer of the service is a suspicion, no more: the root is asked for, and only where that gets none
//! either is the service taken to be out of reach. What a gateway or a captive portal says in its place is no answer of it. From then on nothing that is here waits for it: names, attributes and listings are
//! those known last, however old; bytes are those in the cache. What is not here waits for a moment, and is an error then. A
//! name that a complete listing lacked is absent, so that new files can be made; with `--write-back background` they wait in
//! the journal. The root is asked for again and again. When it answers, all is asked for as ever, and what waits is sent: what
//! others changed meanwhile is then a conflict like any other.
//!
//! What decides on bytes of others (`upload/conflict`) never takes an answer from here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use crate::clock::Millis;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::meta::Meta;
use crate::path::NodePath;
use crate::remote::Remote;

/// So many times as long as any question the root may be silent before the service is taken to be out of reach.
const PROOF: u32 = 5;

/// Whether the service can be reached.
#[derive(Debug)]
pub(crate) struct Outage {
    state: watch::Sender<State>,
    suspicion: Notify,
    /// False while a mount begins, which looks by itself whether there is a service.
    is_watched: AtomicBool,
    /// How long somebody who wants what is not here waits for the end of an outage.
    hope: Duration,
    /// When somebody last hoped in vain.
    in_vain: Mutex<Option<Instant>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// How often it was decided.
    verdicts: u64,
    /// Since when the service cannot be reached.
    since: Option<Millis>,
}

impl Outage {
    pub(crate) fn new(hope: Duration) -> Self {
        Outage {
            state: watch::Sender::new(State::default()),
            suspicion: Notify::new(),
            is_watched: AtomicBool::new(false),
            hope,
            in_vain: Mutex::default(),
        }
    }

    /// Pause between two questions for the root while it does not answer. For so long after somebody hoped in vain, too, others do
    /// not: a program that looks into a thousand files is not held up by each.
    fn pause(&self) -> Duration {
        self.hope / 2
    }

    /// Since when the service cannot be reached, if it cannot.
    pub(crate) fn since(&self) -> Option<Millis> {
        self.state.borrow().since
    }

    /// Whether it cannot be reached.
    pub(crate) fn is_on(&self) -> bool {
        self.since().is_some()
    }

    /// Something got no answer: the service is looked at, for the others' sake.
    pub(crate) fn suspect(&self, error: &Error) {
        if error.is_unreachable() && !self.is_on() {
            self.suspicion.notify_one();
        }
    }

    /// Something got no answer: returns whether the service cannot be reached, once that is known.
    pub(crate) async fn is_cut_off(&self) -> bool {
        self.is_on() || self.is_watched.load(Ordering::Acquire) && self.verdict().await
    }

    /// Somebody wants what is not here: whether the service can be reached again by now.
    pub(crate) async fn is_over(&self) -> bool {
        if self.in_vain.lock().is_some_and(|at| at.elapsed() < self.pause()) {
            return !self.is_on();
        }
        let is_over = timeout(self.hope, self.verdict()).await == Ok(false);
        if !is_over {
            *self.in_vain.lock() = Some(Instant::now());
        }
        is_over
    }

    /// Has it decided now; gives whether the service cannot be reached.
    async fn verdict(&self) -> bool {
        let mut state = self.state.subscribe();
        let before = state.borrow_and_update().verdicts;
        self.suspicion.notify_one();
        state.wait_for(|state| state.verdicts > before).await.is_ok_and(|state| state.since.is_some())
    }

    fn decide(&self, since: Option<Millis>) {
        self.state.send_modify(|state| {
            state.verdicts += 1;
            state.since = since;
        });
    }
}

/// Decides on suspicions, for as long as the engine lives.
pub(crate) async fn watch(engine: Weak<Engine>, outage: Arc<Outage>) {
    outage.is_watched.store(true, Ordering::Release);
    loop {
        match outage.since() {
            None => outage.suspicion.notified().await,
            Some(_) => drop(timeout(outage.pause(), outage.suspicion.notified()).await),
        }
        let Some((remote, limit)) = engine.upgrade().map(|it| (Arc::clone(&it.remote), it.config.silence * PROOF))
        else {
            return;
        };
        // Nobody holds an engine here that its mount has given up.
        let answers = answers(&*remote, limit).await;
        let Some(engine) = engine.upgrade() else { return };
        match (outage.since(), answers) {
            (None, false) => {
                tracing::warn!("the service cannot be reached: what is cached can be read, what is known is shown");
                outage.decide(Some(engine.clock.now()));
            }
            (Some(_), true) => {
                tracing::warn!("the service can be reached again");
                outage.decide(None);
                // What waits for its next try need not wait longer.
                engine.hurry.notify_waiters();
            }
            (since, _) => outage.decide(since),
        }
    }
}

/// Whether the service answers the question for its root within `limit`.
async fn answers(remote: &dyn Remote, limit: Duration) -> bool {
    match timeout(limit, remote.stat(&NodePath::root())).await {
        Ok(Err(error)) => !error.is_unreachable(),
        Ok(Ok(_)) => true,
        Err(_) => false,
    }
}

impl Engine {
    /// Since when the service cannot be reached, if it cannot.
    pub fn offline_since(&self) -> Option<Millis> {
        self.outage.since()
    }

    /// What `asking` answers for `path`; while the service cannot be reached, what is known of it.
    pub(crate) async fn asked_or_known(
        &self,
        path: &NodePath,
        asking: impl Future<Output = Result<Meta>>,
    ) -> Result<Meta> {
        if self.outage.is_on() {
            match self.known_last(path).await {
                Err(error) if error.is_unreachable() && self.outage.is_over().await => {}
                known => return known,
            }
        }
        let mut asking = std::pin::pin!(asking);
        let error = tokio::select! {
            biased;
            answer = &mut asking => match answer {
                Err(error) if error.is_unreachable() => error,
                answer => return answer,
            },
            () = self.silence(|| 0) => return self.known_last(path).await,
        };
        if self.outage.is_cut_off().await { self.known_last(path).await } else { Err(error) }
    }

    /// Returns when nothing was heard for a while, by what has arrived, and the service cannot be reached.
    pub(crate) async fn silence(&self, arrived: impl Fn() -> usize) {
        let mut before = arrived();
        loop {
            tokio::time::sleep(self.config.silence).await;
            let now = arrived();
            if std::mem::replace(&mut before, now) == now && self.outage.is_cut_off().await {
                return;
            }
        }
    }

    /// The root, as the service shows it. Where it cannot be reached and a former mount knew the root, this one begins offline,
    /// with that.
    pub(crate) async fn root_at_start(self: &Arc<Self>) -> Result<Meta> {
        let root = NodePath::root();
        let Some(known) = self.names.known(&root) else { return self.resolve(&root).await };
        let cause = match timeout(self.config.silence * PROOF, self.resolve(&root)).await {
            Ok(Err(error)) if error.is_unreachable() => error.to_string(),
            Ok(answer) => return answer,
            Err(_) => "it says nothing".to_owned(),
        };
        tracing::warn!(cause, "the service cannot be reached: mounted with what is cached");
        self.outage.decide(Some(self.clock.now()));
        Ok(known)
    }

    /// What is known of `path`, however old.
    pub(crate) async fn known_last(&self, path: &NodePath) -> Result<Meta> {
        self.check_known(path)?;
        let parent = path.parent();
        if let Some(parent) = &parent {
            self.names.load(parent).await?;
        }
        if let Some(meta) = self.names.known(path) {
            return Ok(meta);
        }
        if parent.is_some_and(|parent| self.names.was_listed(&parent)) && !self.names.has(path) {
            return Err(Error::NotFound(path.clone()));
        }
        Err(self.out_of_reach(path))
    }

    /// The error for what is not here.
    pub(crate) fn out_of_reach(&self, path: &NodePath) -> Error {
        let cause = "the service cannot be reached, and this is not in the cache".to_owned();
        Error::Unreachable { path: path.clone(), cause }
    }
}
