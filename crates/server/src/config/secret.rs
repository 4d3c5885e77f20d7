//! The token that a visitor of the admin side must know: from its setting, or from a file. It is never shown.

use std::path::PathBuf;

use super::given::Sourced;
use super::start_error::StartError;
use super::value::Token;

/// What a file with a token must hold is checked like a token on the command line.
const CURE: &str = "write the token on its first line, 16 to 256 visible ASCII characters";

/// The token, if one is given; reads the file.
pub(crate) fn token(
    token: Option<&Sourced<Token>>,
    file: Option<&Sourced<PathBuf>>,
) -> Result<Option<Token>, StartError> {
    match (token, file) {
        (Some(token), Some(_)) => {
            Err(token.misfit("is given, and so is a file with one", "leave one of them out"))
        }
        (Some(token), None) => Ok(Some(token.value.clone())),
        (None, Some(file)) => read(file).map(Some),
        (None, None) => Ok(None),
    }
}

fn read(file: &Sourced<PathBuf>) -> Result<Token, StartError> {
    let text = std::fs::read_to_string(&file.value).map_err(|error| {
        file.misfit(format_args!("cannot be read ({error})"), "name a file with the token")
    })?;
    let line = text.lines().next().unwrap_or("");
    Token::parse(line).map_err(|fault| file.misfit(format_args!("holds a token that {fault}"), CURE))
}
