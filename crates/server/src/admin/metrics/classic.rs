//! OpenMetrics as the older text format has it (Prometheus, "Text-based format", version 0.0.4): there a counter's own
//! name ends in `_total`, and neither units nor the end are marked.

use std::fmt::Write as _;

/// The same figures in the older format.
pub(super) fn from_open_metrics(text: &str) -> String {
    let mut classic = String::with_capacity(text.len() + 1024);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line == "# EOF" || line.starts_with("# UNIT ") {
            continue;
        }
        let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) else {
            classic.extend([line, "\n"]);
            continue;
        };
        // The type follows the help; what it says decides how both are written.
        let kind = lines.next_if(|next| next.starts_with("# TYPE ")).and_then(|next| next.rsplit_once(' '));
        let kind = kind.map_or("untyped", |(_, kind)| kind);
        let suffix = if kind == "counter" { "_total" } else { "" };
        writeln!(classic, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}")
            .expect("writing to a String does not fail");
    }
    classic
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_named_by_their_samples() {
        let open = "# HELP a_seconds Some help.\n# TYPE a_seconds counter\n# UNIT a_seconds seconds\n\
             a_seconds_total{x=\"# HELP\"} 1.5\n# HELP b More help.\n# TYPE b gauge\nb 2\n# EOF\n";
        let classic = "# HELP a_seconds_total Some help.\n# TYPE a_seconds_total counter\n\
             a_seconds_total{x=\"# HELP\"} 1.5\n# HELP b More help.\n# TYPE b gauge\nb 2\n";
        assert_eq!(from_open_metrics(open), classic);
    }
}
