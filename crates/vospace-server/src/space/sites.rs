//! Sites: where the bytes are, and how the inventory of all sites hears of them.
//!
//! A PUT makes bytes and a record at one site. The inventory hears of it after the harvest delay, and only then do the
//! other sites get copies. With a delay of zero both happen before the PUT is answered, so that nobody sees a lag. Until
//! the inventory knows, a node shows its old values and reads may lead to old bytes. A site can be dead (the service
//! still sends clients there) or known to be down (it does not), on demand of a test.

use super::Space;
use crate::fault::Fault;
use crate::store::artifacts::{self, Artifact};
use crate::store::{blocking, copies, transactions};
use rusqlite::Connection;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// Whether a site answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteState {
    /// It does.
    Up,
    /// It does not, and nobody has noticed.
    Dead,
    /// It does not, and the service offers it no more.
    Down,
}

/// How the bytes of an artifact came in.
#[derive(Clone, Debug)]
pub enum Origin {
    /// In one PUT. `first` says that the site had nothing of the file when it began: two such at once end in a failure
    /// of the second (Vault, observed).
    Put {
        /// Whether there was nothing before.
        first: bool,
    },
    /// In this PUT transaction, which ends with it.
    Transaction(String),
}

/// The sites of a space.
#[derive(Debug)]
pub struct Sites {
    states: Vec<AtomicU8>,
    ports: OnceLock<Vec<u16>>,
}

impl Sites {
    /// So many sites that answer.
    pub fn new(count: usize) -> Sites {
        let states = (0..count.max(1)).map(|_| AtomicU8::new(0)).collect();
        Sites { states, ports: OnceLock::new() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.states.len()
    }

    /// The sites have these ports of their own. Only the first call counts.
    pub fn set_ports(&self, ports: Vec<u16>) {
        let _ = self.ports.set(ports);
    }

    /// The URL of a site, for a client that knows the service by this base.
    pub fn url(&self, base: &str, site: usize) -> String {
        match self.ports.get().and_then(|ports| ports.get(site)) {
            Some(port) => {
                let host = base.rfind(':').filter(|at| *at > base.rfind(['/', ']']).unwrap_or(0));
                let host = host.map_or(base, |at| &base[..at]);
                format!("{host}:{port}/{}", service_of(0))
            }
            None => format!("{base}/{}", service_of(site)),
        }
    }

    /// How a site is; `None` if it is not there.
    pub fn state(&self, site: usize) -> Option<SiteState> {
        Some(match self.states.get(site)?.load(Ordering::Relaxed) {
            0 => SiteState::Up,
            1 => SiteState::Dead,
            _ => SiteState::Down,
        })
    }

    /// Sets how a site is; tells whether it is there.
    pub fn set(&self, site: usize, state: SiteState) -> bool {
        let code = match state {
            SiteState::Up => 0,
            SiteState::Dead => 1,
            SiteState::Down => 2,
        };
        self.states.get(site).map(|cell| cell.store(code, Ordering::Relaxed)).is_some()
    }

    /// Those of these sites that the service offers, in random order.
    fn offered(&self, sites: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut keyed: Vec<(Uuid, usize)> = sites
            .into_iter()
            .filter(|site| matches!(self.state(*site), Some(SiteState::Up | SiteState::Dead)))
            .map(|site| (Uuid::new_v4(), site))
            .collect();
        keyed.sort_unstable();
        keyed.into_iter().map(|(_, site)| site).collect()
    }
}

/// The site of a service name: `minoc` is the first, `minoc2` the second.
pub fn site_of(service: &str) -> Option<usize> {
    match service.strip_prefix("minoc")? {
        "" => Some(0),
        number => number.parse::<usize>().ok()?.checked_sub(1).filter(|site| *site > 0),
    }
}

/// The service name of a site.
pub fn service_of(site: usize) -> String {
    if site == 0 { "minoc".to_owned() } else { format!("minoc{}", site + 1) }
}

impl Space {
    /// The sites that a new file may be written to, in random order.
    pub fn sites_for_writing(&self) -> Vec<usize> {
        self.sites.offered(0..self.store.sites())
    }

    /// The sites that the inventory lists for a file, in random order.
    pub fn sites_for_reading(&self, db: &Connection, storage: &str) -> Result<Vec<usize>, Fault> {
        Ok(self.sites.offered(copies::located(db, storage)?))
    }

    /// Makes an artifact whose bytes have come in true at a site, in one step, or drops them.
    pub async fn store_artifact(self: &Arc<Self>, site: usize, artifact: Artifact, from: Origin) -> Result<(), Fault> {
        let at_once = self.lags().harvest.is_zero();
        let (space, record, origin) = (Arc::clone(self), artifact.clone(), from.clone());
        let stored = self
            .store
            .write(move |tx| {
                match &origin {
                    Origin::Put { first: true } if copies::get(tx, site, &record.storage)?.is_some() => {
                        return Err(Fault::internal(
                            "org.springframework.dao.DuplicateKeyException: duplicate key value violates unique \
                             constraint \"uri_index\"",
                        ));
                    }
                    // With it in one step: whoever is not told of the commit can repeat it or has no need to.
                    Origin::Transaction(id) if !transactions::remove(tx, id)? => {
                        return Err(transactions::unknown(id));
                    }
                    _ => {}
                }
                let before = copies::replace(tx, site, &record, at_once)?;
                if at_once {
                    space.hear_of(tx, &record)?;
                }
                Ok(before)
            })
            .await;
        let space = Arc::clone(self);
        blocking(move || {
            let before = match stored {
                Ok(before) => before,
                Err(fault) => {
                    space.store.site(site).discard(&artifact.blob);
                    return Err(fault);
                }
            };
            if let Err(error) = space.store.site(site).publish(&artifact.blob) {
                // Another PUT may have replaced this one already, and removed its bytes: then both were true in turn.
                let replaced = !space.store.read_now(|db| copies::is_blob(db, site, &artifact.blob))?;
                if !(replaced && error.kind() == std::io::ErrorKind::NotFound) {
                    return Err(error.into());
                }
            }
            if let Some(before) = before {
                space.store.site(site).remove(&before);
            }
            if let Origin::Transaction(id) = from {
                space.store.site(site).remove_transaction(&id);
            }
            if at_once && space.store.sites() > 1 { space.replicate() } else { Ok(()) }
        })
        .await
    }

    /// The inventory learns of an artifact, unless it knows a later one.
    fn hear_of(&self, db: &Connection, artifact: &Artifact) -> Result<(), Fault> {
        let newer =
            artifacts::get(db, &artifact.storage)?.is_some_and(|known| known.content_date > artifact.content_date);
        if newer {
            return Ok(());
        }
        artifacts::replace(db, artifact)?;
        if self.refreshes_at_once() {
            self.refresh_row(db, artifact)?;
        }
        Ok(())
    }

    /// Every site gets what the inventory knows and it has not.
    fn replicate(&self) -> Result<(), Fault> {
        for site in 0..self.store.sites() {
            for (from, artifact) in self.store.read_now(|db| copies::missing(db, site))? {
                if self.store.site(site).copy_from(self.store.site(from), &artifact.blob).is_err() {
                    // Removed or replaced since it was looked up.
                    continue;
                }
                let before = self.store.write_now(|tx| copies::replace(tx, site, &artifact, true))?;
                if let Some(before) = before {
                    self.store.site(site).remove(&before);
                }
            }
        }
        Ok(())
    }

    /// One round of the worker that carries news from the sites to the inventory and bytes from site to site.
    pub async fn harvest(self: &Arc<Self>) -> Result<(), Fault> {
        let space = Arc::clone(self);
        blocking(move || {
            // What was heard of in the last round is copied in this one: copies lag behind the news.
            space.replicate()?;
            let oldest = super::now() - i64::try_from(space.lags().harvest.as_millis()).unwrap_or(i64::MAX);
            space.store.write_now(|tx| {
                for artifact in copies::unharvested(tx)? {
                    if artifact.content_date <= oldest {
                        space.hear_of(tx, &artifact)?;
                        copies::harvested(tx, &artifact.blob)?;
                    }
                }
                Ok(())
            })?;
            // Without a lag there is no next round.
            if space.lags().harvest.is_zero() { space.replicate() } else { Ok(()) }
        })
        .await
    }

    /// Removes what a site has of a file, as its byte service does for the holder of a write URL.
    pub async fn remove_copy(self: &Arc<Self>, site: usize, storage: String) -> Result<bool, Fault> {
        let key = storage.clone();
        let blob = self
            .store
            .write(move |tx| {
                let blob = copies::remove(tx, site, &key)?;
                if copies::located(tx, &key)?.is_empty() {
                    artifacts::remove(tx, &key)?;
                }
                Ok(blob)
            })
            .await?;
        let found = blob.is_some();
        if let Some(blob) = blob {
            self.store.site(site).remove(&blob);
        }
        Ok(found)
    }
}
