//! The settings of the ledger: where the counts are kept.

use tallyd_ledger::Durability;

use super::rows;
use crate::config::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use crate::config::value::{self, Choice, LedgerFile};

rows! {
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
}
