//! The settings of `tallyd top`: one row for each, in the form of the server's own ([`super::table`]), from which it takes
//! the ledger, the token and the configuration file.

use std::path::PathBuf;

use super::admin_url::{self, AdminPlace};
use super::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use super::table::{self, rows};
use super::value;

/// Every setting of the subcommand, in the order in which they are shown.
pub(super) fn settings() -> impl Iterator<Item = &'static Setting> {
    let shared = [
        &table::ADMIN_TOKEN.setting,
        &table::ADMIN_TOKEN_FILE.setting,
        &table::LEDGER.setting,
        &table::CONFIG.setting,
    ];
    TABLE.iter().copied().chain(shared)
}

rows! {
    ADMIN: AdminPlace = Parse::Text(admin_url::place), Setting {
        name: "admin",
        noun: "address of the dashboard",
        form: Form::Valued { short: None, placeholder: "URL" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("127.0.0.1:0"),
        example: "http://127.0.0.1:9000/",
        help: "The dashboard of the server to look at",
        doc: "\
The dashboard of the server to look at, as its address or as
ADDRESS:PORT. Where there is no port, or port 0, the server is found by
the ledger that it owns: beside it a file with `.admin` at the end of
its name says where its dashboard is.",
        owner: Room::Top,
    };

    ROOT: PathBuf = Parse::Bytes(value::path), Setting {
        name: "root",
        noun: "folder",
        form: Form::Valued { short: None, placeholder: "DIR" },
        takes: Takes::Folder,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("www"),
        example: "/srv/www",
        help: "The folder that is served by the server to look at",
        doc: "\
The folder that is served by the server to look at. Not needed where
the dashboard or the ledger is named.",
        owner: Room::Top,
    };

    ONCE: bool = Parse::Text(value::choice), Setting {
        name: "once",
        noun: "form",
        form: Form::Switch,
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::CommandLine,
        default: Some("false"),
        example: "true",
        help: "Print one moment as lines, and end",
        doc: "\
Print one moment as lines, and end.",
        owner: Room::Top,
    };
}
