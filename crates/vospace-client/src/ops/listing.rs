//! The children of a container, as they arrive.
//!
//! A listing that broke off can look complete: the CADC services close their tags when a child cannot be read, with
//! status 200. Where the service pages, the end of a listing is therefore proved: from the last name on there must be
//! that one name alone (pages begin *at* the name given, VOSpace 2.1 §6.2.1). Where it does not page, nothing can be
//! proved, and callers must not take absence for deletion.
//!
//! Whether a service pages is learned: one that does refuses neither `limit` nor `uri`.

use std::collections::HashSet;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use reqwest::Url;
use tokio::io::AsyncBufRead;
use tokio_util::io::StreamReader;

use super::nodes::broken;
use crate::dialect::Learned;
use crate::http::{Grant, Request};
use crate::inner::Inner;
use crate::node::Node;
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

/// The children of a container, as they arrive.
pub type NodeStream = Pin<Box<dyn Stream<Item = Result<Node>> + Send + 'static>>;

type Reader = ListingReader<Box<dyn AsyncBufRead + Send + Unpin>>;

pub(crate) fn list(inner: Arc<Inner>, uri: VosUri) -> NodeStream {
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
    /// Children in it so far, the repeated one included.
    count: usize,
    /// Those that were not known before.
    fresh: usize,
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
}

impl Listing {
    async fn next(&mut self) -> Result<Option<Node>> {
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
                    if let Some(node) = self.take(child) {
                        return Ok(Some(node));
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
    /// reached through a link.
    fn take(&mut self, child: Node) -> Option<Node> {
        let name = child.uri.name().to_owned();
        let repeated = match self.size {
            Size::Whole => self.first_names.contains(&name),
            _ => self.last.as_ref().is_some_and(|(last, _)| *last == name),
        };
        if repeated || name.is_empty() {
            return None;
        }
        let mut limited = false;
        if let Some(page) = &mut self.page {
            page.fresh += 1;
            limited = page.limit.is_some();
        }
        let pages = || self.service.as_ref().is_some_and(|service| service.dialect().paging == Learned::Yes);
        if self.size == Size::First && limited && !pages() {
            self.first_names.insert(name.clone());
        }
        let uri = self.uri.join(&name);
        self.last = Some((name, child.uri.to_wire()));
        Some(Node { uri, ..child })
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
            Err(failure) => return Err(failure.into()),
        };
        let body: Box<dyn AsyncBufRead + Send + Unpin> =
            Box::new(StreamReader::new(response.stream(None).map_err(io::Error::other)));
        let mut reader = ListingReader::new(body);
        let container = reader.container().await.map_err(|error| broken(&self.uri, &error))?;
        if !container.is_container() {
            return Err(Error::node(ErrorKind::NotAContainer, &self.uri, "it has no children to list"));
        }
        if continued {
            service.learn(|dialect| dialect.paging = Learned::Yes);
            self.first_names = HashSet::new();
        }
        Ok(Some(Page { reader, limit, count: 0, fresh: 0 }))
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
