//! The picture in the terminal, from what was told and what is chosen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Stylize as _;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph};

use super::Heard;
use super::columns::{Align, Column, draw_table, path_cell, right};
use super::snapshot::{Busy, Snapshot, Transfer};
use super::text::{bar, rate, span, spark};
use super::view::{Typing, View};
use crate::figures::{grouped, size};

/// Cells of a progress bar.
const BAR: u16 = 16;

/// Cells of a history, one for each minute.
const HISTORY: u16 = 20;

/// Lines of transfers that are shown at least, if there are so many, however many files there are.
const TRANSFERS_AT_LEAST: u16 = 3;

/// From so many lines on, there is room for empty ones.
const TALL: u16 = 16;

const TRANSFER_COLUMNS: [Column; 7] = [
    Column { head: "FILE", width: Constraint::Min(12), align: Align::Left, from: 0 },
    Column { head: "CLIENT", width: Constraint::Length(24), align: Align::Left, from: 100 },
    Column { head: "PROGRESS", width: Constraint::Length(BAR), align: Align::Left, from: 70 },
    Column { head: "", width: Constraint::Length(4), align: Align::Right, from: 0 },
    Column { head: "LENGTH", width: Constraint::Length(10), align: Align::Right, from: 90 },
    Column { head: "RATE", width: Constraint::Length(12), align: Align::Right, from: 30 },
    Column { head: "TIME LEFT", width: Constraint::Length(12), align: Align::Right, from: 44 },
];

const FILE_COLUMNS: [Column; 6] = [
    Column { head: "FILE", width: Constraint::Min(12), align: Align::Left, from: 0 },
    Column { head: "REQUESTS", width: Constraint::Length(10), align: Align::Right, from: 0 },
    Column { head: "COMPLETED", width: Constraint::Length(10), align: Align::Right, from: 90 },
    Column { head: "ABORTED", width: Constraint::Length(9), align: Align::Right, from: 60 },
    Column { head: "BYTES", width: Constraint::Length(10), align: Align::Right, from: 44 },
    Column { head: "LAST 20 MINUTES", width: Constraint::Length(HISTORY), align: Align::Left, from: 90 },
];

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, heard: &Heard, view: &View) {
    let Some(snapshot) = &heard.snapshot else {
        let text = format!("tallyd top: {}", heard.lost.as_deref().unwrap_or("connecting"));
        return frame.render_widget(Paragraph::new(text), frame.area());
    };
    let transfers = view.transfers(snapshot);
    let files = view.files(snapshot);
    let summary = summary(snapshot, heard);
    let [top, middle, bottom, foot] = parts(frame.area(), summary.len(), transfers.len(), files.len());
    frame.render_widget(Paragraph::new(summary), top);
    draw_transfers(frame, middle, snapshot, &transfers, view);
    draw_files(frame, bottom, &files, view);
    draw_foot(frame, foot, view);
}

/// Where the summary, the transfers, the files and the keys are: transfers get what files leave, at least half.
fn parts(area: Rect, summary: usize, transfers: usize, files: usize) -> [Rect; 4] {
    // A terminal has less lines than this can count.
    let lines = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    let gap = u16::from(area.height >= TALL);
    let summary = lines(summary);
    // A title and heads above both tables, a gap before each, and the keys.
    let left = area.height.saturating_sub(summary + 5 + 2 * gap);
    let least = (left / 2).max(TRANSFERS_AT_LEAST);
    let for_transfers = lines(transfers).max(1).min(least.max(left.saturating_sub(lines(files))));
    Layout::vertical([
        Constraint::Length(summary + gap),
        Constraint::Length(for_transfers + 2 + gap),
        Constraint::Min(2),
        Constraint::Length(1),
    ])
    .areas(area)
}

fn summary<'a>(snapshot: &'a Snapshot, heard: &Heard) -> Vec<Line<'a>> {
    let summary = &snapshot.summary;
    let state = match &heard.lost {
        None => Span::from(format!("up {}", span(summary.server.uptime_s))).dim(),
        Some(lost) => Span::from(format!("reconnecting: {lost}")).red().bold(),
    };
    let (totals, traffic) = (&summary.totals, &summary.traffic);
    let now = format!(
        "  {:.1} requests/s  {} in flight  {} clients",
        traffic.requests_per_s,
        grouped(traffic.transfers),
        grouped(traffic.connections),
    );
    let ever = format!(
        "ever: {} downloads  {} requests  {} of {} files",
        grouped(totals.downloads),
        grouped(totals.requests),
        size(totals.bytes),
        grouped(totals.files),
    );
    let mut lines = vec![
        Line::from(vec!["tallyd ".bold(), Span::from(summary.server.root.as_str()), "  ".into(), state]),
        Line::from(vec![Span::from(rate(traffic.bytes_per_s)).bold(), now.into()]),
        Line::from(ever),
    ];
    lines.extend(summary.warnings.iter().map(|warning| Line::from(warning.text.as_str()).yellow()));
    lines
}

fn draw_transfers(
    frame: &mut Frame<'_>,
    area: Rect,
    snapshot: &Snapshot,
    transfers: &[&Transfer],
    view: &View,
) {
    let all = snapshot.summary.traffic.transfers;
    let title = match transfers.len() {
        shown if (shown as u64) < all => {
            format!(
                "IN FLIGHT, {}, {} of {}",
                view.transfer_order.word(),
                grouped(shown as u64),
                grouped(all)
            )
        }
        _ => format!("IN FLIGHT, {}", view.transfer_order.word()),
    };
    let row = |width: u16, it: &&Transfer| {
        [
            path_cell(&it.path, width),
            Cell::from(it.client.clone()).dim(),
            Cell::from(bar(it.parts(u32::from(BAR) * 8), BAR)).cyan(),
            right(format!("{}%", it.parts(100))),
            right(size(it.length)),
            right(rate(it.bytes_per_s)),
            right(it.seconds_left().map_or("stalled".to_owned(), span)),
        ]
    };
    draw_table(frame, area, &title, &TRANSFER_COLUMNS, transfers, row, "no transfer is in flight");
}

fn draw_files(frame: &mut Frame<'_>, area: Rect, files: &[&Busy], view: &View) {
    let title = format!("BUSIEST OF THE LAST HOUR, {}", view.file_order.word());
    let row = |width: u16, it: &&Busy| {
        let recent = &it.history[it.history.len().saturating_sub(usize::from(HISTORY))..];
        [
            path_cell(&it.path, width),
            right(grouped(it.requests)),
            right(grouped(it.completed)),
            right(grouped(it.aborted)),
            right(size(it.bytes)),
            Cell::from(spark(recent)).cyan(),
        ]
    };
    draw_table(frame, area, &title, &FILE_COLUMNS, files, row, "nothing was fetched");
}

fn draw_foot(frame: &mut Frame<'_>, area: Rect, view: &View) {
    let line = match (view.typing, view.filter.as_str()) {
        (Typing::Filter, filter) => format!("filter: {filter}_   Enter keeps it, Esc clears it"),
        (Typing::Commands, "") => "q quit   t order of transfers   f order of files   / filter".to_owned(),
        (Typing::Commands, filter) => format!("filter: {filter}   Esc clears it   q quit   t, f orders"),
    };
    frame.render_widget(Paragraph::new(line).dim(), area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::super::tests::snapshot;
    use super::*;

    /// The lines of the picture.
    fn picture(heard: &Heard, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("memory is a terminal");
        terminal.draw(|frame| draw(frame, heard, &View::default())).expect("it can be drawn");
        terminal.backend().to_string()
    }

    #[test]
    fn what_is_seen() {
        let heard = Heard { snapshot: Some(snapshot()), lost: None };
        let seen = picture(&heard, 130, 24);
        for expect in [
            "tallyd /srv/www  up 1 h 2 min",
            "2 in flight",
            "ever: 1,204 downloads",
            "IN FLIGHT, oldest first",
            "/b.iso",
            "75%",
            "stalled",
            "The ledger cannot be written.",
            "q quit",
        ] {
            assert!(seen.contains(expect), "{expect} is not in\n{seen}");
        }
    }

    #[test]
    fn it_fits_any_terminal() {
        let heard = Heard { snapshot: Some(snapshot()), lost: Some("it has ended".to_owned()) };
        for (width, height) in [(1, 1), (10, 3), (40, 6), (80, 24), (300, 100)] {
            picture(&heard, width, height);
        }
        let nothing = Heard { snapshot: None, lost: None };
        assert!(picture(&nothing, 60, 3).contains("connecting"));
    }
}
