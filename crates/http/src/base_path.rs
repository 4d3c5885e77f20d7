//! The path on its host that a site is served beneath.

use crate::target::{SitePath, Target};

/// A path below which everything of a site is; without a final slash, and never that of a host's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BasePath(SitePath<'static>);

/// Where a path is, seen from a base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement<'a> {
    /// Below it: the path from there.
    Beneath(SitePath<'a>),
    /// The base itself, without a slash behind it.
    Base,
    /// Not of this site.
    Outside,
}

impl BasePath {
    /// Reads a path as it stands in a target; a final slash makes no difference. Nothing for the root, for what is no
    /// path, and for one with a query.
    pub fn parse(text: &str) -> Option<BasePath> {
        match Target::parse(text.as_bytes()) {
            Ok(Target::Path { path, query: None }) if text.starts_with('/') => path.to_file().map(BasePath),
            Ok(Target::Path { .. } | Target::Server) | Err(_) => None,
        }
    }

    /// Says where a path is.
    pub fn place<'a>(&self, path: &SitePath<'a>) -> Placement<'a> {
        match path.without_prefix(&self.0) {
            Some(below) => Placement::Beneath(below),
            None if *path == self.0 => Placement::Base,
            None => Placement::Outside,
        }
    }

    /// The path itself.
    pub fn path(&self) -> &SitePath<'static> {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beneath() {
        #[track_caller]
        fn check(base: &str, raw: &str, expect: &str) {
            let Ok(Target::Path { path, .. }) = Target::parse(raw.as_bytes()) else { panic!("{raw}") };
            let seen = match BasePath::parse(base).expect("a base").place(&path) {
                Placement::Beneath(path) => path.as_bytes().escape_ascii().to_string(),
                Placement::Base => "base".to_owned(),
                Placement::Outside => "outside".to_owned(),
            };
            assert_eq!(seen, expect, "{base} {raw}");
        }
        for base in ["/a", "/a/", "//a", "/%61"] {
            check(base, "/a", "base");
            check(base, "/a/", "/");
            check(base, "/a/b", "/b");
            check(base, "/a//b/", "/b/");
            check(base, "/%61/b%20c", "/b c");
            check(base, "/a/../b", "outside");
            check(base, "/ab", "outside");
            check(base, "/", "outside");
            check(base, "/b/a/", "outside");
        }
        check("/a/b", "/a/b/c", "/c");
        check("/a/b", "/a", "outside");
        check("/two%20words", "/two%20words/x", "/x");
    }

    #[test]
    fn what_is_no_base() {
        for text in ["", "/", "//", "a", "/a?b", "/a#b", "/%00", "/../a", "*", "http://a.example/a"] {
            assert_eq!(BasePath::parse(text), None, "{text}");
        }
    }
}
