//! The settings of listening: where connections are accepted.

use std::num::NonZeroUsize;

use super::rows;
use crate::config::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use crate::config::value::{self, BindAddress};

rows! {
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
}
