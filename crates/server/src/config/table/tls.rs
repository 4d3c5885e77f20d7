//! The settings of TLS: what makes connections private.

use std::path::PathBuf;
use std::time::Duration;

use super::rows;
use crate::config::duration::up_to_two_years;
use crate::config::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use crate::config::tls::Http3;
use crate::config::value::{self, Choice};

rows! {
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
}
