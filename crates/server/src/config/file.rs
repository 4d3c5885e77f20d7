//! The configuration file: TOML, one key for each setting, every value read from its text like any other.

use std::ffi::OsString;
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::given::{Given, Origin, Sourced, quoted};
use super::nearest::nearest;
use super::readable;
use super::setting::{Key, Need, Occurs, Places, Setting, Shape};
use super::start_error::StartError;
use super::table::{all, find};

/// What the file gives.
pub(super) fn read(path: &Sourced<PathBuf>) -> Result<Vec<Given>, StartError> {
    let text = load(path)?;
    Document { path: &path.value, text: &text }.given()
}

/// A file that is larger was not written for this program. The limit also ends the reading of a pipe.
const LARGEST_FILE_BYTES: u64 = 1 << 20;

fn load(path: &Sourced<PathBuf>) -> Result<String, StartError> {
    let cure = "name a file that can be read, as in: --config /etc/tallyd.toml";
    let mut bytes = Vec::new();
    readable::open(&path.value)
        .and_then(|file| file.take(LARGEST_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| path.misfit(format_args!("cannot be read ({error})"), cure))?;
    if bytes.len() as u64 > LARGEST_FILE_BYTES {
        return Err(path.misfit("is larger than 1 MiB", cure));
    }
    String::from_utf8(bytes).map_err(|_| path.misfit("is not UTF-8 text", cure))
}

/// The text of a file, and what sentences about it call it.
struct Document<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Document<'_> {
    fn given(&self) -> Result<Vec<Given>, StartError> {
        let table = DeTable::parse(self.text).map_err(|error| self.not_toml(&error))?;
        let mut entries: Vec<_> = table.get_ref().iter().collect();
        // The table is sorted by key; the first mistake to report is the first in the file.
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut given = Vec::new();
        for (key, value) in entries {
            given.extend(self.given_by(key.get_ref(), &key.span(), value)?);
        }
        Ok(given)
    }

    /// What one key gives: a text, or several where the setting has several.
    fn given_by(
        &self,
        key: &str,
        at: &Range<usize>,
        value: &Spanned<DeValue>,
    ) -> Result<Vec<Given>, StartError> {
        let setting = self.setting_of(key, at)?;
        let texts = match (setting.occurs, value.get_ref()) {
            (Occurs::Repeated { .. } | Occurs::Tabled(_), DeValue::Array(list)) if !list.is_empty() => {
                list.iter().map(|value| self.text_or_record(setting, value)).collect::<Result<_, _>>()?
            }
            (Occurs::Tabled(Shape::Pairs), DeValue::Table(table)) => self.pairs(setting, table)?,
            (Occurs::Once | Occurs::Repeated { .. } | Occurs::Tabled(_), _) => {
                vec![self.text_or_record(setting, value)?]
            }
        };
        let origin = |line| Origin::File { path: self.path.to_owned(), line };
        let given = |(text, line)| Given { setting, text: OsString::from(text), origin: origin(line) };
        Ok(texts.into_iter().map(given).collect())
    }

    /// One text and its line.
    fn text_or_record(
        &self,
        setting: &Setting,
        value: &Spanned<DeValue>,
    ) -> Result<(String, usize), StartError> {
        let line = self.line(&value.span());
        match (setting.occurs, value.get_ref()) {
            (Occurs::Tabled(Shape::Records(keys)), DeValue::Table(table)) => {
                Ok((self.record(setting, keys, table, line)?, line))
            }
            (_, value) => match text_of(value) {
                Ok(text) => Ok((text, line)),
                Err(kind) => Err(self.no_text(setting, setting.name, kind, line)),
            },
        }
    }

    /// A text `key=value` for each line of a table, in the order of the file.
    fn pairs(&self, setting: &Setting, table: &DeTable<'_>) -> Result<Vec<(String, usize)>, StartError> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let mut pairs = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let line = self.line(&key.span());
            let key = key.get_ref();
            let text = text_of(value.get_ref())
                .map_err(|kind| self.no_text(setting, &format!("{}.{key}", setting.name), kind, line))?;
            pairs.push((format!("{key}={text}"), line));
        }
        Ok(pairs)
    }

    /// The values of a table, with spaces between; a space within one is an escape there.
    fn record(
        &self,
        setting: &Setting,
        keys: &[Key],
        table: &DeTable<'_>,
        line: usize,
    ) -> Result<String, StartError> {
        for (key, _) in table {
            if !keys.iter().any(|known| known.name == key.get_ref()) {
                let place = self.place(self.line(&key.span()));
                return Err(unknown_in(setting, keys, key.get_ref(), &place));
            }
        }
        let mut words = Vec::new();
        for Key { name, need } in keys {
            match (table.get(*name), need) {
                (Some(value), _) => {
                    let line = self.line(&value.span());
                    let text = text_of(value.get_ref()).map_err(|kind| {
                        self.no_text(setting, &format!("{}.{name}", setting.name), kind, line)
                    })?;
                    words.push(text.replace(' ', "%20").replace('\t', "%09").replace('\n', "%0A"));
                }
                (None, Need::Optional) => {}
                (None, Need::Required) => {
                    return Err(StartError::wrong(format!(
                        "the {} ({}, {}) has no key \"{name}\"; write it as in: {}",
                        setting.noun,
                        setting.name,
                        self.place(line),
                        record_example(setting, keys),
                    )));
                }
            }
        }
        Ok(words.join(" "))
    }

    fn setting_of(&self, key: &str, at: &Range<usize>) -> Result<&'static Setting, StartError> {
        let place = self.place(self.line(at));
        match find(key) {
            Some(setting) if setting.places == Places::Everywhere => Ok(setting),
            Some(setting) => Err(StartError::wrong(format!(
                "the key \"{key}\" ({place}) has no effect in a file; remove it, and give it as in: {}",
                setting.example_on_command_line(),
            ))),
            None => Err(unknown(key, &place)),
        }
    }

    fn no_text(&self, setting: &Setting, key: &str, kind: &str, line: usize) -> StartError {
        StartError::wrong(format!(
            "the {} ({key}, {}) is {kind}; write it as in: {}",
            setting.noun,
            self.place(line),
            setting.example_in_file(),
        ))
    }

    fn not_toml(&self, error: &toml::de::Error) -> StartError {
        // Without a position the text ended too early.
        let at = error.span().unwrap_or(self.text.len()..self.text.len());
        let reason = error.message().replace('\n', ", ");
        let place = self.place(self.line(&at));
        StartError::wrong(format!(
            "the configuration file ({place}) is not TOML: {reason}; correct that line"
        ))
    }

    fn line(&self, at: &Range<usize>) -> usize {
        1 + self.text.bytes().take(at.start).filter(|byte| *byte == b'\n').count()
    }

    fn place(&self, line: usize) -> String {
        format!("file {} line {line}", quoted(self.path))
    }
}

fn unknown(key: &str, place: &str) -> StartError {
    let keys = all().filter(|setting| setting.places == Places::Everywhere).map(|setting| setting.name);
    let cure = match nearest(key, keys) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => "remove it, or see tallyd --help for those that there are".to_owned(),
    };
    StartError::wrong(format!("there is no setting for the key {key:?} ({place}); {cure}"))
}

fn unknown_in(setting: &Setting, keys: &[Key], key: &str, place: &str) -> StartError {
    let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
    let cure = match nearest(key, names.iter().copied()) {
        Some(meant) => format!("did you mean \"{meant}\"?"),
        None => format!("its keys are: {}", names.join(", ")),
    };
    StartError::wrong(format!("there is no key {key:?} of a {} ({place}); {cure}", setting.noun))
}

/// The example of a record, on one line.
fn record_example(setting: &Setting, keys: &[Key]) -> String {
    let words = setting.example.split(' ');
    let pairs: Vec<String> =
        keys.iter().zip(words).map(|(key, word)| format!("{} = \"{word}\"", key.name)).collect();
    format!("{} = [{{ {} }}]", setting.name, pairs.join(", "))
}

/// The text that a value stands for, or what it is instead of a text.
fn text_of(value: &DeValue) -> Result<String, &'static str> {
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        // A number in another base is given as the number it is.
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(|number| number.to_string())
            .map_err(|_| "a number with too many digits"),
        DeValue::Float(number) => Ok(number.as_str().to_owned()),
        DeValue::Boolean(truth) => Ok(truth.to_string()),
        DeValue::Datetime(_) => Err("a date, not a value"),
        DeValue::Array(list) if list.is_empty() => Err("an empty list"),
        DeValue::Array(_) => Err("a list, not one value"),
        DeValue::Table(_) => Err("a table, not a value"),
    }
}

#[cfg(test)]
mod tests;
