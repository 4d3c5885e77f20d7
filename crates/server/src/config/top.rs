//! What is asked of `tallyd top`.

use std::fs;
use std::path::PathBuf;

use super::admin_url::{AdminPlace, AdminUrl};
use super::given::Sourced;
use super::ledger_file::{self, StateFolder};
use super::secret::{self, Token};
use super::start_error::StartError;
use super::typed::Typed;
use super::value::LedgerFile;
use super::{table, top_table};

/// Which server to look at, and how.
#[derive(Clone, Debug)]
pub(crate) struct Top {
    /// How much is shown.
    pub(crate) shows: Shows,
    place: Sourced<AdminPlace>,
    token: Option<Sourced<Token>>,
    token_file: Option<Sourced<PathBuf>>,
    ledger: Sourced<LedgerFile>,
    root: Sourced<PathBuf>,
    state: StateFolder,
}

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shows {
    /// Every moment, until somebody ends it.
    All,
    /// One moment.
    Once,
}

const NAME_IT: &str =
    "name its dashboard, as its start says it, as in: tallyd top --admin http://127.0.0.1:9000/";

impl Top {
    /// From what was typed to what is meant, or the first sentence about what cannot be read.
    pub(super) fn from_typed(typed: &Typed, state: StateFolder) -> Result<Top, StartError> {
        Ok(Top {
            shows: if typed.one(&top_table::ONCE)?.value { Shows::Once } else { Shows::All },
            place: typed.one(&top_table::ADMIN)?,
            token: typed.optional(&table::ADMIN_TOKEN)?,
            token_file: typed.optional(&table::ADMIN_TOKEN_FILE)?,
            ledger: typed.one(&table::LEDGER)?,
            root: typed.one(&top_table::ROOT)?,
            state,
        })
    }

    /// Where the server's admin side is. Reads the note beside its ledger, unless that is named.
    pub(crate) fn url(&self) -> Result<AdminUrl, StartError> {
        if let AdminPlace::At(url) = &self.place.value {
            return Ok(url.clone());
        }
        let ledger = ledger_file::path(&self.ledger, &self.root, &self.state)?.ok_or_else(|| {
            self.ledger.misfit("is no file, beside which the server could be found", NAME_IT)
        })?;
        let note = ledger_file::admin_note(&ledger);
        let text = fs::read_to_string(&note).unwrap_or_default();
        AdminUrl::parse(text.trim_end()).ok_or_else(|| {
            let note = note.display();
            self.root.misfit(
                format_args!("is not being served, or without a dashboard: there is no address in {note}"),
                NAME_IT,
            )
        })
    }

    /// What a visitor must know, if it was given.
    pub(crate) fn token(&self) -> Result<Option<Token>, StartError> {
        secret::token(self.token.as_ref(), self.token_file.as_ref())
    }

    /// The server does not answer, and why.
    pub(crate) fn unanswered(&self, reason: &str) -> StartError {
        match self.url() {
            Ok(url) => StartError::misfit(format!(
                "the dashboard at {url} does not answer ({reason}); see that the server runs, or {NAME_IT}"
            )),
            Err(error) => error,
        }
    }
}
