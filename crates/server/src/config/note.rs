//! What help says below the settings: once, for `--help`, the manual page and the reference page.

/// A titled paragraph.
pub(super) struct Note {
    /// In sentence case.
    pub(super) title: &'static str,
    /// Broken by hand at 70 columns.
    pub(super) body: &'static str,
    /// How the body is laid out.
    pub(super) layout: Layout,
}

/// How the lines of a note may be broken.
#[derive(Clone, Copy)]
pub(super) enum Layout {
    /// Running text.
    Prose,
    /// Lines that stay as they are.
    Lines,
}

/// What one sentence in `--help` says about the program.
pub(super) const ABOUT: &str = "Serve a folder over HTTP and keep an exact tally of every file handed out";

/// Every note, in the order in which they are shown.
pub(super) const NOTES: [Note; 5] = [
    Note {
        title: "Where settings come from",
        body: "\
Every setting can be given as a flag, as an environment variable and
as a key of the configuration file. A flag wins over a variable, a
variable over the file, the file over the default. Where a setting has
several values, those of the winning place replace all others; a
variable separates them by commas, or by line ends where they may have
commas in them (redirects, rewrites, fields), the file has a list. A
variable that is empty counts as not set; one that begins with TALLYD_ and is
no setting is an error, as is an unknown key of the file. (Kubernetes
sets such variables for a Service that is named tallyd; set
enableServiceLinks to false in the pod.)",
        layout: Layout::Prose,
    },
    Note {
        title: "How values are written",
        body: "\
DURATION: a number with ms, s, m or h, as in 500ms, 1.5s, 2m; without
a unit it is seconds. SIZE and BYTES: a whole number with K, M, G or T
(also KiB, MiB, ...), powers of 1024; without a unit it is bytes. A
flag without a value, such as --hidden, means true; --hidden=false
undoes what a variable or the file says.",
        layout: Layout::Prose,
    },
    Note {
        title: "How patterns are written",
        body: "\
A PATTERN is compared with a file's path from the folder to serve, as
in /pub/a.txt, percent-decoded; of an index file with its own path.
* stands for any characters but /, ** for any at all, **/ for any
folders or none, ? for one character, {a,b} for either. A backslash
takes the meaning off the next character, and %20 is a space. One that
does not begin with / holds in every folder: *.js is every script.",
        layout: Layout::Prose,
    },
    Note {
        title: "Exit status",
        body: "\
0  after a clean end, and after --check found nothing wrong
1  the world does not fit: no such folder, the port is taken; or
   tallyd counts --verify found a law broken
2  the invocation is wrong: an unknown flag, a value out of range",
        layout: Layout::Lines,
    },
    Note {
        title: "Examples",
        body: "\
tallyd                      serve ./www on a free port
tallyd -p 8080 /srv/www     serve /srv/www on port 8080
tallyd -b 127.0.0.1 -b ::1  serve this machine alone
tallyd --check -p 8080      say what would be served, and stop
tallyd --ledger none        count since the start only
tallyd counts --top 20      what was downloaded most, from ./www
tallyd top                  what the server of ./www does, in the terminal
tallyd ./man                serve a folder that is named as a subcommand
tallyd completions bash     print what a shell needs to complete",
        layout: Layout::Lines,
    },
];
