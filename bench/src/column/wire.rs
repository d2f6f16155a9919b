//! The service without a client: the requests that the work cannot do without, one after the other on one connection.
//! It is what "service time" means, and the measure of what looking ahead gains.

use std::path::Path;

use anyhow::Result;

use super::{Access, Column, Session};
use crate::link::Link;
use crate::service::Profile;
use crate::stage::Stage;

/// Plain HTTP.
#[derive(Debug)]
pub(crate) struct Wire;

impl Column for Wire {
    fn name(&self) -> &'static str {
        "wire"
    }

    fn about(&self) -> &'static str {
        "plain HTTP without any client: only the requests that cannot be done without, one after the other"
    }

    fn absent(&self, _: &Stage) -> Option<String> {
        None
    }

    fn open(&self, stage: &Stage, place: &Path, profile: Profile, link: Link) -> Result<Session> {
        let service = stage.service(place, profile, link, false)?;
        Ok(Session::over(Access::Wire(service.base.clone()), service))
    }
}
