//! Small figures as text: rates, spans of time, bars and histories.

use crate::figures::size;

/// Bytes a second.
pub(super) fn rate(bytes: u64) -> String {
    format!("{}/s", size(bytes))
}

/// A span of time in its two largest units.
pub(super) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        (_, _, _) => format!("{days} d {} h", hours % 24),
    }
}

/// A bar of so many cells, of which so many eighths are filled.
pub(super) fn bar(eighths: u32, cells: u16) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let cells = u32::from(cells);
    let eighths = eighths.min(cells * 8);
    let rest = cells - eighths.div_ceil(8);
    let (whole, part) = ((eighths / 8) as usize, (eighths % 8) as usize);
    format!("{}{}{}", "█".repeat(whole), PARTS[part], "·".repeat(rest as usize))
}

/// Values as columns, the highest as high as a line.
pub(super) fn spark(values: &[u64]) -> String {
    const COLUMNS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let column = |value: &u64| match value {
        0 => ' ',
        value => COLUMNS[(u128::from(*value) * 7 / u128::from(most)) as usize],
    };
    values.iter().map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let check = |seconds: u64, expect: &str| assert_eq!(span(seconds), expect);
        check(0, "0 s");
        check(59, "59 s");
        check(60, "1 min 0 s");
        check(3_725, "1 h 2 min");
        check(93_784, "1 d 2 h");
        check(u64::MAX, "213503982334601 d 7 h");
    }

    #[test]
    fn bars() {
        let check = |eighths: u32, expect: &str| assert_eq!(bar(eighths, 4), expect, "{eighths}");
        check(0, "····");
        check(8, "█···");
        check(12, "█▌··");
        check(31, "███▉");
        check(32, "████");
        check(99, "████");
    }

    #[test]
    fn histories() {
        let check = |values: &[u64], expect: &str| assert_eq!(spark(values), expect, "{values:?}");
        check(&[], "");
        check(&[0, 0], "  ");
        check(&[1, 4, 7, 0], "▂▅█ ");
        check(&[u64::MAX, 1], "█▁");
    }
}
