//! The table of settings: one row for each, and nothing about a setting is said anywhere else.
//!
//! A row's type is the type of its value, so that `Config` cannot ask for another. The texts in `doc` are
//! broken at 70 columns by hand: they are shown indented in a terminal.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use tallyd_http::base_path::BasePath;
use tallyd_http::media_type::OwnType;
use tallyd_http::target::SitePath;
use tallyd_ledger::Durability;

use super::duration::{some_time, up_to_longest, up_to_oldest, up_to_two_years};
use super::secret::Token;
use super::setting::{Form, Key, Need, Occurs, Parse, Places, Room, Row, Setting, Shape, Takes};
use super::site_value;
use super::size::size;
use super::tls::Http3;
use super::value::{self, AdminAddress, BindAddress, Choice, LedgerFile, ListingMode, LogFile, LogFormat};
use crate::acme::challenge::Preference;
use crate::acme::{Directory, Domain};
use crate::backend::siblings::Precompressed;
use crate::compression::Compress;
use crate::site::added_fields::FieldRule;
use crate::site::cors::Origin;
use crate::site::entity_tags::TagSource;
use crate::site::error_pages::PageSource;
use crate::site::routes::{RedirectRule, RewriteRule};

/// Declares each row, and the list of them all: what is declared cannot be missing from the list.
macro_rules! rows {
    ($($name:ident: $value:ty = $parse:expr, $setting:expr;)*) => {
        $(pub(super) static $name: Row<$value> = Row { setting: $setting, parse: $parse };)*

        /// Every setting, in the order in which they are shown: those of one room stand together.
        pub(super) static TABLE: &[&Setting] = &[$(&$name.setting),*];
    };
}

pub(super) use rows;

/// The setting of this name.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    TABLE.iter().copied().find(|setting| setting.name == name)
}

rows! {
    ROOT: PathBuf = Parse::Bytes(value::path), Setting {
        name: "root",
        noun: "folder",
        form: Form::Positional { placeholder: "ROOT" },
        takes: Takes::Folder,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("www"),
        example: "/srv/www",
        help: "The folder to serve",
        doc: "\
The folder to serve. Only what is inside it is reachable. A relative
path, here as in every setting, starts at the current directory, also
when it comes from the configuration file.

`counts`, `man` and `completions` are subcommands; a folder of such a
name is served by `tallyd ./man` or `tallyd -- man`.",
        owner: Room::Backend,
    };

    CACHE: u64 = Parse::Text(size), Setting {
        name: "cache",
        noun: "cache size",
        form: Form::Valued { short: None, placeholder: "SIZE" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("128M"),
        example: "256M",
        help: "Memory for the content of small files; 0: none",
        doc: "\
Memory for the content of small files that were asked for before, of
all workers together. It is filled as files are asked for. 0 remembers
no content.",
        owner: Room::Backend,
    };

    HIDDEN: bool = Parse::Text(value::choice), Setting {
        name: "hidden",
        noun: "serving of hidden files",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Serve names that begin with a dot",
        doc: "\
Serve and list files and folders whose names begin with a dot. Without
it they are as if they did not exist, except what is in
`/.well-known/`. Think of `.git`, `.env` and `.htpasswd` first.",
        owner: Room::Backend,
    };

    FOLLOW_LINKS: bool = Parse::Text(value::choice), Setting {
        name: "follow-links",
        noun: "following of links",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Follow links that leave the folder",
        doc: "\
Follow symbolic links wherever they lead, also out of the folder, and
absolute ones. Without it, a link is followed as long as it stays
inside. Whoever can make a link in the folder then publishes whatever
this process can read. A file is counted under the path asked for.",
        owner: Room::Backend,
    };

    PRECOMPRESSED: Precompressed = Parse::Text(value::choice), Setting {
        name: "precompressed",
        noun: "use of precompressed files",
        form: Form::Valued { short: None, placeholder: "ON|OFF" },
        takes: Takes::OneOf(Precompressed::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("on"),
        example: "off",
        help: "Send page.html.br, .zst or .gz to who asks for page.html",
        doc: "\
Whether a file is sent as its compressed sibling, `NAME.br`,
`NAME.zst` or `NAME.gz`, to a client that accepts that coding. The
sibling must not be older than the file. It counts for the file that
was asked for, and remains a file that can be asked for itself.",
        owner: Room::Backend,
    };

    ETAG: TagSource = Parse::Text(value::choice), Setting {
        name: "etag",
        noun: "source of entity tags",
        form: Form::Valued { short: None, placeholder: "SOURCE" },
        takes: Takes::OneOf(TagSource::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("default"),
        example: "portable",
        help: "What entity tags are made from",
        doc: "\
What the entity tags of files are made from. `default`: modification
time, length and inode. `portable`: without the inode, so that they
are equal on all nodes with a copy that kept the time. `content`: a
hash of the content, for trees whose times are all the same or mean
nothing. Files over 32 KiB are hashed in the background when they are
first asked for, and go out without a tag until that is done.",
        owner: Room::Backend,
    };

    COMPRESS: Compress = Parse::Text(value::choice), Setting {
        name: "compress",
        noun: "compression",
        form: Form::Valued { short: None, placeholder: "ON|OFF" },
        takes: Takes::OneOf(Compress::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("on"),
        example: "off",
        help: "Compress text on the way to clients that accept it",
        doc: "\
Whether text and the like, from 1 KiB to 8 MiB, is compressed (Brotli,
Zstandard or gzip) for clients that accept it. Each version of a file
is compressed once and remembered; who asks for it first waits for
that. A precompressed sibling comes before.",
        owner: Room::Backend,
    };

    COMPRESS_CACHE: u64 = Parse::Text(size), Setting {
        name: "compress-cache",
        noun: "compression cache size",
        form: Form::Valued { short: None, placeholder: "SIZE" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("64M"),
        example: "256M",
        help: "Memory for what was compressed; 0: compress nothing",
        doc: "\
Memory for compressed content, of all workers together. When it is
full, what was not asked for lately is forgotten, and compressed again
when it is asked for. 0 is the same as `compress` off.",
        owner: Room::Backend,
    };

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

    MIME: OwnType = Parse::Text(site_value::media_type), Setting {
        name: "mime",
        noun: "media type",
        form: Form::Valued { short: None, placeholder: "EXTENSION=TYPE" },
        takes: Takes::Text,
        occurs: Occurs::Tabled(Shape::Pairs),
        places: Places::Everywhere,
        default: None,
        example: "webc=text/html",
        help: "The media type of files with an extension; repeatable",
        doc: "\
The value of `Content-Type` for files with this extension, before the
built-in table. A text type without a charset gets `charset=utf-8`. In
the file it can be a table `[mime]`, in it a line for each extension,
as in `webc = \"text/html\"`.",
        owner: Room::Fields,
    };

    HEADER: FieldRule = Parse::Text(site_value::header), Setting {
        name: "header",
        noun: "field",
        form: Form::Valued { short: None, placeholder: "PATTERN: NAME: VALUE" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: '\n' },
        places: Places::Everywhere,
        default: None,
        example: "*.html: X-Robots-Tag: noindex",
        help: "A field for the files of a pattern; repeatable",
        doc: "\
A field that answers from the files of a pattern have: those with
status 200, 206 and 304. Of two for the same file and the same name
the later one counts, so give the general one first. Fields that say
what is sent, such as `Content-Length` and `ETag`, are refused.",
        owner: Room::Fields,
    };

    CACHE_CONTROL: FieldRule = Parse::Text(site_value::cache_control), Setting {
        name: "cache-control",
        noun: "caching rule",
        form: Form::Valued { short: None, placeholder: "[PATTERN: ]VALUE" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: '\n' },
        places: Places::Everywhere,
        default: None,
        example: "/assets/**: max-age=31536000, immutable",
        help: "Cache-Control for the files of a pattern; repeatable",
        doc: "\
What `Cache-Control` says about the files of a pattern, or without a
pattern about all. The later rule counts, and `header` before this.
Without any, caches decide for themselves, and ask again by entity tag
or date.",
        owner: Room::Fields,
    };

    CORS: Origin = Parse::Text(site_value::origin), Setting {
        name: "cors",
        noun: "origin",
        form: Form::Valued { short: None, placeholder: "ORIGIN" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: ',' },
        places: Places::Everywhere,
        default: None,
        example: "https://app.example",
        help: "A site whose scripts may read answers, or *; repeatable",
        doc: "\
The origin of another site whose scripts may read what is served here,
or `*` for every site (CORS). They may send `Range` and preconditions,
and see the fields that matter for them. Every answer says so,
refusals too. With several, answers also have `Vary: Origin`.",
        owner: Room::Fields,
    };

    SECURITY_HEADERS: bool = Parse::Text(value::choice), Setting {
        name: "security-headers",
        noun: "set of security fields",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Add fields that harden a site against others",
        doc: "\
Every answer has `X-Content-Type-Options: nosniff`, `X-Frame-Options:
SAMEORIGIN`, `Referrer-Policy: strict-origin-when-cross-origin` and
`Cross-Origin-Opener-Policy: same-origin`. A `header` of the same name
counts before it.",
        owner: Room::Fields,
    };

    BIND: BindAddress = Parse::Text(value::bind_address), Setting {
        name: "bind",
        noun: "address",
        form: Form::Valued { short: Some('b'), placeholder: "ADDR" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: ',' },
        places: Places::Everywhere,
        default: Some("all"),
        example: "127.0.0.1",
        help: "The address to listen on; repeatable",
        doc: "\
The address to listen on: an IPv4 address, an IPv6 address with or
without brackets, or `all` for every interface, IPv4 and IPv6. Give it
several times to listen on several; an address given twice counts
once. `0.0.0.0` is every interface for IPv4, `::` for IPv6.",
        owner: Room::Listen,
    };

    PORT: u16 = Parse::Text(value::port), Setting {
        name: "port",
        noun: "port",
        form: Form::Valued { short: Some('p'), placeholder: "PORT" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("0"),
        example: "8080",
        help: "The port to listen on; 0: the system picks a free one",
        doc: "\
The port to listen on, 0 to 65535. With 0 the system picks a free one,
and the first line on standard output says which.",
        owner: Room::Listen,
    };

    TLS_CERT: PathBuf = Parse::Bytes(value::path), Setting {
        name: "tls-cert",
        noun: "certificate",
        form: Form::Valued { short: None, placeholder: "FILE" },
        takes: Takes::File,
        occurs: Occurs::Repeated { separator: ',' },
        places: Places::Everywhere,
        default: None,
        example: "/etc/tallyd/fullchain.pem",
        help: "A certificate for HTTPS; repeatable",
        doc: "\
The file with a certificate for HTTPS and those of its issuers, in
PEM, the server's own first. With it, the site is served over TLS as
well, on the port of `--tls-port`. Give several, each with its
`--tls-key`, for several names: a client gets the one for the name it
asks for, and the first if there is none. The files are read again
when they change, and on SIGHUP; what has a flaw is not taken up.",
        owner: Room::Tls,
    };

    TLS_KEY: PathBuf = Parse::Bytes(value::path), Setting {
        name: "tls-key",
        noun: "key",
        form: Form::Valued { short: None, placeholder: "FILE" },
        takes: Takes::File,
        occurs: Occurs::Repeated { separator: ',' },
        places: Places::Everywhere,
        default: None,
        example: "/etc/tallyd/privkey.pem",
        help: "The private key of that certificate; repeatable",
        doc: "\
The file with the private key of a certificate, in PEM and not
encrypted: the first is for the first `--tls-cert`, and so on.",
        owner: Room::Tls,
    };

    TLS_PORT: u16 = Parse::Text(value::port), Setting {
        name: "tls-port",
        noun: "port for HTTPS",
        form: Form::Valued { short: None, placeholder: "PORT" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("0"),
        example: "8443",
        help: "The port for HTTPS; 0: the system picks a free one",
        doc: "\
The port for HTTPS, on the same addresses, if there is a certificate.
With 0 the system picks a free one, and standard error says which.
Addresses without a port lead to 443.",
        owner: Room::Tls,
    };

    HTTP3: Http3 = Parse::Text(value::choice), Setting {
        name: "http3",
        noun: "use of HTTP/3",
        form: Form::Valued { short: None, placeholder: "ON|OFF" },
        takes: Takes::OneOf(Http3::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("on"),
        example: "off",
        help: "Serve HTTP/3 (QUIC) where HTTPS is served",
        doc: "\
Whether a site with a certificate is served by HTTP/3, too: over UDP,
on the port of `--tls-port`. Clients learn of it by the field
`Alt-Svc` of what they get by HTTPS. A firewall has to let UDP through
to that port.",
        owner: Room::Tls,
    };

    HTTPS_REDIRECT: bool = Parse::Text(value::choice), Setting {
        name: "https-redirect",
        noun: "redirect to HTTPS",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Send who comes by HTTP to the same address by HTTPS",
        doc: "\
Answer every request on the port of `--port` with a redirect (308) to
the same address by HTTPS, on the port of `--tls-port`. What is in
`/.well-known/acme-challenge/` is served there all the same, so that
an authority can fetch its proof.",
        owner: Room::Tls,
    };

    HSTS: Duration = Parse::Text(up_to_two_years), Setting {
        name: "hsts",
        noun: "age of the promise of HTTPS",
        form: Form::Valued { short: None, placeholder: "DURATION" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "8760h",
        help: "For how long browsers are to come by HTTPS alone",
        doc: "\
Tell browsers, with every answer over TLS, to come by HTTPS alone for
so long, up to 17568h, whatever a link says (RFC 6797). A browser that
was told cannot come back by HTTP: begin with a short time. 0 takes
the promise back.",
        owner: Room::Tls,
    };

    ACME: Domain = Parse::Text(value::domain), Setting {
        name: "acme",
        noun: "name for a certificate",
        form: Form::Valued { short: None, placeholder: "NAME" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: ',' },
        places: Places::Everywhere,
        default: None,
        example: "example.org",
        help: "Order a certificate for this name; repeatable",
        doc: "\
Order a certificate for this name of a host from an authority (by
ACME, RFC 8555), and renew it in time. The site is then served over
TLS as well, on the port of `--tls-port`, and without a certificate
until the first one is there. Giving a name means agreeing to the
terms of service of the authority, which is Let's Encrypt unless
`--acme-directory` names another. To prove that the name leads here,
the authority comes to its port 443 or 80: one of them must reach
`--tls-port` or `--port`.",
        owner: Room::Acme,
    };

    ACME_DIRECTORY: Directory = Parse::Text(value::directory), Setting {
        name: "acme-directory",
        noun: "directory",
        form: Form::Valued { short: None, placeholder: "URL" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("https://acme-v02.api.letsencrypt.org/directory"),
        example: "https://acme-staging-v02.api.letsencrypt.org/directory",
        help: "The authority that certificates are ordered from",
        doc: "\
The address of the directory of the authority that certificates are
ordered from. Try with that of a staging environment first: what it
issues is trusted by nobody, and mistakes cost nothing there.",
        owner: Room::Acme,
    };

    ACME_CONTACT: Box<str> = Parse::Text(value::mail_address), Setting {
        name: "acme-contact",
        noun: "contact",
        form: Form::Valued { short: None, placeholder: "EMAIL" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "admin@example.org",
        help: "Whom the authority may write to",
        doc: "\
An address for mail that the authority is told, to write to about
certificates. Some demand one, most do not.",
        owner: Room::Acme,
    };

    ACME_CHALLENGE: Preference = Parse::Text(value::choice), Setting {
        name: "acme-challenge",
        noun: "challenge",
        form: Form::Valued { short: None, placeholder: "KIND" },
        takes: Takes::OneOf(Preference::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("auto"),
        example: "http-01",
        help: "How it is proven that a name leads here",
        doc: "\
How it is proven to the authority that a name leads here.
`tls-alpn-01`: in a handshake on the port of `--tls-port`. `http-01`:
by a text at `/.well-known/acme-challenge/` on the port of `--port`,
which is neither counted nor listed. `auto`: by the first, unless
only the port of `--port` is the usual one; after a failure by the
other.",
        owner: Room::Acme,
    };

    ACME_CA: PathBuf = Parse::Bytes(value::path), Setting {
        name: "acme-ca",
        noun: "trusted root",
        form: Form::Valued { short: None, placeholder: "FILE" },
        takes: Takes::File,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "/etc/tallyd/private-root.pem",
        help: "The certificate that the authority's own is trusted by",
        doc: "\
A file with the certificates in PEM, and no others, by which the
authority of `--acme-directory` is trusted when it is asked. Without
it, those that this system trusts. It is needed for an authority of
one's own.",
        owner: Room::Acme,
    };

    ACME_STATE: PathBuf = Parse::Bytes(value::path), Setting {
        name: "acme-state",
        noun: "folder for ordered certificates",
        form: Form::Valued { short: None, placeholder: "DIR" },
        takes: Takes::Folder,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "/var/lib/tallyd/acme",
        help: "Where account, certificates and keys are kept",
        doc: "\
The folder where the account with the authority and the certificates
with their keys are kept, for the user of this process alone and in a
folder for each authority. Without it, `acme` beside the ledgers in
the state folder. One server owns it.",
        owner: Room::Acme,
    };

    WORKERS: NonZeroUsize = Parse::Text(value::workers), Setting {
        name: "workers",
        noun: "number of workers",
        form: Form::Valued { short: None, placeholder: "N" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("auto"),
        example: "4",
        help: "Threads that serve; auto: one per core",
        doc: "\
How many threads serve, 1 to 1024, each any number of connections.
`auto` is one for each core that the process may use.",
        owner: Room::Listen,
    };

    BACKLOG: u32 = Parse::Text(value::whole::<1, 65535>), Setting {
        name: "backlog",
        noun: "backlog",
        form: Form::Valued { short: None, placeholder: "N" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("4096"),
        example: "1024",
        help: "Connections that may wait to be accepted, per worker",
        doc: "\
How many connections may wait to be accepted, for each worker, 1 to
65535. Linux silently lowers it to `net.core.somaxconn`.",
        owner: Room::Listen,
    };

    HEADER_TIMEOUT: Duration = Parse::Text(some_time), Setting {
        name: "header-timeout",
        noun: "header timeout",
        form: Form::Valued { short: None, placeholder: "DURATION" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("15s"),
        example: "15s",
        help: "How long the head of a request may take to arrive",
        doc: "\
How long the head of a request may take to arrive, 1ms to 24h: counted
from its first byte, and for the first head of a connection from the
moment the connection was opened. Then the connection is closed.",
        owner: Room::Connection,
    };

    IDLE_TIMEOUT: Duration = Parse::Text(some_time), Setting {
        name: "idle-timeout",
        noun: "idle timeout",
        form: Form::Valued { short: None, placeholder: "DURATION" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("75s"),
        example: "75s",
        help: "How long a connection may rest between two requests",
        doc: "\
How long a persistent connection may rest between two requests, 1ms to
24h. Then it is closed.",
        owner: Room::Connection,
    };

    MIN_RATE: u64 = Parse::Text(size), Setting {
        name: "min-rate",
        noun: "minimum rate",
        form: Form::Valued { short: None, placeholder: "BYTES" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("256"),
        example: "1K",
        help: "Bytes per second below which a transfer is ended; 0: never",
        doc: "\
A transfer that was slower than this many bytes per second, on average
over the span of `rate-window`, is ended. A faster one may take as
long as it needs. What counts is what the client's system has taken.
0 ends none.",
        owner: Room::Connection,
    };

    RATE_WINDOW: Duration = Parse::Text(some_time), Setting {
        name: "rate-window",
        noun: "rate window",
        form: Form::Valued { short: None, placeholder: "DURATION" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("30s"),
        example: "1m",
        help: "The span over which a transfer's rate is judged",
        doc: "\
The span over which the rate of a transfer is averaged before it is
held against `min-rate`. A client that takes nothing at all is cut off
after one to two such spans.",
        owner: Room::Connection,
    };

    GRACE: Duration = Parse::Text(up_to_longest), Setting {
        name: "grace",
        noun: "grace period",
        form: Form::Valued { short: None, placeholder: "DURATION" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("30s"),
        example: "5m",
        help: "How long transfers may finish after SIGTERM",
        doc: "\
How long transfers in flight may finish after SIGTERM or SIGINT, up to
24h. New connections are refused and idle ones closed at once. 0 ends
everything at once, as a second signal does.",
        owner: Room::Connection,
    };

    LEDGER: LedgerFile = Parse::Bytes(value::ledger_file), Setting {
        name: "ledger",
        noun: "ledger",
        form: Form::Valued { short: None, placeholder: "FILE" },
        takes: Takes::File,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("auto"),
        example: "/var/lib/tallyd/www.ledger",
        help: "The file that keeps the counts; none: since start only",
        doc: "\
The file that keeps the counts from one run to the next; only one
server at a time may count in it. `auto` is a file named after the
absolute path of the folder to serve (where that is a link, after the
link, which may be flipped to the next release), in
`$STATE_DIRECTORY` if that is set (systemd does), else in
`$XDG_STATE_HOME/tallyd`, else in `~/.local/state/tallyd`. `none`
keeps them in memory, since the start. Files of such names are
`./auto` and `./none`. A ledger that clients could fetch, because it
is in the folder to serve, is refused.",
        owner: Room::Ledger,
    };

    DURABILITY: Durability = Parse::Text(value::choice), Setting {
        name: "durability",
        noun: "durability",
        form: Form::Valued { short: None, placeholder: "WHEN" },
        takes: Takes::OneOf(Durability::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("batch"),
        example: "commit",
        help: "When counts are forced onto the disk",
        doc: "\
When counts are forced onto the disk. `batch`: once a second, so that
a loss of power costs at most the time since then. `commit`: with
every commit, before its lines are printed. The end of the process,
however it ends, costs the same under both: nothing that was printed.",
        owner: Room::Ledger,
    };

    LOG_FORMAT: LogFormat = Parse::Text(value::choice), Setting {
        name: "log-format",
        noun: "log format",
        form: Form::Valued { short: None, placeholder: "FORMAT" },
        takes: Takes::OneOf(LogFormat::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("tally"),
        example: "tally",
        help: "What the access log looks like",
        doc: "\
What the access log looks like. `tally`: a banner, a line for each
connection, and a line `PATH|CLIENT ADDRESS|CLIENT PORT|N` for each
delivery of a file, after it has ended. `combined`: a line for each
request, also one that found no file, in the NCSA combined format as
nginx and Apache write it. `json`: the same requests, each a JSON
object. `off`: no log. With any but `tally` the banner goes to
standard error.",
        owner: Room::AccessLog,
    };

    LOG_FILE: LogFile = Parse::Bytes(value::log_file), Setting {
        name: "log-file",
        noun: "log file",
        form: Form::Valued { short: None, placeholder: "FILE" },
        takes: Takes::File,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("-"),
        example: "/var/log/tallyd.log",
        help: "Where the access log goes; -: standard output",
        doc: "\
The file that the access log is appended to. `-` is standard output;
a file of that name is `./-`. The file is opened anew on SIGHUP and on
SIGUSR1, so that another program can have moved it away.",
        owner: Room::AccessLog,
    };

    LOG_ROTATE_SIZE: u64 = Parse::Text(size), Setting {
        name: "log-rotate-size",
        noun: "log file's size",
        form: Form::Valued { short: None, placeholder: "SIZE" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("0"),
        example: "100M",
        help: "How large the log file may grow; 0: any size",
        doc: "\
How large the file of `--log-file` may grow, up to 1T. Before it grows
larger, it becomes FILE.1, an older FILE.1 becomes FILE.2 and so on,
and a new one is begun. One write, of up to some 100 KiB under load,
is never divided. 0: it is not rotated by its size.",
        owner: Room::AccessLog,
    };

    LOG_ROTATE_AGE: Duration = Parse::Text(up_to_oldest), Setting {
        name: "log-rotate-age",
        noun: "log file's age",
        form: Form::Valued { short: None, placeholder: "DURATION" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("0"),
        example: "24h",
        help: "How old the log file may get; 0: any age",
        doc: "\
How old the file of `--log-file` may get, counted from its first line,
up to 8784h. The first line after that begins a new file, as with
`--log-rotate-size`. 0: it is not rotated by its age.",
        owner: Room::AccessLog,
    };

    LOG_KEEP: u32 = Parse::Text(value::whole::<1, 1000>), Setting {
        name: "log-keep",
        noun: "number of log files",
        form: Form::Valued { short: None, placeholder: "N" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("5"),
        example: "14",
        help: "How many rotated log files are kept",
        doc: "\
How many rotated files are kept besides the one that is written, 1 to
1000: FILE.1, the newest, to FILE.N. The oldest is removed when the
file is rotated by its size or age.",
        owner: Room::AccessLog,
    };

    ADMIN: AdminAddress = Parse::Text(value::admin_address), Setting {
        name: "admin",
        noun: "address of the dashboard",
        form: Form::Valued { short: None, placeholder: "ADDR" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("127.0.0.1:0"),
        example: "127.0.0.1:9000",
        help: "Where the dashboard and the API are; off: nowhere",
        doc: "\
Where the dashboard, the API and the metrics are: ADDRESS:PORT. With
port 0, or without one, the system picks one, and standard error says
which. They are read-only. On an address other than the loopback
interface's a token is required (`--admin-token`). `off`: nowhere.",
        owner: Room::Admin,
    };

    ADMIN_TOKEN: Token = Parse::Text(Token::parse), Setting {
        name: "admin-token",
        noun: "token",
        form: Form::Valued { short: None, placeholder: "TOKEN" },
        takes: Takes::Secret,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "KQ7vYw2mN4xT8sRb",
        help: "What a visitor of the dashboard must know",
        doc: "\
What a visitor of the dashboard and the API must know: 16 to 256
visible ASCII characters, given as `Authorization: Bearer TOKEN` or as
a password with any user name. A command line can be seen by other
users of the machine: the variable or `--admin-token-file` is better.",
        owner: Room::Admin,
    };

    ADMIN_TOKEN_FILE: PathBuf = Parse::Bytes(value::path), Setting {
        name: "admin-token-file",
        noun: "token file",
        form: Form::Valued { short: None, placeholder: "FILE" },
        takes: Takes::File,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "/etc/tallyd/token",
        help: "The file whose first line is that token",
        doc: "\
The file whose first line is the token of `--admin-token`. It is read
once, at the start.",
        owner: Room::Admin,
    };

    ADMIN_HOST: Box<str> = Parse::Text(value::host_name), Setting {
        name: "admin-host",
        noun: "name of the dashboard's host",
        form: Form::Valued { short: None, placeholder: "NAME" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: ',' },
        places: Places::Everywhere,
        default: Some("localhost"),
        example: "stats.example.org",
        help: "A name under which the dashboard is asked for; repeatable",
        doc: "\
A name under which the dashboard and the API are asked for, as behind
a proxy. `localhost` and the address itself always are; a request for
any other name is refused, so that a page elsewhere cannot have its
own name lead here (DNS rebinding).",
        owner: Room::Admin,
    };

    ADMIN_INSECURE: bool = Parse::Text(value::choice), Setting {
        name: "admin-insecure",
        noun: "dashboard without a token",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Allow others to look on without a token",
        doc: "\
Allow the dashboard without a token on an address that is not of the
loopback interface: whoever reaches it sees who fetches what.",
        owner: Room::Admin,
    };

    CONFIG: PathBuf = Parse::Bytes(value::path), Setting {
        name: "config",
        noun: "configuration file",
        form: Form::Valued { short: None, placeholder: "FILE" },
        takes: Takes::File,
        occurs: Occurs::Once,
        places: Places::NotInFile,
        default: None,
        example: "/etc/tallyd.toml",
        help: "A file with settings, in TOML",
        doc: "\
A file with settings, in TOML: each key is the name of a flag without
its dashes, and `root` is the folder to serve. No file is read unless
it is named.",
        owner: Room::Config,
    };

    CHECK: bool = Parse::Text(value::choice), Setting {
        name: "check",
        noun: "check",
        form: Form::Switch,
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::CommandLine,
        default: Some("false"),
        example: "true",
        help: "Check the settings, say what would be served, and exit",
        doc: "\
Reads and checks all settings and the folder, prints what would be
served and every setting with its value and where it came from, in the
form of a configuration file, and exits without listening.",
        owner: Room::Config,
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::command_line::command;
    use crate::config::setting::VARIABLE_PREFIX;

    #[test]
    fn the_table_is_consistent() {
        command().debug_assert();
        for setting in TABLE {
            assert!(
                std::ptr::eq(find(setting.name).expect("it is in the table"), *setting),
                "{} is there twice",
                setting.name
            );
            assert!(
                setting
                    .name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{}",
                setting.name
            );
            assert!(setting.variable().starts_with(VARIABLE_PREFIX));
            assert!(!setting.help.ends_with('.') && !setting.help.contains('\n'), "{}", setting.help);
            assert!(setting.doc.ends_with('.'), "{}", setting.doc);
            assert!(
                setting.doc.lines().all(|line| line.chars().count() <= 70),
                "{} is broken too late",
                setting.name
            );
        }
    }
}
