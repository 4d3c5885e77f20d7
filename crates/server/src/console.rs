//! Standard error: what a person at the console should know.

use std::fmt;
use std::io::{self, Write};

/// Says a sentence on standard error, under the program's name.
pub(crate) fn say(sentence: fmt::Arguments<'_>) {
    // Nobody is left to be told that standard error is closed, and nothing else may depend on it.
    let _ = writeln!(io::stderr().lock(), "tallyd: {sentence}");
}
