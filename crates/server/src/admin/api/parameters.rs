//! The parameters of a query: each known, given once, and well-formed, or refused in a sentence.

use std::borrow::Cow;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tallyd_ledger::Day;

use super::Denial;
use crate::date;

/// The parameters that nobody has taken yet.
pub(in crate::admin) struct Parameters(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Parameters, Infallible> {
        Ok(Parameters::parse(parts.uri.query().unwrap_or("")))
    }
}

impl Parameters {
    fn parse(query: &str) -> Parameters {
        Parameters(
            form_urlencoded::parse(query.as_bytes()).map(|(name, text)| (name.into(), text.into())).collect(),
        )
    }

    /// Takes the text of a parameter.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Denial> {
        let Some(place) = self.0.iter().position(|(known, _)| known == name) else { return Ok(None) };
        let (_, text) = self.0.swap_remove(place);
        if self.0.iter().any(|(known, _)| known == name) {
            return Err(Denial::BadRequest(format!("The parameter {name} is given twice.")));
        }
        Ok(Some(text))
    }

    /// Takes a parameter that is one of a few words.
    pub(super) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Denial> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        found.map(Some).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Denial::BadRequest(format!("The parameter {name} is not one of: {}.", words.join(", ")))
        })
    }

    /// Takes a parameter that is a whole number within bounds.
    pub(super) fn number(&mut self, name: &str, least: u32, most: u32) -> Result<Option<u32>, Denial> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits
            .and_then(|digits| digits.parse().ok())
            .filter(|number| (least..=most).contains(number))
            .map(Some)
            .ok_or_else(|| {
                Denial::BadRequest(format!(
                    "The parameter {name} is not a whole number from {least} to {most}."
                ))
            })
    }

    /// Takes a parameter that is a day.
    pub(super) fn day(&mut self, name: &str) -> Result<Option<Day>, Denial> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let wrong = || {
            Denial::BadRequest(format!("The parameter {name} is not a day from 1970-01-01 as YYYY-MM-DD."))
        };
        date::parse(&text).map(Some).ok_or_else(wrong)
    }

    /// Takes a text of no more than so many characters, and of one at least.
    pub(super) fn short_text(&mut self, name: &str, most: usize) -> Result<Option<String>, Denial> {
        let text = self.text(name)?;
        match &text {
            Some(text) if text.is_empty() => {
                Err(Denial::BadRequest(format!("The parameter {name} is empty.")))
            }
            Some(text) if text.chars().count() > most => Err(too_long(name, most)),
            Some(_) | None => Ok(text),
        }
    }

    /// The same, where an empty text counts as none.
    pub(super) fn filter(&mut self, name: &str, most: usize) -> Result<Option<String>, Denial> {
        match self.text(name)? {
            Some(text) if text.chars().count() > most => Err(too_long(name, most)),
            text => Ok(text.filter(|text| !text.is_empty())),
        }
    }

    /// Refuses what nobody took.
    pub(in crate::admin) fn end(self) -> Result<(), Denial> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Denial::BadRequest(format!("There is no parameter {}.", shown(name)))),
        }
    }
}

fn too_long(name: &str, most: usize) -> Denial {
    Denial::BadRequest(format!("The parameter {name} has more than {most} characters."))
}

/// A name that is not ours, as far as a sentence can hold it.
fn shown(name: &str) -> Cow<'_, str> {
    format!("{:?}", name.chars().take(40).collect::<String>()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads one parameter of each kind. `expect` is what is meant, or the sentence.
    #[track_caller]
    fn check(query: &str, expect: &str) {
        let read = |mut parameters: Parameters| {
            let text = parameters.filter("q", 3)?;
            let path = parameters.short_text("path", 3)?;
            let word = parameters.word("order", &[("asc", 1), ("desc", 2)])?;
            let number = parameters.number("limit", 1, 500)?;
            let day = parameters.day("since")?;
            parameters.end()?;
            Ok(format!("{text:?} {path:?} {word:?} {number:?} {day:?}"))
        };
        let shown = match read(Parameters::parse(query)) {
            Ok(meant) => meant,
            Err(Denial::BadRequest(sentence)) => sentence,
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(shown, expect, "{query:?}");
    }

    #[test]
    fn each_is_read_or_refused() {
        check("", "None None None None None");
        check(
            "q=a+%2B&path=%2fx&order=desc&limit=500&since=1970-01-02",
            r#"Some("a +") Some("/x") Some(2) Some(500) Some(Day(1))"#,
        );
        check("q=&&", "None None None None None");
        check("q=%e2%82%ac%ff", "Some(\"€\u{fffd}\") None None None None");
        check("path=", "The parameter path is empty.");
        check("path=abcd", "The parameter path has more than 3 characters.");
        check("q=abcd", "The parameter q has more than 3 characters.");
        check("q=a&q=a", "The parameter q is given twice.");
        check("order=ASC", "The parameter order is not one of: asc, desc.");
        for text in ["", "0", "501", "-1", "+1", "1.0", "99999999999999999999", "%31%30x", "٣"] {
            check(&format!("limit={text}"), "The parameter limit is not a whole number from 1 to 500.");
        }
        check("since=2026-02-30", "The parameter since is not a day from 1970-01-01 as YYYY-MM-DD.");
        check("since=carried", "The parameter since is not a day from 1970-01-01 as YYYY-MM-DD.");
        check("limit=5&x%0a=1", r#"There is no parameter "x\n"."#);
    }
}
