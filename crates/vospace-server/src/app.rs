//! What every request may need: the spaces, the users, and where the service is reached.

use crate::answering::{Answer, Answering, Entrance};
use crate::control::Control;
use crate::identity::Users;
use crate::issuer::Issuer;
use crate::listening::Door;
use crate::profile::Bytes as ByteHabit;
use crate::shaping::Shaper;
use crate::space::Space;
use axum::http::{HeaderMap, header};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Everything that a request may need.
#[derive(Debug)]
pub struct App {
    /// The spaces of this process.
    pub spaces: Vec<Arc<Space>>,
    /// The users.
    pub users: Users,
    /// The issuer of the tokens of those services that leave them to one.
    pub issuer: Option<Issuer>,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// The folder with the certificate authority.
    pub authority: PathBuf,
    /// Host and port for requests that name none.
    pub host: String,
    /// The control resource, if it is on.
    pub control: Option<Control>,
    /// How slow the network seems to be.
    pub shaper: Shaper,
    /// How long a client may be silent within a body.
    pub patience: Duration,
    /// The ports that the byte sites have of their own, or nothing.
    pub site_doors: OnceLock<Vec<Door>>,
}

impl App {
    /// The byte sites are at these ports from now on, and no more at that of the service.
    pub fn open_sites(&self, doors: Vec<Door>) {
        for space in &self.spaces {
            space.sites.set_ports(doors.iter().map(|door| door.address().port()).collect());
        }
        // Once, at the start.
        let _ = self.site_doors.set(doors);
    }

    /// Opens or shuts the port of a site, if it has one.
    pub async fn set_site(self: &Arc<Self>, site: usize, up: bool) -> std::io::Result<()> {
        match self.site_doors.get().and_then(|doors| doors.get(site)) {
            Some(door) if up => {
                door.open(Answering { answer: Arc::clone(self) as Arc<dyn Answer>, entrance: Entrance::Site(site) })
            }
            Some(door) => {
                door.shut().await;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Lets the requests at the sites end, and takes no more.
    pub async fn close_sites(&self) {
        let doors = self.site_doors.get().into_iter().flatten();
        futures_util::future::join_all(doors.map(Door::close)).await;
    }

    /// Whether the byte sites have ports of their own.
    pub fn has_site_doors(&self) -> bool {
        self.site_doors.get().is_some_and(|doors| !doors.is_empty())
    }

    /// The space of this service name.
    pub fn space(&self, service: &str) -> Option<&Arc<Space>> {
        self.spaces.iter().find(|space| space.profile.service == service)
    }

    /// The spaces whose bytes are at the byte service.
    pub fn redirected(&self) -> impl Iterator<Item = &Arc<Space>> {
        self.spaces.iter().filter(|space| space.profile.bytes == ByteHabit::Redirected)
    }

    /// The URL of this server as the client knows it: with its `Host`, so that tunnels and names work.
    pub fn base(&self, headers: &HeaderMap) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or(&self.host);
        format!("{scheme}://{host}")
    }
}
