//! What the settings mean: plain values of the types that the rooms work with.
//!
//! A value that the world can still refuse keeps what was written and where, so that the sentence about it
//! can say so.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use tallyd_http::base_path::BasePath;
use tallyd_http::media_type::OwnType;
use tallyd_http::target::SitePath;
use tallyd_ledger::Durability;

use super::acme::Acme;
use super::given::Sourced;
use super::ledger_file::{self, StateFolder};
use super::secret::Token;
use super::start_error::StartError;
use super::table;
use super::tls::{Http3, PlainRequests};
use super::typed::Typed;
use super::value::{AdminAddress, BindAddress, LedgerFile, ListingMode, LogFile, LogFormat};
use crate::access_log::Rotation;
use crate::backend::folder::Links;
use crate::backend::siblings::Precompressed;
use crate::compression::Compress;
use crate::remarks::Verbosity;
use crate::site::DotNames;
use crate::site::added_fields::{FieldRule, Hardening};
use crate::site::badge::Badges;
use crate::site::circles::{Circle, find_circle};
use crate::site::cors::Origin;
use crate::site::entity_tags::TagSource;
use crate::site::error_pages::PageSource;
use crate::site::listing::Column;
use crate::site::routes::{RedirectRule, RewriteRule};
use crate::tls::files::Pair;

/// All that the server needs to know before it starts.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The folder to serve; that it exists is checked by [`super::root::open`].
    pub(crate) root: Sourced<PathBuf>,
    /// Memory for the content of small files, all workers together; 0: none is remembered.
    pub(crate) cache_bytes: u64,
    /// Which files are there.
    pub(crate) files: Files,
    /// Whether files are coded on the way.
    pub(crate) compression: Compression,
    /// What a folder's path means.
    pub(crate) folders: Folders,
    /// What a path means instead of itself.
    pub(crate) addresses: Addresses,
    /// What the head of an answer says besides.
    pub(crate) fields: Fields,
    /// Where to accept connections.
    pub(crate) listen: Listen,
    /// Whether it is served over TLS, too.
    pub(crate) tls: Tls,
    /// Which certificates are ordered for that, if any.
    pub(crate) acme: Option<Acme>,
    /// How many threads serve, 1 to 1024.
    pub(crate) workers: NonZeroUsize,
    /// How long a connection may take.
    pub(crate) limits: Limits,
    /// Where the counts are kept.
    pub(crate) ledger: Ledger,
    /// What is printed for each delivery.
    pub(crate) log: Log,
    /// Who may look on, and where.
    pub(crate) admin: Admin,
    /// What was typed, for [`super::explain()`].
    pub(super) typed: Typed,
}

/// Which files are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Files {
    /// Those whose name, or a folder's, begins with a dot.
    pub(crate) dot_names: DotNames,
    /// Those that a link leads to.
    pub(crate) links: Links,
    /// Those that are made for being sent in another's place.
    pub(crate) precompressed: Precompressed,
    /// What their entity tags are made from.
    pub(crate) tags: TagSource,
}

/// Whether files are coded on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compression {
    /// Whether they are.
    pub(crate) compress: Compress,
    /// Memory for what comes of it, of all workers together; 0: nothing is compressed.
    pub(crate) cache_bytes: u64,
}

/// What a folder's path means.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    /// The names of index files, at least one, in the order in which they are looked for.
    pub(crate) index: Vec<Box<str>>,
    /// How a folder without one is shown.
    pub(crate) listing: ListingMode,
    /// Whether that tells downloads.
    pub(crate) column: Column,
    /// Whether there are badges.
    pub(crate) badges: Badges,
}

/// What a path means instead of itself.
#[derive(Clone, Debug)]
pub(crate) struct Addresses {
    /// What everything is served beneath.
    pub(crate) base: Option<BasePath>,
    /// In the order in which they are tried, without a circle.
    pub(crate) redirects: Vec<RedirectRule>,
    /// In the order in which they are tried.
    pub(crate) rewrites: Vec<RewriteRule>,
    /// The file that is shown where there is nothing.
    pub(crate) stand_in: Option<SitePath<'static>>,
    /// What is shown instead of the usual sentences, besides the pages with the usual names.
    pub(crate) error_pages: Vec<PageSource>,
}

/// What the head of an answer says besides.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    /// Media types, before the built-in table.
    pub(crate) types: Vec<OwnType>,
    /// For the files of a pattern: those of `cache-control`, then those of `header`.
    pub(crate) rules: Vec<FieldRule>,
    /// The preset.
    pub(crate) hardening: Hardening,
    /// Which other sites' scripts may read answers.
    pub(crate) cors: Vec<Origin>,
}

/// Where to accept connections.
#[derive(Clone, Debug)]
pub(crate) struct Listen {
    /// At least one, no two the same.
    pub(crate) binds: Vec<Sourced<BindAddress>>,
    /// The port on each address; 0: the system picks one.
    pub(crate) port: Sourced<u16>,
    /// How many connections may wait on each listener, 1 to 65535.
    pub(crate) backlog: u32,
}

/// Whether the site is served over TLS, too, and what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// The files of the certificates; none: it is not.
    pub(crate) pairs: Vec<Pair>,
    /// The port on each address; 0: the system picks one.
    pub(crate) port: Sourced<u16>,
    /// Whether there is HTTP/3, on the same port.
    pub(crate) http3: Http3,
    /// What becomes of requests without TLS.
    pub(crate) plain: PlainRequests,
    /// For how long browsers are to come by HTTPS alone, if they are told.
    pub(crate) promise: Option<Duration>,
}

/// How long a connection may take.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// From the first byte of a head, or from the opening of the connection, to the end of that head.
    pub(crate) header_timeout: Duration,
    /// Between two requests.
    pub(crate) idle_timeout: Duration,
    /// A transfer that is slower over `rate_window` is ended; 0: none is.
    pub(crate) min_rate_bytes_per_s: u64,
    /// The span over which a rate is judged.
    pub(crate) rate_window: Duration,
    /// From the first signal to the end of all transfers.
    pub(crate) grace: Duration,
}

/// Where the counts are kept.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    /// In which file; [`Ledger::path`] says which one that is.
    pub(crate) file: Sourced<LedgerFile>,
    /// What a loss of power may cost.
    pub(crate) durability: Durability,
    /// Where the file is if none is named.
    pub(super) state: StateFolder,
}

impl Ledger {
    /// The file for the counts of `root`; `None`: they are kept in memory.
    pub(crate) fn path(&self, root: &Sourced<PathBuf>) -> Result<Option<PathBuf>, StartError> {
        ledger_file::path(&self.file, root, &self.state)
    }
}

/// The access log, and what is said besides.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    /// What a line looks like.
    pub(crate) format: LogFormat,
    /// Where lines go.
    pub(crate) file: Sourced<LogFile>,
    /// When a file is set aside.
    pub(crate) rotation: Rotation,
    /// Whether standard error tells what goes wrong with clients.
    pub(crate) verbosity: Verbosity,
}

/// Who may look on, and where.
#[derive(Clone, Debug)]
pub(crate) struct Admin {
    /// The address of the admin side.
    pub(crate) address: Sourced<AdminAddress>,
    /// What a visitor must know.
    pub(crate) token: Option<Sourced<Token>>,
    /// The file that says so.
    pub(crate) token_file: Option<Sourced<PathBuf>>,
    /// Names that `Host` may have, in lower case.
    pub(crate) hosts: Vec<Box<str>>,
    /// Whether others than this machine's users may look on without a token.
    pub(crate) insecure: bool,
}

impl Config {
    /// From what was typed to what is meant, or the first sentence about what cannot be read.
    pub(super) fn from_typed(typed: Typed, state: StateFolder) -> Result<Config, StartError> {
        Ok(Config {
            root: typed.one(&table::ROOT)?,
            cache_bytes: typed.one(&table::CACHE)?.value,
            files: Files {
                dot_names: if typed.one(&table::HIDDEN)?.value { DotNames::Shown } else { DotNames::Hidden },
                links: if typed.one(&table::FOLLOW_LINKS)?.value { Links::Anywhere } else { Links::Beneath },
                precompressed: typed.one(&table::PRECOMPRESSED)?.value,
                tags: typed.one(&table::ETAG)?.value,
            },
            compression: Compression {
                compress: typed.one(&table::COMPRESS)?.value,
                cache_bytes: typed.one(&table::COMPRESS_CACHE)?.value,
            },
            folders: Folders {
                index: values(each_once(typed.all(&table::INDEX)?)).collect(),
                listing: typed.one(&table::LISTING)?.value,
                column: if typed.one(&table::LISTING_COUNTS)?.value { Column::Shown } else { Column::Absent },
                badges: if typed.one(&table::BADGES)?.value { Badges::Served } else { Badges::Off },
            },
            addresses: Addresses {
                base: typed.one(&table::BASE_PATH)?.value,
                redirects: without_circle(&typed.all(&table::REDIRECT)?)?,
                rewrites: values(typed.all(&table::REWRITE)?).collect(),
                stand_in: typed.optional(&table::SPA)?.map(|file| file.value),
                error_pages: values(typed.all(&table::ERROR_PAGE)?).collect(),
            },
            fields: Fields {
                types: values(typed.all(&table::MIME)?).collect(),
                rules: values(typed.all(&table::CACHE_CONTROL)?)
                    .chain(values(typed.all(&table::HEADER)?))
                    .collect(),
                hardening: if typed.one(&table::SECURITY_HEADERS)?.value {
                    Hardening::On
                } else {
                    Hardening::Off
                },
                cors: values(typed.all(&table::CORS)?).collect(),
            },
            listen: Listen {
                binds: each_once(typed.all(&table::BIND)?),
                port: typed.one(&table::PORT)?,
                backlog: typed.one(&table::BACKLOG)?.value,
            },
            tls: Tls::from_typed(&typed)?,
            acme: Acme::from_typed(&typed, state.clone())?,
            workers: typed.one(&table::WORKERS)?.value,
            limits: Limits {
                header_timeout: typed.one(&table::HEADER_TIMEOUT)?.value,
                idle_timeout: typed.one(&table::IDLE_TIMEOUT)?.value,
                min_rate_bytes_per_s: typed.one(&table::MIN_RATE)?.value,
                rate_window: typed.one(&table::RATE_WINDOW)?.value,
                grace: typed.one(&table::GRACE)?.value,
            },
            ledger: Ledger {
                file: typed.one(&table::LEDGER)?,
                durability: typed.one(&table::DURABILITY)?.value,
                state,
            },
            log: Log {
                format: typed.one(&table::LOG_FORMAT)?.value,
                file: typed.one(&table::LOG_FILE)?,
                rotation: Rotation {
                    size_bytes: typed.one(&table::LOG_ROTATE_SIZE)?.value,
                    age: typed.one(&table::LOG_ROTATE_AGE)?.value,
                    keep: typed.one(&table::LOG_KEEP)?.value,
                },
                verbosity: if typed.one(&table::VERBOSE)?.value {
                    Verbosity::Verbose
                } else {
                    Verbosity::Terse
                },
            },
            admin: Admin {
                address: typed.one(&table::ADMIN)?,
                token: typed.optional(&table::ADMIN_TOKEN)?,
                token_file: typed.optional(&table::ADMIN_TOKEN_FILE)?,
                hosts: each_once(typed.all(&table::ADMIN_HOST)?).into_iter().map(|name| name.value).collect(),
                insecure: typed.one(&table::ADMIN_INSECURE)?.value,
            },
            typed,
        })
    }
}

/// Redirects that come to an end.
fn without_circle(redirects: &[Sourced<RedirectRule>]) -> Result<Vec<RedirectRule>, StartError> {
    let rules: Vec<_> = redirects.iter().map(|redirect| redirect.value.clone()).collect();
    match find_circle(&rules) {
        None => Ok(rules),
        Some((at, Circle::Endless)) => Err(redirects[at].wrong(
            "leads in a circle, or further at every step",
            "let it end at a path that no redirect is for",
        )),
        Some((at, Circle::OtherForm)) => Err(redirects[at].wrong(
            "leads back to its own path but for the final slash, which folders have and files have not",
            "leave it out: whoever asks for the other form is redirected without a rule",
        )),
    }
}

fn values<T>(sourced: Vec<Sourced<T>>) -> impl Iterator<Item = T> {
    sourced.into_iter().map(|sourced| sourced.value)
}

/// The first of each value. Of addresses it matters: with port 0 a second listener would get a port of its own.
fn each_once<T: PartialEq>(values: Vec<Sourced<T>>) -> Vec<Sourced<T>> {
    let mut once: Vec<Sourced<T>> = Vec::with_capacity(values.len());
    for candidate in values {
        if !once.iter().any(|kept| kept.value == candidate.value) {
            once.push(candidate);
        }
    }
    once
}
