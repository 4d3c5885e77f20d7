//! Which other sites' scripts may read what is served here (Fetch Standard, "CORS protocol").
//!
//! Nothing here keeps anybody from fetching a file: it is browsers that withhold an answer from a script. Answers
//! never depend on cookies or passwords, so credentials are not allowed for, and wildcards mean what they say.

use tallyd_http::field_lines::FieldLines;
use tallyd_http::h1::writer::write_field;

/// What scripts may see besides what every script may: all that matters for ranges, revalidation and saving.
const EXPOSED: &str = "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Range, Date, ETag";

/// What a browser is told before it sends a request that a form could not send. It may remember that for a day.
const PREFLIGHT: &[u8] = b"Access-Control-Allow-Methods: GET, HEAD\r\nAccess-Control-Allow-Headers: *\r\n\
                           Access-Control-Max-Age: 86400\r\n";

/// The sites whose scripts may read answers.
#[derive(Debug)]
pub(crate) enum Cors {
    /// None but this one.
    Off,
    /// The same lines for everybody: any site, or one that browsers compare for themselves.
    Constant(Box<[u8]>),
    /// Several: an answer names the one that asks, so that a cache must keep them apart.
    Several(Vec<(Box<str>, Box<[u8]>)>),
}

/// Who is allowed, as a setting says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Every site.
    Any,
    /// One, as a browser writes it: scheme, host, and the port unless it is the scheme's own.
    Site(Box<str>),
}

impl Cors {
    /// Allows these.
    pub(crate) fn new(origins: &[Origin]) -> Cors {
        if origins.contains(&Origin::Any) {
            return Cors::Constant(lines_naming("*"));
        }
        let sites = origins.iter().filter_map(|origin| match origin {
            Origin::Any => None,
            Origin::Site(site) => Some((site.clone(), lines_naming(site))),
        });
        let mut sites: Vec<_> = sites.collect();
        match sites.pop() {
            None => Cors::Off,
            Some((_, lines)) if sites.is_empty() => Cors::Constant(lines),
            Some(last) => {
                sites.push(last);
                Cors::Several(sites)
            }
        }
    }

    /// The lines for every answer, whoever asks.
    pub(super) fn lines(&self) -> &[u8] {
        match self {
            Cors::Off => b"",
            Cors::Constant(lines) => lines,
            Cors::Several(_) => b"Vary: Origin\r\n",
        }
    }

    /// The lines for an answer to this `Origin`.
    pub(super) fn lines_for(&self, origin: &FieldLines<'_>) -> &[u8] {
        match (self, origin) {
            (Cors::Several(sites), FieldLines::One(origin)) => sites
                .iter()
                .find(|(site, _)| site.as_bytes().eq_ignore_ascii_case(origin))
                .map_or(b"", |(_, lines)| lines),
            (Cors::Off | Cors::Constant(_) | Cors::Several(_), _) => b"",
        }
    }

    /// More lines for the answer to `OPTIONS`.
    pub(super) fn preflight(&self) -> &'static [u8] {
        match self {
            Cors::Off => b"",
            Cors::Constant(_) | Cors::Several(_) => PREFLIGHT,
        }
    }
}

fn lines_naming(origin: &str) -> Box<[u8]> {
    let mut lines = Vec::new();
    write_field(&mut lines, "Access-Control-Allow-Origin", origin);
    write_field(&mut lines, "Access-Control-Expose-Headers", EXPOSED);
    lines.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_named_to_whom() {
        const EXPOSE: &str = "Access-Control-Expose-Headers: Accept-Ranges, Content-Disposition, Content-Encoding, \
                              Content-Range, Date, ETag\r\n";
        #[track_caller]
        fn check(allowed: &[&str], asks: Option<&str>, expect: &str) {
            let origins: Vec<Origin> = allowed
                .iter()
                .map(|site| if *site == "*" { Origin::Any } else { Origin::Site((*site).into()) })
                .collect();
            let cors = Cors::new(&origins);
            let origin: FieldLines<'_> = asks.iter().map(|origin| origin.as_bytes()).collect();
            let lines = [cors.lines(), cors.lines_for(&origin)].concat();
            let lines = String::from_utf8(lines).expect("ASCII").replace(EXPOSE, "+");
            assert_eq!(lines.replace("\r\n", ";"), expect, "{allowed:?} {asks:?}");
        }
        let (a, b, c) = ("https://a.example", "https://b.example", "https://c.example");
        check(&[], Some(a), "");
        check(&["*"], None, "Access-Control-Allow-Origin: *;+");
        check(&["*"], Some(a), "Access-Control-Allow-Origin: *;+");
        check(&[a, "*"], Some(b), "Access-Control-Allow-Origin: *;+");
        check(&[a], None, "Access-Control-Allow-Origin: https://a.example;+");
        check(&[a], Some(b), "Access-Control-Allow-Origin: https://a.example;+");
        check(&[a, b], None, "Vary: Origin;");
        check(&[a, b], Some(c), "Vary: Origin;");
        check(&[a, b], Some(b), "Vary: Origin;Access-Control-Allow-Origin: https://b.example;+");
        check(
            &[a, b],
            Some("HTTPS://A.example"),
            "Vary: Origin;Access-Control-Allow-Origin: https://a.example;+",
        );
        check(&[a, b], Some("null"), "Vary: Origin;");
        check(&[a, b], Some("https://b.example.evil"), "Vary: Origin;");
    }
}
