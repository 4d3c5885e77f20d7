//! Whether the laws of the tally hold.

use std::io::{self, Write};
use std::path::Path;

use tallyd_ledger::query::Finding;

use crate::config::StartError;
use crate::console;
use crate::figures::grouped;

/// Prints each law with how it fares; a broken one is the error.
pub(super) fn give(output: impl Write, path: &Path, findings: &[Finding]) -> Result<(), StartError> {
    console::printed(write(output, findings))?;
    let broken = findings.iter().filter(|finding| finding.broken > 0).count();
    if broken == 0 {
        return Ok(());
    }
    Err(StartError::misfit(format!(
        "the ledger {} breaks {broken} of {} laws; keep a copy of it and of the files beside it, and report it",
        path.display(),
        findings.len()
    )))
}

fn write(mut output: impl Write, findings: &[Finding]) -> io::Result<()> {
    for Finding { law, broken, example } in findings {
        let formula = law.formula();
        match example {
            None => writeln!(output, "holds   {formula}")?,
            Some(path) => writeln!(output, "BROKEN  {formula} ({} times, as by {path})", grouped(*broken))?,
        }
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tallyd_ledger::Law;

    #[test]
    fn verdicts() {
        let check = |broken: u64, expect: &str, end: Result<(), &str>| {
            let example = (broken > 0).then(|| "/a".to_owned());
            let findings = [
                Finding { law: Law::KindsMakeRequests, broken: 0, example: None },
                Finding { law: Law::DaysMakeTotals, broken, example },
            ];
            let mut text = Vec::new();
            let given = give(&mut text, Path::new("/l"), &findings).map_err(|error| error.to_string());
            assert_eq!(String::from_utf8(text).expect("text"), expect);
            assert_eq!(given, end.map_err(str::to_owned));
        };
        let first = "holds   requests = head + full + partial + not_modified\n";
        check(0, &format!("{first}holds   the days add up to the totals\n"), Ok(()));
        check(
            1_200,
            &format!("{first}BROKEN  the days add up to the totals (1,200 times, as by /a)\n"),
            Err(
                "the ledger /l breaks 1 of 2 laws; keep a copy of it and of the files beside it, and report it",
            ),
        );
    }
}
