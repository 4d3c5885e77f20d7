//! The settings of fields: what the head of an answer says besides.

use tallyd_http::media_type::OwnType;

use super::rows;
use crate::config::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Shape, Takes};
use crate::config::site_value;
use crate::config::value::{self, Choice};
use crate::site::added_fields::FieldRule;
use crate::site::cors::Origin;

rows! {
    MIME: OwnType = Parse::Text(site_value::media_type), Setting {
        name: "mime",
        noun: "media type",
        form: Form::Valued { short: None, placeholder: "EXTENSION=TYPE" },
        takes: Takes::Text,
        occurs: Occurs::Tabled(Shape::Pairs),
        places: Places::Everywhere,
        default: None,
        example: "webc=text/html",
        help: "The media type of files with an extension; repeatable",
        doc: "\
The value of `Content-Type` for files with this extension, before the
built-in table. A text type without a charset gets `charset=utf-8`. In
the file it can be a table `[mime]`, in it a line for each extension,
as in `webc = \"text/html\"`.",
        owner: Room::Fields,
    };

    HEADER: FieldRule = Parse::Text(site_value::header), Setting {
        name: "header",
        noun: "field",
        form: Form::Valued { short: None, placeholder: "PATTERN: NAME: VALUE" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: '\n' },
        places: Places::Everywhere,
        default: None,
        example: "*.html: X-Robots-Tag: noindex",
        help: "A field for the files of a pattern; repeatable",
        doc: "\
A field that answers from the files of a pattern have: those with
status 200, 206 and 304. Of two for the same file and the same name
the later one counts, so give the general one first. Fields that say
what is sent, such as `Content-Length` and `ETag`, are refused.",
        owner: Room::Fields,
    };

    CACHE_CONTROL: FieldRule = Parse::Text(site_value::cache_control), Setting {
        name: "cache-control",
        noun: "caching rule",
        form: Form::Valued { short: None, placeholder: "[PATTERN: ]VALUE" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: '\n' },
        places: Places::Everywhere,
        default: None,
        example: "/assets/**: max-age=31536000, immutable",
        help: "Cache-Control for the files of a pattern; repeatable",
        doc: "\
What `Cache-Control` says about the files of a pattern, or without a
pattern about all. The later rule counts, and `header` before this.
Without any, caches decide for themselves, and ask again by entity tag
or date.",
        owner: Room::Fields,
    };

    CORS: Origin = Parse::Text(site_value::origin), Setting {
        name: "cors",
        noun: "origin",
        form: Form::Valued { short: None, placeholder: "ORIGIN" },
        takes: Takes::Text,
        occurs: Occurs::Repeated { separator: ',' },
        places: Places::Everywhere,
        default: None,
        example: "https://app.example",
        help: "A site whose scripts may read answers, or *; repeatable",
        doc: "\
The origin of another site whose scripts may read what is served here,
or `*` for every site (CORS). They may send `Range` and preconditions,
and see the fields that matter for them. Every answer says so,
refusals too. With several, answers also have `Vary: Origin`.",
        owner: Room::Fields,
    };

    SECURITY_HEADERS: bool = Parse::Text(value::choice), Setting {
        name: "security-headers",
        noun: "set of security fields",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Add fields that harden a site against others",
        doc: "\
Every answer has `X-Content-Type-Options: nosniff`, `X-Frame-Options:
SAMEORIGIN`, `Referrer-Policy: strict-origin-when-cross-origin` and
`Cross-Origin-Opener-Policy: same-origin`. A `header` of the same name
counts before it.",
        owner: Room::Fields,
    };
}
