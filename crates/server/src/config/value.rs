//! How the text of a setting becomes a value: one parser for each kind, the same for flag, variable and file.
//!
//! A parser says what is wrong with a text, as the end of a sentence; which setting it was, where the text
//! came from and what would be right is added where the value is asked for (`given`).

use std::ffi::OsStr;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use tallyd_ledger::Durability;

use super::tls::Http3;
use crate::acme::challenge::{Challenge, Preference};
use crate::acme::{Directory, Domain};
use crate::backend::siblings::Precompressed;
use crate::compression::Compress;
use crate::site::entity_tags::TagSource;

/// What is wrong with a text: a predicate, as in "is not a whole number from 0 to 65535".
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault(String);

impl Fault {
    /// The predicate, without subject and full stop.
    pub(crate) fn new(predicate: impl Into<String>) -> Fault {
        Fault(predicate.into())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BindAddress {
    /// Every interface, IPv4 and IPv6.
    All,
    /// One address; the unspecified ones stand for every interface of their own family.
    Ip(IpAddr),
}

impl BindAddress {
    /// Whether a socket for this setting can be bound to `ip`.
    pub(crate) fn includes(self, ip: IpAddr) -> bool {
        match self {
            BindAddress::All => ip.is_unspecified(),
            BindAddress::Ip(own) => own == ip,
        }
    }
}

/// What the access log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// A banner, a line per connection, and a line per delivery: `PATH|CLIENT ADDRESS|CLIENT PORT|N`.
    Tally,
    /// A line per request, in the NCSA combined format.
    Combined,
    /// A line per request, a JSON object.
    Json,
    /// Nothing.
    Off,
}

/// Where the access log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LogFile {
    /// Standard output.
    StandardOutput,
    /// A file, appended to.
    Path(PathBuf),
}

/// In which forms the content of a directory without an index file is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListingMode {
    /// In HTML, and in JSON for a client that asks for it.
    Html,
    /// In JSON alone.
    Json,
    /// In none.
    Off,
}

/// Where the ledger is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LedgerFile {
    /// In the user's state folder, named after the folder to serve.
    Auto,
    /// Nowhere: the counts are in memory, and end with the process.
    Nowhere,
    /// In this file.
    Path(PathBuf),
}

/// Where the admin side listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdminAddress {
    /// Nowhere.
    Off,
    /// Here; port 0 lets the system pick one.
    At(SocketAddr),
}

/// A value that is one of a few words.
pub(crate) trait Choice: Copy + 'static {
    /// Each word with what it means, in the order in which they are shown.
    const CHOICES: &'static [(&'static str, Self)];

    /// The words alone.
    fn words() -> Vec<&'static str> {
        Self::CHOICES.iter().map(|(word, _)| *word).collect()
    }
}

impl Choice for LogFormat {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("tally", LogFormat::Tally),
        ("combined", LogFormat::Combined),
        ("json", LogFormat::Json),
        ("off", LogFormat::Off),
    ];
}

impl Choice for ListingMode {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("html", ListingMode::Html), ("json", ListingMode::Json), ("off", ListingMode::Off)];
}

impl Choice for Http3 {
    const CHOICES: &'static [(&'static str, Self)] = &[("on", Http3::Offered), ("off", Http3::Absent)];
}

impl Choice for Precompressed {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("on", Precompressed::Served), ("off", Precompressed::Ignored)];
}

impl Choice for Compress {
    const CHOICES: &'static [(&'static str, Self)] = &[("on", Compress::On), ("off", Compress::Off)];
}

impl Choice for TagSource {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("default", TagSource::Metadata),
        ("portable", TagSource::PortableMetadata),
        ("content", TagSource::Content),
    ];
}

impl Choice for Durability {
    const CHOICES: &'static [(&'static str, Self)] =
        &[("batch", Durability::Batch), ("commit", Durability::Commit)];
}

impl Choice for Preference {
    const CHOICES: &'static [(&'static str, Self)] = &[
        ("auto", Preference::Auto),
        ("tls-alpn-01", Preference::Only(Challenge::TlsAlpn01)),
        ("http-01", Preference::Only(Challenge::Http01)),
    ];
}

impl Choice for bool {
    const CHOICES: &'static [(&'static str, Self)] = &[("true", true), ("false", false)];
}

/// One of the words of a choice.
pub(crate) fn choice<C: Choice>(text: &str) -> Result<C, Fault> {
    let chosen = C::CHOICES.iter().find(|(word, _)| *word == text);
    chosen
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| Fault::new(format!("is not one of: {}", C::words().join(", "))))
}

/// A whole number in decimal digits from `MIN` to `MAX`, both included.
pub(crate) fn whole<const MIN: u32, const MAX: u32>(text: &str) -> Result<u32, Fault> {
    digits(text)
        .and_then(|digits| digits.parse().ok())
        .filter(|number| (MIN..=MAX).contains(number))
        .ok_or_else(|| Fault::new(format!("is not a whole number from {MIN} to {MAX}")))
}

/// A port of TCP or UDP; 0 lets the system pick one.
pub(crate) fn port(text: &str) -> Result<u16, Fault> {
    whole::<0, { u16::MAX as u32 }>(text).map(|number| number as u16)
}

/// A number of workers, or `auto`: as many as this process may use cores.
pub(crate) fn workers(text: &str) -> Result<NonZeroUsize, Fault> {
    if text == "auto" {
        // Where the system does not say how many cores there are, one worker always works.
        return Ok(
            std::thread::available_parallelism().map_or(NonZeroUsize::MIN, |cores| cores.min(MAX_WORKERS))
        );
    }
    digits(text)
        .and_then(|digits| digits.parse().ok())
        .filter(|workers| *workers <= MAX_WORKERS)
        .ok_or_else(|| Fault::new(format!("is neither auto nor a whole number from 1 to {MAX_WORKERS}")))
}

/// Each worker is a thread with its own listener; the largest machines have fewer cores than this.
const MAX_WORKERS: NonZeroUsize = NonZeroUsize::new(1024).expect("1024 is not zero");

/// `all`, an IPv4 address, or an IPv6 address with or without brackets.
pub(crate) fn bind_address(text: &str) -> Result<BindAddress, Fault> {
    if text == "all" {
        return Ok(BindAddress::All);
    }
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bracketed {
        Some(inside) => inside.parse().map(IpAddr::V6),
        None => text.parse(),
    };
    address.map(BindAddress::Ip).map_err(|_| Fault::new("is neither all nor an IPv4 or IPv6 address"))
}

/// `off`, an address with a port, or an address alone, for which the system picks a port.
pub(crate) fn admin_address(text: &str) -> Result<AdminAddress, Fault> {
    if text == "off" {
        return Ok(AdminAddress::Off);
    }
    let with_port = text.parse::<SocketAddr>().ok();
    let alone = || match bind_address(text) {
        Ok(BindAddress::Ip(ip)) => Some(SocketAddr::new(ip, 0)),
        Ok(BindAddress::All) | Err(_) => None,
    };
    with_port
        .or_else(alone)
        .map(AdminAddress::At)
        .ok_or_else(|| Fault::new("is neither off nor an IPv4 or IPv6 address with a port"))
}

/// The name of a host as `Host` has it, without a port.
pub(crate) fn host_name(text: &str) -> Result<Box<str>, Fault> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if text.is_empty() || text.len() > 253 || !text.bytes().all(is_name) {
        return Err(Fault::new("is not the name of a host"));
    }
    Ok(text.to_ascii_lowercase().into())
}

/// A name that a certificate can be ordered for.
pub(crate) fn domain(text: &str) -> Result<Domain, Fault> {
    Domain::parse(text).map_err(Fault::new)
}

/// The address of an authority's directory.
pub(crate) fn directory(text: &str) -> Result<Directory, Fault> {
    Directory::parse(text).map_err(Fault::new)
}

/// A word that can be read and said in JSON as it is: visible ASCII characters.
pub(crate) fn visible(text: &str) -> Result<Box<str>, Fault> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Fault::new("is not visible ASCII characters alone"));
    }
    Ok(text.into())
}

/// An address for mail, as far as it can be told that it is one, in a form that needs no encoding in a URI (RFC 6068).
pub(crate) fn mail_address(text: &str) -> Result<Box<str>, Fault> {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"!$'*+-._~@".contains(&byte);
    match text.split_once('@') {
        Some((user, host))
            if !user.is_empty() && !host.is_empty() && !host.contains('@') && text.bytes().all(is_usual) =>
        {
            Ok(text.into())
        }
        Some(_) | None => Err(Fault::new("is not an address for mail")),
    }
}

/// The path of a file or folder, taken byte for byte.
pub(crate) fn path(text: &OsStr) -> Result<PathBuf, Fault> {
    if text.is_empty() {
        return Err(Fault::new("is an empty name"));
    }
    if text.as_encoded_bytes().contains(&0) {
        return Err(Fault::new("holds a NUL, which no path can"));
    }
    Ok(PathBuf::from(text))
}

/// The name of a file in any folder: one segment of a path.
pub(crate) fn file_name(text: &str) -> Result<Box<str>, Fault> {
    if matches!(text, "" | "." | "..") || text.contains(['/', '\0']) {
        return Err(Fault::new("is not the name of a file"));
    }
    Ok(text.into())
}

/// A file, or `-` for standard output.
pub(crate) fn log_file(text: &OsStr) -> Result<LogFile, Fault> {
    if text == "-" { Ok(LogFile::StandardOutput) } else { path(text).map(LogFile::Path) }
}

/// A file, `auto` for one in the state folder, or `none`.
pub(crate) fn ledger_file(text: &OsStr) -> Result<LedgerFile, Fault> {
    match text.as_encoded_bytes() {
        b"auto" => Ok(LedgerFile::Auto),
        b"none" => Ok(LedgerFile::Nowhere),
        _ => path(text).map(LedgerFile::Path),
    }
}

/// The text, if it is decimal digits alone: the parsers of the standard library take a sign as well.
fn digits(text: &str) -> Option<&str> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then_some(text)
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;

    fn check<T: Debug>(parse: fn(&str) -> Result<T, Fault>, text: &str, expect: &str) {
        let shown = match parse(text) {
            Ok(value) => format!("{value:?}"),
            Err(fault) => fault.to_string(),
        };
        assert_eq!(shown, expect, "{text:?}");
    }

    #[test]
    fn numbers() {
        const BAD: &str = "is not a whole number from 1 to 65535";
        let backlog = whole::<1, 65535>;
        check(backlog, "1", "1");
        check(backlog, "65535", "65535");
        check(backlog, "0005", "5");
        for text in
            ["", "0", "65536", "-1", "+1", " 1", "1 ", "1.0", "0x10", "1e3", "99999999999999999999", "١"]
        {
            check(backlog, text, BAD);
        }
        check(port, "0", "0");
        check(port, "65535", "65535");
        check(port, "65536", "is not a whole number from 0 to 65535");
        check(port, "", "is not a whole number from 0 to 65535");
    }

    #[test]
    fn numbers_of_workers() {
        const BAD: &str = "is neither auto nor a whole number from 1 to 1024";
        check(workers, "1", "1");
        check(workers, "1024", "1024");
        for text in ["", "0", "1025", "-2", "+2", "AUTO", "auto "] {
            check(workers, text, BAD);
        }
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(1024);
        check(workers, "auto", &cores.to_string());
    }

    #[test]
    fn addresses() {
        const BAD: &str = "is neither all nor an IPv4 or IPv6 address";
        check(bind_address, "all", "All");
        check(bind_address, "127.0.0.1", "Ip(127.0.0.1)");
        check(bind_address, "0.0.0.0", "Ip(0.0.0.0)");
        check(bind_address, "::", "Ip(::)");
        check(bind_address, "::1", "Ip(::1)");
        check(bind_address, "[::1]", "Ip(::1)");
        check(bind_address, "2001:DB8::1", "Ip(2001:db8::1)");
        for text in
            ["", "[]", "[::1", "::1]", "[127.0.0.1]", "localhost", "127.1", "127.0.0.1:80", "[::1]:80", "*"]
        {
            check(bind_address, text, BAD);
        }
    }

    #[test]
    fn addresses_to_look_on() {
        const BAD: &str = "is neither off nor an IPv4 or IPv6 address with a port";
        check(admin_address, "off", "Off");
        check(admin_address, "127.0.0.1:0", "At(127.0.0.1:0)");
        check(admin_address, "[::1]:9000", "At([::1]:9000)");
        check(admin_address, "0.0.0.0", "At(0.0.0.0:0)");
        check(admin_address, "::1", "At([::1]:0)");
        for text in ["", "on", "all", "9000", ":9000", "localhost:9000", "127.0.0.1:65536", "127.0.0.1:"] {
            check(admin_address, text, BAD);
        }
    }

    #[test]
    fn names_of_hosts() {
        check(host_name, "Admin.Example.org", "\"admin.example.org\"");
        for text in ["", "a:80", "a/b", "[::1]", "ä", "a b"] {
            check(host_name, text, "is not the name of a host");
        }
    }

    #[test]
    fn addresses_for_mail() {
        check(mail_address, "a.b+c@mail.example", "\"a.b+c@mail.example\"");
        for text in
            ["", "a", "@b.example", "a@", "a@b@c", "a@b,c@d", "a@b?cc=c@d", "mailto:a@b", "ä@b", "a b@c"]
        {
            check(mail_address, text, "is not an address for mail");
        }
    }

    #[test]
    fn choices() {
        check(choice::<LogFormat>, "tally", "Tally");
        check(choice::<LogFormat>, "combined", "Combined");
        check(choice::<LogFormat>, "json", "Json");
        check(choice::<LogFormat>, "off", "Off");
        check(choice::<LogFormat>, "Off", "is not one of: tally, combined, json, off");
        check(choice::<LogFormat>, "", "is not one of: tally, combined, json, off");
        check(choice::<ListingMode>, "json", "Json");
        check(choice::<ListingMode>, "on", "is not one of: html, json, off");
        check(choice::<Durability>, "commit", "Commit");
        check(choice::<Durability>, "always", "is not one of: batch, commit");
        check(choice::<bool>, "true", "true");
        check(choice::<bool>, "yes", "is not one of: true, false");
    }

    #[test]
    fn paths() {
        fn as_path(text: &str) -> Result<PathBuf, Fault> {
            path(OsStr::new(text))
        }
        fn as_log_file(text: &str) -> Result<LogFile, Fault> {
            log_file(OsStr::new(text))
        }
        fn as_ledger_file(text: &str) -> Result<LedgerFile, Fault> {
            ledger_file(OsStr::new(text))
        }
        check(as_path, "www", "\"www\"");
        check(as_path, " ", "\" \"");
        check(as_path, "", "is an empty name");
        check(as_path, "a\0b", "holds a NUL, which no path can");
        check(as_log_file, "-", "StandardOutput");
        check(as_log_file, "./-", "Path(\"./-\")");
        check(as_log_file, "", "is an empty name");
        check(as_ledger_file, "auto", "Auto");
        check(as_ledger_file, "none", "Nowhere");
        check(as_ledger_file, "./none", "Path(\"./none\")");
        check(as_ledger_file, "", "is an empty name");
    }

    #[test]
    fn names_of_files() {
        check(file_name, "index.html", "\"index.html\"");
        check(file_name, " ", "\" \"");
        check(file_name, "...", "\"...\"");
        for text in ["", ".", "..", "a/b", "/index.html", "a/", "a\0b"] {
            check(file_name, text, "is not the name of a file");
        }
    }
}
