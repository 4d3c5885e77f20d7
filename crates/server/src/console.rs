//! The console: what a person there should know, and answers that end quietly when nobody reads them.

use std::fmt;
use std::io::{self, ErrorKind, Write};

use crate::config::StartError;

/// Says a sentence on standard error, under the program's name.
pub(crate) fn say(sentence: fmt::Arguments<'_>) {
    // Nobody is left to be told that standard error is closed, and nothing else may depend on it.
    let _ = writeln!(io::stderr().lock(), "tallyd: {sentence}");
}

/// How writing an answer to standard output ended. A reader that has seen enough, as `head` has, is no error.
pub(crate) fn printed(result: io::Result<()>) -> Result<(), StartError> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(StartError::misfit(format!("standard output cannot be written ({error})")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
