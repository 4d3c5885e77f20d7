//! Redirects and rewrites: what a path means instead, decided before anything is looked up.
//!
//! A redirect sends the client to another address; a rewrite answers with another file, once: what it leads to is
//! neither redirected nor rewritten. Of the rules of one kind the first that
//! matches counts, and redirects come before rewrites. Neither takes a number: a file is counted under its own path.

use std::borrow::Cow;
use std::fmt;

use tallyd_http::location::Location;
use tallyd_http::percent_encoding::first_escape;
use tallyd_http::status::Status;
use tallyd_http::target::SitePath;

use super::pattern::Pattern;
use super::template::Template;

/// The rules of a site.
#[derive(Debug, Default)]
pub(crate) struct Routes {
    redirects: Vec<RedirectRule>,
    rewrites: Vec<RewriteRule>,
}

/// Sends clients elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RedirectRule {
    from: Pattern,
    to: Template,
    status: Status,
}

/// Answers with another file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RewriteRule {
    from: Pattern,
    to: Template,
}

/// An answer that leads elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) status: Status,
    /// Without the query that was sent along.
    pub(crate) location: Location,
    pub(crate) reason: Reason,
}

/// Why a client is sent elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The publisher says so, and by the status for how long.
    Rule,
    /// What is there now has another address. A cache would keep a 301 as long as it likes (RFC 9110 §15.4.2); if a folder
    /// becomes a file, or the reverse, an old one and a new one lead its users in a circle.
    Form,
}

impl Redirect {
    /// To the address of what was asked for in another form.
    pub(crate) fn to_form(location: Location) -> Redirect {
        Redirect { status: Status::MOVED_PERMANENTLY, location, reason: Reason::Form }
    }
}

/// What a path means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// Itself.
    Straight,
    /// The client is to ask elsewhere.
    Redirected(Redirect),
    /// This path.
    Rewritten(SitePath<'static>),
    /// Nothing: a rewrite leads out of the root.
    Nowhere,
}

impl Routes {
    pub(crate) fn new(redirects: Vec<RedirectRule>, rewrites: Vec<RewriteRule>) -> Routes {
        Routes { redirects, rewrites }
    }

    /// What a path means.
    pub(crate) fn route(&self, path: &SitePath<'_>) -> Route {
        if let Some(redirect) = self.redirects.iter().find_map(|rule| rule.apply(path)) {
            return Route::Redirected(redirect);
        }
        self.rewrites.iter().find_map(|rule| rule.apply(path)).unwrap_or(Route::Straight)
    }

    /// How many rules there are.
    pub(super) fn len(&self) -> usize {
        self.redirects.len() + self.rewrites.len()
    }

    /// A path that each rewrite is meant for.
    pub(super) fn rewritten(&self) -> impl Iterator<Item = SitePath<'static>> {
        self.rewrites.iter().filter_map(|rule| SitePath::from_decoded(rule.from.sample()).ok())
    }
}

/// Whether something constant follows the host of an address.
#[derive(Clone, Copy)]
enum Edge {
    Open,
    Closed,
}

impl RedirectRule {
    /// A path that it is meant for.
    pub(super) fn sample(&self) -> &[u8] {
        self.from.sample()
    }

    /// Reads a rule; the error is the end of a sentence about it.
    ///
    /// `to` is a path of this site, or begins with `http://` or `https://` and a host without wildcards: which host a
    /// client is sent to must not be the client's choice.
    pub(crate) fn parse(from: &str, to: &str, status: Status) -> Result<RedirectRule, Cow<'static, str>> {
        let from = Pattern::parse(from)?;
        let to = Template::parse(to, from.wildcards())?;
        let start = to.constant_start();
        let after_scheme = start.strip_prefix("https://").or_else(|| start.strip_prefix("http://"));
        let host = after_scheme.map(|rest| {
            rest.split_once(['/', '?', '#']).map_or((rest, Edge::Open), |(host, _)| (host, Edge::Closed))
        });
        match host {
            Some((_, Edge::Open)) if !to.is_constant() => {
                Err("has a wildcard in the host that it leads to".into())
            }
            Some((host, _)) if host.is_empty() || host.contains(['\\', '@']) => {
                Err("leads to an address without a plain host".into())
            }
            Some(_) => Ok(RedirectRule { from, to, status }),
            None if start.starts_with('/') && !start.starts_with("//") && !start.starts_with("/\\") => {
                Ok(RedirectRule { from, to, status })
            }
            None => Err("leads neither to a path nor to an address with http:// or https://".into()),
        }
    }

    fn apply(&self, path: &SitePath<'_>) -> Option<Redirect> {
        let captured = self.from.capture(path.as_bytes())?;
        let location = Location::of_reference(&self.to.reference(&captured));
        Some(Redirect { status: self.status, location, reason: Reason::Rule })
    }
}

/// As it is written in a setting.
impl fmt::Display for RedirectRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} {}", self.from.as_str(), self.to, self.status.code)
    }
}

impl fmt::Display for RewriteRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.from.as_str(), self.to)
    }
}

impl RewriteRule {
    /// Reads a rule; the error is the end of a sentence about it. `to` is a path of this site, percent-encoded.
    pub(crate) fn parse(from: &str, to: &str) -> Result<RewriteRule, Cow<'static, str>> {
        let from = Pattern::parse(from)?;
        if !to.starts_with('/') || to.contains(['?', '#']) {
            return Err("does not lead to a path without a query".into());
        }
        let decoded = decode(to).ok_or("leads to a path that is not UTF-8")?;
        let to = Template::parse(&decoded, from.wildcards())?;
        if to.is_constant() && SitePath::from_decoded(decoded.as_bytes()).is_err() {
            return Err("leads out of the folder to serve".into());
        }
        Ok(RewriteRule { from, to })
    }

    fn apply(&self, path: &SitePath<'_>) -> Option<Route> {
        let captured = self.from.capture(path.as_bytes())?;
        Some(SitePath::from_decoded(&self.to.bytes(&captured)).map_or(Route::Nowhere, Route::Rewritten))
    }
}

/// Each escape as the byte that it stands for.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = first_escape(rest);
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &rest[3..] } else { after };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use tallyd_http::target::Target;

    use super::*;

    fn redirect(rule: &str) -> Result<RedirectRule, Cow<'static, str>> {
        let (from, to) = rule.split_once(' ').expect("two words");
        RedirectRule::parse(from, to, Status::FOUND)
    }

    fn rewrite(rule: &str) -> Result<RewriteRule, Cow<'static, str>> {
        let (from, to) = rule.split_once(' ').expect("two words");
        RewriteRule::parse(from, to)
    }

    fn path(raw: &str) -> SitePath<'_> {
        match Target::parse(raw.as_bytes()) {
            Ok(Target::Path { path, .. }) => path,
            other => panic!("{raw}: {other:?}"),
        }
    }

    #[test]
    fn redirects() {
        #[track_caller]
        fn check(rule: &str, raw: &str, expect: Option<&str>) {
            let routes = Routes::new(vec![redirect(rule).expect("a rule")], Vec::new());
            let location = match routes.route(&path(raw)) {
                Route::Redirected(redirect) => Some(redirect.location.to_string()),
                Route::Straight => None,
                other @ (Route::Rewritten(_) | Route::Nowhere) => panic!("{other:?}"),
            };
            assert_eq!(location.as_deref(), expect, "{rule} {raw}");
        }
        check("/old /new", "/old", Some("/new"));
        check("/old /new", "/older", None);
        check("/blog/** /posts/$1", "/blog/a/b%20c", Some("/posts/a/b%20c"));
        check("/blog/** /$1", "/blog/", Some("/"));
        check("/s/* https://a.example/?q=$1", "/s/a%26b", Some("https://a.example/?q=a%26b"));
        check("/x https://a.example", "/x", Some("https://a.example"));
        // Whatever a client writes, it stays a path of this site.
        check("/go** /$1", "/go/evil.example", Some("/evil.example"));
        check("/go/** /$1", "/go/%5Cevil.example", Some("/%5Cevil.example"));
        check("/go/** /$1", "/go/http://evil.example", Some("/http%3A/evil.example"));
        check("/go/** /$1", "/go/a%0D%0AX:%20y", Some("/a%0D%0AX%3A%20y"));
    }

    #[test]
    fn rewrites() {
        #[track_caller]
        fn check(rule: &str, raw: &str, expect: &str) {
            let routes = Routes::new(Vec::new(), vec![rewrite(rule).expect("a rule")]);
            let seen = match routes.route(&path(raw)) {
                Route::Rewritten(path) => path.as_bytes().escape_ascii().to_string(),
                Route::Straight => "straight".to_owned(),
                Route::Nowhere => "nowhere".to_owned(),
                Route::Redirected(redirect) => panic!("{redirect:?}"),
            };
            assert_eq!(seen, expect, "{rule} {raw}");
        }
        check("/a /b", "/a", "/b");
        check("/a /b", "/c", "straight");
        check("/a /two%20words", "/a", "/two words");
        check("/v*/** /$2", "/v1/a/b", "/a/b");
        check("/u/* /users/$1.html", "/u/%2525", "/users/%25.html");
        check("/d/**/x /$1/y", "/d/x", "/y");
        // A dot that was matched makes no way out.
        check("/a?b* /$1$1/$2", "/a.bx", "nowhere");
        check("/a?b* /d/$1$1/$2", "/a.bx", "/x");
    }

    #[test]
    fn the_first_of_the_rules_counts_and_redirects_before_rewrites() {
        let redirects = ["/a /1", "/* /2"].map(|rule| redirect(rule).expect("a rule")).to_vec();
        let rewrites = ["/a /3", "/x/* /4", "/x/y /5"].map(|rule| rewrite(rule).expect("a rule")).to_vec();
        let routes = Routes::new(redirects, rewrites);
        let check = |raw: &str, expect: Route| assert_eq!(routes.route(&path(raw)), expect, "{raw}");
        let to = |text: &str| {
            Route::Redirected(Redirect {
                status: Status::FOUND,
                location: Location::of_reference(text),
                reason: Reason::Rule,
            })
        };
        check("/a", to("/1"));
        check("/b", to("/2"));
        check("/x/y", Route::Rewritten(path("/4").into_owned()));
        check("/z/", Route::Straight);
    }

    #[test]
    fn what_is_no_rule() {
        #[track_caller]
        fn check_redirect(rule: &str, expect: &str) {
            assert_eq!(redirect(rule), Err(expect.to_owned().into()), "{rule}");
        }
        const NO_DESTINATION: &str = "leads neither to a path nor to an address with http:// or https://";
        for to in [
            "new",
            "//evil.example",
            "/\\evil.example",
            "ftp://a.example/",
            "$1",
            "$1://a.example",
            "javascript:x",
        ] {
            check_redirect(&format!("/* {to}"), NO_DESTINATION);
        }
        for to in ["https://$1", "https://a.$1", "http://a.example$1/", "https://a.example:$1"] {
            check_redirect(&format!("/* {to}"), "has a wildcard in the host that it leads to");
        }
        for to in ["https://", "https:///x", "https://a@b/$1", "https://a\\b/"] {
            check_redirect(&format!("/* {to}"), "leads to an address without a plain host");
        }
        check_redirect("/a /$1", "has $1, and the pattern has 0 wildcards");
        check_redirect("/{a /b", "has { without }");
    }

    #[test]
    fn what_is_no_rewrite() {
        #[track_caller]
        fn check_rewrite(rule: &str, expect: &str) {
            assert_eq!(rewrite(rule), Err(expect.to_owned().into()), "{rule}");
        }
        check_rewrite("/a b", "does not lead to a path without a query");
        check_rewrite("/a /b?c", "does not lead to a path without a query");
        check_rewrite("/a https://a.example/", "does not lead to a path without a query");
        check_rewrite("/a /../b", "leads out of the folder to serve");
        check_rewrite("/a /%00", "leads out of the folder to serve");
        check_rewrite("/a /%ff", "leads to a path that is not UTF-8");
    }
}
