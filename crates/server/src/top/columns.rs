//! Tables whose columns go where the terminal is too narrow for them, and whose paths show their end.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Stylize as _;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row, Table};

/// Cells between two columns.
const SPACING: u16 = 2;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) width: Constraint,
    pub(super) align: Align,
    /// The width of the terminal from which on it is shown.
    pub(super) from: u16,
}

/// Where the head of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    /// Above names and pictures.
    Left,
    /// Above figures.
    Right,
}

/// A title, and under it a table with its heads, or what is said in its place. `row` is given the width of the first
/// column, and makes all cells of a row.
pub(super) fn draw_table<T, const N: usize>(
    frame: &mut Frame<'_>,
    area: Rect,
    title: &str,
    columns: &[Column; N],
    rows: &[T],
    row: impl Fn(u16, &T) -> [Cell<'static>; N],
    nothing: &'static str,
) {
    let [above, below] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(area);
    frame.render_widget(Paragraph::new(title.to_owned()).bold(), above);
    if rows.is_empty() {
        return frame.render_widget(Paragraph::new(nothing).dim(), below);
    }
    let is_shown = |column: &Column| column.from <= area.width;
    let widths: Vec<Constraint> = columns.iter().filter(|it| is_shown(it)).map(|it| it.width).collect();
    let first = Layout::horizontal(widths.clone()).spacing(SPACING).split(below)[0].width;
    let heads = columns.iter().filter(|it| is_shown(it)).map(|column| match column.align {
        Align::Left => Cell::from(column.head),
        Align::Right => right(column.head.to_owned()),
    });
    let shown = rows.iter().take(usize::from(below.height)).map(|it| {
        let cells = columns.iter().zip(row(first, it));
        Row::new(cells.filter(|(column, _)| is_shown(column)).map(|(_, cell)| cell))
    });
    let table = Table::new(shown, widths).header(Row::new(heads).dim()).column_spacing(SPACING);
    frame.render_widget(table, below);
}

/// A figure.
pub(super) fn right(text: String) -> Cell<'static> {
    Cell::from(Line::from(text).right_aligned())
}

/// A path in so many cells.
pub(super) fn path_cell(path: &str, width: u16) -> Cell<'static> {
    Cell::from(end_of(path, width))
}

/// As much of the end of a path as fits, because files of one folder differ there.
fn end_of(path: &str, width: u16) -> String {
    let width = usize::from(width);
    if Span::from(path).width() <= width {
        return path.to_owned();
    }
    // One cell is for the sign that something is left out.
    let (mut room, mut start) = (width.saturating_sub(1), path.len());
    for (at, character) in path.char_indices().rev() {
        let cells = Span::from(&path[at..at + character.len_utf8()]).width();
        if cells > room {
            break;
        }
        (room, start) = (room - cells, at);
    }
    format!("…{}", &path[start..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_paths() {
        let check = |path: &str, width: u16, expect: &str| assert_eq!(end_of(path, width), expect, "{width}");
        check("/a/b.txt", 8, "/a/b.txt");
        check("/a/b.txt", 7, "…/b.txt");
        check("/a/b.txt", 2, "…t");
        check("/a/b.txt", 0, "…");
        check("", 0, "");
        check("/日本", 5, "/日本");
        check("/日本", 4, "…本");
        check("/日本", 2, "…");
    }
}
