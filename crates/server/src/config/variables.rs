//! The environment variables `TALLYD_*`, one for each setting.
//!
//! A variable that is set to nothing counts as not set, as container files that pass on an unset one write it.

use std::ffi::OsString;

use super::given::{Given, Origin};
use super::nearest::nearest;
use super::setting::{Occurs, Places, Setting, Shape, VARIABLE_PREFIX};
use super::start_error::StartError;
use super::table::all;

/// What the variables give. A name with our prefix that is no setting is refused: it is a slip of the key.
pub(super) fn read(vars: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<Given>, StartError> {
    let mut given = Vec::new();
    for (name, text) in vars {
        if !name.as_encoded_bytes().starts_with(VARIABLE_PREFIX.as_bytes()) {
            continue;
        }
        let setting = setting_of(&name.to_string_lossy())?;
        if text.is_empty() {
            continue;
        }
        given.extend(split(setting, text).into_iter().map(|text| Given {
            setting,
            text,
            origin: Origin::Variable,
        }));
    }
    Ok(given)
}

fn setting_of(name: &str) -> Result<&'static Setting, StartError> {
    let named = all().find(|setting| setting.variable() == name);
    match named {
        Some(setting) if setting.places == Places::CommandLine => Err(StartError::wrong(format!(
            "the variable {name} is not read, because {flag} is about one run; give it on the command line: tallyd {flag}",
            flag = setting.flag(),
        ))),
        Some(setting) => Ok(setting),
        None => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> StartError {
    // The prefix is common to all and would make any two names alike.
    let bare = |name: &str| name.replacen(VARIABLE_PREFIX, "", 1);
    let readable = all().filter(|setting| setting.places != Places::CommandLine);
    let cure = match nearest(&bare(name), readable.map(|setting| bare(&setting.variable()))) {
        Some(meant) => format!("did you mean {VARIABLE_PREFIX}{meant}?"),
        None => "unset it, or see tallyd --help for those that there are".to_owned(),
    };
    StartError::wrong(format!("there is no setting for the variable {name:?}; {cure}"))
}

/// The texts in one variable: several where the setting has several.
fn split(setting: &Setting, text: OsString) -> Vec<OsString> {
    // Bytes that are not UTF-8 are no list; the setting's own parser says so.
    let Some(list) = text.to_str() else { return vec![text] };
    match setting.occurs {
        Occurs::Once => vec![text],
        Occurs::Repeated { separator: '\n' } | Occurs::Tabled(Shape::Records(_)) => {
            lines(list).map(OsString::from).collect()
        }
        Occurs::Repeated { separator } => {
            list.split(separator).map(|part| OsString::from(part.trim())).collect()
        }
        Occurs::Tabled(Shape::Pairs) => lines(list).flat_map(pairs).map(OsString::from).collect(),
    }
}

/// Lines end in a separator, and may be set apart by empty ones.
fn lines(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// Pairs with commas between. A comma within a value is followed by no other pair.
fn pairs(line: &str) -> Vec<&str> {
    let mut pairs = Vec::new();
    let mut rest = line;
    let commas = line.match_indices(',').map(|(at, _)| at);
    for at in commas.rev().filter(|at| begins_pair(&line[at + 1..])) {
        pairs.push(rest[at + 1..].trim());
        rest = &rest[..at];
    }
    pairs.push(rest.trim());
    pairs.reverse();
    pairs
}

/// Whether a text begins as `KEY=` does; a value goes on with anything else.
fn begins_pair(text: &str) -> bool {
    let is_key = |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.split_once('=').is_some_and(|(key, _)| is_key(key.trim()))
}

#[cfg(test)]
mod tests {
    use crate::config::tests::{check_refused, config_of, meaning, start_with};

    #[test]
    fn several_values_in_one_variable() {
        let check = |name: &str, var: &str, list: &str| {
            let of = |vars: &[&str], file: Option<&str>| {
                meaning(&config_of(start_with(&[], vars, file).expect("all places are right")), name)
            };
            assert_eq!(of(&[var], None), of(&[], Some(&format!("{name} = [{list}]"))), "{var}");
        };
        check("bind", "TALLYD_BIND=::1, 127.0.0.1", "'::1', '127.0.0.1'");
        check("mime", "TALLYD_MIME=a=text/a,b=text/b", "'a=text/a', 'b=text/b'");
        check("mime", "TALLYD_MIME=a=text/a, b=text/b\nc=text/c", "'a=text/a', 'b=text/b', 'c=text/c'");
        check("mime", "TALLYD_MIME=a=text/a;p=\"x,y\",b=text/b", "'a=text/a;p=\"x,y\"', 'b=text/b'");
        check("error-page", "TALLYD_ERROR_PAGE=404=a,b.html,5xx=c.html", "'404=a,b.html', '5xx=c.html'");
        check("cache-control", "TALLYD_CACHE_CONTROL=max-age=6, private", "'max-age=6, private'");
        check("redirect", "TALLYD_REDIRECT=/a,b /c\n/d /e 301", "'/a,b /c', '/d /e 301'");
    }

    #[test]
    fn what_a_variable_cannot_be() {
        let check = |var: &str, expect: &str| check_refused(&[], &[var], None, &format!("2 {expect}"));
        check(
            "TALLYD_PORT=x",
            r#"the port "x" (variable TALLYD_PORT) is not a whole number from 0 to 65535; write it as in: TALLYD_PORT=8080"#,
        );
        check(
            "TALLYD_BIND=::1, x",
            r#"the address "x" (variable TALLYD_BIND) is neither all nor an IPv4 or IPv6 address; write it as in: TALLYD_BIND=127.0.0.1"#,
        );
        check(
            "TALLYD_REDIRECT=/a /b\n\n /c d\n",
            r#"the redirect "/c d" (variable TALLYD_REDIRECT) leads neither to a path nor to an address with http:// or https://; write it as in: TALLYD_REDIRECT=/old/** /new/$1 301"#,
        );
        check(
            "TALLYD_REWRITE=/a /b,/c /d",
            r#"the rewrite "/a /b,/c /d" (variable TALLYD_REWRITE) is not of the form FROM TO; write it as in: TALLYD_REWRITE=/latest/* /releases/v2/$1, and several on lines of their own"#,
        );
        check(
            "TALLYD_CACHE_CONTROL=*.js: no-store,*.css: no-cache",
            r#"the caching rule "*.js: no-store,*.css: no-cache" (variable TALLYD_CACHE_CONTROL) has a colon in its directives; write it as in: TALLYD_CACHE_CONTROL=/assets/**: max-age=31536000, immutable, and several on lines of their own"#,
        );
        check(
            "TALLYD_PROT=80",
            r#"there is no setting for the variable "TALLYD_PROT"; did you mean TALLYD_PORT?"#,
        );
        check(
            "TALLYD_PROT=",
            r#"there is no setting for the variable "TALLYD_PROT"; did you mean TALLYD_PORT?"#,
        );
        check(
            "TALLYD_=",
            r#"there is no setting for the variable "TALLYD_"; unset it, or see tallyd --help for those that there are"#,
        );
        check(
            "TALLYD_CHECK=true",
            "the variable TALLYD_CHECK is not read, because --check is about one run; give it on the command line: tallyd --check",
        );
    }
}
