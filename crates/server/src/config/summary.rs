//! What the settings of a site amount to, in sentences for `--check`.
//!
//! A site that uses none of them has nothing to say. Whether a file that is named is there is looked up, since a name with
//! a slip in it is a mistake that nothing else would tell of.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use tallyd_http::target::SitePath;

use super::acme::Acme;
use super::meant::{Addresses, Config, Fields};
use crate::backend::folder::Links;
use crate::site::DotNames;
use crate::site::added_fields::Hardening;
use crate::site::circles::of_rewrites;
use crate::site::cors::Origin;
use crate::site::error_pages::{PageSource, sources};
use crate::site::routes::Routes;

/// The sentences, each on one line.
pub(super) fn summary(config: &Config) -> Vec<String> {
    let mut sentences = Vec::new();
    match config.files.dot_names {
        DotNames::Hidden => {}
        DotNames::Shown => sentences.push("Names that begin with a dot are served.".to_owned()),
    }
    match config.files.links {
        Links::Beneath => {}
        Links::Anywhere => sentences.push("Links are followed wherever they lead.".to_owned()),
    }
    sentences.extend(config.acme.as_ref().map(orders));
    sentences.extend(addresses(config));
    sentences.extend(fields(&config.fields));
    sentences
}

fn orders(acme: &Acme) -> String {
    let names: Vec<_> = acme.domains.iter().map(|domain| domain.value.as_str()).collect();
    let (names, directory) = (names.join(", "), &acme.directory.value);
    format!(
        "Certificates for {names} are ordered from {directory}, which is agreeing to its terms of service."
    )
}

fn addresses(config: &Config) -> Vec<String> {
    let Addresses { base, redirects, rewrites, stand_in, error_pages } = &config.addresses;
    let mut sentences = Vec::new();
    if let Some(base) = base {
        sentences.push(format!("Everything is beneath {}/.", shown(base.path())));
    }
    sentences.extend(redirects.iter().map(|rule| format!("Clients are redirected: {rule}.")));
    sentences.extend(rewrites.iter().map(|rule| format!("Paths are rewritten: {rule}.")));
    let circles = of_rewrites(&Routes::new(redirects.clone(), rewrites.clone()));
    sentences.extend(circles.iter().map(|circle| {
        let way: Vec<String> = circle.iter().map(shown).collect();
        format!(
            "Rewrites lead in a circle, where folders without an index file are not found: {}.",
            way.join(" to ")
        )
    }));
    if let Some(path) = stand_in {
        sentences.push(format!(
            "Where there is nothing, {} is shown{}.",
            shown(path),
            presence(config, path)
        ));
    }
    // Pages with the usual names are told of where they are, those that were named in any case.
    let pages = sources(error_pages);
    let pages = pages.iter().filter(|page| error_pages.contains(page) || is_there(config, &page.path));
    sentences.extend(pages.map(|PageSource { statuses, path }| {
        format!("Refusals with status {statuses} show {}{}.", shown(path), presence(config, path))
    }));
    sentences
}

fn fields(fields: &Fields) -> Vec<String> {
    let Fields { types, rules, hardening, cors } = fields;
    let mut sentences: Vec<String> =
        types.iter().map(|own| format!("Files are of a type by their extension: {own}.")).collect();
    sentences.extend(rules.iter().map(|rule| {
        let (name, value) = (rule.field.name(), rule.field.value());
        format!("Answers from {} have {name}: {value}.", rule.pattern.as_str())
    }));
    match hardening {
        Hardening::Off => {}
        Hardening::On => sentences.push("Every answer has the security fields.".to_owned()),
    }
    sentences.extend(cors.iter().map(|origin| match origin {
        Origin::Any => "Scripts of every site may read answers.".to_owned(),
        Origin::Site(site) => format!("Scripts of {site} may read answers."),
    }));
    sentences
}

fn presence(config: &Config, path: &SitePath<'_>) -> &'static str {
    if is_there(config, path) { "" } else { ", which is not there" }
}

fn is_there(config: &Config, path: &SitePath<'_>) -> bool {
    config.root.value.join(OsStr::from_bytes(path.relative())).is_file()
}

/// A path on one line of text.
fn shown(path: &SitePath<'_>) -> String {
    path.as_bytes().escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{config_of, start_with};

    #[test]
    fn what_a_site_amounts_to() {
        const FOUND: &str = "Refusals with status 404 show /404.html.";
        let folder = tempfile::tempdir().expect("a folder for the test");
        std::fs::write(folder.path().join("404.html"), "").expect("a file for the test");
        let root = folder.path().to_str().expect("the folder's name is UTF-8");
        let check = |args: &[&str], expect: &[&str]| {
            let config =
                config_of(start_with(&[&[root], args].concat(), &[], None).expect("the arguments are right"));
            assert_eq!(summary(&config), expect, "{args:?}");
        };
        check(&[], &[FOUND]);
        check(
            &[
                "--hidden",
                "--follow-links",
                "--base-path",
                "/a",
                "--spa",
                "index.html",
                "--error-page",
                "5xx=sorry.html",
            ],
            &[
                "Names that begin with a dot are served.",
                "Links are followed wherever they lead.",
                "Everything is beneath /a/.",
                "Where there is nothing, /index.html is shown, which is not there.",
                "Refusals with status 5xx show /sorry.html, which is not there.",
                FOUND,
            ],
        );
        check(
            &["--acme", "a.example", "--acme", "b.example", "--acme-directory", "https://ca.example/dir"],
            &[
                "Certificates for a.example, b.example are ordered from https://ca.example/dir, which is agreeing to \
                 its terms of service.",
                FOUND,
            ],
        );
        check(
            &["--redirect", "/a /b 301", "--rewrite", "/c/* /d/$1"],
            &["Clients are redirected: /a /b 301.", "Paths are rewritten: /c/* /d/$1.", FOUND],
        );
        check(
            &["--rewrite", "/a/ /b/", "--rewrite", "/b/ /a/"],
            &[
                "Paths are rewritten: /a/ /b/.",
                "Paths are rewritten: /b/ /a/.",
                "Rewrites lead in a circle, where folders without an index file are not found: /a/ to /b/ to /a/.",
                FOUND,
            ],
        );
        check(
            &[
                "--mime",
                "webc=text/html",
                "--header",
                "*.js: X-A: 1",
                "--cors",
                "https://a.example",
                "--security-headers",
            ],
            &[
                FOUND,
                "Files are of a type by their extension: webc=text/html; charset=utf-8.",
                "Answers from *.js have X-A: 1.",
                "Every answer has the security fields.",
                "Scripts of https://a.example may read answers.",
            ],
        );
    }
}
