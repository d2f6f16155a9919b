//! `mountvofs status`, for people and for programs.

use std::collections::BTreeSet;
use std::time::SystemTime;

use bytesize::ByteSize;
use vofs_core::{Refresh, WriteBack};

use super::{daemon, pending, print, print_json, shown, unexpected};
use crate::Result;
use crate::args::Which;
use crate::control::client::Daemon;
use crate::control::protocol::{Reply, Request};
use crate::control::report::{Known, Report};
use crate::{options, system};

/// So many parts of files on their way in are listed; of the others the number.
const LISTED: usize = 10;

/// Asks a mount how it stands.
pub(super) fn ask(which: &Which) -> Result<Report> {
    report(daemon(which)?)
}

/// Prints that of all mounts whose daemons can be found by what is mounted.
pub(super) fn show_all(json: bool) -> Result<()> {
    let mut places = BTreeSet::new();
    for (_, space) in system::own_mounts() {
        places.insert(options::cache_dir(&Which { vospace: Some(space), cache_dir: None })?);
    }
    let mut reports = Vec::new();
    for place in places {
        if let Some(daemon) = Daemon::find(&place)? {
            reports.push(report(daemon)?);
        }
    }
    if json {
        return print_json(&reports);
    }
    print(reports.iter().map(text).collect::<Vec<_>>().join("\n"))
}

fn report(daemon: Daemon) -> Result<Report> {
    match daemon.ask(&Request::Status, |_| {})? {
        Reply::Status(report) => Ok(*report),
        reply => Err(unexpected(&reply)),
    }
}

/// Prints that.
pub(super) fn show(which: &Which, json: bool) -> Result<()> {
    let report = ask(which)?;
    if json {
        return print_json(&report);
    }
    print(text(&report))
}

fn text(report: &Report) -> String {
    let status = &report.engine;
    let mut lines = vec![format!(
        "{} on {}{}, mounted {} ago",
        status.space,
        report.mountpoint.display(),
        if status.read_only { " (read-only)" } else { "" },
        duration(report.uptime)
    )];
    lines.push(format!("service      {}", service(report)));
    lines.push(format!("credentials  {}", credentials(&report.credentials)));
    lines.extend(refresh(&status.refresh).map(|weak| format!("refresh      {weak}")));
    lines.push(format!(
        "cache        {} of {} in {}{}{}",
        ByteSize(status.cache_used),
        ByteSize(status.cache_limit),
        status.cache_dir.display(),
        status
            .reads
            .rate()
            .map(|rate| format!(", {:.0} % of what was read was there", rate * 100.0))
            .unwrap_or_default(),
        if status.cache_pinned > 0 { format!(", {} pinned", ByteSize(status.cache_pinned)) } else { String::new() }
    ));
    lines.push(format!("moved        {} in, {} out", ByteSize(report.service.received), ByteSize(report.service.sent)));
    for one in status.downloads.iter().take(LISTED) {
        lines.push(format!(
            "  in   {:>10} of {:>10}  /{}",
            ByteSize(one.received).to_string(),
            ByteSize(one.bytes).to_string(),
            shown(&one.path)
        ));
    }
    if status.downloads.len() > LISTED {
        lines.push(format!("  and {} more", status.downloads.len() - LISTED));
    }
    let bytes: u64 = status.pending.iter().map(|file| file.bytes).sum();
    lines.push(format!("not sent     {} file(s), {}", status.pending.len(), ByteSize(bytes)));
    lines.extend(status.pending.iter().map(|file| format!("  {}", pending::line(file))));
    if status.unfinished_moves > 0 {
        lines.push(format!("renames      {} interrupted, being finished", status.unfinished_moves));
    }
    for path in &status.leftovers {
        lines.push(format!(
            "left over    {}: of an interrupted rename that is not known here; the log says how to put it back",
            shown(path)
        ));
    }
    if !status.conflicts.is_empty() {
        lines.push(format!("conflicts    {}", status.conflicts.len()));
    }
    for conflict in &status.conflicts {
        let ours = conflict.ours.as_ref().map(|path| format!(" ({})", shown(path))).unwrap_or_default();
        lines.push(format!("  {}{ours}: {}", shown(&conflict.path), conflict.outcome));
    }
    if !report.stuck.is_empty() {
        lines.push(format!("stuck        {} request(s)", report.stuck.len()));
    }
    for stuck in &report.stuck {
        let path = stuck.path.as_ref().map_or_else(|| "-".to_owned(), |path| format!("/{}", shown(path)));
        lines.push(format!("  {} {path} by process {}, for {}", stuck.operation, stuck.pid, duration(stuck.seconds)));
    }
    lines.join("\n") + "\n"
}

/// Why changes made elsewhere may not be seen, where that is so.
fn refresh(refresh: &Refresh) -> Option<String> {
    let Refresh { weak, answers, without_identity, reread_after } = refresh;
    weak.then(|| {
        format!(
            "WEAK: in {without_identity} of {answers} answers the service gave neither digest nor date of a file; a change that \
             keeps the length is seen when the file is opened more than {reread_after} s after it was read (--reread-after), and \
             is no conflict for who writes it"
        )
    })
}

/// How the service is, in a line.
pub(super) fn service(report: &Report) -> String {
    let service = &report.service;
    let failure = || shown(service.last_failure_text.as_deref().unwrap_or_default());
    if let Some(since) = report.engine.offline_since {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let long = duration(now.saturating_sub(since.unsigned_abs() / 1000));
        let waits = match report.engine.write_back {
            WriteBack::Background => ", what is written waits",
            WriteBack::Close => "",
        };
        return format!("OFFLINE for {long}: what is cached can be read{waits}. {}", failure());
    }
    if !service.reachable {
        let since = service.last_answer.as_ref().map_or_else(|| "so far".to_owned(), |at| format!("since {at}"));
        return format!("FAILING: no good answer {since}. {}", failure());
    }
    let failed = match service.failures {
        0 => String::new(),
        failures => {
            format!(", {failures} of them failed, the last time {}", service.last_failure.as_deref().unwrap_or("-"))
        }
    };
    format!("reachable, {} requests{failed}", service.requests)
}

/// Who the mount is, in a line.
pub(super) fn credentials(known: &Known) -> String {
    match (&known.problem, known.seconds_left) {
        (Some(problem), _) => problem.clone(),
        (None, Some(left)) if left < 0 => format!("{}, EXPIRED {} ago", known.what, duration(left.unsigned_abs())),
        (None, Some(left)) => format!("{}, good for {}", known.what, duration(left.unsigned_abs())),
        (None, None) => known.what.clone(),
    }
}

/// Seconds in the unit that fits.
pub(super) fn duration(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said_in_the_first_lines() {
        let mut report: Report = serde_json::from_value(serde_json::json!({
            "space": "vos:USER", "cache_dir": "/c", "write_back": "background", "on_conflict": "keep-both", "read_only": false,
            "cache_used": 0, "cache_limit": 1, "unfinished_moves": 0, "conflicts": [], "pending": [],
            "mountpoint": "/mnt", "pid": 1, "uptime": 100, "log_level": "warn", "stuck": [],
            "service": {"reachable": false, "requests": 9, "failures": 2, "last_answer": "2026-11-21T12:00:00Z",
                "last_failure": null, "last_failure_text": "connection refused", "sent": 0, "received": 0},
            "credentials": {"what": "a token", "expires": null, "seconds_left": null, "problem": null},
            "bwlimit": {"bwlimit_down": null, "bwlimit_up": null}
        }))
        .expect("a report");
        let line = service(&report);
        assert!(line.starts_with("FAILING") && line.contains("12:00") && line.contains("refused"), "{line}");
        report.engine.offline_since = Some(0);
        let line = service(&report);
        assert!(line.starts_with("OFFLINE for") && line.contains("days") && line.contains("written waits"), "{line}");
        assert_eq!(refresh(&report.engine.refresh), None);
        let weak = Refresh { weak: true, answers: 3, without_identity: 2, reread_after: 60 };
        let line = refresh(&weak).expect("said");
        assert!(
            line.starts_with("WEAK: in 2 of 3") && line.contains("60 s") && line.contains("--reread-after"),
            "{line}"
        );
        let known = |left| Known { what: "c".into(), expires: None, seconds_left: Some(left), problem: None };
        assert_eq!(credentials(&known(7200)), "c, good for 2 h");
        assert_eq!(credentials(&known(-90)), "c, EXPIRED 90 s ago");
    }
}
