//! The command line, made from the table: what clap parses, and what help shows.
//!
//! Clap splits the line into texts and no more: what a text means is read by the setting's own parser, so
//! that a flag, a variable and a file are refused in the same words.

use std::ffi::{OsStr, OsString};

use clap::builder::{PossibleValue, TypedValueParser, ValueParser};
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

use super::complaint;
use super::counts_table;
use super::given::{Given, Origin};
use super::manual::{self, SHELL};
use super::note::{ABOUT, NOTES};
use super::setting::{Form, Occurs, Places, Setting, Takes};
use super::start_error::StartError;
use super::table::all;
use super::top_table;

/// What the command line asks for.
pub(super) enum Asked {
    /// A text on standard output, and nothing else.
    Print(String),
    /// A run with these settings, in the order of the table.
    Run(Program, Vec<Given>),
}

/// What is to run.
#[derive(Clone, Copy)]
pub(super) enum Program {
    /// The server.
    Server,
    /// `tallyd counts`.
    Counts,
    /// `tallyd top`.
    Top,
}

/// Reads the arguments after the program's name.
pub(super) fn read(args: impl Iterator<Item = OsString>) -> Result<Asked, StartError> {
    let args: Vec<OsString> = args.collect();
    match command().no_binary_name(true).try_get_matches_from(&args) {
        Ok(matches) => asked(&matches),
        Err(error) if is_help(&error) => Ok(Asked::Print(error.render().to_string())),
        Err(error) => Err(complaint::about(&error, args.first())),
    }
}

/// The whole command line: settings and subcommands.
pub(super) fn command() -> Command {
    let counts = Command::new("counts")
        .about("Print how often files were downloaded, from the ledger")
        .args(counts_table::settings().map(arg));
    let top = Command::new("top")
        .about("Show in the terminal what a running server does")
        .args(top_table::settings().map(arg));
    let man = Command::new("man").about("Print the manual page, in roff");
    let completions = Command::new("completions")
        .about("Print a script that lets a shell complete")
        .arg(arg(&SHELL.setting).required(true));
    settings_command().subcommand(counts).subcommand(top).subcommand(man).subcommand(completions)
}

/// The command line of a run: settings alone.
pub(super) fn settings_command() -> Command {
    Command::new("tallyd")
        .version(env!("CARGO_PKG_VERSION"))
        .bin_name("tallyd")
        .about(ABOUT)
        .override_usage("tallyd [OPTIONS] [ROOT]\n       tallyd counts [OPTIONS] [PATH...]\n       tallyd top [OPTIONS]\n       tallyd man\n       tallyd completions SHELL")
        .after_help("--help says more about each setting.")
        .after_long_help(after_long_help())
        .disable_help_subcommand(true)
        .args(all().map(arg))
}

fn is_help(error: &clap::Error) -> bool {
    matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
}

fn asked(matches: &ArgMatches) -> Result<Asked, StartError> {
    match matches.subcommand() {
        None => Ok(Asked::Run(Program::Server, all_given(all(), matches))),
        Some(("counts", _)) if matches.args_present() => Err(StartError::wrong(
            "what the subcommand \"counts\" is to do stands after it; write it as in: tallyd counts --top 20, or ./counts for a folder of that name",
        )),
        Some(("top", _)) if matches.args_present() => Err(StartError::wrong(
            "what the subcommand \"top\" is to look at stands after it; write it as in: tallyd top --root /srv/www, or ./top for a folder of that name",
        )),
        Some((name, _)) if matches.args_present() => Err(StartError::wrong(format!(
            "the subcommand \"{name}\" takes no settings; write tallyd {name} alone, or ./{name} for a folder of that name",
        ))),
        Some(("counts", counts)) => {
            Ok(Asked::Run(Program::Counts, all_given(counts_table::settings(), counts)))
        }
        Some(("top", top)) => Ok(Asked::Run(Program::Top, all_given(top_table::settings(), top))),
        Some(("man", _)) => Ok(Asked::Print(manual::page())),
        Some((_, completions)) => {
            let shell = given(&SHELL.setting, completions);
            let shell = shell.first().expect("clap has refused the subcommand without its argument");
            Ok(Asked::Print(manual::completions(shell.read(&SHELL)?.value)))
        }
    }
}

fn all_given(settings: impl Iterator<Item = &'static Setting>, matches: &ArgMatches) -> Vec<Given> {
    settings.flat_map(|setting| given(setting, matches)).collect()
}

/// The texts of one setting on the command line.
fn given(setting: &'static Setting, matches: &ArgMatches) -> Vec<Given> {
    if matches.value_source(setting.name) != Some(ValueSource::CommandLine) {
        return Vec::new();
    }
    let texts = matches.get_raw(setting.name).into_iter().flatten();
    texts.map(|text| Given { setting, text: text.to_owned(), origin: Origin::Flag }).collect()
}

fn arg(setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.name).help(short_help(setting)).long_help(long_help(setting));
    match setting.form {
        Form::Positional { placeholder } => takes(arg.value_name(placeholder), setting),
        Form::Valued { short, placeholder } => {
            let arg = arg.long(setting.name).short(short).value_name(placeholder);
            // A value such as -1 is refused for what it is, not taken for a flag.
            takes(arg.allow_negative_numbers(true).help_heading(setting.owner.heading()), setting)
        }
        Form::Switch => {
            // Only behind `=` is there a value: what follows the flag is the next argument.
            let arg = arg.long(setting.name).value_name("BOOL").num_args(0..=1).require_equals(true);
            let arg = arg.default_missing_value("true").help_heading(setting.owner.heading());
            takes(arg, setting)
        }
    }
}

fn takes(arg: Arg, setting: &Setting) -> Arg {
    let arg = arg.value_parser(ValueParser::os_string());
    let arg = match setting.takes {
        Takes::Text | Takes::Secret => arg,
        Takes::Folder => arg.value_hint(ValueHint::DirPath),
        Takes::File => arg.value_hint(ValueHint::FilePath),
        Takes::OneOf(words) => arg.value_parser(ValueParser::new(Hinted(words))),
    };
    match setting.occurs {
        Occurs::Once => arg.action(ArgAction::Set),
        Occurs::Repeated { .. } | Occurs::Tabled(_) => arg.action(ArgAction::Append),
    }
}

/// Shows the words in help and completions, and takes any text.
#[derive(Clone)]
struct Hinted(fn() -> Vec<&'static str>);

impl TypedValueParser for Hinted {
    type Value = OsString;

    fn parse_ref(&self, _: &Command, _: Option<&Arg>, value: &OsStr) -> Result<OsString, clap::Error> {
        Ok(value.to_owned())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue>>> {
        Some(Box::new((self.0)().into_iter().map(PossibleValue::new)))
    }
}

fn short_help(setting: &Setting) -> String {
    match (setting.form, setting.default) {
        (Form::Positional { .. } | Form::Valued { .. }, Some(default)) => {
            format!("{} [default: {default}]", setting.help)
        }
        (Form::Switch, _) | (_, None) => setting.help.to_owned(),
    }
}

fn long_help(setting: &Setting) -> String {
    let places = match setting.places {
        Places::Everywhere => format!("[variable: {}] [file: {}]", setting.variable(), setting.name),
        Places::NotInFile => format!("[variable: {}]", setting.variable()),
        Places::CommandLine => String::new(),
    };
    let default = match (setting.form, setting.default) {
        (Form::Positional { .. } | Form::Valued { .. }, Some(default)) => format!("[default: {default}] "),
        (Form::Switch, _) | (_, None) => String::new(),
    };
    format!("{}\n\n{default}{places}", setting.doc).trim_end().to_owned()
}

fn after_long_help() -> String {
    let notes: Vec<String> = NOTES
        .iter()
        .map(|note| format!("{}:\n  {}\n", note.title, note.body.replace('\n', "\n  ")))
        .collect();
    notes.join("\n")
}
