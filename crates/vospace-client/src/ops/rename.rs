//! A node gets another name or container.
//!
//! VOSpace has no rename that replaces, and a move *onto* a container goes *into* it; so the destination is looked at
//! first and must not exist. A move within one synchronous request is ten times faster than a job, where the service
//! can (learned). Whatever an answer says in doubt, both ends are looked at: services report errors for moves that were
//! done, and lose answers.
//!
//! A service may be unable to move files that hold bytes, or lose the target of a link on the way (learned). The first is
//! said, so that the caller can copy instead; the second is mended.

use std::sync::Arc;

use reqwest::{Method, Url};

use super::{jobs, nodes, remove, stat};
use crate::dialect::{Learned, TransferType};
use crate::http::{Failure, Grant, Request, nonsense};
use crate::inner::Inner;
use crate::node::{Node, NodeKind, Properties};
use crate::service::Service;
use crate::transfer::keeping::settable;
use crate::uri::VosUri;
use crate::xml::job::Phase;
use crate::xml::transfer::{self, Direction, Transfer};
use crate::{Error, ErrorKind, Result};

pub(crate) async fn rename(inner: &Arc<Inner>, from: &VosUri, to: &VosUri) -> Result<()> {
    if from == to {
        from.check()?;
        return stat::stat(inner, from).await.map(drop);
    }
    check(from, to)?;
    let service = inner.service(from).await?;
    let dialect = service.dialect();
    // What it is matters where not everything can be moved, or comes through a move whole.
    let source = async {
        match (dialect.moves_files, dialect.moves_links) {
            (Learned::Yes, Learned::Yes) => Ok(None),
            _ => stat::stat(inner, from).await.map(Some),
        }
    };
    let (source, ()) = futures_util::try_join!(source, absent(inner, to))?;
    match &source {
        Some(Node { kind: NodeKind::Data { .. }, properties, .. })
            if dialect.moves_files == Learned::No && properties.length() != Some(0) =>
        {
            return Err(unmovable(from, "the service moves no files that hold bytes"));
        }
        Some(Node { kind: NodeKind::Link { target }, properties, .. }) if dialect.moves_links == Learned::No => {
            return remake(inner, from, to, target, properties).await;
        }
        _ => {}
    }
    let mut moved = attempt(inner, &service, from, to).await;
    if let (Err(error), Some(node)) = (&moved, &source)
        // Of a service that was seen to move files, a failure tells of this one only.
        && dialect.moves_files == Learned::Unknown
        && is_defect(error, node)
        && !was_done(inner, from, to).await
    {
        // A service that stumbled once does not stumble over the same words again; one that cannot always does.
        let again = attempt(inner, &service, from, to).await;
        let said = said(error);
        if again.as_ref().is_err_and(|again| is_defect(again, node) && self::said(again) == said)
            && !was_done(inner, from, to).await
        {
            service.learn(|dialect| dialect.moves_files = Learned::No);
            return Err(unmovable(from, &format!("the service moves no files that hold bytes ({said})")));
        }
        moved = again;
    }
    match moved {
        Ok(()) => {}
        Err(error) if was_done(inner, from, to).await => {
            tracing::debug!("the move of {from} was done although it was reported to fail: {error}");
        }
        Err(error) => {
            let unexplained = matches!(
                error.kind(),
                ErrorKind::Service | ErrorKind::BadRequest | ErrorKind::Unsupported | ErrorKind::LinkInPath
            );
            return match source {
                // One that moves no links says so in its own words (pyvospace, observed); making it anew needs no move.
                Some(Node { kind: NodeKind::Link { target }, properties, .. }) if unexplained => {
                    tracing::debug!("the link {from} is made anew, for it is not moved: {error}");
                    remake(inner, from, to, &target, &properties).await?;
                    service.learn(|dialect| dialect.moves_links = Learned::No);
                    Ok(())
                }
                _ => Err(error),
            };
        }
    }
    match &source {
        // One without bytes is moved also by services that move no others (pyvospace, observed).
        Some(Node { kind: NodeKind::Data { .. }, properties, .. })
            if properties.length().is_some_and(|length| length > 0) =>
        {
            service.learn(|dialect| dialect.moves_files = Learned::Yes);
        }
        Some(Node { kind: NodeKind::Link { target }, properties, .. }) if dialect.moves_links == Learned::Unknown => {
            return mend(inner, &service, from, to, (target, properties)).await;
        }
        _ => {}
    }
    Ok(())
}

/// Refuses what no service can do, or what one does by losing the tree (Astro Data Lab, observed: a container that moves
/// below itself is gone, and the job says that it was done). Nothing is sent before.
///
/// # Errors
/// `Unsupported`, `MoveIntoRoot`, `MovePrefix`, `InvalidName`.
pub(crate) fn check(from: &VosUri, to: &VosUri) -> Result<()> {
    from.check()?;
    to.check()?;
    if from.authority() != to.authority() {
        return Err(Error::node(ErrorKind::Unsupported, from, format!("it cannot move to another service ({to})")));
    }
    if from.is_root() || to.is_root() {
        return Err(Error::node(ErrorKind::MoveIntoRoot, from, "the root container cannot be moved or replaced"));
    }
    if to.starts_with(from) {
        return Err(Error::node(ErrorKind::MovePrefix, from, format!("it cannot move into itself ({to})")));
    }
    Ok(())
}

/// That there is nothing at the destination: onto a container one service moves, into it another, and a third says that
/// there is a duplicate.
///
/// # Errors
/// `AlreadyExists`.
pub(crate) async fn absent(inner: &Arc<Inner>, to: &VosUri) -> Result<()> {
    match stat::stat(inner, to).await {
        Ok(_) => Err(Error::node(ErrorKind::AlreadyExists, to, "it exists, and a move does not replace")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn unmovable(from: &VosUri, text: &str) -> Error {
    Error::node(
        ErrorKind::Unsupported,
        from,
        format!("{text}; copy it and remove the original, as --emulate-rename does"),
    )
}

/// The words of the service in an error.
fn said(error: &Error) -> String {
    match error {
        Error::Node { text, .. } => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a failure may come of the bytes of a file: it has some, and the job says nothing that would explain it
/// (pyvospace, observed: the words are `'space_name'`).
fn is_defect(error: &Error, node: &Node) -> bool {
    let file = matches!(node.kind, NodeKind::Data { .. }) && node.properties.length() != Some(0);
    file && matches!(error, Error::Node { kind: ErrorKind::Service, .. })
}

/// A link is made anew under its new name, and the old one removed.
async fn remake(inner: &Arc<Inner>, from: &VosUri, to: &VosUri, target: &str, properties: &Properties) -> Result<()> {
    make_link(inner, to, target, properties).await?;
    remove::delete(inner, from).await
}

/// Makes a link with what users had set of the one that it stands for.
async fn make_link(inner: &Arc<Inner>, to: &VosUri, target: &str, former: &Properties) -> Result<()> {
    let link = NodeKind::Link { target: target.to_owned() };
    nodes::create(inner, to, &link, &Properties::new()).await?;
    let properties = settable(former);
    if properties.is_empty() {
        return Ok(());
    }
    // The link leads where it should: a service that refuses properties of links is no reason to be without it.
    if let Err(error) = nodes::set_properties(inner, to, &link, &properties).await {
        let names: Vec<&str> = properties.iter().map(|(uri, _)| uri).collect();
        tracing::warn!("{to} is a link made anew, and could not be given {}: {error}", names.join(", "));
    }
    Ok(())
}

/// Looks at a link that was moved: one that lost its target (Astro Data Lab, observed), or leads elsewhere from its new
/// container (Cavern, observed), is replaced.
async fn mend(
    inner: &Arc<Inner>,
    service: &Service,
    from: &VosUri,
    to: &VosUri,
    (target, properties): (&str, &Properties),
) -> Result<()> {
    let kept = match stat::stat(inner, to).await {
        Ok(Node { kind: NodeKind::Link { target: now }, .. }) => now == target,
        // A link without a target is no whole document.
        Ok(_) => false,
        Err(error) if error.kind() == ErrorKind::Protocol => false,
        Err(error) => return Err(error),
    };
    // A target that is kept as the way to it stays right within one container, and one of another service has no such way.
    let is_within = VosUri::from_wire(target).is_ok_and(|target| target.authority() == to.authority());
    if !kept || is_within && from.parent() != to.parent() {
        service.learn(|dialect| dialect.moves_links = kept.into());
    }
    if kept {
        return Ok(());
    }
    remove::delete(inner, to).await?;
    make_link(inner, to, target, properties).await.map_err(|error| {
        let text = format!("the move took the target of the link, {target}, and it could not be made again: {error}");
        Error::node(error.kind(), to, text)
    })
}

async fn attempt(inner: &Arc<Inner>, service: &Service, from: &VosUri, to: &VosUri) -> Result<()> {
    let dialect = service.dialect();
    let mut transfer = Transfer::new(dialect.transfer_uri(from)?, Direction::Node(dialect.transfer_uri(to)?));
    // Absent would mean to copy.
    transfer.keep_bytes = Some(false);
    let document = transfer::request(&transfer, dialect.namespace.uri());
    let mut doubtful = false;
    if let Some(url) = service.sync()
        && dialect.sync_move != Learned::No
    {
        let kind = dialect.transfer_type.as_str();
        let request = Request::new(Method::POST, url.clone(), Grant::Caller).document(kind, document.clone());
        match synchronous(inner, &request, from).await {
            Ok(()) => {
                service.learn(|dialect| dialect.sync_move = Learned::Yes);
                return Ok(());
            }
            Err(Refusal::NotThisWay(error)) => {
                tracing::debug!("no synchronous move: {error}");
                service.learn(|dialect| dialect.sync_move = Learned::No);
            }
            // A service that does not move this way may fail in its own words; whether it is the way shows a job.
            Err(Refusal::Failed(error))
                if dialect.sync_move == Learned::Unknown && error.kind() == ErrorKind::Service =>
            {
                if was_done(inner, from, to).await {
                    return Ok(());
                }
                tracing::debug!("a job is tried instead of a synchronous move: {error}");
                doubtful = true;
            }
            Err(Refusal::Failed(error)) => return Err(error),
        }
    }
    let Some(url) = service.transfers() else {
        return Err(Error::node(ErrorKind::Unsupported, from, "the service has no moves"));
    };
    let job = make(inner, url, dialect.transfer_type, document).await?;
    match jobs::finish(inner, from, &job, jobs::MOVE_LIMIT).await? {
        job if job.phase == Phase::Completed => {
            if doubtful {
                service.learn(|dialect| dialect.sync_move = Learned::No);
            }
            Ok(())
        }
        job => Err(jobs::failed(from, &job)),
    }
}

/// Makes the job of a move. A job does nothing before it is told to run, so it may be asked for in both ways where it is
/// not known how a document has to be announced.
async fn make(inner: &Arc<Inner>, url: &Url, known: TransferType, document: String) -> Result<jobs::JobUrl> {
    let post = |kind: TransferType| {
        Request::new(Method::POST, url.clone(), Grant::Caller).document(kind.as_str(), document.clone())
    };
    match jobs::make(inner, post(known)).await {
        Err(error)
            if known == TransferType::Unknown
                && matches!(error.kind(), ErrorKind::Service | ErrorKind::BadRequest | ErrorKind::Unsupported) =>
        {
            jobs::make(inner, post(TransferType::Form)).await.map_err(|_| error)
        }
        made => made,
    }
}

enum Refusal {
    /// The service does not move within a request; nothing was done.
    NotThisWay(Error),
    /// The move failed.
    Failed(Error),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Refusal::Failed(failure.into())
    }
}

/// The answer leads to a result that does not exist, but its job tells how the move went.
async fn synchronous(inner: &Arc<Inner>, request: &Request, from: &VosUri) -> Result<(), Refusal> {
    let http = &inner.http;
    let answer = match http.fetch(request).await {
        Ok(answer) if answer.status.is_redirection() => answer,
        Ok(answer) => return Err(Refusal::NotThisWay(nonsense(&answer.url, format!("it answered {}", answer.status)))),
        Err(failure) => {
            return Err(match failure.kind() {
                ErrorKind::Unsupported | ErrorKind::BadRequest => Refusal::NotThisWay(failure.into()),
                // A service that forbids the way and one that forbids the move answer alike; a job tells.
                ErrorKind::PermissionDenied => Refusal::NotThisWay(failure.into()),
                _ => Refusal::Failed(failure.into()),
            });
        }
    };
    let details = http.redirected(request, &answer.url, &answer.headers)?;
    let Some(job) = job_of(&details) else {
        return Err(Refusal::NotThisWay(nonsense(&details.url, "it is not the address of a job's result")));
    };
    match jobs::phase_and_error(inner, &job).await? {
        (Some(Phase::Completed), _) => Ok(()),
        (Some(Phase::Error), text) => Err(Refusal::Failed(jobs::fault(from, Phase::Error, &text))),
        (phase, _) => {
            let phase = phase.map_or("UNKNOWN", Phase::as_str);
            Err(Refusal::NotThisWay(nonsense(&job.url, format!("its phase is {phase}"))))
        }
    }
}

/// The job whose result a synchronous transfer leads to: `…/transfers/JOB/results/transferDetails`.
pub(crate) fn job_of(details: &Request) -> Option<jobs::JobUrl> {
    let path = details.url.path();
    let end = path.find("/results/").or_else(|| path.contains("/xfer/").then_some(path.len()))?;
    let mut url = details.url.clone();
    url.set_query(None);
    url.set_path(&path[..end].replacen("/xfer/", "/transfers/", 1));
    Some(jobs::JobUrl { url, grant: details.grant })
}

async fn was_done(inner: &Arc<Inner>, from: &VosUri, to: &VosUri) -> bool {
    let gone = matches!(stat::stat(inner, from).await, Err(error) if error.kind() == ErrorKind::NotFound);
    gone && stat::stat(inner, to).await.is_ok()
}

#[cfg(test)]
mod tests;
