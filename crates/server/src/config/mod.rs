//! The settings: read from the command line, the variables `TALLYD_*` and a file, and turned into what
//! they mean.
//!
//! *Typed → meant → run.* `table` says everything about each setting, once. `command_line`, `variables` and
//! `file` collect texts and where each was written (`typed`); `meant` is the one place where texts become
//! values. The room acts on nothing: it opens the configuration file and the folder to serve, no socket.
//!
//! `tallyd counts` and `tallyd top` have settings of their own (`counts_table`, `top_table`), which go the same way.
//!
//! A setting is added by a row in `table`, a field in `meant::Config`, and the line there that moves it over.

mod acme;
mod admin_url;
mod command_line;
mod command_word;
mod complaint;
mod counts;
mod counts_table;
mod duration;
mod explain;
mod file;
mod given;
pub(crate) mod ledger_file;
mod manual;
mod meant;
mod nearest;
mod note;
pub(crate) mod readable;
#[cfg(test)]
mod reference;
pub(crate) mod root;
mod secret;
mod setting;
mod site_value;
mod size;
mod start_error;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod tls;
mod top;
mod top_table;
mod typed;
mod value;
mod variables;

use std::ffi::OsString;

use command_line::{Asked, Program};
use ledger_file::StateFolder;
use typed::Typed;

pub(crate) use acme::{Acme, Binding};
pub(crate) use admin_url::AdminUrl;
pub(crate) use counts::{Answer, Counts};
pub(crate) use counts_table::Lines;
pub(crate) use explain::explain;
pub(crate) use given::{Sourced, quoted};
pub(crate) use meant::{Admin, Config};
pub(crate) use secret::{Token, token};
pub(crate) use start_error::StartError;
pub(crate) use tls::{Http3, PlainRequests};
pub(crate) use top::{Shows, Top};
pub(crate) use value::{AdminAddress, BindAddress, LedgerFile, ListingMode, LogFile, LogFormat};

/// What the program is asked to do.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// Serve until a signal.
    Serve(Config),
    /// Print what a ledger holds and exit.
    Counts(Counts),
    /// Show what a server does.
    Top(Top),
    /// Print [`explain()`] and exit.
    Check(Config),
    /// Print this text on standard output and exit.
    Print(String),
}

/// Reads all settings, from `args` (with the program's name first, as the system passes them), `vars` and the
/// file that they name. The first mistake is the error.
pub(crate) fn read(
    args: impl Iterator<Item = OsString>,
    vars: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Invocation, StartError> {
    let (flags, program) = match command_line::read(args.skip(1))? {
        Asked::Print(text) => return Ok(Invocation::Print(text)),
        Asked::Run(program, flags) => (flags, program),
    };
    let vars: Vec<_> = vars.collect();
    let state = StateFolder::of(&vars);
    let mut typed = Typed { flags, variables: variables::read(vars.into_iter())?, file: Vec::new() };
    if let Some(path) = typed.optional(&table::CONFIG)? {
        typed.file = file::read(&path)?;
    }
    match program {
        Program::Counts => return Ok(Invocation::Counts(Counts::from_typed(&typed, state)?)),
        Program::Top => return Ok(Invocation::Top(Top::from_typed(&typed, state)?)),
        Program::Server => {}
    }
    let check = typed.one(&table::CHECK)?.value;
    let config = Config::from_typed(typed, state)?;
    Ok(if check { Invocation::Check(config) } else { Invocation::Serve(config) })
}
