//! Records of jobs: what is on disk of them, one line of JSON each.
//!
//! Documents are kept as XML. The outcome of a negotiation is not kept: it is made anew when its details are fetched.

use super::{Job, Work};
use crate::fault::Fault;
use crate::identity::Caller;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use vospace_client::xml::job::Phase;
use vospace_client::xml::{read, transfer, write};

/// What a job does, as text.
#[derive(Debug, Deserialize, Serialize)]
enum Kept {
    Transfer(String),
    Remove(Option<String>),
    SetProperties(String),
}

/// A job as it is kept. Times are in milliseconds since 1970.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Record {
    owner: Option<String>,
    work: Option<Kept>,
    phase: String,
    fault: Option<Fault>,
    results: Vec<(String, String)>,
    created: i64,
    started: Option<i64>,
    ended: Option<i64>,
}

impl Record {
    /// The record of a job.
    pub(super) fn of(job: &Job) -> Record {
        let work = job.work.as_ref().map(|work| match work {
            Work::Transfer(transfer) => Kept::Transfer(transfer::write(transfer)),
            Work::Remove(target) => Kept::Remove(target.clone()),
            Work::SetProperties(node) => Kept::SetProperties(write::node(node, std::iter::empty())),
        });
        Record {
            owner: job.owner.name().map(str::to_owned),
            work,
            phase: job.phase.as_str().to_owned(),
            fault: job.fault.clone(),
            results: job.results.clone(),
            created: job.created.as_millisecond(),
            started: job.started.map(Timestamp::as_millisecond),
            ended: job.ended.map(Timestamp::as_millisecond),
        }
    }

    /// The job again; `None` if the record is of another version of this program.
    pub(super) fn job(self, id: String) -> Option<Job> {
        let work = match self.work {
            Some(Kept::Transfer(text)) => Some(Work::Transfer(transfer::read(text.as_bytes()).ok()?)),
            Some(Kept::Remove(target)) => Some(Work::Remove(target)),
            Some(Kept::SetProperties(text)) => {
                Some(Work::SetProperties(Box::new(read::read_node(text.as_bytes()).ok()?)))
            }
            None => None,
        };
        let time = |milliseconds| Timestamp::from_millisecond(milliseconds).ok();
        Some(Job {
            id,
            owner: self.owner.map_or(Caller::Anonymous, |name| Caller::User(Arc::from(name))),
            work,
            phase: Phase::parse(&self.phase)?,
            fault: self.fault,
            results: self.results,
            negotiated: None,
            // What was negotiated is forgotten, and made anew with another chance.
            spent: false,
            created: time(self.created)?,
            started: self.started.and_then(time),
            ended: self.ended.and_then(time),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_comes_back_as_it_was() {
        let document = b"<vos:transfer xmlns:vos=\"http://www.ivoa.net/xml/VOSpace/v2.0\">\
            <vos:target>vos://a~b/c</vos:target><vos:direction>vos://a~b/d</vos:direction>\
            <vos:keepBytes>false</vos:keepBytes></vos:transfer>";
        let transfer = transfer::read(document).unwrap();
        let mut job = Job::new(Caller::User(Arc::from("ada")), Some(Work::Transfer(transfer)), Phase::Error);
        job.fault = Some(Fault::denied("vos://a~b/c"));
        job.results.push(("a".to_owned(), "b".to_owned()));
        let text = serde_json::to_string(&Record::of(&job)).unwrap();
        let again = serde_json::from_str::<Record>(&text).unwrap().job(job.id.clone()).unwrap();
        assert_eq!((&again.owner, again.phase, &again.results), (&job.owner, job.phase, &job.results));
        assert_eq!(again.fault.unwrap().text(), "PermissionDenied: vos://a~b/c");
        let Some(Work::Transfer(transfer)) = again.work else { panic!() };
        assert_eq!((transfer.target(), transfer.keep_bytes), ("vos://a~b/c", Some(false)));
    }
}
