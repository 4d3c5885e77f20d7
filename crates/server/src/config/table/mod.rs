//! The table of settings: one row for each, and nothing about a setting is said anywhere else.
//!
//! A row's type is the type of its value, so that `Config` cannot ask for another. The texts in `doc` are
//! broken at 70 columns by hand: they are shown indented in a terminal. Each room has the rows that it owns.

mod access_log;
mod acme;
mod admin;
mod backend;
mod config;
mod connection;
mod fields;
mod ledger;
mod listen;
mod site;
mod tls;

pub(super) use self::access_log::{LOG_FILE, LOG_FORMAT, LOG_KEEP, LOG_ROTATE_AGE, LOG_ROTATE_SIZE, VERBOSE};
pub(super) use self::acme::{
    ACME, ACME_CA, ACME_CHALLENGE, ACME_CONTACT, ACME_DIRECTORY, ACME_EAB_KEY, ACME_EAB_KID, ACME_STATE,
};
pub(super) use self::admin::{ADMIN, ADMIN_HOST, ADMIN_INSECURE, ADMIN_TOKEN, ADMIN_TOKEN_FILE};
pub(super) use self::backend::{
    CACHE, COMPRESS, COMPRESS_CACHE, ETAG, FOLLOW_LINKS, HIDDEN, PRECOMPRESSED, ROOT,
};
pub(super) use self::config::{CHECK, CONFIG};
pub(super) use self::connection::{GRACE, HEADER_TIMEOUT, IDLE_TIMEOUT, MIN_RATE, RATE_WINDOW};
pub(super) use self::fields::{CACHE_CONTROL, CORS, HEADER, MIME, SECURITY_HEADERS};
pub(super) use self::ledger::{DURABILITY, LEDGER};
pub(super) use self::listen::{BACKLOG, BIND, PORT, WORKERS};
pub(super) use self::site::{
    BADGES, BASE_PATH, ERROR_PAGE, INDEX, LISTING, LISTING_COUNTS, REDIRECT, REWRITE, SPA,
};
pub(super) use self::tls::{HSTS, HTTP3, HTTPS_REDIRECT, TLS_CERT, TLS_KEY, TLS_PORT};

use super::setting::Setting;

/// Declares each row, and the list of them all: what is declared cannot be missing from the list.
macro_rules! rows {
    ($($name:ident: $value:ty = $parse:expr, $setting:expr;)*) => {
        $(pub(in crate::config) static $name: Row<$value> = Row { setting: $setting, parse: $parse };)*

        /// Every setting of these, in the order in which they are shown.
        pub(in crate::config) static TABLE: &[&Setting] = &[$(&$name.setting),*];
    };
}

pub(super) use rows;

/// The settings of each room, in the order in which they are shown.
pub(super) static ROOMS: &[&[&Setting]] = &[
    backend::TABLE,
    site::TABLE,
    fields::TABLE,
    listen::TABLE,
    tls::TABLE,
    acme::TABLE,
    connection::TABLE,
    ledger::TABLE,
    access_log::TABLE,
    admin::TABLE,
    config::TABLE,
];

/// Every setting, in that order.
pub(super) fn all() -> impl Iterator<Item = &'static Setting> {
    ROOMS.iter().flat_map(|settings| settings.iter().copied())
}

/// The setting of this name.
pub(super) fn find(name: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::command_line::command;
    use crate::config::setting::VARIABLE_PREFIX;

    #[test]
    fn the_table_is_consistent() {
        command().debug_assert();
        for setting in all() {
            assert!(
                std::ptr::eq(find(setting.name).expect("it is in the table"), setting),
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
