//! How the text of a setting about the site becomes a value, as `value` does it for the others.

use tallyd_http::base_path::BasePath;
use tallyd_http::extra_field::ExtraField;
use tallyd_http::media_type::OwnType;
use tallyd_http::status::Status;
use tallyd_http::target::{SitePath, Target};

use super::value::Fault;
use crate::site::added_fields::FieldRule;
use crate::site::cors::Origin;
use crate::site::error_pages::{PageSource, Statuses};
use crate::site::pattern::Pattern;
use crate::site::routes::{RedirectRule, RewriteRule};

/// `PATTERN: Name: value`.
pub(super) fn header(text: &str) -> Result<FieldRule, Fault> {
    let parts = text.split_once(':').and_then(|(pattern, rest)| Some((pattern, rest.split_once(':')?)));
    let Some((pattern, (name, value))) = parts else {
        return Err(Fault::new("is not of the form PATTERN: Name: value"));
    };
    field_rule(pattern, name.trim(), value)
}

/// `PATTERN: value` of `Cache-Control`, or a value for every file. No directive has a colon.
pub(super) fn cache_control(text: &str) -> Result<FieldRule, Fault> {
    let (pattern, value) = text.split_once(':').unwrap_or(("**", text));
    if value.trim().is_empty() {
        return Err(Fault::new("has no directive"));
    }
    if value.contains(':') {
        return Err(Fault::new("has a colon in its directives"));
    }
    field_rule(pattern, "Cache-Control", value)
}

fn field_rule(pattern: &str, name: &str, value: &str) -> Result<FieldRule, Fault> {
    let field = ExtraField::new(name, value).map_err(|fault| Fault::new(fault.to_string()))?;
    Ok(FieldRule { pattern: path_pattern(pattern.trim())?, field })
}

fn path_pattern(text: &str) -> Result<Pattern, Fault> {
    Pattern::parse(text).map_err(|fault| Fault::new(format!("has the pattern {text:?}, which {fault}")))
}

/// The statuses of a redirect; the first is meant where none is given, since no client remembers it.
const REDIRECTS: [Status; 4] =
    [Status::FOUND, Status::MOVED_PERMANENTLY, Status::TEMPORARY_REDIRECT, Status::PERMANENT_REDIRECT];

/// `FROM TO`, with a status behind if it is not 302.
pub(super) fn redirect(text: &str) -> Result<RedirectRule, Fault> {
    let mut words = text.split_ascii_whitespace();
    let (Some(from), Some(to), status, None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Fault::new("is not of the form FROM TO STATUS"));
    };
    let status = match status {
        None => REDIRECTS[0],
        Some(code) => *REDIRECTS.iter().find(|status| status.code.to_string() == code).ok_or_else(|| {
            Fault::new(format!("has the status {code:?}, which is not one of: 301, 302, 307, 308"))
        })?,
    };
    RedirectRule::parse(from, to, status).map_err(Fault::new)
}

/// `FROM TO`.
pub(super) fn rewrite(text: &str) -> Result<RewriteRule, Fault> {
    let mut words = text.split_ascii_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(from), Some(to), None) => RewriteRule::parse(from, to).map_err(Fault::new),
        (_, _, _) => Err(Fault::new("is not of the form FROM TO")),
    }
}

/// A path, or `/` for none.
pub(super) fn base_path(text: &str) -> Result<Option<BasePath>, Fault> {
    match (text, BasePath::parse(text)) {
        ("/", _) => Ok(None),
        (_, Some(base)) => Ok(Some(base)),
        (_, None) => Err(Fault::new("is not a path that begins with /, without a query")),
    }
}

/// The path of a file of the site, from its root, as it stands in an address; with or without its `/`.
pub(super) fn site_file(text: &str) -> Result<SitePath<'static>, Fault> {
    let rooted = format!("/{}", text.strip_prefix('/').unwrap_or(text));
    match Target::parse(rooted.as_bytes()) {
        Ok(Target::Path { path, query: None }) if !path.is_directory_form() => Ok(path.into_owned()),
        Ok(Target::Path { .. } | Target::Server) | Err(_) => {
            Err(Fault::new("is not the path of a file in the folder to serve"))
        }
    }
}

/// `STATUS=FILE`, where the status is one, as 404, or all of a class, as 5xx.
pub(super) fn error_page(text: &str) -> Result<PageSource, Fault> {
    let (status, file) = text.split_once('=').ok_or_else(|| Fault::new("is not of the form STATUS=FILE"))?;
    let statuses = match (status.trim(), status.trim().parse()) {
        ("4xx", _) => Statuses::Class(4),
        ("5xx", _) => Statuses::Class(5),
        (digits, Ok(code @ 400..=599)) if !digits.starts_with('+') => Statuses::One(code),
        (_, _) => return Err(Fault::new("is for no status from 400 to 599, and neither for 4xx nor 5xx")),
    };
    Ok(PageSource { statuses, path: site_file(file.trim())? })
}

/// `EXTENSION=TYPE`.
pub(super) fn media_type(text: &str) -> Result<OwnType, Fault> {
    let (extension, media_type) =
        text.split_once('=').ok_or_else(|| Fault::new("is not of the form EXTENSION=TYPE"))?;
    OwnType::new(extension.trim(), media_type.trim()).map_err(|fault| Fault::new(fault.to_string()))
}

/// `*`, or the origin of a site as a browser writes it (Fetch Standard, "serializing a request origin").
pub(super) fn origin(text: &str) -> Result<Origin, Fault> {
    if text == "*" {
        return Ok(Origin::Any);
    }
    let lower = text.to_ascii_lowercase();
    let (scheme, host) = lower.split_once("://").unwrap_or_default();
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let is_host = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
    if is_scheme && is_host {
        Ok(Origin::Site(lower.into()))
    } else {
        Err(Fault::new("is neither * nor the origin of a site, which has a scheme, a host and no path"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check<T>(
        parse: fn(&str) -> Result<T, Fault>,
        text: &str,
        shown: fn(&T) -> String,
        expect: Result<&str, &str>,
    ) {
        let value = parse(text).map(|value| shown(&value)).map_err(|fault| fault.to_string());
        assert_eq!(value, expect.map(str::to_owned).map_err(str::to_owned), "{text:?}");
    }

    fn rule_shown(rule: &FieldRule) -> String {
        format!("{} {}={}", rule.pattern.as_str(), rule.field.name(), rule.field.value())
    }

    #[test]
    fn headers() {
        let check = |text, expect| check(header, text, rule_shown, expect);
        check("*.js: X-A: 1", Ok("*.js X-A=1"));
        check("/a/**:X-A:1", Ok("/a/** X-A=1"));
        check("** : Link: <https://a.example>; rel=x", Ok("** Link=<https://a.example>; rel=x"));
        check("X-A: 1", Err("is not of the form PATTERN: Name: value"));
        check("", Err("is not of the form PATTERN: Name: value"));
        check(": X-A: 1", Err("has the pattern \"\", which is empty"));
        check(
            "[a]: X-A: 1",
            Err(
                "has the pattern \"[a]\", which has a bracket; write {a,b} for either, and \\[ for a bracket",
            ),
        );
        check("*: X A: 1", Err("has a field name that is not a token of HTTP"));
        check("*: X-A: 1\r\nX-B: 2", Err("has a field value with other characters than printable ASCII"));
        check("*: X-A: \0", Err("has a field value with other characters than printable ASCII"));
        check("*: ETag: \"1\"", Err("names a field that the server itself is responsible for: leave it out"));
    }

    #[test]
    fn routes() {
        let shown = |rule: &RedirectRule| rule.to_string();
        let check = |text, expect| check(redirect, text, shown, expect);
        check("/a /b", Ok("/a /b 302"));
        check(" /a\t/b  308 ", Ok("/a /b 308"));
        check("/a", Err("is not of the form FROM TO STATUS"));
        check("/a /b 301 x", Err("is not of the form FROM TO STATUS"));
        check("/a /b 200", Err("has the status \"200\", which is not one of: 301, 302, 307, 308"));
        check("/a b", Err("leads neither to a path nor to an address with http:// or https://"));
    }

    #[test]
    fn bases() {
        let shown = |base: &Option<BasePath>| {
            format!("{:?}", base.as_ref().map(|base| base.path().as_bytes().escape_ascii().to_string()))
        };
        let check = |text, expect| check(base_path, text, shown, expect);
        check("/", Ok("None"));
        check("/a/b/", Ok("Some(\"/a/b\")"));
        check("a", Err("is not a path that begins with /, without a query"));
        check("", Err("is not a path that begins with /, without a query"));
    }

    #[test]
    fn files_of_the_site() {
        let shown = |path: &SitePath<'_>| path.as_bytes().escape_ascii().to_string();
        let check = |text, expect| check(site_file, text, shown, expect);
        check("index.html", Ok("/index.html"));
        check("/app/two%20words", Ok("/app/two words"));
        for text in ["", "/", "app/", "a?b", "a#b", "../a", "a%00"] {
            check(text, Err("is not the path of a file in the folder to serve"));
        }
    }

    #[test]
    fn error_pages() {
        let shown = |page: &PageSource| format!("{} {}", page.statuses, page.path.as_bytes().escape_ascii());
        let check = |text, expect| check(error_page, text, shown, expect);
        check("404=404.html", Ok("404 /404.html"));
        check("5xx = /errors/sorry.html", Ok("5xx /errors/sorry.html"));
        check("404", Err("is not of the form STATUS=FILE"));
        for text in ["=a", "200=a", "600=a", "3xx=a", "+404=a ", "4=a"] {
            check(text, Err("is for no status from 400 to 599, and neither for 4xx nor 5xx"));
        }
        check("404=", Err("is not the path of a file in the folder to serve"));
    }

    #[test]
    fn cache_controls() {
        let check = |text, expect| check(cache_control, text, rule_shown, expect);
        check("no-store", Ok("** Cache-Control=no-store"));
        check("*.js: max-age=60, immutable", Ok("*.js Cache-Control=max-age=60, immutable"));
        check("", Err("has no directive"));
        check("*.js: ", Err("has no directive"));
        check("*.js: no-store, *.css: no-cache", Err("has a colon in its directives"));
        check("no-store\n", Err("has a field value with other characters than printable ASCII"));
    }

    #[test]
    fn origins() {
        const BAD: &str = "is neither * nor the origin of a site, which has a scheme, a host and no path";
        let shown = |origin: &Origin| format!("{origin:?}");
        let check = |text, expect| check(origin, text, shown, expect);
        check("*", Ok("Any"));
        check("https://a.example", Ok("Site(\"https://a.example\")"));
        check("HTTP://A.example:8080", Ok("Site(\"http://a.example:8080\")"));
        check("http://[::1]:80", Ok("Site(\"http://[::1]:80\")"));
        check("chrome-extension://abc", Ok("Site(\"chrome-extension://abc\")"));
        for text in [
            "",
            "null",
            "a.example",
            "https://",
            "https://a.example/",
            "https://a b",
            "https://a\r\nX: y",
            "://a",
        ] {
            check(text, Err(BAD));
        }
    }
}
