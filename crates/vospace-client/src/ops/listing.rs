//! The children of a container, as they arrive.
//!
//! A listing that broke off can look complete: the CADC services close their tags when a child cannot be read, with
//! status 200. Where the service pages, the end of a listing is therefore proved: from the last name on there must be
//! that one name alone (pages begin *at* the name given, VOSpace 2.1 §6.2.1). Where it does not page, nothing can be
//! proved, and callers must not take absence for deletion.
//!
//! Whether a service pages is learned: one that does keeps `limit` and begins a page where `uri` says. One that ignores
//! `uri` (pyvospace, Astro Data Lab, observed) shows the first names again; then everything is asked for at once.
//!
//! A listing may name its children and say nothing more of them (pyvospace, observed). Then each is asked for singly, some
//! at a time, and that is remembered.
//!
//! Such a listing may also have names as they are, where a `%` is a character like others (pyvospace, observed): `a%41` read
//! as others mean it would be `aA`, which is no node, or another. What a listing shows is never left out for that: see
//! [`singly`].

use std::collections::HashSet;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::future::{self, BoxFuture, FutureExt as _};
use futures_util::stream::FuturesOrdered;
use futures_util::{Stream, StreamExt as _, stream};
use reqwest::Url;
use tokio::io::AsyncBufRead;

use super::stat::{self, broken};
use crate::dialect::{Learned, NamesInDocuments};
use crate::http::{Grant, Request};
use crate::inner::Inner;
use crate::node::{Node, NodeKind};
use crate::service::Service;
use crate::uri::VosUri;
use crate::xml::XmlError;
use crate::xml::read::ListingReader;
use crate::{Error, ErrorKind, Result};

/// Children per page: few requests for large containers, and a broken page costs little to repeat.
const PAGE: usize = 5000;
/// Children asked for to prove the end: the last one, and one that must not be there.
const PROOF: usize = 2;
/// How often a listing is taken up again from the last name after its connection was lost.
const RESUMPTIONS: u32 = 3;

/// Children that are asked for singly at a time: enough to hide a round trip, few enough for a small service.
const AT_ONCE: usize = 8;

/// Children of one container, at most. The largest that are known have some hundred thousand; a service that goes on beyond
/// this would fill the memory of whoever keeps them. (Tests come to it sooner.)
const MOST_CHILDREN: usize = if cfg!(test) { 3 * PAGE } else { 10_000_000 };

/// The children of a container, as they arrive.
pub type NodeStream = Pin<Box<dyn Stream<Item = Result<Node>> + Send + 'static>>;

type Reader = ListingReader<Box<dyn AsyncBufRead + Send + Unpin>>;

/// Whether children that a listing only names are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fill {
    Always,
    /// Children are as the service shows them; a link may lack its target.
    Never,
}

pub(crate) fn list(inner: Arc<Inner>, uri: VosUri, fill: Fill) -> NodeStream {
    let listing = Listing {
        inner,
        uri,
        service: None,
        page: None,
        last: None,
        first_names: HashSet::new(),
        markers: HashSet::new(),
        size: Size::First,
        resumptions: 0,
        given: 0,
        asked: FuturesOrdered::new(),
        bare: Bare::NotSeen,
        fill,
        ended: false,
    };
    stream::unfold(Some(listing), |listing| async move {
        let mut listing = listing?;
        match listing.next().await {
            Ok(Some(node)) => Some((Ok(node), Some(listing))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// Whether something is in a container.
///
/// # Errors
/// `NotAContainer` and what else went wrong; a listing that breaks off before its first child is one.
pub(crate) async fn has_children(inner: &Arc<Inner>, service: &Service, uri: &VosUri) -> Result<bool> {
    let mut url = service.node(uri)?;
    // Who ignores the limit sends more, of which the beginning is read.
    url.query_pairs_mut().append_pair("limit", "1");
    let response = inner.http.begin(&Request::get(url, Grant::Caller)).await?;
    let mut reader = ListingReader::new(response.reader());
    let container = reader.container().await.map_err(|error| broken(uri, &error))?;
    service.note_node(&container, reader.manner());
    if !container.is_container() {
        return Err(Error::node(ErrorKind::NotAContainer, uri, "it is no container"));
    }
    Ok(reader.next().await.map_err(|error| broken(uri, &error))?.is_some())
}

/// What children without properties turned out to be in this listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bare {
    /// There was none that tells.
    NotSeen,
    /// Asked for singly they have properties.
    Listed,
    /// Asked for singly they have none either.
    Really,
}

/// What the next request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    /// The first page, or everything if the service is known not to page.
    First,
    /// A further page.
    Page,
    /// The end to be proved.
    Proof,
    /// Everything, because paging turned out not to work after a full first page.
    Whole,
}

struct Page {
    reader: Reader,
    /// None when no limit was sent.
    limit: Option<usize>,
    /// It begins at a name.
    continued: bool,
    /// Children in it so far, the repeated one included.
    count: usize,
    /// Those that were not known before.
    fresh: usize,
}

/// A child as the listing has it.
struct Shown {
    node: Node,
    /// Its name as it stands there, where that is another than it was read as: nobody knows which of them is meant.
    written: Option<String>,
}

/// What became of the question for one child.
enum Single {
    /// As the service shows it by itself.
    Told(Node),
    /// As the listing has it: it may not be read, or no request can name it.
    Untold(Node),
    /// It is not there any more.
    Gone,
}

impl Single {
    fn node(self) -> Option<Node> {
        match self {
            Single::Told(node) | Single::Untold(node) => Some(node),
            Single::Gone => None,
        }
    }
}

/// A child asked for by itself. One that may not be read keeps its name and kind. One that
/// cannot be had by the name that it was read as is called what the listing writes, and so is one for which the service shows
/// a node that it writes as the other was read.
async fn singly(inner: &Arc<Inner>, child: Shown) -> Result<Single> {
    let Shown { node: child, written } = child;
    let name = match stat::as_told(inner, &child.uri).await {
        Ok(told) => match written.filter(|_| last_name(&told.written) == child.uri.name()) {
            None => return Ok(Single::Told(told.node)),
            Some(other) => other,
        },
        Err(error) => match (error.kind(), written) {
            (ErrorKind::NotFound | ErrorKind::InvalidName, Some(written)) => written,
            (ErrorKind::NotFound, None) => return Ok(Single::Gone),
            (ErrorKind::PermissionDenied | ErrorKind::InvalidName, _) => return Ok(Single::Untold(child)),
            _ => return Err(error),
        },
    };
    Ok(child.uri.parent().map_or(Single::Gone, |parent| Single::Untold(Node { uri: parent.join(&name), ..child })))
}

/// The last name of a URI as it is written.
fn last_name(uri: &str) -> &str {
    uri.trim().trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

struct Listing {
    inner: Arc<Inner>,
    uri: VosUri,
    service: Option<Arc<Service>>,
    page: Option<Page>,
    /// Name of the last child, and its URI as the service writes it.
    last: Option<(String, String)>,
    /// Names of the first page, until it is clear that further pages can be had.
    first_names: HashSet<String>,
    /// Names from which pages were asked for: one that comes again shows a service that goes round in circles.
    markers: HashSet<String>,
    size: Size,
    resumptions: u32,
    /// Children that were handed out.
    given: usize,
    /// Children that are asked for singly, in the order of the listing; none for one that is gone.
    asked: FuturesOrdered<BoxFuture<'static, Result<Option<Node>>>>,
    bare: Bare,
    fill: Fill,
    /// The listing came to its end.
    ended: bool,
}

impl Listing {
    /// The next child with its properties.
    async fn next(&mut self) -> Result<Option<Node>> {
        loop {
            while !self.ended && self.asked.len() < AT_ONCE {
                let Some(child) = self.listed().await? else {
                    self.ended = true;
                    break;
                };
                let is_doubtful = child.written.is_some() && child.node.properties.is_empty();
                if !is_doubtful && !self.is_bare(&child.node) {
                    if self.asked.is_empty() {
                        return Ok(Some(child.node));
                    }
                    self.asked.push_back(future::ready(Ok(Some(child.node))).boxed());
                } else if !is_doubtful && self.is_untried() {
                    if let Some(child) = self.first_bare(child).await? {
                        self.asked.push_back(future::ready(Ok(Some(child))).boxed());
                    }
                } else {
                    let inner = Arc::clone(&self.inner);
                    self.asked.push_back(async move { Ok(singly(&inner, child).await?.node()) }.boxed());
                }
            }
            match self.asked.next().await {
                Some(Ok(None)) => {}
                Some(child) => return child,
                None => return Ok(None),
            }
        }
    }

    /// Whether a child has to be asked for singly.
    fn is_bare(&mut self, child: &Node) -> bool {
        let Some(service) = self.service.as_ref().filter(|_| self.fill == Fill::Always) else { return false };
        if !child.properties.is_empty() {
            if service.dialect().child_properties == Learned::Unknown {
                service.learn(|dialect| dialect.child_properties = Learned::Yes);
            }
        } else if self.bare != Bare::Really && service.dialect().child_properties != Learned::Yes {
            return true;
        }
        matches!(&child.kind, NodeKind::Link { target } if target.is_empty())
    }

    /// Whether it is not known yet that children without properties have some.
    fn is_untried(&self) -> bool {
        let known = |service: &Arc<Service>| service.dialect().child_properties == Learned::No;
        self.bare == Bare::NotSeen && !self.service.as_ref().is_some_and(known)
    }

    /// Asks for the first child without properties, which tells whether the others are worth it, unless nothing was told of it.
    async fn first_bare(&mut self, child: Shown) -> Result<Option<Node>> {
        let single = singly(&self.inner, child).await?;
        if let Single::Told(node) = &single {
            self.bare = if node.properties.is_empty() { Bare::Really } else { Bare::Listed };
        }
        if let Some(service) = self.service.as_ref().filter(|_| self.bare == Bare::Listed) {
            service.learn(|dialect| dialect.child_properties = Learned::No);
        }
        Ok(single.node())
    }

    /// The next child as the listing has it.
    async fn listed(&mut self) -> Result<Option<Shown>> {
        let service = match &self.service {
            Some(service) => Arc::clone(service),
            None => {
                let service = self.inner.service(&self.uri).await?;
                self.service = Some(Arc::clone(&service));
                service
            }
        };
        loop {
            let page = match &mut self.page {
                Some(page) => page,
                None => match self.open(&service).await? {
                    Some(page) => self.page.insert(page),
                    None => return Ok(None),
                },
            };
            match page.reader.next().await {
                Ok(Some(child)) => {
                    page.count += 1;
                    let written = last_name(page.reader.child_uri()).to_owned();
                    if page.count == 1 && page.continued && self.begins_anew(&service, &written) {
                        if self.size == Size::Proof {
                            // The first page was shorter than asked for, so it was everything.
                            return Ok(None);
                        }
                        self.page = None;
                        self.size = Size::Whole;
                        continue;
                    }
                    if let Some(child) = self.take(&service, child, written) {
                        self.given += 1;
                        if self.given > MOST_CHILDREN {
                            let text =
                                format!("its listing has more than {MOST_CHILDREN} children, and perhaps no end");
                            return Err(Error::node(ErrorKind::Protocol, &self.uri, text));
                        }
                        return Ok(Some(child));
                    }
                }
                Ok(None) => {
                    if self.close_page(&service)? {
                        return Ok(None);
                    }
                }
                Err(error) => self.resume(&service, &error)?,
            }
        }
    }

    /// A child to hand out, unless it was already. It gets the path that was asked for: the container may have been
    /// reached through a link. Two children are told apart by how their names are written.
    fn take(&mut self, service: &Service, child: Node, written: String) -> Option<Shown> {
        let repeated = match self.size {
            Size::Whole => self.first_names.contains(&written),
            _ => self.last.as_ref().is_some_and(|(last, _)| *last == written),
        };
        if repeated || child.uri.is_root() {
            return None;
        }
        let mut limited = false;
        if let Some(page) = &mut self.page {
            page.fresh += 1;
            limited = page.limit.is_some();
        }
        let dialect = service.dialect();
        if self.size == Size::First && limited && dialect.paging != Learned::Yes {
            self.first_names.insert(written.clone());
        }
        let is_plain = written == child.uri.name();
        let is_raw = dialect.names_in_documents == NamesInDocuments::Raw;
        let uri = self.uri.join(if is_raw { &written } else { child.uri.name() });
        self.last = Some((written.clone(), child.uri.to_wire()));
        Some(Shown { node: Node { uri, ..child }, written: (!is_plain && !is_raw).then_some(written) })
    }

    /// Whether the first child of a further page shows that the service does not look at `uri`.
    fn begins_anew(&mut self, service: &Service, name: &str) -> bool {
        if service.dialect().paging == Learned::Yes {
            return false;
        }
        let is_last = self.last.as_ref().is_some_and(|(last, _)| last == name);
        if !is_last && self.first_names.contains(name) {
            service.learn(|dialect| dialect.paging = Learned::No);
            return true;
        }
        // Where there is one name only, both kinds of service show it.
        if !is_last || self.first_names.len() > 1 {
            service.learn(|dialect| dialect.paging = Learned::Yes);
            self.first_names = HashSet::new();
        }
        false
    }

    /// Decides what a page that came to its end means; true when the listing is complete.
    fn close_page(&mut self, service: &Service) -> Result<bool> {
        let Some(page) = self.page.take() else { return Ok(true) };
        let Some(limit) = page.limit else { return Ok(true) };
        if self.size == Size::First {
            if page.count > limit {
                // The limit was not looked at: this was everything.
                service.learn(|dialect| dialect.paging = Learned::No);
                return Ok(true);
            }
            if page.count == 0 {
                return Ok(true);
            }
        } else if page.fresh == 0 {
            return Ok(true);
        }
        if let Some((last, _)) = &self.last
            && !self.markers.insert(last.clone())
        {
            let text = format!("its listing came to '{last}' twice, and would have no end");
            return Err(Error::node(ErrorKind::Protocol, &self.uri, text));
        }
        self.size = if page.count < limit { Size::Proof } else { Size::Page };
        Ok(false)
    }

    /// Takes a paged listing up again from the last name.
    fn resume(&mut self, service: &Service, error: &XmlError) -> Result<()> {
        let lost = matches!(error, XmlError::Io(_) | XmlError::Truncated);
        self.page = None;
        self.resumptions += 1;
        if lost && service.dialect().paging == Learned::Yes && self.last.is_some() && self.resumptions <= RESUMPTIONS {
            tracing::debug!("the listing of {} broke off and is resumed: {error}", self.uri);
            self.size = Size::Page;
            return Ok(());
        }
        let kind = if lost { ErrorKind::Unreachable } else { ErrorKind::Protocol };
        Err(Error::node(kind, &self.uri, format!("its listing is broken: {error}")))
    }

    /// Sends the next request. None when the answer shows that the listing is complete already.
    async fn open(&mut self, service: &Service) -> Result<Option<Page>> {
        let paging = service.dialect().paging;
        let limit = match self.size {
            Size::First if paging == Learned::No => None,
            Size::First | Size::Page => Some(PAGE),
            Size::Proof => Some(PROOF),
            Size::Whole => None,
        };
        let url = self.url(service, limit)?;
        let continued = matches!(self.size, Size::Page | Size::Proof);
        let response = match self.inner.http.begin(&Request::get(url, Grant::Caller)).await {
            Ok(response) => response,
            Err(failure)
                if continued
                    // Another listing may just have learned it.
                    && paging != Learned::Yes
                    && matches!(failure.kind(), ErrorKind::Unsupported | ErrorKind::BadRequest) =>
            {
                service.learn(|dialect| dialect.paging = Learned::No);
                if self.size == Size::Proof {
                    // The first page was shorter than asked for, so it was everything.
                    return Ok(None);
                }
                // Exactly as many as asked for: there may be more, and they cannot be had page by page.
                self.size = Size::Whole;
                return Box::pin(self.open(service)).await;
            }
            Err(failure) => return Err(stat::at_root(service, &self.uri, failure)),
        };
        let expired = response.expired.clone();
        let body: Box<dyn AsyncBufRead + Send + Unpin> = Box::new(response.reader());
        let mut reader = ListingReader::new(body);
        let container = reader.container().await.map_err(|error| broken(&self.uri, &error))?;
        if !container.is_container() {
            return Err(Error::node(ErrorKind::NotAContainer, &self.uri, "it has no children to list"));
        }
        if let Some(error) = expired.filter(|_| !container.properties.is_public()) {
            // To nobody it is shown as an empty one.
            return Err(error);
        }
        service.note_node(&container, reader.manner());
        Ok(Some(Page { reader, limit, continued, count: 0, fresh: 0 }))
    }

    fn url(&self, service: &Service, limit: Option<usize>) -> Result<Url> {
        let mut url = service.node(&self.uri)?;
        if let Some(limit) = limit {
            let mut query = url.query_pairs_mut();
            query.append_pair("limit", &limit.to_string());
            if self.size != Size::First
                && let Some((_, uri)) = &self.last
            {
                query.append_pair("uri", uri);
            }
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests;
