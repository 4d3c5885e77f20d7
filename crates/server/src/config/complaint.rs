//! What clap refuses, as one sentence with the cure instead of its several lines.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::command_word::meant_by;
use super::counts_table;
use super::manual::SHELL;
use super::setting::Setting;
use super::start_error::StartError;
use super::table::all;
use super::top_table;

/// The sentence for an error that is not a request for help, on a command line that begins with `first`.
pub(super) fn about(error: &clap::Error, first: Option<&OsString>) -> StartError {
    let argument = text(error, ContextKind::InvalidArg).unwrap_or_default();
    let sentence = match error.kind() {
        ErrorKind::UnknownArgument => unknown(&argument, text(error, ContextKind::SuggestedArg), first),
        ErrorKind::InvalidValue | ErrorKind::MissingRequiredArgument => without_value(&argument),
        ErrorKind::TooManyValues => {
            let value = text(error, ContextKind::InvalidValue).unwrap_or_default();
            format!(
                "the flag {argument} takes no value, and {value:?} (command line) is one; write {argument} alone"
            )
        }
        ErrorKind::ArgumentConflict => twice(&argument),
        // What the table cannot lead to is said in clap's words, on one line.
        _ => one_line(error),
    };
    StartError::wrong(sentence)
}

fn unknown(argument: &str, meant: Option<String>, first: Option<&OsString>) -> String {
    if !argument.starts_with('-') {
        let instead = match first.and_then(|word| meant_by(word)) {
            Some(command) => format!("did you mean: {command}? If not, "),
            None => String::new(),
        };
        return format!(
            "the argument {argument:?} (command line) is one too many; {instead}name one folder, in quotes if it holds spaces"
        );
    }
    // A flag that exists is unknown only elsewhere.
    if all().any(|setting| setting.flag() == argument) {
        return format!("a subcommand takes no {argument} (command line); see tallyd --help");
    }
    if counts_table::settings().any(|setting| setting.flag() == argument) {
        return format!(
            "{argument} (command line) is of the subcommand counts; write it as in: tallyd counts {argument}"
        );
    }
    match meant {
        Some(meant) => {
            format!("there is no flag {argument:?} (command line); did you mean {meant:?}? See tallyd --help")
        }
        None => format!("there is no flag {argument:?} (command line); see tallyd --help"),
    }
}

fn without_value(argument: &str) -> String {
    match setting_of(argument) {
        Some(setting) => format!(
            "the {} ({}, command line) has no value; write it as in: {}",
            setting.noun,
            setting.flag(),
            setting.example_on_command_line()
        ),
        None => format!("{argument} (command line) has no value; see tallyd --help"),
    }
}

fn twice(argument: &str) -> String {
    match setting_of(argument) {
        Some(setting) => format!(
            "the {} ({}, command line) is given twice; give it once, as in: {}",
            setting.noun,
            setting.flag(),
            setting.example_on_command_line()
        ),
        None => format!("{argument} (command line) is given twice; give it once"),
    }
}

/// The setting of an argument as clap shows it: `--port <PORT>`, `[ROOT]`, `<SHELL>`.
fn setting_of(argument: &str) -> Option<&'static Setting> {
    let name = argument.split(' ').next().unwrap_or(argument);
    let name = name.trim_matches(['[', ']', '<', '>']);
    all()
        .chain([&SHELL.setting])
        .chain(counts_table::settings())
        .chain(top_table::settings())
        .find(|setting| setting.flag() == name)
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => Some(texts.join(" ")),
        _ => None,
    }
}

fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default();
    let reason = first.strip_prefix("error: ").unwrap_or(first);
    format!("the command line is not understood: {reason}; see tallyd --help")
}

#[cfg(test)]
mod tests {
    use crate::config::tests::check_refused;

    #[test]
    fn what_the_command_line_cannot_be() {
        let check = |args: &[&str], expect: &str| check_refused(args, &[], None, &format!("2 {expect}"));
        check(
            &["--prot", "80"],
            r#"there is no flag "--prot" (command line); did you mean "--port"? See tallyd --help"#,
        );
        check(
            &["--prot=80"],
            r#"there is no flag "--prot" (command line); did you mean "--port"? See tallyd --help"#,
        );
        check(&["--xyz"], r#"there is no flag "--xyz" (command line); see tallyd --help"#);
        check(&["-x"], r#"there is no flag "-x" (command line); see tallyd --help"#);
        check(&["--port"], "the port (--port, command line) has no value; write it as in: --port 8080");
        check(&["-p"], "the port (--port, command line) has no value; write it as in: --port 8080");
        check(
            &["--port", "1", "-p", "2"],
            "the port (--port, command line) is given twice; give it once, as in: --port 8080",
        );
        check(
            &["--check=no"],
            r#"the check "no" (--check, command line) is not one of: true, false; write it as in: --check"#,
        );
        check(
            &["--version=no"],
            r#"the flag --version takes no value, and "no" (command line) is one; write --version alone"#,
        );
        check(
            &["a", "b"],
            r#"the argument "b" (command line) is one too many; name one folder, in quotes if it holds spaces"#,
        );
        check(
            &["count", "/a"],
            r#"the argument "/a" (command line) is one too many; did you mean: tallyd counts? If not, name one folder, in quotes if it holds spaces"#,
        );
        check(
            &["help", "serve"],
            r#"the argument "serve" (command line) is one too many; did you mean: tallyd --help? If not, name one folder, in quotes if it holds spaces"#,
        );
        check(
            &["-p", "80", "man"],
            r#"the subcommand "man" takes no settings; write tallyd man alone, or ./man for a folder of that name"#,
        );
        check(
            &["www", "man"],
            r#"the subcommand "man" takes no settings; write tallyd man alone, or ./man for a folder of that name"#,
        );
        check(
            &["--ledger", "x", "counts"],
            r#"what the subcommand "counts" is to do stands after it; write it as in: tallyd counts --top 20, or ./counts for a folder of that name"#,
        );
        check(
            &["--json"],
            "--json (command line) is of the subcommand counts; write it as in: tallyd counts --json",
        );
        check(&["man", "--check"], "a subcommand takes no --check (command line); see tallyd --help");
        check(
            &["completions"],
            "the shell (SHELL, command line) has no value; write it as in: tallyd completions bash",
        );
        check(
            &["completions", "tcsh"],
            r#"the shell "tcsh" (SHELL, command line) is not one of: bash, elvish, fish, powershell, zsh; write it as in: tallyd completions bash"#,
        );
    }
}
