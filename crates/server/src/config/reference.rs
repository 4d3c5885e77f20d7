//! `docs/configuration.md`, made from the table. The committed page is compared with what the table says, and
//! written anew by `UPDATE_DOCS=1 cargo test -p tallyd reference`.

use std::path::Path;

use super::counts_table;
use super::note::{ABOUT, Layout, NOTES, Note};
use super::setting::{Form, Occurs, Places, Setting, Takes};
use super::table::{ROOMS, all};
use super::top_table;

const HEAD: &str = "\
# Configuration

<!-- Made from crates/server/src/config/table/; do not edit.
     Written anew by: UPDATE_DOCS=1 cargo test -p tallyd reference -->

";

const USAGE: &str = "\
```
tallyd [OPTIONS] [ROOT]
tallyd counts [OPTIONS] [PATH...]
tallyd top [OPTIONS]
tallyd man
tallyd completions SHELL
```
";

fn page() -> String {
    let mut parts = vec![format!("{HEAD}{ABOUT}.\n\n{USAGE}")];
    parts.extend(NOTES.iter().map(note));
    for of_room in ROOMS {
        parts.push(format!("\n## {}\n", of_room[0].owner.heading()));
        parts.extend(of_room.iter().map(|setting| section(setting)));
    }
    parts.push(counts());
    parts.push(top());
    parts.push(example());
    parts.concat()
}

fn note(note: &Note) -> String {
    match note.layout {
        Layout::Prose => format!("\n## {}\n\n{}\n", note.title, note.body),
        Layout::Lines => format!("\n## {}\n\n```\n{}\n```\n", note.title, note.body),
    }
}

fn section(setting: &Setting) -> String {
    let mut lines = vec![format!("\n### {}\n\n{}\n", title(setting), setting.doc)];
    if let (Form::Positional { .. } | Form::Valued { .. }, Some(default)) = (setting.form, setting.default) {
        lines.push(format!("- default: `{default}`"));
    }
    if let Takes::OneOf(words) = setting.takes {
        lines.push(format!("- values: `{}`", words().join("`, `")));
    }
    lines.push(format!("- command line: `{}`{}", setting.example_on_command_line(), repeated(setting)));
    match setting.places {
        Places::Everywhere => {
            lines.push(format!("- variable: `{}`", setting.example_as_variable()));
            lines.push(format!("- file: `{}`", setting.example_in_file()));
        }
        Places::NotInFile => lines.push(format!("- variable: `{}`", setting.example_as_variable())),
        Places::CommandLine => {}
    }
    format!("{}\n", lines.join("\n"))
}

fn title(setting: &Setting) -> String {
    match setting.form {
        Form::Positional { placeholder } => format!("`{placeholder}`"),
        Form::Valued { short: Some(short), placeholder } => {
            format!("`-{short}`, `--{} {placeholder}`", setting.name)
        }
        Form::Valued { short: None, placeholder } => format!("`--{} {placeholder}`", setting.name),
        Form::Switch => format!("`--{}`", setting.name),
    }
}

fn repeated(setting: &Setting) -> &'static str {
    match setting.occurs {
        Occurs::Once => "",
        Occurs::Repeated { .. } | Occurs::Tabled(_) => ", repeatable",
    }
}

/// The settings of `tallyd counts`; those that it shares with the server have their section already.
fn counts() -> String {
    let sections = counts_table::TABLE.iter().map(|setting| section(setting));
    format!("\n{COUNTS}{}", sections.collect::<String>())
}

const COUNTS: &str = "\
## `tallyd counts`

Prints how often files were downloaded, from the ledger, also while the
server runs. `--ledger` and `--config` are those of the server.
";

/// The settings of `tallyd top`, the same way.
fn top() -> String {
    let sections = top_table::TABLE.iter().map(|setting| section(setting));
    format!("\n{TOP}{}", sections.collect::<String>())
}

const TOP: &str = "\
## `tallyd top`

Shows in the terminal what a running server does. `--admin-token`,
`--admin-token-file`, `--ledger` and `--config` are those of the server.
";

/// A file with every setting that a file can have.
fn example() -> String {
    let in_file = all().filter(|setting| setting.places == Places::Everywhere);
    let lines: Vec<String> = in_file.map(Setting::example_in_file).collect();
    format!("\n## A complete file\n\n```toml\n{}\n```\n", lines.join("\n"))
}

#[test]
fn the_committed_page_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).expect("docs/ can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page(),
        "docs/configuration.md is not what the table says: UPDATE_DOCS=1 cargo test -p tallyd reference"
    );
}
