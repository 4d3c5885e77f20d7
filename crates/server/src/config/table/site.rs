//! The settings of folders and addresses: what a path means on the site.

use tallyd_http::base_path::BasePath;
use tallyd_http::target::SitePath;

use super::rows;
use crate::config::setting::{Form, Key, Need, Occurs, Parse, Places, Room, Row, Setting, Shape, Takes};
use crate::config::site_value;
use crate::config::value::{self, Choice, ListingMode};
use crate::site::error_pages::PageSource;
use crate::site::routes::{RedirectRule, RewriteRule};

rows! {
    INDEX: Box<str> = Parse::Text(value::file_name), Setting {
        name: "index",
        noun: "index file",
        form: Form::Valued { short: None, placeholder: "NAME" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: ',' },
        places: Places::Everywhere,
        default: Some("index.html"),
        example: "index.htm",
        help: "The file that stands for its folder; repeatable",
        doc: "\
The name of the file that is served when its folder is asked for. Give
it several times to look for several: the first that is there counts.",
        owner: Room::Site,
    };

    BASE_PATH: Option<BasePath> = Parse::Text(site_value::base_path), Setting {
        name: "base-path",
        noun: "base path",
        form: Form::Valued { short: None, placeholder: "PATH" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("/"),
        example: "/downloads",
        help: "The path that everything is served beneath",
        doc: "\
The path that everything is served beneath: with `/downloads`, the
file `a.txt` is at `/downloads/a.txt`, `/downloads` leads to
`/downloads/`, and every other path is 404. Paths in the settings, in
the ledger and in `tally` lines are those in the folder, without it.",
        owner: Room::Site,
    };

    REDIRECT: RedirectRule = Parse::Text(site_value::redirect), Setting {
        name: "redirect",
        noun: "redirect",
        form: Form::Valued { short: None, placeholder: "FROM TO STATUS" },
        takes: Takes::Text,
        occurs: Occurs::Tabled(Shape::Records(&[
            Key { name: "from", need: Need::Required },
            Key { name: "to", need: Need::Required },
            Key { name: "status", need: Need::Optional },
        ])),
        places: Places::Everywhere,
        default: None,
        example: "/old/** /new/$1 301",
        help: "Send clients from a pattern to an address; repeatable",
        doc: "\
Sends clients from the paths of a pattern to another address: a path
of this site, or one that begins with `http://` or `https://` and a
host. `$1` is what the first wildcard has matched. The status is 301,
302, 307 or 308; without one it is 302, which no client remembers. The
query is kept, unless the address has its own. The first rule that
matches counts, also where there is a file. In the file, each can be a
table `[[redirect]]` with the keys `from`, `to` and `status`.",
        owner: Room::Site,
    };

    REWRITE: RewriteRule = Parse::Text(site_value::rewrite), Setting {
        name: "rewrite",
        noun: "rewrite",
        form: Form::Valued { short: None, placeholder: "FROM TO" },
        takes: Takes::Text,
        occurs: Occurs::Tabled(Shape::Records(&[
            Key { name: "from", need: Need::Required },
            Key { name: "to", need: Need::Required },
        ])),
        places: Places::Everywhere,
        default: None,
        example: "/latest/* /releases/v2/$1",
        help: "Answer for a pattern with another file; repeatable",
        doc: "\
Answers for the paths of a pattern with the file at another path,
without sending the client there. `$1` is what the first wildcard has
matched. It is done once: what a rewrite leads to is not rewritten
again. Redirects come first. The file is counted under its own path.
In the file, each can be a table `[[rewrite]]` with `from` and `to`.",
        owner: Room::Site,
    };

    SPA: SitePath<'static> = Parse::Text(site_value::site_file), Setting {
        name: "spa",
        noun: "fallback",
        form: Form::Valued { short: None, placeholder: "FILE" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "index.html",
        help: "The page for addresses that only its script knows",
        doc: "\
The file, by its path in the folder, that is answered with status 200
where there is nothing: for an application of one page, whose script
knows what to show there. It stands in for a path without an
extension, and for any other if the client names `text/html` in
`Accept`, as a browser does that goes to a page; a script or an image
that is missing stays 404. It is counted under its own path.",
        owner: Room::Site,
    };

    ERROR_PAGE: PageSource = Parse::Text(site_value::error_page), Setting {
        name: "error-page",
        noun: "error page",
        form: Form::Valued { short: None, placeholder: "STATUS=FILE" },
        takes: Takes::Text,
        occurs: Occurs::Tabled(Shape::Pairs),
        places: Places::Everywhere,
        default: None,
        example: "404=errors/missing.html",
        help: "The page for refusals with a status; repeatable",
        doc: "\
The file, by its path in the folder, whose content refusals with this
status have: a status from 400 to 599, or `4xx` or `5xx`. Without it
`404.html` is shown if the folder has one, and likewise `400.html`,
`403.html`, `405.html`, `500.html`, `503.html`, and `50x.html` for all
that begin with 5. The status stays, and nothing is counted. A page is
64 KiB at most; a change is seen within a second or two. In the file
it can be a table `[error-page]`, as in `404 = \"missing.html\"`.",
        owner: Room::Site,
    };

    LISTING: ListingMode = Parse::Text(value::choice), Setting {
        name: "listing",
        noun: "listing",
        form: Form::Valued { short: None, placeholder: "FORM" },
        takes: Takes::OneOf(ListingMode::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("html"),
        example: "json",
        help: "How a folder without an index file is shown",
        doc: "\
How a folder without an index file is shown. `html`: as a page that
can be sorted and filtered, and as JSON to a client that prefers it by
`Accept: application/json`. `json`: as JSON to every client. `off`:
not at all. Names that begin with a dot are left out, unless `hidden`
is set.",
        owner: Room::Site,
    };

    LISTING_COUNTS: bool = Parse::Text(value::choice), Setting {
        name: "listing-counts",
        noun: "column of downloads",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Show in listings how often each file was downloaded",
        doc: "\
Show in listings how often each file was downloaded: a column that can
be sorted by, and `downloads` in JSON. Everyone who may see the
listing sees the figures.",
        owner: Room::Site,
    };

    BADGES: bool = Parse::Text(value::choice), Setting {
        name: "badges",
        noun: "badges",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Serve badges with the downloads of each file",
        doc: "\
Serve a badge with the downloads of each file that can be fetched, for
project pages: `/.tallyd/badge/PATH.svg` is an image, and
`/.tallyd/badge/PATH.json` what shields.io needs to make one. They may
be a few minutes old in caches, and are not counted themselves.",
        owner: Room::Site,
    };
}
