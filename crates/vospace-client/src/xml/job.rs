//! The job document of UWS 1.1 §3: what an asynchronous move or recursive deletion is doing.

use percent_encoding::percent_decode_str;

use super::transfer::{self, Transfer};
use super::tree::Element;
use super::write::{escape, push};
use super::{VOSPACE, XSI, XmlError};
use crate::node::{Timestamp, parse_date};

const UWS: &str = "http://www.ivoa.net/xml/UWS/v1.0";
const XLINK: &str = "http://www.w3.org/1999/xlink";

/// Execution phase (UWS 1.1 §2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of the standard")]
pub enum Phase {
    Pending,
    Queued,
    Executing,
    Completed,
    Error,
    Unknown,
    Held,
    Suspended,
    Aborted,
    Archived,
}

impl Phase {
    const ALL: [(Phase, &'static str); 10] = [
        (Phase::Pending, "PENDING"),
        (Phase::Queued, "QUEUED"),
        (Phase::Executing, "EXECUTING"),
        (Phase::Completed, "COMPLETED"),
        (Phase::Error, "ERROR"),
        (Phase::Unknown, "UNKNOWN"),
        (Phase::Held, "HELD"),
        (Phase::Suspended, "SUSPENDED"),
        (Phase::Aborted, "ABORTED"),
        (Phase::Archived, "ARCHIVED"),
    ];

    /// The word of the standard.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Phase::ALL.into_iter().find(|(phase, _)| *phase == self).map_or("UNKNOWN", |(_, text)| text)
    }

    /// Reads the word of the standard, in any case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Phase> {
        let text = text.trim();
        Phase::ALL.into_iter().find(|(_, word)| word.eq_ignore_ascii_case(text)).map(|(phase, _)| phase)
    }

    /// Whether the job will never again change by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Phase::Completed | Phase::Error | Phase::Aborted | Phase::Archived)
    }
}

/// Why a job failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorSummary {
    /// The fault with its details.
    pub message: String,
    /// Whether trying again may help.
    pub transient: bool,
    /// Whether the job's resource `error` says more.
    pub detailed: bool,
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Opaque; part of the job's URL.
    pub id: String,
    /// Who may see it.
    pub owner: Option<String>,
    /// What it is doing.
    pub phase: Phase,
    /// When it was made.
    pub creation_time: Option<Timestamp>,
    /// When it began to run.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub end_time: Option<Timestamp>,
    /// When the service will forget it.
    pub destruction: Option<Timestamp>,
    /// Seconds that it may run; 0 is without limit.
    pub execution_duration: u64,
    /// Parameters by id.
    pub parameters: Vec<(String, String)>,
    /// Results: id and `xlink:href`.
    pub results: Vec<(String, String)>,
    /// Set when the phase is `ERROR`.
    pub error_summary: Option<ErrorSummary>,
    /// The transfer that it works on.
    pub transfer: Option<Transfer>,
}

impl Job {
    /// A job with nothing set but its id and phase.
    #[must_use]
    pub fn new(id: impl Into<String>, phase: Phase) -> Self {
        Job {
            id: id.into(),
            owner: None,
            phase,
            creation_time: None,
            start_time: None,
            end_time: None,
            destruction: None,
            execution_duration: 0,
            parameters: Vec::new(),
            results: Vec::new(),
            error_summary: None,
            transfer: None,
        }
    }

    /// The `href` of a result.
    #[must_use]
    pub fn result(&self, id: &str) -> Option<&str> {
        self.results.iter().find(|(key, _)| key == id).map(|(_, href)| href.as_str())
    }
}

/// Reads a job document.
///
/// # Errors
/// [`XmlError`] when it is broken or has no known phase.
pub fn read(bytes: &[u8]) -> Result<Job, XmlError> {
    let root = Element::document(bytes, "job")?;
    let phase = root.child_text("phase").ok_or(XmlError::Missing("job phase"))?;
    let phase = Phase::parse(phase).ok_or_else(|| XmlError::Value { what: "job phase", value: phase.to_owned() })?;
    let mut job = Job::new(root.child_text("jobId").unwrap_or_default(), phase);
    let date = |name| root.child_text(name).and_then(parse_date);
    job.owner = root.child_text("ownerId").map(str::to_owned);
    job.creation_time = date("creationTime");
    job.start_time = date("startTime");
    job.end_time = date("endTime");
    job.destruction = date("destruction");
    job.execution_duration = root.child_text("executionDuration").and_then(|text| text.parse().ok()).unwrap_or(0);
    job.parameters = pairs(&root, "parameters", "parameter", |parameter| parameter.text.trim().to_owned());
    job.results = pairs(&root, "results", "result", |result| address(result.attribute("href").unwrap_or_default()));
    job.error_summary = root.child("errorSummary").filter(|summary| !summary.nil).map(|summary| ErrorSummary {
        message: summary.child_text("message").unwrap_or_default().to_owned(),
        transient: summary.attribute("type") == Some("transient"),
        detailed: summary.attribute("hasDetail").is_some_and(|value| value == "true" || value == "1"),
    });
    job.transfer =
        root.child("jobInfo").and_then(|info| info.child("transfer")).map(transfer::from_element).transpose()?;
    Ok(job)
}

/// An address, which a service may percent-encode whole (Astro Data Lab, observed): `http%3A%2F%2Fhost%2F…`.
fn address(text: &str) -> String {
    let lower = text.get(..8).unwrap_or_default().to_ascii_lowercase();
    if lower.starts_with("http%3a") || lower.starts_with("https%3a") {
        return percent_decode_str(text).decode_utf8_lossy().into_owned();
    }
    text.to_owned()
}

fn pairs(root: &Element, list: &str, item: &str, value: impl Fn(&Element) -> String) -> Vec<(String, String)> {
    root.child(list)
        .into_iter()
        .flat_map(|list| list.children(item))
        .map(|item| (item.attribute("id").unwrap_or_default().to_owned(), value(item)))
        .collect()
}

/// Writes a job document, in the order that the schema demands; what is not set is `xsi:nil`.
#[must_use]
pub fn write(job: &Job) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<uws:job xmlns:uws=\"{UWS}\" xmlns:xlink=\"{XLINK}\" \
         xmlns:xsi=\"{XSI}\" version=\"1.1\">\n"
    );
    let mut field = |name: &str, value: Option<String>| match value {
        Some(value) => push(&mut text, format_args!("<uws:{name}>{}</uws:{name}>\n", escape(&value))),
        None => push(&mut text, format_args!("<uws:{name} xsi:nil=\"true\"/>\n")),
    };
    let date = |date: Option<Timestamp>| date.map(|date| format!("{date:.3}"));
    field("jobId", Some(job.id.clone()));
    field("ownerId", job.owner.clone());
    field("phase", Some(job.phase.as_str().to_owned()));
    field("quote", None);
    field("creationTime", date(job.creation_time));
    field("startTime", date(job.start_time));
    field("endTime", date(job.end_time));
    field("executionDuration", Some(job.execution_duration.to_string()));
    field("destruction", date(job.destruction));
    text.push_str("<uws:parameters>");
    for (id, value) in &job.parameters {
        push(&mut text, format_args!("<uws:parameter id=\"{}\">{}</uws:parameter>", escape(id), escape(value)));
    }
    text.push_str("</uws:parameters>\n<uws:results>");
    for (id, href) in &job.results {
        push(&mut text, format_args!("<uws:result id=\"{}\" xlink:href=\"{}\"/>", escape(id), escape(href)));
    }
    text.push_str("</uws:results>\n");
    if let Some(error) = &job.error_summary {
        let kind = if error.transient { "transient" } else { "fatal" };
        push(
            &mut text,
            format_args!(
                "<uws:errorSummary type=\"{kind}\" hasDetail=\"{}\"><uws:message>{}</uws:message></uws:errorSummary>\n",
                error.detailed,
                escape(&error.message)
            ),
        );
    }
    if let Some(transfer) = &job.transfer {
        text.push_str("<uws:jobInfo>");
        transfer::write_element(&mut text, transfer, VOSPACE);
        text.push_str("</uws:jobInfo>\n");
    }
    text.push_str("</uws:job>\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::transfer::Direction;

    #[test]
    fn a_job_is_read_back() {
        let mut job = Job::new("abc123", Phase::Error);
        job.owner = Some("jdoe".to_owned());
        job.creation_time = Some("2026-03-01T12:00:00.5Z".parse().unwrap());
        job.parameters.push(("target".to_owned(), "vos://a~b/c".to_owned()));
        job.results.push(("successcount".to_owned(), "final:7".to_owned()));
        job.error_summary =
            Some(ErrorSummary { message: "NodeNotFound: /x <y>".to_owned(), transient: true, detailed: true });
        job.transfer = Some(Transfer::new("vos://a~b/c", Direction::Node("vos://a~b/d".to_owned())));
        let read = read(write(&job).as_bytes()).unwrap();
        assert_eq!(read, job);
        assert_eq!(read.result("successcount"), Some("final:7"));
        assert_eq!(read.result("errorcount"), None);
    }

    #[test]
    fn an_address_that_is_encoded_whole_is_one() {
        let mut job = Job::new("x", Phase::Completed);
        job.results.push(("a".to_owned(), "http%3A%2F%2Fh%3A80%2Ft%2Fa%2520b".to_owned()));
        job.results.push(("b".to_owned(), "https://h/t/a%20b".to_owned()));
        let read = read(write(&job).as_bytes()).unwrap();
        assert_eq!(read.result("a"), Some("http://h:80/t/a%20b"));
        assert_eq!(read.result("b"), Some("https://h/t/a%20b"));
    }

    #[test]
    fn nil_fields_and_unknown_phases() {
        let text = write(&Job::new("x", Phase::Pending));
        assert_eq!(read(text.as_bytes()).unwrap().owner, None);
        assert!(matches!(read(text.replace("PENDING", "DANCING").as_bytes()), Err(XmlError::Value { .. })));
    }

    #[test]
    fn only_the_final_phases_are_final() {
        for (phase, word) in Phase::ALL {
            assert_eq!(Phase::parse(&word.to_lowercase()), Some(phase));
            assert_eq!(phase.as_str(), word);
        }
        assert!(Phase::Completed.is_final() && Phase::Aborted.is_final() && Phase::Error.is_final());
        assert!(!Phase::Queued.is_final() && !Phase::Held.is_final() && !Phase::Unknown.is_final());
    }
}
