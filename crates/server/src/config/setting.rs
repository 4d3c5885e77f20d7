//! What is said about one setting, once, for everything that speaks of it: the command line, the
//! variables, the file, the help, the manual page, the completions and the reference page.
//!
//! Knows neither the settings themselves (`table`) nor what their values mean (`value`).

use std::ffi::OsStr;
use std::fmt::Write as _;

use super::value::Fault;

/// Everything that can be said about a setting without its value.
///
/// The name is the only identifier: the flag `--NAME`, the key `NAME` of the file and the variable
/// `TALLYD_NAME` are made from it, so that they cannot differ.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Lower-case words joined by hyphens.
    pub(crate) name: &'static str,
    /// What a sentence about a value calls it, as in: the *port* "x" is not …
    pub(crate) noun: &'static str,
    /// How the command line spells it.
    pub(crate) form: Form,
    /// What its text stands for.
    pub(crate) takes: Takes,
    /// Whether it has one value or several.
    pub(crate) occurs: Occurs,
    /// Where it can be set.
    pub(crate) places: Places,
    /// The text that is read when nobody gives one, by the same parser; `None`: there is no value then.
    pub(crate) default: Option<&'static str>,
    /// A value that is accepted, shown in every error as the cure.
    pub(crate) example: &'static str,
    /// One line for `-h`, without a full stop.
    pub(crate) help: &'static str,
    /// What a user needs to know, for `--help`, the manual page and the reference page.
    pub(crate) doc: &'static str,
    /// The room that acts on it, which is also the heading it is shown under.
    pub(crate) owner: Room,
}

/// A row of the table: a setting, and how its text becomes a value.
#[derive(Debug)]
pub(crate) struct Row<T: 'static> {
    /// What is said about it.
    pub(crate) setting: Setting,
    /// How its text is read, wherever the text comes from.
    pub(crate) parse: Parse<T>,
}

/// How the text of a setting becomes a value.
#[derive(Debug)]
pub(crate) enum Parse<T> {
    /// From UTF-8; any other text is refused before the parser sees it.
    Text(fn(&str) -> Result<T, Fault>),
    /// From any bytes, as the names of files are.
    Bytes(fn(&OsStr) -> Result<T, Fault>),
}

impl<T> Parse<T> {
    /// Reads one text.
    pub(crate) fn read(&self, text: &OsStr) -> Result<T, Fault> {
        match self {
            Parse::Text(parse) => parse(text.to_str().ok_or_else(|| Fault::new("is not UTF-8 text"))?),
            Parse::Bytes(parse) => parse(text),
        }
    }
}

/// How the command line spells a setting.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// By its place, shown under this name in capitals.
    Positional { placeholder: &'static str },
    /// `--name VALUE`, and `-c VALUE` where it is frequent.
    Valued { short: Option<char>, placeholder: &'static str },
    /// `--name` alone, which stands for the text `true`, or `--name=TEXT`.
    Switch,
}

/// What the text of a setting stands for, so that a shell completes it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Takes {
    /// A number, an address: nothing that a shell could know.
    Text,
    /// The path of a folder.
    Folder,
    /// The path of a file.
    File,
    /// One of a few words.
    OneOf(fn() -> Vec<&'static str>),
    /// What nobody else may know: it is not shown again.
    Secret,
}

/// How many values a setting has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occurs {
    /// One; a second on the same command line is refused.
    Once,
    /// One or more: the flag is repeated, the file has a list, the variable separates by this character.
    Repeated { separator: char },
    /// The same, separated by line ends, or by commas where these are pairs, and in the file tables of this shape as well.
    Tabled(Shape),
}

/// The tables that stand for texts of a setting in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `[name]`, and in it `key = value` for each text `key=value`.
    Pairs,
    /// `[[name]]` for each text, which is the values of these keys with spaces between.
    Records(&'static [Key]),
}

/// A key of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
}

/// Whether a record can do without a key; only the last can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
}

/// Where a setting can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Places {
    /// Command line, variable and file.
    Everywhere,
    /// Command line and variable: it says where the file is.
    NotInFile,
    /// Command line alone: it is about this one run.
    CommandLine,
}

/// The room that owns a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Which files are served, and what is remembered of them.
    Backend,
    /// What a path means on the site.
    Site,
    /// What the head of an answer says besides.
    Fields,
    /// Where connections are accepted.
    Listen,
    /// What makes connections private.
    Tls,
    /// Certificates that are ordered.
    Acme,
    /// How long a connection may take.
    Connection,
    /// Where the counts are kept.
    Ledger,
    /// What is printed.
    AccessLog,
    /// Who may look on.
    Admin,
    /// How the settings themselves are read.
    Config,
    /// What is asked of a ledger.
    Counts,
    /// Which server is looked at.
    Top,
}

impl Room {
    /// The heading above its settings.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Room::Backend => "Files",
            Room::Site => "Folders and addresses",
            Room::Fields => "Fields of answers",
            Room::Listen => "Listening",
            Room::Tls => "TLS",
            Room::Acme => "Ordered certificates",
            Room::Connection => "Connections",
            Room::Ledger => "Ledger",
            Room::AccessLog => "Access log",
            Room::Admin => "Dashboard and API",
            Room::Config => "Configuration",
            Room::Counts => "Counts",
            Room::Top => "Server to look at",
        }
    }
}

impl Setting {
    /// As the command line names it: `--port`, or `ROOT` where only the place says what it is.
    pub(crate) fn flag(&self) -> String {
        match self.form {
            Form::Positional { placeholder } => placeholder.to_owned(),
            Form::Valued { .. } | Form::Switch => format!("--{}", self.name),
        }
    }

    /// The environment variable, as in `TALLYD_HEADER_TIMEOUT`.
    pub(crate) fn variable(&self) -> String {
        format!("{VARIABLE_PREFIX}{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// The example as the command line has it: `--port 8080`, or `tallyd /srv/www`.
    pub(crate) fn example_on_command_line(&self) -> String {
        match self.form {
            Form::Positional { .. } => format!("tallyd {}", self.example),
            // A shell takes the quotes away.
            Form::Valued { .. } if self.example.contains(' ') => {
                format!("--{} '{}'", self.name, self.example)
            }
            Form::Valued { .. } => format!("--{} {}", self.name, self.example),
            Form::Switch => format!("--{}", self.name),
        }
    }

    /// The example as a variable: `TALLYD_PORT=8080`.
    pub(crate) fn example_as_variable(&self) -> String {
        format!("{}={}", self.variable(), self.example)
    }

    /// The example as a line of the file: `port = 8080`.
    pub(crate) fn example_in_file(&self) -> String {
        self.line_in_file(&[self.example])
    }

    /// The line of a file that gives these texts, of which there is at least one.
    pub(crate) fn line_in_file(&self, texts: &[&str]) -> String {
        match (self.occurs, texts) {
            (Occurs::Once, [text]) => format!("{} = {}", self.name, toml_value(text)),
            (Occurs::Once | Occurs::Repeated { .. } | Occurs::Tabled(_), texts) => {
                let values: Vec<String> = texts.iter().map(|text| toml_value(text)).collect();
                format!("{} = [{}]", self.name, values.join(", "))
            }
        }
    }
}

/// What the name of every variable that tallyd reads begins with.
pub(crate) const VARIABLE_PREFIX: &str = "TALLYD_";

/// A text as a value of TOML: numbers and truth values bare, the rest as a basic string (TOML 1.1, "String").
fn toml_value(text: &str) -> String {
    let is_number = text.parse::<i64>().is_ok_and(|number| number.to_string() == text);
    if is_number || text == "true" || text == "false" {
        return text.to_owned();
    }
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control.is_control() => {
                write!(quoted, "\\u{:04X}", u32::from(control)).expect("writing to memory cannot fail");
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::toml_value;

    #[test]
    fn a_text_is_written_as_toml_reads_it_back() {
        for text in
            ["0", "8080", "-1", "007", "15s", "", "a\"b", "a\\b", "line\nfeed", "\u{7f}", "häuser", "true"]
        {
            let document = format!("key = {}", toml_value(text));
            let table = toml::de::DeTable::parse(&document).expect("the quoted text is TOML");
            let value = table.get_ref()["key"].get_ref();
            let read = match value {
                toml::de::DeValue::Integer(number) => number.as_str().to_owned(),
                toml::de::DeValue::Boolean(truth) => truth.to_string(),
                other => other.as_str().expect("a string").to_owned(),
            };
            assert_eq!(read, text, "{document}");
        }
    }
}
