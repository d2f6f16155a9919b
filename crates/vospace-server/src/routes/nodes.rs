//! `/nodes`: documents of nodes, and listings.
//!
//! A listing is streamed page by page: a container of any size is never in memory, and no connection of the store is
//! held while the client reads. If a child fails, the listing ends before it, well-formed and with status 200: so do
//! Vault and Cavern, whose XML library swallows what fails behind it (observed). Absence from a listing proves nothing.

use crate::call::{Call, refuse};
use crate::documents;
use crate::fault::{Fault, FaultKind};
use crate::faults::documents::distort;
use crate::faults::effect::ListingForm;
use crate::faults::{self, Effect};
use crate::identity::Caller;
use crate::names;
use crate::profile::Listing;
use crate::profile::documents::Children;
use crate::profile::links::Within;
use crate::profile::names::Root;
use crate::replies::{not_allowed, not_mounted, ok, see_other};
use crate::routes::reading;
use crate::space::Space;
use crate::space::document::Detail;
use crate::space::walk::{Leaf, Walked};
use crate::store::nodes::{self, From, Kind, NodeId, Row};
use axum::body::{Body, Bytes};
use axum::http::{Method, Response, StatusCode};
use futures_util::stream;
use rusqlite::Connection;
use std::sync::Arc;
use vospace_client::node::Node;
use vospace_client::uri::VosUri;

/// Children read from the store at once: some 300 kB of text.
const PAGE: usize = 500;

/// Longest node document that is taken, as observed.
const LONGEST_DOCUMENT: usize = 32 << 10;

/// All methods of the resource.
pub async fn serve(call: Call, space: Arc<Space>) -> Result<Response<Body>, Fault> {
    let path = match path_of(&call, &space) {
        Ok(path) => path,
        Err(fault) => return refuse(call.body(), fault).await,
    };
    match call.method {
        Method::GET => get(&call, space, path).await,
        Method::PUT => {
            let (node, kind) = document(&call, &space, &path, FaultKind::InvalidUri).await?;
            if space.profile.access.anonymous_creation_fails && call.caller == Caller::Anonymous {
                return Err(Fault::internal("java.lang.NullPointerException: no token"));
            }
            let node = space.create(call.caller, path, node).await?;
            let mut text = documents::whole(&space, &node);
            if let Some(kind) = kind {
                // The answer still says what was asked for.
                text = text.replace("vos:DataNode", kind);
            }
            let mut bytes = text.clone().into_bytes();
            if space.profile.documents.cut_by_characters {
                // The length is counted in characters, and the body is cut at it.
                bytes.truncate(text.chars().count());
            }
            let mut response = ok("text/xml", bytes);
            *response.status_mut() = StatusCode::CREATED;
            Ok(response)
        }
        Method::POST => {
            let (node, _) = document(&call, &space, &path, FaultKind::InvalidArgument).await?;
            let gap = faults::gap(call.effect.as_ref());
            let change = node.clone();
            let node = space.set_properties(call.caller, path, node, gap).await?;
            let shown = if space.profile.documents.change_only { change } else { node };
            Ok(ok("text/xml", documents::whole(&space, &shown)))
        }
        Method::DELETE => {
            if space.profile.delete_is_recursive {
                return remove_all(call, space, path).await;
            }
            space.remove(call.caller, path).await?;
            Ok(Response::new(Body::empty()))
        }
        _ => Ok(not_allowed(&call.method, "GET, PUT, POST, DELETE")),
    }
}

/// The path of the node that a request names. The root may be out of reach.
fn path_of(call: &Call, space: &Space) -> Result<String, Fault> {
    let path = space.path_from(&call.rest)?;
    match space.profile.names.root {
        _ if path != "/" => Ok(path),
        Root::WithSlash if call.rest.is_empty() => Err(not_mounted()),
        Root::Fails => Err(Fault::internal("the root is no node")),
        Root::Listed | Root::WithSlash => Ok(path),
    }
}

/// Removes a node and, if it is a container, everything in it.
async fn remove_all(call: Call, space: Arc<Space>, path: String) -> Result<Response<Body>, Fault> {
    let (finder, caller, wanted) = (Arc::clone(&space), call.caller.clone(), path.clone());
    let (_, row) = space.store.read(move |db| finder.find(db, &caller, &wanted, Leaf::Keep)).await?;
    if row.kind == Kind::Container {
        let counts = space.remove_tree(call.caller, path.clone(), Arc::default()).await?;
        if counts.failed > 0 {
            return Err(Fault::denied(format!("{} nodes in {} stay", counts.failed, space.uri(&path))));
        }
    } else {
        space.remove(call.caller, path).await?;
    }
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    Ok(response)
}

/// Reads the document of the request and compares its URI with the path; says which type it names if that is one that
/// is echoed and not kept.
async fn document(
    call: &Call,
    space: &Space,
    path: &str,
    mismatch: FaultKind,
) -> Result<(Node, Option<&'static str>), Fault> {
    if call.is_form() {
        return Err(Fault::argument("no node document"));
    }
    let bytes = call.take_body(LONGEST_DOCUMENT).await?;
    let (node, kind) = reading::node(&bytes, space)?;
    let named = VosUri::new(space.authority(), path);
    if node.uri != named {
        let text = format!(
            "invalid input: vos URI mismatch: doc={} and path={}",
            space.written(&node.uri),
            space.written(&named)
        );
        return Err(Fault::new(mismatch, text));
    }
    Ok((node, kind))
}

async fn get(call: &Call, space: Arc<Space>, path: String) -> Result<Response<Body>, Fault> {
    if call.parameter("view").as_deref() == Some("data") && space.profile.resources.files {
        let files = format!("{}/{}/files{}", call.base, space.profile.service, names::encoded(&path));
        return Ok(see_other(&files));
    }
    let detail = Detail::of(call.parameter("detail").as_deref(), &space)?;
    // Where a limit has to be above zero, that is looked at before the node is.
    let cut = if space.profile.listing == Listing::Cut { Some(Page::of(call, &space, &path)?) } else { None };
    let (finder, caller, wanted) = (Arc::clone(&space), call.caller.clone(), path.clone());
    let found = space.store.read(move |db| finder.find(db, &caller, &wanted, Leaf::Keep)).await;
    let (walked, row) = found.map_err(|fault| match (fault.kind(), space.profile.links.within) {
        (FaultKind::LinkFound, Within::RefusedOrNotFound) => Fault::new(FaultKind::NodeNotFound, space.uri(&path)),
        _ => fault,
    })?;
    if row.kind == Kind::Container {
        let mut page = match cut {
            Some(page) => page,
            None => Page::of(call, &space, &path)?,
        };
        match call.effect {
            Some(Effect::TruncateListing(children)) => {
                page.remaining = page.remaining.min(usize::try_from(children).unwrap_or(usize::MAX));
            }
            Some(Effect::Listing(ListingForm::Unlimited)) => page.remaining = usize::MAX,
            Some(Effect::Listing(ListingForm::NoMarker)) if call.parameter("uri").is_some() => {
                return Err(no_marker());
            }
            _ => {}
        }
        space.ask_groups(&space.rights_in(&call.caller, &walked), &row, false)?;
        if !space.profile.unreadable_looks_empty && !space.may_see(&call.caller, &walked, &row) {
            return Err(Fault::denied(space.uri(&path)));
        }
        let effect = call.effect.clone();
        return Contents::new(space, call.caller.clone(), walked, row, detail, page, effect).answer().await;
    }
    space.require_writable_target(&row, &walked.path)?;
    let row = space.refreshed(row).await?;
    let (writer, caller) = (Arc::clone(&space), call.caller.clone());
    let mut node =
        space.store.read(move |db| writer.document_for(db, &caller, &walked, &row, &walked.path, detail)).await?;
    distort(call.effect.as_ref(), &mut node);
    Ok(ok("text/xml", documents::whole(&space, &node)))
}

/// What a service without pages says to a request for the next one.
fn no_marker() -> Fault {
    let text = "batch container node listing: limit ignored, resume not implemented";
    Fault::new(FaultKind::OptionNotSupported, text)
}

impl Space {
    /// The document of a row for a caller, with the allocation that the walk found.
    fn document_for(
        &self,
        db: &Connection,
        caller: &Caller,
        walked: &Walked,
        row: &Row,
        path: &str,
        detail: Detail,
    ) -> Result<Node, Fault> {
        self.document(db, row, path, detail, &self.rights_in(caller, walked))
    }
}

/// Which children are wanted.
struct Page {
    from: From,
    remaining: usize,
}

impl Page {
    fn of(call: &Call, space: &Space, path: &str) -> Result<Page, Fault> {
        let limit = call.parameter("limit");
        let from_start = |remaining| Page { from: From::Name(String::new(), true), remaining };
        match space.profile.listing {
            Listing::Unpaged => return Ok(from_start(usize::MAX)),
            Listing::Cut => {
                return match limit.as_deref().map(str::parse) {
                    None => Ok(from_start(usize::MAX)),
                    Some(Ok(limit)) if limit > 0 => Ok(from_start(limit)),
                    Some(_) => Err(Fault::new(FaultKind::InvalidUri, "limit has to be above zero")),
                };
            }
            Listing::Paged | Listing::Whole => {}
        }
        if let Some(sort) = call.parameter("sort") {
            return Err(Fault::plain(400, format!("sort by {sort}")));
        }
        if let Some(order) = call.parameter("order") {
            return Err(Fault::plain(400, format!("sort order {order}")));
        }
        let limit = match limit {
            None => usize::MAX,
            Some(text) => text.parse().map_err(|_| Fault::argument("value for limit must be a positive integer."))?,
        };
        let marker = call.parameter("uri");
        if space.profile.listing == Listing::Paged {
            let from = match marker {
                None => From::Name(String::new(), true),
                Some(uri) => From::Name(child_name(&uri, path)?, true),
            };
            return Ok(Page { from, remaining: limit.min(space.profile.longest_page) });
        }
        if let Some(uri) = marker.filter(|uri| !uri.is_empty() && limit != 0) {
            child_name(&uri, path)?;
            return Err(no_marker());
        }
        let remaining = if limit == 0 { 0 } else { usize::MAX };
        Ok(Page { from: From::Arrival(NodeId(0)), remaining })
    }
}

fn child_name(uri: &str, path: &str) -> Result<String, Fault> {
    let uri = VosUri::from_wire(uri).map_err(|error| Fault::plain(400, format!("invalid uri: {error}")))?;
    match names::split(uri.path()) {
        Some((parent, name)) if parent == path => Ok(name.to_owned()),
        _ => Err(Fault::new(FaultKind::InvalidUri, format!("{} is not a child of {path}", uri.to_wire()))),
    }
}

/// A container that is being written.
struct Contents {
    space: Arc<Space>,
    caller: Caller,
    walked: Arc<Walked>,
    row: Row,
    detail: Detail,
    bare: bool,
    from: From,
    remaining: usize,
    ended: bool,
    effect: Option<Effect>,
}

impl Contents {
    fn new(
        space: Arc<Space>,
        caller: Caller,
        walked: Walked,
        row: Row,
        detail: Detail,
        page: Page,
        effect: Option<Effect>,
    ) -> Contents {
        // Who may not read a container sees it without children, and is not told.
        let children = space.profile.documents.children;
        let shown =
            space.may_see(&caller, &walked, &row) && !(children == Children::BareUnlessAll && detail == Detail::Min);
        let remaining = if shown { page.remaining } else { 0 };
        let bare = match children {
            Children::AsAsked => false,
            Children::Bare => true,
            Children::BareUnlessAll => detail != Detail::Max,
        };
        let walked = Arc::new(walked);
        Contents { space, caller, walked, row, detail, bare, from: page.from, remaining, ended: false, effect }
    }

    async fn answer(mut self) -> Result<Response<Body>, Fault> {
        let (writer, caller, walked) = (Arc::clone(&self.space), self.caller.clone(), Arc::clone(&self.walked));
        let (row, detail) = (self.row.clone(), self.detail);
        let mut container = self
            .space
            .store
            .read(move |db| writer.document_for(db, &caller, &walked, &row, &walked.path, detail))
            .await?;
        distort(self.effect.as_ref(), &mut container);
        let mut text = documents::open(&self.space, &container);
        if let Err(fault) = self.append(&mut text).await {
            tracing::error!(%fault, "a listing ends before its first child");
            self.ended = true;
        }
        let end = documents::close(&container);
        if self.ended {
            text.push_str(end);
            return Ok(ok("text/xml", text));
        }
        let first = stream::iter([Ok::<Bytes, Fault>(Bytes::from(text))]);
        let others = stream::try_unfold(self, move |mut contents| async move {
            if contents.ended {
                return Ok(None);
            }
            let mut text = String::new();
            if let Err(fault) = contents.append(&mut text).await {
                tracing::error!(%fault, "a listing ends before its end");
                contents.ended = true;
            }
            if contents.ended {
                text.push_str(end);
            }
            Ok::<_, Fault>(Some((Bytes::from(text), contents)))
        });
        Ok(ok("text/xml", Body::from_stream(futures_util::StreamExt::chain(first, others))))
    }

    /// Appends the next page.
    async fn append(&mut self, text: &mut String) -> Result<(), Fault> {
        let count = self.remaining.min(PAGE);
        if count == 0 {
            self.ended = true;
            return Ok(());
        }
        let (space, caller, walked) = (Arc::clone(&self.space), self.caller.clone(), Arc::clone(&self.walked));
        let (container, from, effect) = (self.row.id, self.from.clone(), self.effect.clone());
        let bare = self.bare;
        let detail = if bare { Detail::Min } else { self.detail };
        let (page, found, next) = self
            .space
            .store
            .read(move |db| {
                let rows = nodes::children(db, container, &from, count)?;
                let next = rows.last().map(|row| match from {
                    From::Name(..) => From::Name(row.name.clone(), false),
                    From::Arrival(_) => From::Arrival(row.id),
                });
                let found = rows.len();
                let mut page = String::with_capacity(found * 640);
                for row in rearranged(rows, effect.as_ref()) {
                    let path = names::join(&walked.path, &row.name);
                    let document = space
                        .require_writable_target(&row, &path)
                        .and_then(|()| space.document_for(db, &caller, &walked, &row, &path, detail));
                    let mut child = match document {
                        Ok(child) => child,
                        // It is in the log as a failure; the listing just ends.
                        Err(_) => return Ok((page, count, None)),
                    };
                    distort(effect.as_ref(), &mut child);
                    page.push_str(&documents::child(&space, &child, bare));
                }
                Ok((page, found, next))
            })
            .await?;
        text.push_str(&page);
        self.remaining -= found;
        self.ended = found < count || self.remaining == 0 || next.is_none();
        if let Some(next) = next {
            self.from = next;
        }
        Ok(())
    }
}

/// The children of a page in the order in which they are shown.
fn rearranged(mut rows: Vec<Row>, effect: Option<&Effect>) -> Vec<Row> {
    match effect {
        Some(Effect::Listing(ListingForm::Duplicates)) => rows.splice(..0, rows.first().cloned()).for_each(drop),
        Some(Effect::Listing(ListingForm::Reversed)) => rows.reverse(),
        _ => {}
    }
    rows
}
