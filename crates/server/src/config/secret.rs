//! The token that a visitor of the admin side must know: from its setting, or from a file. It is never shown, and compared
//! in constant time alone.

use std::fmt;
use std::io::Read as _;
use std::path::PathBuf;

use subtle::ConstantTimeEq as _;

use super::given::Sourced;
use super::readable;
use super::start_error::StartError;
use super::value::Fault;

/// A secret that can be said in a field of HTTP and not be guessed at once.
///
/// It has no `==`: that ends at the first byte that differs, and how long it takes says where that is.
#[derive(Clone)]
pub(crate) struct Token(Box<str>);

/// How much of a file with a token is read: many times the longest.
const MOST_BYTES: u64 = 64 * 1024;

/// What a file with a token must hold is checked like a token on the command line.
const CURE: &str = "write the token on its first line, 16 to 256 visible ASCII characters";

impl Token {
    /// Reads the value of the setting.
    pub(crate) fn parse(text: &str) -> Result<Token, Fault> {
        let is_sayable = text.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_sayable || !(16..=256).contains(&text.len()) {
            return Err(Fault::new("is not 16 to 256 visible ASCII characters"));
        }
        Ok(Token(text.into()))
    }

    /// Whether this is what a visitor shows. How long it takes depends on nothing but the lengths.
    pub(crate) fn is(&self, shown: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(shown).into()
    }

    /// What a visitor shows.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

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
    let mut text = String::new();
    readable::open(&file.value)
        .and_then(|opened| opened.take(MOST_BYTES).read_to_string(&mut text))
        .map_err(|error| {
            file.misfit(format_args!("cannot be read ({error})"), "name a file with the token")
        })?;
    let line = text.lines().next().unwrap_or("");
    Token::parse(line).map_err(|fault| file.misfit(format_args!("holds a token that {fault}"), CURE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets() {
        const BAD: &str = "is not 16 to 256 visible ASCII characters";
        let check = |text: &str, expect: &str| {
            let seen =
                Token::parse(text).map_or_else(|fault| fault.to_string(), |token| format!("{token:?}"));
            assert_eq!(seen, expect, "{text}");
        };
        check("0123456789abcdef", "Token");
        check(&"x".repeat(256), "Token");
        for text in ["", "0123456789abcde", "0123456789 abcdef", "0123456789abcdeé", "0123456789abcdef\n"] {
            check(text, BAD);
        }
        check(&"x".repeat(257), BAD);
    }

    #[test]
    fn every_byte_of_a_token_matters() {
        const TEXT: &[u8] = b"0123456789abcdef";
        let token = Token::parse("0123456789abcdef").expect("a token");
        assert!(token.is(TEXT));
        for at in 0..TEXT.len() {
            let mut other = TEXT.to_vec();
            other[at] ^= 1;
            assert!(!token.is(&other) && !token.is(&TEXT[..at]), "{at}");
        }
        assert!(!token.is(&[TEXT, b"0"].concat()));
    }

    /// Something is `Comparable` in two ways if it has an `==`, and then the line below does not compile.
    #[test]
    fn a_token_is_compared_in_constant_time_or_not_at_all() {
        trait Comparable<Way> {
            const WAYS: () = ();
        }
        struct ByEquality;
        impl<T> Comparable<()> for T {}
        impl<T: PartialEq> Comparable<ByEquality> for T {}
        let () = <Token as Comparable<_>>::WAYS;
    }
}
