//! The whole way from arguments, variables and a file to what is meant, in rows.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

use super::setting::{Form, Places};
use super::table::all;
use super::*;

/// A start of the program, without its file: words of the command line and `NAME=TEXT` for each variable.
pub(super) fn start<S: AsRef<OsStr>>(args: &[S], vars: &[(&str, &OsStr)]) -> Result<Invocation, StartError> {
    let program = [OsString::from("tallyd")];
    let args = program.into_iter().chain(args.iter().map(|arg| arg.as_ref().to_owned()));
    read(args, vars.iter().map(|(name, text)| (OsString::from(name), (*text).to_owned())))
}

/// A start with words of the command line, variables as `NAME=TEXT`, and the text of a file.
pub(super) fn start_with(args: &[&str], vars: &[&str], file: Option<&str>) -> Result<Invocation, String> {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let path = folder.path().join("tallyd.toml");
    let vars: Vec<(&str, &OsStr)> = vars
        .iter()
        .map(|var| var.split_once('=').expect("a variable has a name"))
        .map(|(name, text)| (name, OsStr::new(text)))
        .collect();
    let mut args: Vec<OsString> = args.iter().map(OsString::from).collect();
    if let Some(text) = file {
        std::fs::write(&path, text).expect("a file for the test");
        args.extend([OsString::from("--config"), path.clone().into_os_string()]);
    }
    start(&args, &vars).map_err(|error| {
        assert_eq!(error.sentence.lines().count(), 1, "one sentence on one line: {error}");
        format!("{} {}", error.exit as u8, error.sentence.replace(&format!("{path:?}"), "FILE"))
    })
}

pub(super) fn config_of(invocation: Invocation) -> Config {
    match invocation {
        Invocation::Serve(config) | Invocation::Check(config) => config,
        other @ (Invocation::Counts(_) | Invocation::Top(_) | Invocation::Print(_)) => {
            panic!("settings were asked for, not: {other:?}")
        }
    }
}

/// What a setting means in a configuration, as debug text.
pub(super) fn meaning(config: &Config, name: &str) -> String {
    match name {
        "root" => format!("{:?}", config.root.value),
        "cache" => format!("{}", config.cache_bytes),
        "hidden" => format!("{:?}", config.files.dot_names),
        "follow-links" => format!("{:?}", config.files.links),
        "precompressed" => format!("{:?}", config.files.precompressed),
        "base-path" => format!("{:?}", config.addresses.base),
        "redirect" => all_shown(&config.addresses.redirects),
        "rewrite" => all_shown(&config.addresses.rewrites),
        "spa" => format!("{:?}", config.addresses.stand_in),
        "error-page" => format!("{:?}", config.addresses.error_pages),
        "mime" => format!("{:?}", config.fields.types),
        "header" | "cache-control" => {
            let rules = config.fields.rules.iter();
            let rules = rules.map(|rule| format!("{} {:?}", rule.pattern.as_str(), rule.field));
            rules.collect::<Vec<_>>().join(" ")
        }
        "cors" => format!("{:?}", config.fields.cors),
        "security-headers" => format!("{:?}", config.fields.hardening),
        "acme" => {
            let acme = config.acme.as_ref();
            let names = acme.map(|it| it.domains.iter().map(|domain| &domain.value).collect::<Vec<_>>());
            format!("{names:?}")
        }
        "acme-directory" => format!("{:?}", config.acme.as_ref().map(|it| &it.directory.value)),
        "acme-contact" => format!("{:?}", config.acme.as_ref().map(|it| &it.contact)),
        "acme-challenge" => format!("{:?}", config.acme.as_ref().map(|it| &it.preference)),
        "acme-ca" => {
            format!("{:?}", config.acme.as_ref().map(|it| it.roots.as_ref().map(|file| &file.value)))
        }
        "acme-eab-kid" | "acme-eab-key" => {
            let binding = config.acme.as_ref().and_then(|it| it.binding.as_ref());
            format!("{:?}", binding.map(|it| (&it.kid, &it.key.value)))
        }
        "acme-state" => {
            format!("{:?}", config.acme.as_ref().map(|it| it.folder.as_ref().map(|folder| &folder.value)))
        }
        "etag" => format!("{:?}", config.files.tags),
        "compress" => format!("{:?}", config.compression.compress),
        "compress-cache" => format!("{}", config.compression.cache_bytes),
        "index" => format!("{:?}", config.folders.index),
        "listing" => format!("{:?}", config.folders.listing),
        "listing-counts" => format!("{:?}", config.folders.column),
        "badges" => format!("{:?}", config.folders.badges),
        "bind" => format!("{:?}", config.listen.binds.iter().map(|bind| bind.value).collect::<Vec<_>>()),
        "port" => format!("{}", config.listen.port.value),
        "tls-cert" => {
            format!("{:?}", config.tls.pairs.iter().map(|pair| &pair.chain.value).collect::<Vec<_>>())
        }
        "tls-key" => format!("{:?}", config.tls.pairs.iter().map(|pair| &pair.key.value).collect::<Vec<_>>()),
        "tls-port" => format!("{}", config.tls.port.value),
        "http3" => format!("{:?}", config.tls.http3),
        "https-redirect" => format!("{:?}", config.tls.plain),
        "hsts" => format!("{:?}", config.tls.promise),
        "workers" => format!("{}", config.workers),
        "backlog" => format!("{}", config.listen.backlog),
        "header-timeout" => format!("{:?}", config.limits.header_timeout),
        "idle-timeout" => format!("{:?}", config.limits.idle_timeout),
        "min-rate" => format!("{}", config.limits.min_rate_bytes_per_s),
        "rate-window" => format!("{:?}", config.limits.rate_window),
        "grace" => format!("{:?}", config.limits.grace),
        "ledger" => format!("{:?}", config.ledger.file.value),
        "durability" => format!("{:?}", config.ledger.durability),
        "log-format" => format!("{:?}", config.log.format),
        "log-file" => format!("{:?}", config.log.file.value),
        "log-rotate-size" => format!("{}", config.log.rotation.size_bytes),
        "log-rotate-age" => format!("{:?}", config.log.rotation.age),
        "log-keep" => format!("{}", config.log.rotation.keep),
        "verbose" => format!("{:?}", config.log.verbosity),
        "admin" => format!("{:?}", config.admin.address.value),
        "admin-token" => format!("{:?}", config.admin.token.as_ref().map(|token| token.value.as_bytes())),
        "admin-token-file" => format!("{:?}", config.admin.token_file.as_ref().map(|file| &file.value)),
        "admin-host" => format!("{:?}", config.admin.hosts),
        "admin-insecure" => format!("{:?}", config.admin.insecure),
        other => panic!("the setting {other} has no meaning here: add its line"),
    }
}

fn all_shown(values: &[impl ToString]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Checks that a start is refused with this exit code and sentence, in which `FILE` is the file.
pub(super) fn check_refused(args: &[&str], vars: &[&str], file: Option<&str>, expect: &str) {
    match start_with(args, vars, file) {
        Ok(invocation) => panic!("{args:?} {vars:?} {file:?} is accepted: {invocation:?}"),
        Err(sentence) => assert_eq!(sentence, expect, "{args:?} {vars:?} {file:?}"),
    }
}

#[test]
fn each_setting_on_the_command_line() {
    let check = |args: &[&str], name: &str, expect: &str| {
        let config = config_of(start_with(args, &[], None).expect("the arguments are right"));
        assert_eq!(meaning(&config, name), expect, "{args:?}");
    };
    check(&[], "root", "\"www\"");
    check(&["/srv/www"], "root", "\"/srv/www\"");
    check(&["./man"], "root", "\"./man\"");
    check(&["./counts"], "root", "\"./counts\"");
    check(&["--", "counts"], "root", "\"counts\"");
    check(&["--", "man"], "root", "\"man\"");
    check(&["--", "--check"], "root", "\"--check\"");
    check(&["help"], "root", "\"help\"");
    check(&["-"], "root", "\"-\"");
    check(&[], "cache", "134217728");
    check(&["--cache", "0"], "cache", "0");
    check(&["--cache=64KiB"], "cache", "65536");
    check(&[], "hidden", "Hidden");
    check(&["--hidden"], "hidden", "Shown");
    check(&["--hidden=true"], "hidden", "Shown");
    check(&["--hidden=false"], "hidden", "Hidden");
    check(&["--hidden", "www"], "root", "\"www\"");
    check(&[], "follow-links", "Beneath");
    check(&["--follow-links"], "follow-links", "Anywhere");
    check(&[], "precompressed", "Served");
    check(&["--precompressed", "off"], "precompressed", "Ignored");
    check(&[], "etag", "Metadata");
    check(&["--etag", "portable"], "etag", "PortableMetadata");
    check(&["--etag", "content"], "etag", "Content");
    check(&[], "compress", "On");
    check(&["--compress=off"], "compress", "Off");
    check(&[], "compress-cache", "67108864");
    check(&["--compress-cache", "1G"], "compress-cache", "1073741824");
    check(&[], "index", "[\"index.html\"]");
    check(&["--index", "a", "--index=b c", "--index", "a"], "index", "[\"a\", \"b c\"]");
    check(&[], "listing", "Html");
    check(&["--listing", "off"], "listing", "Off");
    check(&[], "listing-counts", "Absent");
    check(&["--listing-counts"], "listing-counts", "Shown");
    check(&[], "badges", "Off");
    check(&["--badges"], "badges", "Served");
    check(&[], "base-path", "None");
    check(&["--base-path", "/"], "base-path", "None");
    check(&[], "redirect", "");
    check(&["--redirect", "/a /b", "--redirect", "/b/* /c/$1 308"], "redirect", "/a /b 302, /b/* /c/$1 308");
    check(&["--rewrite", "/a /b"], "rewrite", "/a /b");
    check(&[], "mime", "[]");
    check(&[], "header", "");
    check(
        &["--header", "*: X-A: 1, 2", "--cache-control=no-store"],
        "header",
        r#"** ExtraField { name: "Cache-Control", value: "no-store" } * ExtraField { name: "X-A", value: "1, 2" }"#,
    );
    check(&[], "cors", "[]");
    check(&["--cors", "https://a.example", "--cors", "*"], "cors", "[Site(\"https://a.example\"), Any]");
    check(&[], "security-headers", "Off");
    check(&["--security-headers"], "security-headers", "On");
    check(&[], "bind", "[All]");
    check(&["-b", "::1", "--bind", "127.0.0.1", "--bind=[::1]"], "bind", "[Ip(::1), Ip(127.0.0.1)]");
    check(&[], "port", "0");
    check(&["-p80"], "port", "80");
    check(&["-p", "65535"], "port", "65535");
    check(&["--port=80", "www"], "port", "80");
    check(&[], "tls-cert", "[]");
    check(&["--tls-cert", "a", "--tls-key", "b"], "tls-cert", "[\"a\"]");
    check(
        &["--tls-cert", "a", "--tls-key", "b", "--tls-key", "d", "--tls-cert", "c"],
        "tls-key",
        "[\"b\", \"d\"]",
    );
    check(&[], "tls-port", "0");
    check(&["--tls-port=443", "--tls-cert=a", "--tls-key=b"], "tls-port", "443");
    check(&[], "http3", "Offered");
    check(&["--http3", "off"], "http3", "Absent");
    check(&[], "https-redirect", "Served");
    check(&["--https-redirect", "--tls-cert=a", "--tls-key=b"], "https-redirect", "Redirected");
    check(&[], "hsts", "None");
    check(&["--hsts", "31536000", "--tls-cert=a", "--tls-key=b"], "hsts", "Some(31536000s)");
    check(&["--hsts=0", "--tls-cert=a", "--tls-key=b"], "hsts", "Some(0ns)");
    check(&["--workers", "3"], "workers", "3");
    check(&[], "backlog", "4096");
    check(&["--backlog", "5"], "backlog", "5");
    check(&[], "header-timeout", "15s");
    check(&["--header-timeout", "500ms"], "header-timeout", "500ms");
    check(&[], "idle-timeout", "75s");
    check(&["--idle-timeout", "2m"], "idle-timeout", "120s");
    check(&[], "min-rate", "256");
    check(&["--min-rate", "0"], "min-rate", "0");
    check(&[], "grace", "30s");
    check(&["--grace", "0"], "grace", "0ns");
    check(&[], "ledger", "Auto");
    check(&["--ledger", "none"], "ledger", "Nowhere");
    check(&["--ledger", "a.ledger"], "ledger", "Path(\"a.ledger\")");
    check(&[], "durability", "Batch");
    check(&["--durability", "commit"], "durability", "Commit");
    check(&[], "log-format", "Tally");
    check(&["--log-format", "off"], "log-format", "Off");
    check(&["--log-format", "combined"], "log-format", "Combined");
    check(&["--log-format", "json"], "log-format", "Json");
    check(&[], "log-rotate-size", "0");
    check(&["--log-rotate-size", "10M"], "log-rotate-size", "10485760");
    check(&[], "log-rotate-age", "0ns");
    check(&["--log-rotate-age", "168h"], "log-rotate-age", "604800s");
    check(&[], "log-keep", "5");
    check(&["--log-keep", "1"], "log-keep", "1");
    check(&[], "verbose", "Terse");
    check(&["--verbose"], "verbose", "Verbose");
    check(&[], "log-file", "StandardOutput");
    check(&["--log-file", "-"], "log-file", "StandardOutput");
    check(&["--log-file", "a.log"], "log-file", "Path(\"a.log\")");
    check(&[], "admin", "At(127.0.0.1:0)");
    check(&["--admin", "off"], "admin", "Off");
    check(&["--admin", "[::1]:9000"], "admin", "At([::1]:9000)");
    check(&[], "admin-token", "None");
    check(
        &["--admin-token", "aaaaaaaaaaaaaaaa"],
        "admin-token",
        "Some([97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97, 97])",
    );
    check(&[], "admin-token-file", "None");
    check(&["--admin-token-file", "t"], "admin-token-file", "Some(\"t\")");
    check(&[], "admin-host", "[\"localhost\"]");
    check(&["--admin-host", "A.example"], "admin-host", "[\"a.example\"]");
    check(&[], "admin-insecure", "false");
    check(&["--admin-insecure"], "admin-insecure", "true");
}

#[test]
fn each_setting_refuses_what_it_is_not() {
    let check = |args: &[&str], expect: &str| check_refused(args, &[], None, &format!("2 the {expect}"));
    check(&[""], r#"folder "" (ROOT, command line) is an empty name; write it as in: tallyd /srv/www"#);
    check(
        &["--cache", "64KB"],
        r#"cache size "64KB" (--cache, command line) is not a size (a whole number with K, M, G or T, powers of 1024; without: bytes); write it as in: --cache 256M"#,
    );
    check(
        &["--hidden=yes"],
        r#"serving of hidden files "yes" (--hidden, command line) is not one of: true, false; write it as in: --hidden"#,
    );
    check(
        &["--index", "a/b"],
        r#"index file "a/b" (--index, command line) is not the name of a file; write it as in: --index index.htm"#,
    );
    check(
        &["--listing", "on"],
        r#"listing "on" (--listing, command line) is not one of: html, json, off; write it as in: --listing json"#,
    );
    check(
        &["--base-path", "downloads"],
        r#"base path "downloads" (--base-path, command line) is not a path that begins with /, without a query; write it as in: --base-path /downloads"#,
    );
    check(
        &["--redirect", "/a /b", "--redirect", "/b /a"],
        r#"redirect "/a /b" (--redirect, command line) leads in a circle, or further at every step; let it end at a path that no redirect is for"#,
    );
    check(
        &["--redirect", "/a //evil.example"],
        r#"redirect "/a //evil.example" (--redirect, command line) leads neither to a path nor to an address with http:// or https://; write it as in: --redirect '/old/** /new/$1 301'"#,
    );
    check(
        &["--rewrite", "/a"],
        r#"rewrite "/a" (--rewrite, command line) is not of the form FROM TO; write it as in: --rewrite '/latest/* /releases/v2/$1'"#,
    );
    check(
        &["--mime", "text/html"],
        r#"media type "text/html" (--mime, command line) is not of the form EXTENSION=TYPE; write it as in: --mime webc=text/html"#,
    );
    check(
        &["--header", "*.js: Content-Length: 1"],
        r#"field "*.js: Content-Length: 1" (--header, command line) names a field that the server itself is responsible for: leave it out; write it as in: --header '*.html: X-Robots-Tag: noindex'"#,
    );
    check(
        &["--cache-control", "{a: no-store"],
        r#"caching rule "{a: no-store" (--cache-control, command line) has the pattern "{a", which has { without }; write it as in: --cache-control '/assets/**: max-age=31536000, immutable'"#,
    );
    check(
        &["--cors", "a.example"],
        r#"origin "a.example" (--cors, command line) is neither * nor the origin of a site, which has a scheme, a host and no path; write it as in: --cors https://app.example"#,
    );
    check(
        &["-b", "::1", "-b", "localhost"],
        r#"address "localhost" (--bind, command line) is neither all nor an IPv4 or IPv6 address; write it as in: --bind 127.0.0.1"#,
    );
    check(
        &["--port", "99999"],
        r#"port "99999" (--port, command line) is not a whole number from 0 to 65535; write it as in: --port 8080"#,
    );
    check(
        &["-p", "-1"],
        r#"port "-1" (--port, command line) is not a whole number from 0 to 65535; write it as in: --port 8080"#,
    );
    check(
        &["--port="],
        r#"port "" (--port, command line) is not a whole number from 0 to 65535; write it as in: --port 8080"#,
    );
    check(
        &["--tls-cert", "a", "--tls-cert", "b", "--tls-key", "c"],
        r#"certificate "b" (--tls-cert, command line) has no key; give a --tls-key for each --tls-cert, in the same order"#,
    );
    check(
        &["--tls-key", "a"],
        r#"key "a" (--tls-key, command line) has no certificate; give a --tls-cert for each --tls-key, in the same order"#,
    );
    for (flag, subject) in [
        ("--tls-port=443", r#"port for HTTPS "443" (--tls-port"#),
        ("--https-redirect", r#"redirect to HTTPS "true" (--https-redirect"#),
        ("--hsts=1h", r#"age of the promise of HTTPS "1h" (--hsts"#),
    ] {
        let sentence = "is for a site with a certificate; name one, as in: --tls-cert FILE --tls-key FILE, or order one, as in: --acme example.org";
        check(&[flag], &format!("{subject}, command line) {sentence}"));
    }
    check(
        &["--hsts", "20000h"],
        r#"age of the promise of HTTPS "20000h" (--hsts, command line) is longer than 17568h; write it as in: --hsts 8760h"#,
    );
    check(
        &["--workers", "0"],
        r#"number of workers "0" (--workers, command line) is neither auto nor a whole number from 1 to 1024; write it as in: --workers 4"#,
    );
    check(
        &["--backlog", "0"],
        r#"backlog "0" (--backlog, command line) is not a whole number from 1 to 65535; write it as in: --backlog 1024"#,
    );
    check(
        &["--header-timeout", "0"],
        r#"header timeout "0" (--header-timeout, command line) is shorter than 1ms; write it as in: --header-timeout 15s"#,
    );
    check(
        &["--idle-timeout", "0s"],
        r#"idle timeout "0s" (--idle-timeout, command line) is shorter than 1ms; write it as in: --idle-timeout 75s"#,
    );
    check(
        &["--min-rate", "-5"],
        r#"minimum rate "-5" (--min-rate, command line) is not a size (a whole number with K, M, G or T, powers of 1024; without: bytes); write it as in: --min-rate 1K"#,
    );
    check(
        &["--grace", "2d"],
        r#"grace period "2d" (--grace, command line) is not a duration (a number with ms, s, m or h; without: seconds); write it as in: --grace 5m"#,
    );
    check(
        &["--ledger", ""],
        r#"ledger "" (--ledger, command line) is an empty name; write it as in: --ledger /var/lib/tallyd/www.ledger"#,
    );
    check(
        &["--durability", "always"],
        r#"durability "always" (--durability, command line) is not one of: batch, commit; write it as in: --durability commit"#,
    );
    check(
        &["--log-format", "json\n"],
        r#"log format "json\n" (--log-format, command line) is not one of: tally, combined, json, off; write it as in: --log-format tally"#,
    );
    check(
        &["--log-rotate-age", "1d"],
        r#"log file's age "1d" (--log-rotate-age, command line) is not a duration (a number with ms, s, m or h; without: seconds); write it as in: --log-rotate-age 24h"#,
    );
    check(
        &["--log-keep", "0"],
        r#"number of log files "0" (--log-keep, command line) is not a whole number from 1 to 1000; write it as in: --log-keep 14"#,
    );
    check(
        &["--log-file", ""],
        r#"log file "" (--log-file, command line) is an empty name; write it as in: --log-file /var/log/tallyd.log"#,
    );
    check(
        &["--config", ""],
        r#"configuration file "" (--config, command line) is an empty name; write it as in: --config /etc/tallyd.toml"#,
    );
}

#[test]
fn each_example_means_the_same_from_every_place() {
    for setting in all().filter(|setting| setting.places == Places::Everywhere) {
        let by_flag = match setting.form {
            Form::Positional { .. } => vec![setting.example.to_owned()],
            Form::Valued { .. } => vec![format!("--{}", setting.name), setting.example.to_owned()],
            Form::Switch => vec![format!("--{}", setting.name)],
        };
        let by_flag: Vec<&str> = by_flag.iter().map(String::as_str).collect();
        let others = companions(setting.name);
        let meaning_of = |start: Result<Invocation, String>| {
            meaning(&config_of(start.expect("an example in the table is right")), setting.name)
        };
        let expect = meaning_of(start_with(&[&by_flag, others].concat(), &[], None));
        assert_eq!(
            meaning_of(start_with(others, &[&setting.example_as_variable()], None)),
            expect,
            "{}",
            setting.name
        );
        assert_eq!(
            meaning_of(start_with(others, &[], Some(&setting.example_in_file()))),
            expect,
            "{}",
            setting.name
        );
    }
}

/// What has to be given with a setting, for it to mean anything.
fn companions(name: &str) -> &'static [&'static str] {
    match name {
        "tls-cert" => &["--tls-key=k"],
        "tls-key" => &["--tls-cert=c"],
        "tls-port" | "https-redirect" | "hsts" => &["--tls-cert=c", "--tls-key=k"],
        "acme-eab-kid" => &["--acme=a.example", "--acme-eab-key=k"],
        "acme-eab-key" => &["--acme=a.example", "--acme-eab-kid=k"],
        name if name.starts_with("acme-") => &["--acme=a.example"],
        _ => &[],
    }
}

#[test]
fn bytes_that_are_not_utf8() {
    let bytes = OsStr::from_bytes(b"a\xff");
    let refused = |start: Result<Invocation, StartError>| start.expect_err("not UTF-8").sentence;

    let config = config_of(start(&[bytes], &[]).expect("a path is any bytes"));
    assert_eq!(config.root.value.as_os_str(), bytes);
    let config = config_of(start::<&str>(&[], &[("TALLYD_LOG_FILE", bytes)]).expect("a path is any bytes"));
    assert_eq!(config.log.file.value, LogFile::Path(bytes.into()));

    let port = refused(start(&[OsStr::new("-p"), bytes], &[]));
    assert_eq!(
        port,
        r#"the port "a\xFF" (--port, command line) is not UTF-8 text; write it as in: --port 8080"#
    );
    let bind = refused(start::<&str>(&[], &[("TALLYD_BIND", bytes)]));
    assert_eq!(
        bind,
        r#"the address "a\xFF" (variable TALLYD_BIND) is not UTF-8 text; write it as in: TALLYD_BIND=127.0.0.1"#
    );
    let format = refused(start(&[OsStr::new("--log-format"), bytes], &[]));
    assert_eq!(
        format,
        r#"the log format "a\xFF" (--log-format, command line) is not UTF-8 text; write it as in: --log-format tally"#
    );
    let flag = refused(start(&[OsStr::from_bytes(b"--p\xff")], &[]));
    assert_eq!(flag, "there is no flag \"--p\u{fffd}\" (command line); see tallyd --help");
    let named = [(OsStr::from_bytes(b"TALLYD_\xff").to_owned(), OsString::new())];
    let variable = refused(read(std::iter::empty(), named.into_iter()));
    assert!(variable.starts_with("there is no setting for the variable \"TALLYD_\u{fffd}\""), "{variable}");
}
