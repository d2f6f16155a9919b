//! Small documents, and small parts of large ones, as a tree.
//!
//! [`Events`] turns bytes into events under the limits of this crate; [`Element`] is what a bounded run of events
//! builds. Every reader of this folder stands on these two, so the limits are in one place.

use std::borrow::Cow;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::FutureExt as _;
use quick_xml::XmlVersion;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use super::{VOSPACE, XSI, XmlError};

/// Bytes that one element of a streamed document (a node with all its properties), or a whole small document, may
/// have. Services refuse node documents above 32 KiB; a job or a capabilities document has a few.
const MAX_BYTES: u64 = 2 << 20;
/// Deeper than any document of these standards (a listing has five levels).
const MAX_DEPTH: usize = 32;
/// Elements below one element; a node of 2 MiB cannot have more of a sensible size.
const MAX_ELEMENTS: usize = 20_000;

/// A name that is usually one of a few: a listing of 100,000 nodes has millions of them.
pub(super) type Word = Cow<'static, str>;

/// The text without an allocation of its own if it is one of those that listings are made of.
fn word(text: &str) -> Word {
    const KNOWN: [&str; 14] = [
        "property",
        "uri",
        VOSPACE,
        "readOnly",
        "node",
        "properties",
        "accepts",
        "provides",
        "busy",
        "nodes",
        "target",
        "view",
        "endpoint",
        "standardID",
    ];
    match KNOWN.into_iter().find(|known| *known == text) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(text.to_owned()),
    }
}

/// An element with everything in it.
#[derive(Debug, Default)]
pub(super) struct Element {
    /// Local name.
    pub(super) name: Word,
    /// Namespace, empty if none.
    pub(super) namespace: Word,
    /// Local name → value, without `xsi:` ones.
    attributes: Vec<(Word, String)>,
    /// Local part of `xsi:type`.
    pub(super) xsi_type: Option<String>,
    /// Whether `xsi:nil` is true.
    pub(super) nil: bool,
    /// Its own character data.
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    pub(super) fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Text of a child that is there, not nil and not blank.
    pub(super) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name).filter(|child| !child.nil).map(|child| child.text.trim()).filter(|text| !text.is_empty())
    }

    /// Reads a whole small document whose root has this local name.
    pub(super) fn document(bytes: &[u8], root: &'static str) -> Result<Element, XmlError> {
        let work = async {
            let mut events = Events::new(bytes);
            let Some(Open { mut element, empty }) = events.open().await? else {
                return Err(XmlError::Missing("root element"));
            };
            if element.name != root {
                return Err(XmlError::Unexpected { expected: root, found: element.name.into_owned() });
            }
            if !empty {
                events.fill(&mut element).await?;
            }
            events.end().await?;
            Ok(element)
        };
        // A slice is always ready, so the future finishes at its first poll.
        work.now_or_never().expect("invariant: reading from memory never waits")
    }
}

/// The start of an element; `empty` when it has no content and no end tag of its own will follow.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) element: Element,
    pub(super) empty: bool,
}

/// What [`Events::next`] meets.
enum Item {
    Open(Open),
    Close,
    Text(String),
    Eof,
}

/// Bounded, namespace-aware events of a document.
pub(super) struct Events<R> {
    reader: NsReader<Limited<R>>,
    buffer: Vec<u8>,
    depth: usize,
}

impl<R> std::fmt::Debug for Events<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("depth", &self.depth).finish_non_exhaustive()
    }
}

impl<R: AsyncBufRead + Unpin> Events<R> {
    pub(super) fn new(source: R) -> Self {
        let mut reader = NsReader::from_reader(Limited { source, left: MAX_BYTES });
        reader.config_mut().enable_all_checks(true);
        Events { reader, buffer: Vec::new(), depth: 0 }
    }

    /// The next start tag, or none if the end tag of the enclosing element comes first. Text before it is skipped.
    pub(super) async fn open(&mut self) -> Result<Option<Open>, XmlError> {
        self.reader.get_mut().left = MAX_BYTES;
        loop {
            match self.next().await? {
                Item::Open(open) => return Ok(Some(open)),
                Item::Close => return Ok(None),
                Item::Text(text) if self.depth == 0 && !text.trim().is_empty() => {
                    return Err(XmlError::Malformed("text outside the root element".to_owned()));
                }
                Item::Text(_) => {}
                Item::Eof if self.depth == 0 => return Err(XmlError::Missing("root element")),
                Item::Eof => return Err(XmlError::Truncated),
            }
        }
    }

    /// Reads everything up to and including the end tag of `element`, which was just opened and is not empty.
    pub(super) async fn fill(&mut self, element: &mut Element) -> Result<(), XmlError> {
        let mut above: Vec<Element> = Vec::new();
        let mut current = std::mem::take(element);
        let mut elements = 0;
        loop {
            match self.next().await? {
                Item::Open(Open { element, empty }) => {
                    elements += 1;
                    if elements > MAX_ELEMENTS {
                        return Err(XmlError::TooLarge("20000 elements"));
                    }
                    if empty {
                        current.children.push(element);
                    } else {
                        above.push(std::mem::replace(&mut current, element));
                    }
                }
                Item::Text(text) => current.text.push_str(&text),
                Item::Close => match above.pop() {
                    Some(mut parent) => {
                        std::mem::swap(&mut parent, &mut current);
                        current.children.push(parent);
                    }
                    None => {
                        *element = current;
                        return Ok(());
                    }
                },
                Item::Eof => return Err(XmlError::Truncated),
            }
        }
    }

    /// Checks that nothing but white space and comments follows the root element.
    pub(super) async fn end(&mut self) -> Result<(), XmlError> {
        self.reader.get_mut().left = MAX_BYTES;
        loop {
            match self.next().await? {
                Item::Eof if self.depth == 0 => return Ok(()),
                Item::Eof => return Err(XmlError::Truncated),
                Item::Text(text) if text.trim().is_empty() => {}
                _ => return Err(XmlError::Malformed("content after the root element".to_owned())),
            }
        }
    }

    async fn next(&mut self) -> Result<Item, XmlError> {
        loop {
            self.buffer.clear();
            let (namespace, event) =
                self.reader.read_resolved_event_into_async(&mut self.buffer).await.map_err(from_quick)?;
            let namespace = match namespace {
                ResolveResult::Bound(namespace) => word(namespace.0),
                ResolveResult::Unbound => Word::default(),
                ResolveResult::Unknown(prefix) => {
                    return Err(XmlError::Malformed(format!("the prefix {prefix} is not declared")));
                }
            };
            return Ok(match event {
                Event::Start(start) => {
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(XmlError::TooLarge("32 levels"));
                    }
                    let start = start.into_owned();
                    Item::Open(Open { element: self.element(namespace, &start)?, empty: false })
                }
                Event::Empty(start) => {
                    let start = start.into_owned();
                    Item::Open(Open { element: self.element(namespace, &start)?, empty: true })
                }
                Event::End(_) => {
                    self.depth -= 1;
                    Item::Close
                }
                Event::Text(text) => Item::Text(legal(text.xml10_content().into_owned())?),
                Event::CData(text) => Item::Text(legal(text.xml10_content().into_owned())?),
                Event::GeneralRef(reference) => {
                    let resolved = reference.resolve_char_ref().map_err(from_quick)?;
                    match (resolved, resolve_predefined_entity(&reference)) {
                        (Some(character), _) => Item::Text(legal(character.to_string())?),
                        (None, Some(text)) => Item::Text(text.to_owned()),
                        (None, None) => {
                            return Err(XmlError::Malformed(format!("the entity &{}; is not known", &*reference)));
                        }
                    }
                }
                Event::DocType(_) => return Err(XmlError::DocType),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
                Event::Eof => Item::Eof,
            });
        }
    }

    fn element(&self, namespace: Word, start: &BytesStart<'_>) -> Result<Element, XmlError> {
        let mut element = Element { name: word(start.local_name().as_ref()), namespace, ..Element::default() };
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| XmlError::Malformed(error.to_string()))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            // The parser lets it pass, and a document with a hole would be read for another one.
            if attribute.value.contains('<') {
                return Err(XmlError::Malformed("an attribute contains <".to_owned()));
            }
            let value = legal(attribute.normalized_value(XmlVersion::Explicit1_0).map_err(from_quick)?.into_owned())?;
            let (space, name) = self.reader.resolver().resolve_attribute(attribute.key);
            let name = name.as_ref();
            match space {
                ResolveResult::Bound(space) if space.0 == XSI => match name {
                    "type" => {
                        element.xsi_type =
                            Some(value.rsplit_once(':').map_or(value.as_str(), |(_, name)| name).to_owned());
                    }
                    "nil" => element.nil = matches!(value.trim(), "true" | "1"),
                    _ => {}
                },
                _ => element.attributes.push((word(name), value)),
            }
        }
        Ok(element)
    }
}

/// Refuses what no XML document can contain, not even as a reference (XML 1.0 §2.2); the parser lets it pass.
fn legal(text: String) -> Result<String, XmlError> {
    let illegal = |c: char| (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}');
    match text.chars().find(|c| illegal(*c)) {
        Some(character) => Err(XmlError::Malformed(format!("the character U+{:04X}", u32::from(character)))),
        None => Ok(text),
    }
}

fn from_quick(error: quick_xml::Error) -> XmlError {
    match error {
        quick_xml::Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => XmlError::TooLarge("2 MiB"),
        quick_xml::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => XmlError::Truncated,
        quick_xml::Error::Io(error) => XmlError::Io(error.to_string()),
        quick_xml::Error::Syntax(error) if error.to_string().contains("not closed") => XmlError::Truncated,
        other => XmlError::Malformed(other.to_string()),
    }
}

/// Fails once more than `left` bytes were taken since it was last set: a hostile or broken peer must not make us
/// buffer without end.
struct Limited<R> {
    source: R,
    left: u64,
}

impl<R: AsyncBufRead + Unpin> AsyncRead for Limited<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let taken = {
            let available = ready!(self.as_mut().poll_fill_buf(cx))?;
            let taken = available.len().min(out.remaining());
            out.put_slice(&available[..taken]);
            taken
        };
        self.consume(taken);
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncBufRead + Unpin> AsyncBufRead for Limited<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let available = ready!(Pin::new(&mut this.source).poll_fill_buf(cx))?;
        let most = usize::try_from(this.left).unwrap_or(usize::MAX);
        Poll::Ready(Ok(&available[..available.len().min(most)]))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.left -= amount as u64;
        Pin::new(&mut self.source).consume(amount);
    }
}
