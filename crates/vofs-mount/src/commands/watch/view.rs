//! The screen: what is drawn where. It knows nothing but what it is given.

use bytesize::ByteSize;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Gauge, Paragraph, Row, Sparkline, Table, Wrap};

use super::super::status::{credentials, duration, service};
use super::Seen;
use crate::control::report::Report;

/// Less than this of a certificate's life is a warning.
const SOON: i64 = 24 * 3600;

/// Letters of a bar in a table.
const BAR: usize = 16;

const GOOD: Style = Style::new().fg(Color::Green);
const POOR: Style = Style::new().fg(Color::Yellow);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);
const DIM: Style = Style::new().fg(Color::DarkGray);

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, seen: &Seen) {
    let Some(report) = &seen.report else { return };
    let waiting = report.engine.pending.len() + report.engine.downloads.len();
    let [head, cache, speed, moving, stuck, foot] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Length(3),
        Constraint::Length(5),
        Constraint::Min(4 + u16::try_from(waiting.min(4)).unwrap_or(4)),
        Constraint::Length(if report.stuck.is_empty() { 0 } else { 4 }),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    header(frame, head, report);
    let [used, hits] = Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)]).areas(cache);
    gauges(frame, used, hits, report);
    speeds(frame, speed, seen);
    transfers(frame, moving, report);
    hanging(frame, stuck, report);
    footer(frame, foot, seen);
}

fn header(frame: &mut Frame<'_>, area: Rect, report: &Report) {
    let status = &report.engine;
    let mode = if status.read_only { " (read-only)" } else { "" };
    let title = format!(" {} on {}{mode}, {} ", status.space, report.mountpoint.display(), duration(report.uptime));
    let known = &report.credentials;
    let trusted = match (&known.problem, known.seconds_left) {
        (Some(_), _) => BAD,
        (None, Some(left)) if left < 0 => BAD,
        (None, Some(left)) if left < SOON => POOR,
        _ => GOOD,
    };
    let lines = vec![
        Line::from(vec![
            Span::raw("service      "),
            Span::styled(service(report), if report.service.reachable { GOOD } else { BAD }),
        ]),
        Line::from(vec![Span::raw("credentials  "), Span::styled(credentials(known), trusted)]),
    ];
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(title)), area);
}

fn gauges(frame: &mut Frame<'_>, used: Rect, hits: Rect, report: &Report) {
    let status = &report.engine;
    let part = status.cache_used as f64 / status.cache_limit.max(1) as f64;
    let pinned =
        if status.cache_pinned > 0 { format!(", {} pinned", ByteSize(status.cache_pinned)) } else { String::new() };
    let label = format!("{} of {}{pinned}", ByteSize(status.cache_used), ByteSize(status.cache_limit));
    let gauge = Gauge::default().gauge_style(Color::Blue).ratio(part.clamp(0.0, 1.0)).label(label);
    frame.render_widget(gauge.block(Block::bordered().title(" cache ")), used);
    let rate = status.reads.rate();
    let label = rate.map_or_else(|| "nothing read yet".to_owned(), |rate| format!("{:.0} %", rate * 100.0));
    let gauge = Gauge::default().gauge_style(Color::Green).ratio(rate.unwrap_or(0.0).clamp(0.0, 1.0)).label(label);
    frame.render_widget(gauge.block(Block::bordered().title(" read from the cache ")), hits);
}

fn speeds(frame: &mut Frame<'_>, area: Rect, seen: &Seen) {
    let [inward, outward] = Layout::horizontal([Constraint::Percentage(50); 2]).areas(area);
    let limits = seen.report.as_ref().map(|report| report.bwlimit);
    for (area, name, colour, values, limit) in [
        (
            inward,
            "in",
            Color::Cyan,
            seen.speeds.iter().map(|(down, _)| *down).collect::<Vec<_>>(),
            limits.and_then(|limits| limits.bwlimit_down),
        ),
        (
            outward,
            "out",
            Color::Magenta,
            seen.speeds.iter().map(|(_, up)| *up).collect(),
            limits.and_then(|limits| limits.bwlimit_up),
        ),
    ] {
        let most = limit.map(|limit| format!(" of {}/s", ByteSize(limit))).unwrap_or_default();
        let title = format!(" {name} {}/s{most} ", ByteSize(values.last().copied().unwrap_or(0)));
        let shown = values.len().saturating_sub(area.width.saturating_sub(2).into());
        let line = Sparkline::default().data(&values[shown..]).style(colour).block(Block::bordered().title(title));
        frame.render_widget(line, area);
    }
}

/// What moves, and what waits to move.
fn transfers(frame: &mut Frame<'_>, area: Rect, report: &Report) {
    let status = &report.engine;
    let incoming = status.downloads.iter().map(|one| {
        let cells =
            ["in".to_owned(), bar(one.received, one.bytes), ByteSize(one.bytes).to_string(), format!("/{}", one.path)];
        Row::new(cells).style(Color::Cyan)
    });
    let outgoing = status.pending.iter().map(|file| {
        let style = match file.state.as_str() {
            "sending" => Style::new().fg(Color::Magenta),
            "failed" | "refused" | "conflict" => BAD,
            _ => Style::new(),
        };
        let how = file.sent.map_or_else(|| file.state.clone(), |sent| bar(sent, file.bytes));
        let cause = file.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        let cells = ["out".to_owned(), how, ByteSize(file.bytes).to_string(), format!("/{}{cause}", file.path)];
        Row::new(cells).style(style)
    });
    let widths =
        [Constraint::Length(3), Constraint::Length(BAR as u16 + 5), Constraint::Length(10), Constraint::Fill(1)];
    let bytes: u64 = status.pending.iter().map(|file| file.bytes).sum();
    let title =
        format!(" {} coming in, {} not sent yet ({}) ", status.downloads.len(), status.pending.len(), ByteSize(bytes));
    // What is wrong first, then what moves out, then what comes in.
    let mut waiting: Vec<_> = status.pending.iter().zip(outgoing).collect();
    waiting.sort_by_key(|(file, _)| (file.error.is_none(), file.sent.is_none()));
    let rows = waiting.into_iter().map(|(_, row)| row).chain(incoming);
    frame.render_widget(Table::new(rows, widths).block(Block::bordered().title(title)), area);
}

fn bar(done: u64, all: u64) -> String {
    let part = if all > 0 { (done as f64 / all as f64).clamp(0.0, 1.0) } else { 1.0 };
    let full = (part * BAR as f64).round() as usize;
    format!("{}{} {:>3.0}%", "█".repeat(full), "░".repeat(BAR - full), part * 100.0)
}

fn hanging(frame: &mut Frame<'_>, area: Rect, report: &Report) {
    let lines: Vec<Line<'_>> = report
        .stuck
        .iter()
        .map(|stuck| {
            let path = stuck.path.as_ref().map_or_else(|| "-".to_owned(), |path| format!("/{path}"));
            Line::styled(
                format!("{} {path} by process {}, for {}", stuck.operation, stuck.pid, duration(stuck.seconds)),
                POOR,
            )
        })
        .collect();
    let title = format!(" {} request(s) hang ", report.stuck.len());
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }).block(Block::bordered().title(title)), area);
}

fn footer(frame: &mut Frame<'_>, area: Rect, seen: &Seen) {
    let line = match &seen.problem {
        Some(problem) => Line::styled(format!("{problem}; this is how it stood before"), BAD),
        None => Line::styled("q ends", DIM),
    };
    frame.render_widget(line, area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use serde_json::json;

    use super::*;

    fn screen(seen: &Seen, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a screen");
        terminal.draw(|frame| draw(frame, seen)).expect("drawn");
        let buffer = terminal.backend().buffer();
        let rows = buffer.content().chunks(width.into());
        rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>() + "\n").collect()
    }

    fn report() -> Report {
        let pending = |path: &str, state: &str, sent: Option<u64>, error: Option<&str>| json!({"id": "1", "path": path, "bytes": 1000, "state": state, "sent": sent, "tries": 0, "error": error});
        serde_json::from_value(json!({
            "space": "vos:USER", "cache_dir": "/c", "write_back": "close", "on_conflict": "keep-both", "read_only": false, "offline_since": 0,
            "cache_used": 1 << 30, "cache_limit": 4_u64 << 30, "cache_pinned": 1 << 20, "unfinished_moves": 0, "conflicts": [],
            "reads": {"hits": 3, "hit_bytes": 75, "misses": 1, "miss_bytes": 25},
            "downloads": [{"path": "in.fits", "start": 0, "received": 500, "bytes": 1000}],
            "pending": [pending("quiet", "waiting", None, None), pending("up", "sending", Some(250), None), pending("bad", "failed", None, Some("quota"))],
            "mountpoint": "/mnt", "pid": 1, "uptime": 100,
            "service": {"reachable": false, "requests": 5, "failures": 1, "last_answer": null, "last_failure": null, "last_failure_text": "refused", "sent": 0, "received": 0},
            "credentials": {"what": "a token", "expires": null, "seconds_left": null, "problem": null},
            "stuck": [{"operation": "read", "path": "in.fits", "pid": 77, "seconds": 9}],
            "bwlimit": {"bwlimit_down": 1000, "bwlimit_up": null}, "log_level": "warn"
        }))
        .expect("a report")
    }

    #[test]
    fn all_that_matters_is_on_the_screen_the_worst_first() {
        let mut seen = Seen::default();
        seen.take(Ok(report()));
        let shown = screen(&seen, 110, 30);
        for text in [
            "vos:USER on /mnt",
            "OFFLINE",
            "a token",
            "1.0 GiB of 4.0 GiB, 1.0 MiB pinned",
            "75 %",
            "in 0 B/s of 1000 B/s",
            "1 coming in, 3 not sent yet",
            "████░░░░░░░░░░░░  25%",
            "/bad: quota",
            "read /in.fits by process 77",
            "q ends",
        ] {
            assert!(shown.contains(text), "{text}\n{shown}");
        }
        let place = |text: &str| shown.find(text).expect("there");
        assert!(place("/bad") < place("/up") && place("/up") < place("/quiet") && place("/quiet") < place("/in.fits "));
        seen.take(Err("the mount does not answer".into()));
        assert!(screen(&seen, 110, 30).contains("does not answer"));
    }

    #[test]
    fn a_small_screen_is_no_reason_to_fail() {
        let mut seen = Seen::default();
        seen.take(Ok(report()));
        for (width, height) in [(1, 1), (10, 3), (40, 12), (300, 90)] {
            screen(&seen, width, height);
        }
    }
}
