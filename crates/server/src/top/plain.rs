//! The same as lines, where nobody looks at a terminal: a block for each snapshot, each of its lines one record.

use std::io::{self, Write};

use super::snapshot::Snapshot;
use super::text::{rate, span};
use crate::figures::{grouped, size};

/// Writes a snapshot: a line of sums, one for each transfer, one for each file, and an empty one.
pub(super) fn write(output: &mut impl Write, snapshot: &Snapshot) -> io::Result<()> {
    let Snapshot { summary, transfers, busiest } = snapshot;
    let traffic = &summary.traffic;
    writeln!(
        output,
        "{} {}, {:.1} requests/s, {} in flight, {} clients, {} downloads ever",
        summary.time,
        rate(traffic.bytes_per_s),
        traffic.requests_per_s,
        grouped(traffic.transfers),
        grouped(traffic.connections),
        grouped(summary.totals.downloads),
    )?;
    for warning in &summary.warnings {
        // Where it names a file, that may be by any name.
        let text: String = warning.text.chars().filter(|it| !it.is_control()).collect();
        writeln!(output, "warning: {text}")?;
    }
    for it in &transfers.transfers {
        let share = it.parts(100);
        let left =
            it.seconds_left().map_or("stalled".to_owned(), |seconds| format!("{} left", span(seconds)));
        let (length, rate) = (size(it.length), rate(it.bytes_per_s));
        writeln!(output, "transfer: {} to {}, {share}% of {length}, {rate}, {left}", it.path, it.client)?;
    }
    for it in busiest {
        let (requests, completed, aborted) =
            (grouped(it.requests), grouped(it.completed), grouped(it.aborted));
        let bytes = size(it.bytes);
        writeln!(
            output,
            "file: {}, {requests} requests, {completed} completed, {aborted} aborted, {bytes}",
            it.path
        )?;
    }
    writeln!(output)?;
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::super::tests::snapshot;
    use super::*;

    #[test]
    fn a_snapshot_as_lines() {
        let mut text = Vec::new();
        write(&mut text, &snapshot()).expect("memory takes any text");
        let expect = "\
2026-01-02T03:04:05Z 1.5 MiB/s, 12.5 requests/s, 2 in flight, 3 clients, 1,204 downloads ever
warning: The ledger cannot be written.
transfer: /b.iso to 192.0.2.1, 75% of 4.0 KiB, 0 B/s, stalled
transfer: /a.iso to 2001:db8::1, 50% of 2.0 MiB, 1.0 MiB/s, 1 s left
file: /a.iso, 9 requests, 8 completed, 1 aborted, 1.0 KiB
file: /notes.txt, 5 requests, 1 completed, 4 aborted, 1.0 KiB

";
        assert_eq!(String::from_utf8(text).expect("text"), expect);
    }
}
