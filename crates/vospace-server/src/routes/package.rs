//! Packages: files and trees as one tar or zip.
//!
//! A transfer with the view of packages makes a SUSPENDED job; `GET /pkg/JOB/run` streams the archive, once. What the
//! caller may not read is left out silently, and so are links, but for symbolic ones within the tree, in a tar.

use crate::archive::{Archive, Format};
use crate::call::Call;
use crate::fault::Fault;
use crate::identity::Caller;
use crate::jobs::Work;
use crate::names;
use crate::profile::Bytes;
use crate::replies::{not_allowed, ok};
use crate::space::relocate::is_below;
use crate::space::walk::{Leaf, Walked};
use crate::space::{Space, links};
use crate::store::blob::Blob;
use crate::store::nodes::{self, From, Kind, NodeId, Row};
use crate::store::{artifacts, copies};
use crate::streaming;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, header};
use std::io::{self, Write};
use std::sync::Arc;
use vospace_client::xml::job::Phase;

/// The view that asks for a package.
pub const VIEW: &str = "vos://cadc.nrc.ca~vospace/CADC/std/Pkg-1.0";

/// The parameter with the media type of the archive.
const FORMAT: &str = "ivo://ivoa.net/vospace/core#format";

/// `/pkg/JOB/run`.
pub async fn serve(call: Call, space: Arc<Space>) -> Result<Response<Body>, Fault> {
    if call.method != Method::GET {
        return Ok(not_allowed(&call.method, "GET"));
    }
    let id = call.rest.trim_matches('/').strip_suffix("/run").unwrap_or_default().to_owned();
    let job = space.jobs.get(&id).ok_or_else(|| Fault::plain(404, format!("job not found: {id}")))?;
    if job.owner != Caller::Anonymous && job.owner != call.caller {
        return Err(Fault::denied(id));
    }
    let Some(Work::Transfer(transfer)) = job.work else { return Err(Fault::argument("not a package")) };
    if job.phase != Phase::Suspended {
        return Err(Fault::argument(format!("job is {}, not SUSPENDED", job.phase.as_str())));
    }
    space.jobs.change(&id, |job| job.phase = Phase::Executing);
    let wanted = transfer.params.iter().find(|(uri, _)| uri == FORMAT).map(|(_, value)| value.as_str());
    let Some(format) = Format::of(wanted) else {
        space.jobs.fail(&id, Fault::argument(format!("unsupported format: {}", wanted.unwrap_or_default())));
        return Ok(Response::new(Body::empty()));
    };
    let paths = transfer.targets.iter().map(|target| space.path_of(target)).collect::<Result<Vec<_>, _>>()?;
    let own = paths.first().filter(|_| paths.len() == 1).and_then(|path| names::split(path)).map(|(_, name)| name);
    let file = format!("{}-download-{}.{}", space.profile.service, own.unwrap_or(&id), format.extension());
    let packer = Packer { space: Arc::clone(&space), caller: call.caller.clone() };
    let body = streaming::body(move |out| {
        let written = packer.write(format, &paths, out);
        packer.space.jobs.change(&id, |job| match &written {
            Ok(()) => job.phase = Phase::Completed,
            Err(error) => {
                job.phase = Phase::Error;
                job.fault = Some(Fault::plain(500, error.to_string()));
            }
        });
        written
    });
    let mut response = ok(format.media_type(), body);
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{file}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// Whether the target of a link is in the tree that is packed.
fn is_inside(target: &Result<String, Fault>, tree: &str) -> bool {
    target.as_ref().is_ok_and(|target| is_below(target, tree))
}

struct Packer {
    space: Arc<Space>,
    caller: Caller,
}

impl Packer {
    fn write(&self, format: Format, paths: &[String], out: &mut dyn Write) -> io::Result<()> {
        let mut archive = Archive::new(format, out);
        for path in paths {
            let found = self.space.store.read_now(|db| self.space.find(db, &self.caller, path, Leaf::Follow));
            // A target that is missing leaves an empty archive (Cavern, observed).
            let Ok((walked, row)) = found else { continue };
            let name = row.name.clone();
            let mut waiting = vec![(row, name)];
            while let Some((row, name)) = waiting.pop() {
                if !self.space.may_read(&self.caller, &walked, &row) {
                    continue;
                }
                self.entry(&mut archive, &walked, row, &name, &mut waiting).map_err(io::Error::other)?;
            }
        }
        archive.finish()
    }

    fn entry(
        &self,
        archive: &mut Archive<'_>,
        walked: &Walked,
        row: Row,
        name: &str,
        waiting: &mut Vec<(Row, String)>,
    ) -> Result<(), Fault> {
        let seconds = u64::try_from(row.modified / 1000).unwrap_or_default();
        match row.kind {
            Kind::Link => {
                let above = walked.path.rsplit_once('/').map_or("", |(above, _)| above);
                let path = format!("{above}/{name}");
                let target = self.space.profile.links.symbolic.then(|| self.space.linked_path(&row, &path));
                // Wrong by one level: relative to the link and not to what it is in (Cavern, observed).
                if let Some(Ok(target)) = target.filter(|target| is_inside(target, &walked.path)) {
                    archive.link(name, &links::relative(&path, &target), seconds)?;
                }
            }
            Kind::Data => {
                let content = self.open(&row)?;
                let length = content.as_ref().map_or(Ok(0), Blob::length)?;
                match content {
                    Some(file) => archive.file(name, length, seconds, file)?,
                    None => archive.file(name, 0, seconds, io::empty())?,
                }
            }
            Kind::Container => {
                // The root has no name; what is in it stands at the top.
                if !name.is_empty() {
                    archive.directory(name, seconds)?;
                }
                tracing::debug!(path = %walked.path, name, "packing");
                let list = |db: &_| nodes::children(db, row.id, &From::Arrival(NodeId(0)), usize::MAX);
                let children = self.space.store.read_now(list)?;
                waiting.extend(children.into_iter().rev().map(|child| {
                    let path = if name.is_empty() { child.name.clone() } else { format!("{name}/{}", child.name) };
                    (child, path)
                }));
            }
        }
        Ok(())
    }

    /// The bytes of a file; `None` if it has none.
    fn open(&self, row: &Row) -> Result<Option<Blob>, Fault> {
        let store = &self.space.store;
        let (site, blob) = match self.space.profile.bytes {
            Bytes::InPlace => (0, row.storage.clone()),
            Bytes::Redirected | Bytes::AtJobs => {
                let found = store.read_now(|db| {
                    Ok((copies::located(db, &row.storage)?.first().copied(), artifacts::get(db, &row.storage)?))
                })?;
                let (Some(site), Some(artifact)) = found else { return Ok(None) };
                (site, artifact.blob)
            }
        };
        match store.site(site).open_blob(&blob) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
