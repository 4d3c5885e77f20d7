//! The settings of certificates that are ordered.

use std::path::PathBuf;

use super::rows;
use crate::acme::challenge::Preference;
use crate::acme::{Directory, Domain};
use crate::config::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use crate::config::value::{self, Choice};

rows! {
    ACME: Domain = Parse::Text(value::domain), Setting {
        name: "acme",
        noun: "name for a certificate",
        form: Form::Valued { short: None, placeholder: "NAME" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: ',' },
        places: Places::Everywhere,
        default: None,
        example: "example.org",
        help: "Order a certificate for this name; repeatable",
        doc: "\
Order a certificate for this name of a host from an authority (by
ACME, RFC 8555), and renew it in time. The site is then served over
TLS as well, on the port of `--tls-port`, and without a certificate
until the first one is there. Giving a name means agreeing to the
terms of service of the authority, which is Let's Encrypt unless
`--acme-directory` names another. To prove that the name leads here,
the authority comes to its port 443 or 80: one of them must reach
`--tls-port` or `--port`.",
        owner: Room::Acme,
    };

    ACME_DIRECTORY: Directory = Parse::Text(value::directory), Setting {
        name: "acme-directory",
        noun: "directory",
        form: Form::Valued { short: None, placeholder: "URL" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("https://acme-v02.api.letsencrypt.org/directory"),
        example: "https://acme-staging-v02.api.letsencrypt.org/directory",
        help: "The authority that certificates are ordered from",
        doc: "\
The address of the directory of the authority that certificates are
ordered from. Try with that of a staging environment first: what it
issues is trusted by nobody, and mistakes cost nothing there.",
        owner: Room::Acme,
    };

    ACME_CONTACT: Box<str> = Parse::Text(value::mail_address), Setting {
        name: "acme-contact",
        noun: "contact",
        form: Form::Valued { short: None, placeholder: "EMAIL" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "admin@example.org",
        help: "Whom the authority may write to",
        doc: "\
An address for mail that the authority is told, to write to about
certificates. Some demand one, most do not.",
        owner: Room::Acme,
    };

    ACME_CHALLENGE: Preference = Parse::Text(value::choice), Setting {
        name: "acme-challenge",
        noun: "challenge",
        form: Form::Valued { short: None, placeholder: "KIND" },
        takes: Takes::OneOf(Preference::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("auto"),
        example: "http-01",
        help: "How it is proven that a name leads here",
        doc: "\
How it is proven to the authority that a name leads here.
`tls-alpn-01`: in a handshake on the port of `--tls-port`. `http-01`:
by a text at `/.well-known/acme-challenge/` on the port of `--port`,
which is neither counted nor listed. `auto`: by the first, unless
only the port of `--port` is the usual one; after a failure by the
other.",
        owner: Room::Acme,
    };

    ACME_CA: PathBuf = Parse::Bytes(value::path), Setting {
        name: "acme-ca",
        noun: "trusted root",
        form: Form::Valued { short: None, placeholder: "FILE" },
        takes: Takes::File,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "/etc/tallyd/private-root.pem",
        help: "The certificate that the authority's own is trusted by",
        doc: "\
A file with the certificates in PEM, and no others, by which the
authority of `--acme-directory` is trusted when it is asked. Without
it, those that this system trusts. It is needed for an authority of
one's own.",
        owner: Room::Acme,
    };

    ACME_EAB_KID: Box<str> = Parse::Text(value::visible), Setting {
        name: "acme-eab-kid",
        noun: "key identifier",
        form: Form::Valued { short: None, placeholder: "ID" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "kid-1",
        help: "The account elsewhere that the one with the authority is bound to",
        doc: "\
What an authority that demands it (as ZeroSSL does) calls the key by
which an account with it is bound to one that exists elsewhere
(RFC 8555 §7.3.4). It is needed with the key, `--acme-eab-key`, and
only to open the account.",
        owner: Room::Acme,
    };

    ACME_EAB_KEY: PathBuf = Parse::Bytes(value::path), Setting {
        name: "acme-eab-key",
        noun: "file with the binding key",
        form: Form::Valued { short: None, placeholder: "FILE" },
        takes: Takes::File,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "/etc/tallyd/eab.key",
        help: "The key by which that account is bound",
        doc: "\
A file with the key of `--acme-eab-kid` on its first line, in
base64url as authorities hand it out. It is a secret: keep the file
for the user of this process alone.",
        owner: Room::Acme,
    };

    ACME_STATE: PathBuf = Parse::Bytes(value::path), Setting {
        name: "acme-state",
        noun: "folder for ordered certificates",
        form: Form::Valued { short: None, placeholder: "DIR" },
        takes: Takes::Folder,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: None,
        example: "/var/lib/tallyd/acme",
        help: "Where account, certificates and keys are kept",
        doc: "\
The folder where the account with the authority and the certificates
with their keys are kept, for the user of this process alone and in a
folder for each authority. Without it, `acme` beside the ledgers in
the state folder. One server owns it.",
        owner: Room::Acme,
    };
}
