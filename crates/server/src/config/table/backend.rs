//! The settings of files: which are served, and what is remembered of them.

use std::path::PathBuf;

use super::rows;
use crate::backend::siblings::Precompressed;
use crate::compression::Compress;
use crate::config::setting::{Form, Occurs, Parse, Places, Room, Row, Setting, Takes};
use crate::config::size::size;
use crate::config::value::{self, Choice};
use crate::site::entity_tags::TagSource;

rows! {
    ROOT: PathBuf = Parse::Bytes(value::path), Setting {
        name: "root",
        noun: "folder",
        form: Form::Positional { placeholder: "ROOT" },
        takes: Takes::Folder,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("www"),
        example: "/srv/www",
        help: "The folder to serve",
        doc: "\
The folder to serve. Only what is inside it is reachable. A relative
path, here as in every setting, starts at the current directory, also
when it comes from the configuration file.

`counts`, `man` and `completions` are subcommands; a folder of such a
name is served by `tallyd ./man` or `tallyd -- man`.",
        owner: Room::Backend,
    };

    CACHE: u64 = Parse::Text(size), Setting {
        name: "cache",
        noun: "cache size",
        form: Form::Valued { short: None, placeholder: "SIZE" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("128M"),
        example: "256M",
        help: "Memory for the content of small files; 0: none",
        doc: "\
Memory for the content of small files that were asked for before, of
all workers together. It is filled as files are asked for. 0 remembers
no content.",
        owner: Room::Backend,
    };

    HIDDEN: bool = Parse::Text(value::choice), Setting {
        name: "hidden",
        noun: "serving of hidden files",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Serve names that begin with a dot",
        doc: "\
Serve and list files and folders whose names begin with a dot. Without
it they are as if they did not exist, except what is in
`/.well-known/`. Think of `.git`, `.env` and `.htpasswd` first.",
        owner: Room::Backend,
    };

    FOLLOW_LINKS: bool = Parse::Text(value::choice), Setting {
        name: "follow-links",
        noun: "following of links",
        form: Form::Switch,
        takes: Takes::OneOf(bool::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("false"),
        example: "true",
        help: "Follow links that leave the folder",
        doc: "\
Follow symbolic links wherever they lead, also out of the folder, and
absolute ones. Without it, a link is followed as long as it stays
inside. Whoever can make a link in the folder then publishes whatever
this process can read. A file is counted under the path asked for.",
        owner: Room::Backend,
    };

    PRECOMPRESSED: Precompressed = Parse::Text(value::choice), Setting {
        name: "precompressed",
        noun: "use of precompressed files",
        form: Form::Valued { short: None, placeholder: "ON|OFF" },
        takes: Takes::OneOf(Precompressed::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("on"),
        example: "off",
        help: "Send page.html.br, .zst or .gz to who asks for page.html",
        doc: "\
Whether a file is sent as its compressed sibling, `NAME.br`,
`NAME.zst` or `NAME.gz`, to a client that accepts that coding. The
sibling must not be older than the file. It counts for the file that
was asked for, and remains a file that can be asked for itself.",
        owner: Room::Backend,
    };

    ETAG: TagSource = Parse::Text(value::choice), Setting {
        name: "etag",
        noun: "source of entity tags",
        form: Form::Valued { short: None, placeholder: "SOURCE" },
        takes: Takes::OneOf(TagSource::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("default"),
        example: "portable",
        help: "What entity tags are made from",
        doc: "\
What the entity tags of files are made from. `default`: modification
time, length and inode. `portable`: without the inode, so that they
are equal on all nodes with a copy that kept the time. `content`: a
hash of the content, for trees whose times are all the same or mean
nothing. Files over 32 KiB are hashed in the background when they are
first asked for, and go out without a tag until that is done.",
        owner: Room::Backend,
    };

    COMPRESS: Compress = Parse::Text(value::choice), Setting {
        name: "compress",
        noun: "compression",
        form: Form::Valued { short: None, placeholder: "ON|OFF" },
        takes: Takes::OneOf(Compress::words),
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("on"),
        example: "off",
        help: "Compress text on the way to clients that accept it",
        doc: "\
Whether text and the like, from 1 KiB to 8 MiB, is compressed (Brotli,
Zstandard or gzip) for clients that accept it. Each version of a file
is compressed once and remembered; who asks for it first waits for
that. A precompressed sibling comes before.",
        owner: Room::Backend,
    };

    COMPRESS_CACHE: u64 = Parse::Text(size), Setting {
        name: "compress-cache",
        noun: "compression cache size",
        form: Form::Valued { short: None, placeholder: "SIZE" },
        takes: Takes::Text,
        occurs: Occurs::Once,
        places: Places::Everywhere,
        default: Some("64M"),
        example: "256M",
        help: "Memory for what was compressed; 0: compress nothing",
        doc: "\
Memory for compressed content, of all workers together. When it is
full, what was not asked for lately is forgotten, and compressed again
when it is asked for. 0 is the same as `compress` off.",
        owner: Room::Backend,
    };
}
