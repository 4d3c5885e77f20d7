//! Why the program does not start, or did not do all that it was started for: one sentence, and the exit code that goes
//! with it.

use std::fmt;

/// One sentence on one line: what is wrong, where it was said, and the cure.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StartError {
    /// Whose fault it is.
    pub(crate) exit: Exit,
    /// Without the program's name and without a full stop.
    pub(crate) sentence: String,
}

/// The exit code that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The world does not fit: another world would accept the same invocation.
    Misfit = 1,
    /// The invocation is wrong: it would be refused everywhere.
    Wrong = 2,
}

impl StartError {
    /// The invocation is wrong.
    pub(crate) fn wrong(sentence: impl Into<String>) -> StartError {
        StartError { exit: Exit::Wrong, sentence: sentence.into() }
    }

    /// The world does not fit the invocation.
    pub(crate) fn misfit(sentence: impl Into<String>) -> StartError {
        StartError { exit: Exit::Misfit, sentence: sentence.into() }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit as u8)
    }
}
