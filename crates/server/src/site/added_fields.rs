//! Which fields the publisher's settings add to which answers.
//!
//! Decided when a file is remembered, so that an answer pays for them with the bytes alone; a site without such settings
//! pays nothing. Fields by pattern belong to answers from a file, 200, 206 and 304: a rule for caching must not reach a
//! 404 or a 416. Fields for the browser's guard between sites belong to every answer.

use tallyd_http::extra_field::ExtraField;
use tallyd_http::field_lines::FieldLines;
use tallyd_http::h1::writer::write_field;
use tallyd_http::target::SitePath;

use super::cors::Cors;
use super::pattern::Pattern;

/// What `--security-headers` adds to every answer. None of them can break a site that does not embed itself elsewhere.
/// `Strict-Transport-Security` has no place on a plain connection (RFC 6797 §7.2), and a useful
/// `Content-Security-Policy` depends on the site: it is written with `--header`.
const SECURITY_FIELDS: &[(&str, &str)] = &[
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "SAMEORIGIN"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
];

/// A field for the files whose paths match.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldRule {
    pub(crate) pattern: Pattern,
    pub(crate) field: ExtraField,
}

/// Whether every answer has the fields that harden a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hardening {
    Off,
    On,
}

/// The settings that add fields.
#[derive(Debug)]
pub(crate) struct AddedFields {
    everywhere: &'static [(&'static str, &'static str)],
    rules: Vec<FieldRule>,
    cors: Cors,
    /// The lines of answers that come from no file.
    elsewhere: Box<[u8]>,
}

impl AddedFields {
    /// Of two rules that give a file the same field, the later one counts; it also counts before `hardening`.
    pub(crate) fn new(hardening: Hardening, rules: Vec<FieldRule>, cors: Cors) -> AddedFields {
        let everywhere = match hardening {
            Hardening::Off => &[],
            Hardening::On => SECURITY_FIELDS,
        };
        let mut lines = Vec::new();
        for (name, value) in everywhere {
            write_field(&mut lines, name, value);
        }
        lines.extend_from_slice(cors.lines());
        AddedFields { everywhere, rules, cors, elsewhere: lines.into() }
    }

    /// The lines for a file that is counted under `path`, each with its CRLF.
    pub(crate) fn of_file(&self, path: &SitePath<'_>) -> Box<[u8]> {
        if self.rules.is_empty() {
            return self.elsewhere.clone();
        }
        let everywhere = self.everywhere.iter().copied();
        let by_rules: Vec<&ExtraField> = self.rules_for(path).map(|rule| &rule.field).collect();
        let mut lines = Vec::new();
        for (name, value) in everywhere {
            if !by_rules.iter().any(|field| field.name().eq_ignore_ascii_case(name)) {
                write_field(&mut lines, name, value);
            }
        }
        for (at, field) in by_rules.iter().enumerate() {
            if !by_rules[at + 1..].iter().any(|later| later.name().eq_ignore_ascii_case(field.name())) {
                write_field(&mut lines, field.name(), field.value());
            }
        }
        lines.extend_from_slice(self.cors.lines());
        lines.into()
    }

    /// The lines for an answer that comes from no file.
    pub(crate) fn elsewhere(&self) -> &[u8] {
        &self.elsewhere
    }

    /// The lines that depend on who asks, for any answer.
    pub(crate) fn for_origin(&self, origin: &FieldLines<'_>) -> &[u8] {
        self.cors.lines_for(origin)
    }

    /// The lines that answer what a browser asks before it asks for a file, by `OPTIONS`.
    pub(crate) fn preflight(&self) -> &'static [u8] {
        self.cors.preflight()
    }

    /// Whether every answer has this field.
    pub(crate) fn has_everywhere(&self, name: &str) -> bool {
        self.everywhere.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// Whether a rule gives this file this field.
    pub(crate) fn gives(&self, path: &SitePath<'_>, name: &str) -> bool {
        self.rules_for(path).any(|rule| rule.field.name().eq_ignore_ascii_case(name))
    }

    fn rules_for(&self, path: &SitePath<'_>) -> impl Iterator<Item = &FieldRule> {
        self.rules.iter().filter(move |rule| rule.pattern.matches(path.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use tallyd_http::target::Target;

    use super::*;

    fn path(text: &str) -> SitePath<'_> {
        match Target::parse(text.as_bytes()) {
            Ok(Target::Path { path, .. }) => path,
            other => panic!("{other:?}"),
        }
    }

    /// `rules` are lines of `PATTERN|Name|value`; `expect` the lines for the path, separated by ` | `.
    #[track_caller]
    fn check(hardening: Hardening, rules: &[&str], asked: &str, expect: &str) {
        let rules = rules.iter().map(|rule| {
            let [pattern, name, value] = rule.split('|').collect::<Vec<_>>()[..] else { panic!("{rule}") };
            let pattern = Pattern::parse(pattern).expect("a pattern");
            FieldRule { pattern, field: ExtraField::new(name, value).expect("a field") }
        });
        let fields = AddedFields::new(hardening, rules.collect(), Cors::Off);
        let lines = String::from_utf8(fields.of_file(&path(asked)).into_vec()).expect("ASCII");
        let lines: Vec<&str> = lines.split_terminator("\r\n").collect();
        assert_eq!(lines.join(" | "), expect, "{asked}");
    }

    #[test]
    fn fields_by_pattern() {
        let rules = ["**|Cache-Control|no-cache", "/assets/**|Cache-Control|max-age=9", "*.html|X-A|1"];
        check(Hardening::Off, &[], "/a", "");
        check(Hardening::Off, &rules, "/a", "Cache-Control: no-cache");
        check(Hardening::Off, &rules, "/assets/a.js", "Cache-Control: max-age=9");
        check(Hardening::Off, &rules, "/assets/a.html", "Cache-Control: max-age=9 | X-A: 1");
        check(Hardening::Off, &["*.js|X-A|1", "*.css|X-A|2"], "/a.html", "");
    }

    #[test]
    fn the_later_rule_counts() {
        check(Hardening::Off, &["**|X-A|1", "**|x-a|2"], "/a", "x-a: 2");
        check(Hardening::Off, &["**|X-A|1", "**|X-B|2", "**|X-A|3"], "/a", "X-B: 2 | X-A: 3");
    }

    #[test]
    fn a_rule_counts_before_the_preset() {
        let preset = "X-Content-Type-Options: nosniff | X-Frame-Options: SAMEORIGIN | \
                      Referrer-Policy: strict-origin-when-cross-origin | Cross-Origin-Opener-Policy: same-origin";
        check(Hardening::On, &[], "/a", preset);
        check(Hardening::On, &["*.js|X-A|1"], "/a", preset);
        let kept = preset.replace("X-Frame-Options: SAMEORIGIN | ", "");
        check(Hardening::On, &["/a|x-frame-options|DENY"], "/a", &format!("{kept} | x-frame-options: DENY"));
    }
}
