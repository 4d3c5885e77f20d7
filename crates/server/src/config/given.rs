//! A value as it was given, and where; kept beside the meaning for as long as the world can still refuse it.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;

use super::setting::{Occurs, Row, Setting, Shape, Takes};
use super::start_error::StartError;
use super::value::Fault;

/// One text for one setting.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    /// For what.
    pub(crate) setting: &'static Setting,
    /// The text, as it was written.
    pub(crate) text: OsString,
    /// Where it was written.
    pub(crate) origin: Origin,
}

/// Where a text was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// On the command line.
    Flag,
    /// In the environment variable of the setting.
    Variable,
    /// In the configuration file; lines count from 1.
    File { path: PathBuf, line: usize },
    /// Nowhere.
    Default,
}

/// A value that the world can still refuse, with what is needed to say so.
#[derive(Clone, Debug)]
pub(crate) struct Sourced<T> {
    /// What is meant.
    pub(crate) value: T,
    /// What was written.
    pub(crate) given: Given,
}

impl<T> Sourced<T> {
    /// The value is wrong together with others: `predicate` says why, `cure` what to do.
    pub(crate) fn wrong(&self, predicate: impl fmt::Display, cure: impl fmt::Display) -> StartError {
        StartError::wrong(format!("{} {predicate}; {cure}", self.given))
    }

    /// The world refuses the value: `predicate` says why ("is in use by another program"), `cure` what to do.
    pub(crate) fn misfit(&self, predicate: impl fmt::Display, cure: impl fmt::Display) -> StartError {
        StartError::misfit(format!("{} {predicate}; {cure}", self.given))
    }
}

impl Given {
    /// Reads the text, or says in a sentence why it cannot be read.
    pub(crate) fn read<T>(&self, row: &Row<T>) -> Result<Sourced<T>, StartError> {
        let value = row.parse.read(&self.text).map_err(|fault| self.wrong(&fault))?;
        Ok(Sourced { value, given: self.clone() })
    }

    /// Where the text was written, in words.
    pub(crate) fn place(&self) -> String {
        match &self.origin {
            Origin::Flag => "command line".to_owned(),
            Origin::Variable => format!("variable {}", self.setting.variable()),
            Origin::File { path, line } => format!("file {} line {line}", quoted(path)),
            Origin::Default => "default".to_owned(),
        }
    }

    /// Where several texts stand on lines, a comma was probably to separate them.
    fn note_on_commas(&self) -> &'static str {
        let has_comma = self.text.as_encoded_bytes().contains(&b',');
        match self.setting.occurs {
            Occurs::Repeated { separator: '\n' } | Occurs::Tabled(Shape::Records(_)) if has_comma => {
                ", and several on lines of their own"
            }
            Occurs::Once | Occurs::Repeated { .. } | Occurs::Tabled(_) => "",
        }
    }

    fn wrong(&self, fault: &Fault) -> StartError {
        let example = match &self.origin {
            Origin::Flag | Origin::Default => self.setting.example_on_command_line(),
            Origin::Variable => format!("{}{}", self.setting.example_as_variable(), self.note_on_commas()),
            Origin::File { .. } => self.setting.example_in_file(),
        };
        StartError::wrong(format!("{self} {fault}; write it as in: {example}"))
    }
}

/// As the subject of a sentence: `the port "99999" (--port, command line)`. A secret is not said.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.setting.takes {
            Takes::Secret => write!(f, "the {} ", self.setting.noun)?,
            Takes::Text | Takes::Folder | Takes::File | Takes::OneOf(_) => {
                write!(f, "the {} {} ", self.setting.noun, quoted(&self.text))?;
            }
        }
        match &self.origin {
            Origin::Flag | Origin::Default => write!(f, "({}, {})", self.setting.flag(), self.place()),
            Origin::Variable => write!(f, "({})", self.place()),
            Origin::File { .. } => write!(f, "({}, {})", self.setting.name, self.place()),
        }
    }
}

/// A text in quotes and on one line: line ends, quotes and bytes that are not UTF-8 are escaped.
#[expect(
    clippy::unnecessary_debug_formatting,
    reason = "the form for display is lossy and may be many lines"
)]
pub(crate) fn quoted<S: AsRef<OsStr> + ?Sized>(text: &S) -> String {
    format!("{:?}", text.as_ref())
}
