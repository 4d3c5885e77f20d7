//! The settings of connections: how long each may take.

use std::time::Duration;

use super::rows;
use crate::config::duration::{some_time, up_to_longest};
use crate::config::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use crate::config::size::size;

rows! {
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
}
