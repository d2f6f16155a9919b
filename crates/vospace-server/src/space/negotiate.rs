//! Negotiation: where to send or fetch the bytes of a file.
//!
//! A push makes the file at once if it is missing, so an empty file stands there even if no byte ever comes. Its
//! properties stay. The endpoints are pre-authorised URLs, or plain ones where the service has them.

use super::Space;
use super::walk::Leaf;
use crate::documents::TYPE;
use crate::fault::{Fault, FaultKind};
use crate::grants::Permit;
use crate::identity::Caller;
use crate::names;
use crate::profile::Bytes;
use crate::profile::names::Decoding;
use crate::profile::transfers::Https;
use crate::store::nodes::{Kind, Row};
use crate::store::{artifacts, properties};
use std::sync::Arc;
use std::time::Duration;
use vospace_client::xml::transfer::Protocol;

/// The end of the protocol URIs that ask for an upload.
const UPLOADS: [&str; 2] = ["#httpput", "#httpsput"];
/// What the database says to the second of two that make the same node.
const DUPLICATE_NODE: &str = "duplicate key value violates unique constraint \"node_parent_child\"";

const DOWNLOADS: [&str; 2] = ["#httpget", "#httpsget"];

/// Which way the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client into the space.
    Push,
    /// To the client.
    Pull,
}

/// A file that bytes may be sent to or fetched from.
#[derive(Clone, Debug)]
pub struct Negotiated {
    /// Which way.
    pub way: Way,
    /// The file.
    pub row: Row,
    /// Its path, links resolved.
    pub path: String,
    /// Who asked.
    pub caller: Caller,
    /// The job that ends when the bytes have passed, where byte URLs are good once.
    pub once: Option<String>,
}

impl Space {
    /// Finds, and for a push makes, the file.
    ///
    /// Where creations race, whether the file is there is looked up before it is made; of several at a time all but one
    /// then fail. `gap` is a pause between the two, for tests.
    pub async fn negotiate(
        self: &Arc<Self>,
        caller: Caller,
        path: String,
        way: Way,
        gap: Duration,
    ) -> Result<Negotiated, Fault> {
        let negotiated = match way {
            Way::Pull => self.pull(caller, path).await,
            Way::Push => self.push(caller, self.named(path), gap).await,
        }?;
        if self.profile.names.decoding == Decoding::Twice {
            // The endpoint is pasted together from the path, and fails for names that no URI can hold: by now the file
            // has been made.
            names::pasted(&negotiated.path)?;
        }
        Ok(negotiated)
    }

    async fn pull(self: &Arc<Self>, caller: Caller, path: String) -> Result<Negotiated, Fault> {
        let space = Arc::clone(self);
        let found = self.store.read(move |db| {
            let (walked, row) = space.find(db, &caller, &path, Leaf::Follow)?;
            if row.kind != Kind::Data {
                return Err(Fault::argument("target is not a data node"));
            }
            space.ask_groups(&space.rights_in(&caller, &walked), &row, false)?;
            if !space.may_read(&caller, &walked, &row) {
                return Err(Fault::denied(space.uri(&walked.path)));
            }
            if space.profile.transfers.unwritten_refused && artifacts::get(db, &row.storage)?.is_none() {
                let text = format!("{} is not on any storage device", space.uri(&walked.path));
                return Err(Fault::plain(400, text));
            }
            Ok(Negotiated { way: Way::Pull, row, path: walked.path, caller, once: None })
        });
        let found = found.await?;
        let row = self.refreshed(found.row).await?;
        Ok(Negotiated { row, ..found })
    }

    async fn push(self: &Arc<Self>, caller: Caller, path: String, gap: Duration) -> Result<Negotiated, Fault> {
        let space = Arc::clone(self);
        let missing = self.profile.creation_race && {
            let (finder, user, wanted) = (Arc::clone(self), caller.clone(), path.clone());
            let looked = self.store.read(move |db| finder.walk(db, &user, &wanted, Leaf::Follow)).await;
            looked.is_ok_and(|walked| walked.leaf.is_none())
        };
        if !gap.is_zero() {
            tokio::time::sleep(gap).await;
        }
        self.store
            .write(move |tx| {
                let walked = space.walk(tx, &caller, &path, Leaf::Follow).map_err(|fault| match fault.kind() {
                    FaultKind::NodeNotFound => {
                        let parent = names::split(&path).map_or("/", |(parent, _)| parent);
                        Fault::new(FaultKind::ContainerNotFound, space.uri(parent))
                    }
                    _ => fault,
                })?;
                let row = match &walked.leaf {
                    Some(_) if missing => {
                        return Err(Fault::plain(500, format!("DuplicateKeyException: {DUPLICATE_NODE}")));
                    }
                    Some(row) if row.kind == Kind::Data => {
                        space.ask_groups(&space.rights_in(&caller, &walked), row, true)?;
                        if !space.may_write(&caller, &walked, row) || row.locked {
                            return Err(Fault::denied(space.uri(&walked.path)));
                        }
                        if space.profile.push_clears_properties {
                            let all = properties::all(tx, row.id)?;
                            for (uri, _) in all.into_iter().filter(|(uri, _)| uri != TYPE) {
                                properties::set(tx, row.id, &uri, None)?;
                            }
                        }
                        row.clone()
                    }
                    Some(_) => return Err(Fault::argument("transfer destination is not a data node")),
                    None => {
                        let parent = walked.parent().ok_or_else(|| Fault::internal("a path without a parent"))?;
                        space.require_parent(&caller, &walked, parent)?;
                        if space.profile.names.decoding == Decoding::Twice && space.profile.bytes == Bytes::InPlace {
                            // The file service fails before it makes anything.
                            names::pasted(&walked.path)?;
                        }
                        space.create_file(tx, &caller, &walked, true)?
                    }
                };
                // Only a quota of nothing is noticed: what is used is looked up where it is not kept.
                let quota = walked.chain.iter().rev().find_map(|container| container.quota);
                if quota == Some(0) {
                    return Err(Fault::new(FaultKind::QuotaExceeded, space.uri(&walked.path)));
                }
                Ok(Negotiated { way: Way::Push, row, path: walked.path, caller, once: None })
            })
            .await
    }

    /// The protocols of the answer, with endpoints. None at all for a file without bytes at a byte service.
    pub async fn endpoints(
        self: &Arc<Self>,
        base: &str,
        file: &Negotiated,
        asked: &[Protocol],
    ) -> Result<Vec<Protocol>, Fault> {
        match self.profile.bytes {
            Bytes::InPlace => return Ok(self.file_endpoints(base, file, asked)),
            Bytes::AtJobs => return Ok(self.job_endpoints(base, file, asked)),
            Bytes::Redirected => {}
        }
        let sites = match file.way {
            Way::Push => self.sites_for_writing(),
            Way::Pull => {
                let (space, storage) = (Arc::clone(self), file.row.storage.clone());
                self.store.read(move |db| space.sites_for_reading(db, &storage)).await?
            }
        };
        Ok(self.byte_service_endpoints(base, file, asked, &sites))
    }

    fn byte_service_endpoints(
        &self,
        base: &str,
        file: &Negotiated,
        asked: &[Protocol],
        sites: &[usize],
    ) -> Vec<Protocol> {
        if file.way == Way::Pull && file.row.copied.length.unwrap_or(0) == 0 {
            return Vec::new();
        }
        let suitable = if file.way == Way::Push { UPLOADS } else { DOWNLOADS };
        let mut answer: Vec<Protocol> = Vec::new();
        for protocol in asked {
            // Whatever security methods were asked for, the URL is pre-authorised: repeated protocols collapse.
            let repeated = answer.iter().any(|other| other.uri == protocol.uri);
            if !repeated && suitable.iter().any(|end| protocol.uri.ends_with(end)) {
                answer.extend(sites.iter().map(|site| Protocol {
                    uri: protocol.uri.clone(),
                    endpoint: Some(self.byte_url(base, *site, file)),
                    security_methods: Vec::new(),
                }));
            }
        }
        answer
    }

    /// The URL of a file at a site of the byte service.
    pub fn byte_url(&self, base: &str, site: usize, file: &Negotiated) -> String {
        let artifact = format!("cadc:{}/{}", self.profile.service, file.row.storage);
        let permit = if file.way == Way::Push { Permit::Write } else { Permit::Read };
        let token = self.grants.sign(&artifact, permit, file.caller.name(), file.once.as_deref());
        format!("{}/files/{token}/{artifact}", self.sites.url(base, site))
    }

    fn file_endpoints(&self, base: &str, file: &Negotiated, asked: &[Protocol]) -> Vec<Protocol> {
        let permit = if file.way == Way::Push { Permit::Write } else { Permit::Read };
        let token = self.grants.sign(&file.path, permit, file.caller.name(), None);
        let path = names::raw_endpoint(&file.path);
        let files = format!("{base}/{}/files", self.profile.service);
        let preauth = format!("{files}/preauth:{token}{path}");
        let plain = format!("{files}{path}");
        let mut answer = Vec::new();
        for protocol in asked {
            let mut offer = |endpoint: &str| {
                answer.push(Protocol { endpoint: Some(endpoint.to_owned()), ..protocol.clone() });
            };
            match (protocol.security_methods.is_empty(), self.profile.transfers.preauthorized) {
                (true, true) => {
                    offer(&preauth);
                    if file.way == Way::Pull {
                        offer(&plain);
                    }
                }
                // Nobody knows who will come.
                (true, false) => {}
                (false, _) => offer(&plain),
            }
        }
        answer
    }

    /// One URL for the job, whatever is asked for.
    fn job_endpoints(&self, base: &str, file: &Negotiated, asked: &[Protocol]) -> Vec<Protocol> {
        let Some(job) = &file.once else { return Vec::new() };
        let [http, https] = if file.way == Way::Push { UPLOADS } else { DOWNLOADS };
        let habits = &self.profile.transfers;
        let url = format!("{base}/{}/{}/{job}", self.profile.service, habits.job_urls.door(file.way == Way::Push));
        let offered = |uri: &str| uri.ends_with(http) || (uri.ends_with(https) && habits.https == Https::Offered);
        let protocols = asked.iter().filter(|protocol| offered(&protocol.uri));
        protocols.map(|protocol| Protocol { endpoint: Some(url.clone()), ..protocol.clone() }).collect()
    }
}
