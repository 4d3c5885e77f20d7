//! What is asked of `tallyd counts`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use tallyd_ledger::query::{Order, Selection};
use tallyd_ledger::{Day, path_text};

use super::counts_table::{self, Lines};
use super::given::{Sourced, quoted};
use super::ledger_file::{self, StateFolder};
use super::start_error::StartError;
use super::table;
use super::typed::Typed;
use super::value::LedgerFile;

/// A question to a ledger, and the form of the answer.
#[derive(Clone, Debug)]
pub(crate) struct Counts {
    /// The ledger, which may turn out not to be there.
    pub(crate) ledger: Sourced<LedgerFile>,
    /// Which tallies.
    pub(crate) selection: Selection,
    /// What one line is about.
    pub(crate) lines: Lines,
    /// In which form.
    pub(crate) answer: Answer,
    /// The paths of the selection.
    paths: Vec<Sourced<String>>,
    root: Sourced<PathBuf>,
    state: StateFolder,
}

/// The form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// For people.
    Table,
    /// RFC 8259.
    Json,
    /// RFC 4180.
    Csv,
    /// Which laws hold.
    Verdict,
}

impl Counts {
    /// From what was typed to what is meant, or the first sentence about what cannot be read.
    pub(super) fn from_typed(typed: &Typed, state: StateFolder) -> Result<Counts, StartError> {
        let top = typed.optional(&counts_table::TOP)?.map(|top| top.value);
        let paths = typed.all(&counts_table::PATHS)?;
        let selection = Selection {
            paths: paths.iter().map(|path| path.value.clone()).collect(),
            since: typed.optional(&counts_table::SINCE)?.map(|day| day.value),
            until: typed.optional(&counts_table::UNTIL)?.map(|day| day.value),
            order: if top.is_some() { Order::Downloads } else { Order::Path },
            top,
        };
        refuse_backwards(selection.since, selection.until)?;
        Ok(Counts {
            ledger: typed.one(&table::LEDGER)?,
            lines: typed.one(&counts_table::BY)?.value,
            answer: answer(typed, &selection)?,
            selection,
            paths,
            root: typed.one(&counts_table::ROOT)?,
            state,
        })
    }

    /// The file to read.
    pub(crate) fn path(&self) -> Result<PathBuf, StartError> {
        ledger_file::path(&self.ledger, &self.root, &self.state)?.ok_or_else(|| {
            self.ledger
                .misfit("is no file, so that there is nothing to read", "name one, as in: --ledger FILE")
        })
    }

    /// Refuses a path that names nothing: it is neither among those that `is_counted` tells to be in `ledger`, nor in the
    /// folder, where it may be asked for some day.
    pub(crate) fn refuse_unknown<E>(
        &self,
        ledger: &Path,
        mut is_counted: impl FnMut(&str) -> Result<bool, E>,
    ) -> Result<Result<(), StartError>, E> {
        for path in &self.paths {
            if !is_counted(&path.value)? && !self.is_in_folder(&path.value) {
                return Ok(Err(self.unknown(path, ledger)));
            }
        }
        Ok(Ok(()))
    }

    fn is_in_folder(&self, path: &str) -> bool {
        let Some(path) = path_text::parse(path) else { return false };
        // Behind an absolute path, `join` would forget the folder.
        let below = path.strip_prefix(b"/").unwrap_or(&path);
        self.root.value.join(OsStr::from_bytes(below)).exists()
    }

    fn unknown(&self, path: &Sourced<String>, ledger: &Path) -> StartError {
        let (ledger, root) = (ledger.display(), quoted(&self.root.value));
        let predicate = format!("is neither in the ledger {ledger} nor in the folder {root}");
        let text = &path.given.text;
        if Path::new(text).is_dir() {
            let text = text.display();
            return path.misfit(
                predicate,
                format_args!("for the ledger of that folder write: tallyd counts --root {text}"),
            );
        }
        path.misfit(predicate, "write it as the access log does, as in: tallyd counts /releases/")
    }
}

fn answer(typed: &Typed, selection: &Selection) -> Result<Answer, StartError> {
    let asked = [
        (typed.one(&counts_table::JSON)?.value, Answer::Json),
        (typed.one(&counts_table::CSV)?.value, Answer::Csv),
        (typed.one(&counts_table::VERIFY)?.value, Answer::Verdict),
    ];
    let mut asked = asked.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, answer)| answer);
    let answer = asked.next().unwrap_or(Answer::Table);
    if asked.next().is_some() {
        let one = "--json, --csv and --verify (command line) are one too many";
        return Err(StartError::wrong(format!("{one}; give one of them, as in: tallyd counts --json")));
    }
    if answer == Answer::Verdict && *selection != Selection::default() {
        let whole = "--verify (command line) checks the whole ledger, not a part of it";
        return Err(StartError::wrong(format!("{whole}; give it alone, as in: tallyd counts --verify")));
    }
    Ok(answer)
}

fn refuse_backwards(since: Option<Day>, until: Option<Day>) -> Result<(), StartError> {
    if since.zip(until).is_some_and(|(since, until)| since > until) {
        return Err(StartError::wrong(
            "the last day (--until, command line) is before the first (--since); exchange them",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Invocation;
    use crate::config::tests::{check_refused, start_with};

    fn counts(args: &[&str], vars: &[&str], file: Option<&str>) -> Counts {
        let args = [&["counts"][..], args].concat();
        match start_with(&args, vars, file).expect("the arguments are right") {
            Invocation::Counts(counts) => counts,
            other => panic!("counts were asked for, not {other:?}"),
        }
    }

    #[test]
    fn what_is_selected() {
        let check = |args: &[&str], expect: Selection| {
            assert_eq!(counts(args, &[], None).selection, expect, "{args:?}");
        };
        let all = Selection::default();
        let paths = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        check(&[], all.clone());
        check(&["/a", "/b/"], Selection { paths: paths(&["/a", "/b/"]), ..all.clone() });
        check(&["/a|b", "/%7c%25"], Selection { paths: paths(&["/a%7Cb", "/%7C%25"]), ..all.clone() });
        check(&["--top", "3"], Selection { top: Some(3), order: Order::Downloads, ..all.clone() });
        let day = ["--since", "2026-01-01", "--until", "2026-01-01"];
        check(&day, Selection { since: Some(Day(20_454)), until: Some(Day(20_454)), ..all });
    }

    #[test]
    fn in_which_form() {
        let check = |args: &[&str], lines: Lines, answer: Answer| {
            let counts = counts(args, &[], None);
            assert_eq!((counts.lines, counts.answer), (lines, answer), "{args:?}");
        };
        check(&[], Lines::PerFile, Answer::Table);
        check(&["--by", "file", "--json"], Lines::PerFile, Answer::Json);
        check(&["--by=day", "--csv"], Lines::PerDay, Answer::Csv);
        check(&["--verify"], Lines::PerFile, Answer::Verdict);
    }

    #[test]
    fn the_ledger_is_the_one_of_the_server() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let root = folder.path().to_str().expect("the folder's name is UTF-8");
        let served = match start_with(&[root], &["HOME=/nowhere"], None).expect("the arguments are right") {
            Invocation::Serve(config) => config.ledger.path(&config.root).expect("the folder exists"),
            other => panic!("settings were asked for, not {other:?}"),
        };
        let check = |args: &[&str], vars: &[&str], file: Option<&str>| {
            let vars = [&["HOME=/nowhere"][..], vars].concat();
            assert_eq!(counts(args, &vars, file).path().ok(), served, "{args:?} {vars:?} {file:?}");
        };
        check(&["--root", root], &[], None);
        check(&[], &[&format!("TALLYD_ROOT={root}")], None);
        check(&[], &[], Some(&format!("root = {root:?}\nport = 80")));
        let named = served.as_ref().expect("a file").to_str().expect("its name is UTF-8");
        check(&["--ledger", named], &["TALLYD_LEDGER=none"], None);
        let nothing = counts(&[], &["TALLYD_LEDGER=none"], None).path().expect_err("no file").to_string();
        assert_eq!(
            nothing,
            "the ledger \"none\" (variable TALLYD_LEDGER) is no file, so that there is nothing to read; \
             name one, as in: --ledger FILE"
        );
    }

    #[test]
    fn what_counts_refuses() {
        let check = |args: &[&str], expect: &str| {
            check_refused(&[&["counts"][..], args].concat(), &[], None, &format!("2 {expect}"));
        };
        check(
            &["index.html"],
            r#"the path "index.html" (PATH, command line) does not begin with a slash, as every path from the root does; write it as in: tallyd counts /releases/"#,
        );
        check(
            &["/100%"],
            r#"the path "/100%" (PATH, command line) has a % without two hexadecimal digits after it (a % itself is %25); write it as in: tallyd counts /releases/"#,
        );
        check(
            &["--since", "yesterday"],
            r#"the first day "yesterday" (--since, command line) is not a date (YYYY-MM-DD); write it as in: --since 2026-01-31"#,
        );
        check(
            &["--top", "0"],
            r#"the number of lines "0" (--top, command line) is not a whole number from 1 to 1000000000; write it as in: --top 20"#,
        );
        check(
            &["--by", "week"],
            r#"the kind of line "week" (--by, command line) is not one of: file, day; write it as in: --by day"#,
        );
        check(&["--root"], "the folder (--root, command line) has no value; write it as in: --root /srv/www");
        check(&["--port", "1"], "a subcommand takes no --port (command line); see tallyd --help");
        check(
            &["--jsn"],
            r#"there is no flag "--jsn" (command line); did you mean "--json"? See tallyd --help"#,
        );
        check(
            &["--json", "--csv"],
            "--json, --csv and --verify (command line) are one too many; give one of them, as in: tallyd counts --json",
        );
        check(
            &["--verify", "/a"],
            "--verify (command line) checks the whole ledger, not a part of it; give it alone, as in: tallyd counts --verify",
        );
        check(
            &["--since", "2026-01-02", "--until", "2026-01-01"],
            "the last day (--until, command line) is before the first (--since); exchange them",
        );
    }
}
