//! The manual page and the completions, for tools that install them: made from the table, printed on request.

use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::command_line::{command, settings_command};
use super::counts_table;
use super::note::{Layout, NOTES};
use super::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use super::top_table;
use super::value::{self, Choice};

/// The argument of `tallyd completions`: a row like those of the table, but of its subcommand alone.
pub(super) static SHELL: Row<Shell> = Row {
    setting: Setting {
        name: "shell",
        noun: "shell",
        form: Form::Positional { placeholder: "SHELL" },
        takes: Takes::OneOf(Shell::words),
        occurs: Occurs::Once,
        places: Places::CommandLine,
        default: None,
        example: "completions bash",
        help: "The shell that is to complete",
        doc: "The shell that is to complete.",
        owner: Room::Config,
    },
    parse: Parse::Text(value::choice),
};

impl Choice for Shell {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("bash", Shell::Bash),
        ("elvish", Shell::Elvish),
        ("fish", Shell::Fish),
        ("powershell", Shell::PowerShell),
        ("zsh", Shell::Zsh),
    ];
}

/// The script that lets a shell complete.
pub(super) fn completions(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "tallyd", &mut script);
    String::from_utf8(script).expect("the script is made of the table's texts")
}

/// The manual page, in roff.
pub(super) fn page() -> String {
    // Subcommands would be shown as pages of their own, which do not exist.
    let man = Man::new(settings_command());
    let mut page = Vec::new();
    man.render_title(&mut page)
        .and_then(|()| man.render_name_section(&mut page))
        .and_then(|()| man.render_synopsis_section(&mut page))
        .and_then(|()| man.render_description_section(&mut page))
        .and_then(|()| man.render_options_section(&mut page))
        .and_then(|()| subcommands().to_writer(&mut page))
        .and_then(|()| notes().to_writer(&mut page))
        .expect("writing to memory cannot fail");
    String::from_utf8(page).expect("the page is made of the table's texts")
}

fn subcommands() -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["SUBCOMMANDS"]);
    for subcommand in command().get_subcommands() {
        let about = subcommand.get_about().map(ToString::to_string).unwrap_or_default();
        roff.control("TP", []);
        roff.text([bold(subcommand.get_name()), roman(argument(subcommand))]);
        roff.text([roman(about)]);
    }
    let counts: Vec<_> = counts_table::settings().collect();
    let top: Vec<_> = top_table::settings().collect();
    for (title, settings) in [("SETTINGS OF COUNTS", counts), ("SETTINGS OF TOP", top)] {
        roff.control("SH", [title]);
        for setting in settings {
            roff.control("TP", []);
            roff.text([bold(setting.flag())]);
            roff.text([roman(setting.doc)]);
        }
    }
    roff
}

fn argument(subcommand: &clap::Command) -> String {
    let names = subcommand.get_positionals().filter_map(clap::Arg::get_value_names).flatten();
    names.flat_map(|name| [" ", name.as_str()]).collect()
}

fn notes() -> Roff {
    let mut roff = Roff::new();
    for note in &NOTES {
        roff.control("SH", [note.title.to_uppercase().as_str()]);
        match note.layout {
            Layout::Prose => {
                roff.text([roman(note.body)]);
            }
            Layout::Lines => {
                roff.control("nf", []);
                for line in note.body.lines() {
                    roff.text([roman(line)]);
                }
                roff.control("fi", []);
            }
        }
    }
    roff
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Invocation;
    use crate::config::table::all as settings;
    use crate::config::tests::start_with;

    #[test]
    fn every_document_names_every_setting() {
        let printed = |args: &[&str]| match start_with(args, &["TALLYD_PORT=x"], None) {
            Ok(Invocation::Print(text)) => text,
            other => panic!("{args:?} asks for a text, not {other:?}"),
        };
        let all = || settings().chain(counts_table::settings()).chain(top_table::settings());
        let is_flag = |setting: &&Setting| !matches!(setting.form, Form::Positional { .. });
        for args in [&["-h"][..], &["--help"]] {
            let text = printed(args);
            for setting in settings().filter(is_flag) {
                assert!(text.contains(&setting.flag()), "{args:?} does not name {}", setting.flag());
            }
        }
        for args in [&["counts", "--help"][..], &["counts", "-h"]] {
            let text = printed(args);
            for setting in counts_table::settings().filter(is_flag) {
                assert!(text.contains(&setting.flag()), "{args:?} does not name {}", setting.flag());
            }
        }
        for args in [&["top", "--help"][..], &["top", "-h"]] {
            let text = printed(args);
            for setting in top_table::settings().filter(is_flag) {
                assert!(text.contains(&setting.flag()), "{args:?} does not name {}", setting.flag());
            }
        }
        for args in [
            &["completions", "bash"][..],
            &["completions", "elvish"],
            &["completions", "powershell"],
            &["completions", "zsh"],
        ] {
            let text = printed(args);
            for setting in all().filter(|setting| !matches!(setting.form, Form::Positional { .. })) {
                assert!(text.contains(&setting.flag()), "{args:?} does not name {}", setting.flag());
            }
        }
        let (fish, man) = (printed(&["completions", "fish"]), printed(&["man"]).replace("\\-", "-"));
        for setting in all() {
            assert!(
                matches!(setting.form, Form::Positional { .. })
                    || fish.contains(&format!("-l {}", setting.name))
            );
            assert!(
                man.contains(setting.doc.lines().next().expect("a setting has a doc")),
                "{}",
                setting.name
            );
        }
        assert_eq!(printed(&["--version"]), format!("tallyd {}\n", env!("CARGO_PKG_VERSION")));
    }
}
