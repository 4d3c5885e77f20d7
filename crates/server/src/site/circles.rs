//! Circles that rules lead clients in: who is always sent on never gets an answer.
//!
//! Redirects are refused at the start if they come to no end. A rewrite sends nobody on by itself, but the folder that it
//! leads to is redirected to, and for that path there may be another rule. Whether it is a folder, only the disk can tell:
//! `--check` names such rules, and a client is not sent where it would come back from (`site::lookup`).

use tallyd_http::location::Location;
use tallyd_http::target::{SitePath, Target};

use super::routes::{Redirect, RedirectRule, Route, Routes};

/// How many steps in a row are followed when circles are looked for, beyond the number of rules.
const HOPS: usize = 8;

/// How redirects fail to come to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Circle {
    /// There is always a rule for what they lead to.
    Endless,
    /// They lead to the path where they began, but for its final slash. Either what is there has the form that was asked
    /// for, and the client is sent back to it; or it has not, and the client is sent on without a rule.
    OtherForm,
}

/// The first rule from which redirects of this site come to no end, for a path that it is meant for.
pub(crate) fn find_circle(rules: &[RedirectRule]) -> Option<(usize, Circle)> {
    let routes = Routes::new(rules.to_vec(), Vec::new());
    rules.iter().enumerate().find_map(|(at, rule)| Some((at, circle_from(&routes, rule)?)))
}

/// Whether redirects that begin with this rule come to no end, for a path that it is meant for.
fn circle_from(routes: &Routes, rule: &RedirectRule) -> Option<Circle> {
    let start = SitePath::from_decoded(rule.sample()).ok()?;
    let mut path = start.clone();
    for _ in 0..routes.len() + HOPS {
        let Route::Redirected(Redirect { location, .. }) = routes.route(&path) else { return None };
        match path_of(&location) {
            Some(next) => path = next,
            None => return None,
        }
        if path != start && path.to_directory() == start.to_directory() {
            return Some(Circle::OtherForm);
        }
    }
    Some(Circle::Endless)
}

/// The path on this site that a redirect leads to; none if it leads to another host, or to what is refused.
pub(super) fn path_of(location: &Location) -> Option<SitePath<'static>> {
    // A fragment stays with the client.
    let asked = location.as_str().split('#').next().unwrap_or_default();
    match Target::parse(asked.as_bytes()) {
        Ok(Target::Path { path, .. }) if asked.starts_with('/') => Some(path.into_owned()),
        Ok(Target::Path { .. } | Target::Server) | Err(_) => None,
    }
}

/// The circles that rewrites lead in wherever they lead to folders without an index file: each path in its turn, the first
/// of them at the end again.
pub(crate) fn of_rewrites(routes: &Routes) -> Vec<Vec<SitePath<'static>>> {
    let mut found: Vec<Vec<SitePath<'static>>> = Vec::new();
    for start in routes.rewritten() {
        if found.iter().all(|circle| !circle.contains(&start)) {
            found.extend(circle_of_folders(routes, start));
        }
    }
    found
}

/// The circle that begins with this path, if every path on the way is that of a folder without an index file.
fn circle_of_folders(routes: &Routes, start: SitePath<'static>) -> Option<Vec<SitePath<'static>>> {
    let mut circle = vec![start];
    for _ in 0..routes.len() + HOPS {
        let asked = &circle[circle.len() - 1];
        let next = match routes.route(asked) {
            Route::Straight | Route::Nowhere => return None,
            Route::Redirected(Redirect { location, .. }) => path_of(&location)?,
            Route::Rewritten(path) => path.to_directory(),
        };
        // Who is there already is sent nowhere.
        if next == *asked {
            return None;
        }
        let is_closed = next == circle[0];
        circle.push(next);
        if is_closed {
            return Some(circle);
        }
    }
    None
}

/// Follows a client who asks for `first`, and is sent on as rules and `folder_at` say; whether it comes back to `asked`, or
/// to no end. `folder_at` says where a client is sent that is to see the folder which a path leads to, if it leads to one.
pub(super) fn comes_back<E>(
    routes: &Routes,
    asked: &SitePath<'_>,
    first: &SitePath<'_>,
    mut folder_at: impl FnMut(&SitePath<'_>) -> Result<Option<SitePath<'static>>, E>,
) -> Result<bool, E> {
    let mut path = first.clone().into_owned();
    for _ in 0..routes.len() + HOPS {
        let next = match routes.route(&path) {
            Route::Straight | Route::Nowhere => None,
            Route::Redirected(Redirect { location, .. }) => path_of(&location),
            Route::Rewritten(path) => folder_at(&path)?,
        };
        match next {
            Some(next) if next == *asked => return Ok(true),
            Some(next) if next != path => path = next,
            Some(_) | None => return Ok(false),
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use tallyd_http::status::Status;

    use super::super::routes::RewriteRule;
    use super::*;

    fn redirect(rule: &str) -> RedirectRule {
        let (from, to) = rule.split_once(' ').expect("two words");
        RedirectRule::parse(from, to, Status::FOUND).expect("a rule")
    }

    fn rewrite(rule: &str) -> RewriteRule {
        let (from, to) = rule.split_once(' ').expect("two words");
        RewriteRule::parse(from, to).expect("a rule")
    }

    #[test]
    fn circles() {
        #[track_caller]
        fn check(rules: &[&str], expect: Option<(usize, Circle)>) {
            let rules: Vec<_> = rules.iter().map(|rule| redirect(rule)).collect();
            assert_eq!(find_circle(&rules), expect);
        }
        check(&["/a /b"], None);
        check(&["/a /b", "/b /c", "/c https://a.example/a"], None);
        check(&["/a /a#b"], Some((0, Circle::Endless)));
        check(&["/a /a"], Some((0, Circle::Endless)));
        check(&["/x /y", "/a /b", "/b /a?q"], Some((1, Circle::Endless)));
        check(&["/** /new/$1"], Some((0, Circle::Endless)));
        check(&["/old/** /new/$1", "/new/** /old/$1"], Some((0, Circle::Endless)));
        check(&["/old/** /new/$1"], None);
        check(&["/*.d /$1/"], None);
        check(&["/* /$1/"], Some((0, Circle::OtherForm)));
        check(&["/docs/ /docs"], Some((0, Circle::OtherForm)));
        check(&["/docs /docs/?q#f"], Some((0, Circle::OtherForm)));
        check(&["/a /docs/", "/docs/ /b", "/b /docs"], Some((1, Circle::OtherForm)));
        check(&["/docs/ https://a.example/docs"], None);
        check(&["/ /docs/", "/docs /docs/v2/"], None);
        check(&["*.htm /x.html"], None);
        check(&["*.{htm,html} /x.html"], Some((0, Circle::Endless)));
    }

    #[test]
    fn circles_of_rewrites() {
        #[track_caller]
        fn check(redirects: &[&str], rewrites: &[&str], expect: &[&str]) {
            let redirects = redirects.iter().map(|rule| redirect(rule)).collect();
            let routes = Routes::new(redirects, rewrites.iter().map(|rule| rewrite(rule)).collect());
            let text = |path: &SitePath<'_>| path.as_bytes().escape_ascii().to_string();
            let seen: Vec<String> = of_rewrites(&routes)
                .iter()
                .map(|circle| circle.iter().map(text).collect::<Vec<_>>().join(" "))
                .collect();
            assert_eq!(seen, expect, "{rewrites:?}");
        }
        check(&[], &["/a/ /b/", "/b/ /a/"], &["/a/ /b/ /a/"]);
        check(&[], &["/a/ /b", "/b/ /c", "/c/ /a"], &["/a/ /b/ /c/ /a/"]);
        check(&["/b/ /a/"], &["/a/ /b/"], &["/a/ /b/ /a/"]);
        check(&[], &["/{a,b}/ /c/", "/c/ /a/"], &["/a/ /c/ /a/"]);
        // Two files can change places, and a folder can stand for what is below it.
        check(&[], &["/a /b", "/b /a"], &[]);
        check(&[], &["/app/** /app"], &[]);
        check(&[], &["/pub/** /pub/"], &[]);
        check(&[], &["/a/ /b/", "/b/ /c/"], &[]);
        check(&[], &["/** /site/$1"], &[]);
    }
}
