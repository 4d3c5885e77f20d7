//! The settings of the access log: what is printed, and where.

use std::time::Duration;

use super::rows;
use crate::config::duration::up_to_oldest;
use crate::config::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use crate::config::size::size;
use crate::config::value::{self, Choice, LogFile, LogFormat};

rows! {
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

    VERBOSE: bool = Parse::Text(value::choice), Setting {
        name: "verbose",
        noun: "verbosity",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Say on standard error what goes wrong with clients",
        doc: "\
Says on standard error what goes wrong with clients: handshakes that
fail, and why; requests that cannot be read, errors of HTTP/2 and
HTTP/3, clients that are too slow and are given up. At most ten a
second for each worker, then how many more there were. Metrics count
them in any case.",
        owner: Room::AccessLog,
    };
}
