//! The settings of the dashboard and the API: who may look on.

use std::path::PathBuf;

use super::rows;
use crate::config::secret::Token;
use crate::config::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use crate::config::value::{self, AdminAddress, Choice};

rows! {
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
}
