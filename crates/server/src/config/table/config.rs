//! The settings of the settings: how they are read.

use std::path::PathBuf;

use super::rows;
use crate::config::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use crate::config::value;

rows! {
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
it is named. It may be a pipe that the shell has opened, as in
`--config <(make-settings)` or `--config /dev/stdin`, but not a FIFO,
which would be waited for, or a device other than `/dev/null`.",
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
