//! A word in the place of ROOT that was meant for a command: one mistyped, or one that other programs have.
//!
//! A folder of that name is served like any other, so that this is only asked where there is none.

use std::ffi::OsStr;

use super::nearest::nearest;

/// Words, and what to write for each.
const COMMANDS: [(&str, &str); 6] = [
    ("counts", "tallyd counts"),
    ("top", "tallyd top"),
    ("man", "tallyd man"),
    ("completions", "tallyd completions SHELL"),
    ("help", "tallyd --help"),
    ("version", "tallyd --version"),
];

/// What was probably to be written instead of `word`.
pub(super) fn meant_by(word: &OsStr) -> Option<&'static str> {
    // A shorter word is like any.
    let word = word.to_str().filter(|word| word.len() >= 3 && !word.contains('/'))?;
    let meant = nearest(word, COMMANDS.map(|(known, _)| known))?;
    COMMANDS.iter().find(|(known, _)| *known == meant).map(|(_, command)| *command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_like_commands() {
        let check =
            |word: &str, expect: Option<&str>| assert_eq!(meant_by(OsStr::new(word)), expect, "{word}");
        check("count", Some("tallyd counts"));
        check("cuonts", Some("tallyd counts"));
        check("help", Some("tallyd --help"));
        check("completion", Some("tallyd completions SHELL"));
        check("topp", Some("tallyd top"));
        check("./counts", None);
        check("R", None);
        check("/srv/www", None);
        check("www", None);
        check("site", None);
    }
}
