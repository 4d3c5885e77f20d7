//! What `--check` prints: what would be served, and every setting with where it came from.
//!
//! The form is that of a configuration file, so that the settings of a working command line can be kept.

use std::fs::canonicalize;

use super::given::quoted;
use super::meant::Config;
use super::root;
use super::setting::{Places, Takes};
use super::start_error::StartError;
use super::summary::summary;
use super::table::all;
use super::tls::PlainRequests;
use super::value::BindAddress;
use crate::admin;
use crate::counting;
use crate::tls::files::{described, read_all};

/// The text, if the folder could be served. Nothing is listened on and no file is written; what a start would refuse
/// without either is refused.
pub(crate) fn explain(config: &Config) -> Result<String, StartError> {
    root::open(&config.root)?;
    counting::refuse_reachable(config)?;
    admin::admission(&config.admin)?;
    let mut text = format!("# tallyd would serve {}.\n# {}\n", served(config), counted(config)?);
    for sentence in secured(config)? {
        text.extend(["# ", &sentence, "\n"]);
    }
    for sentence in summary(config) {
        text.extend(["# ", &sentence, "\n"]);
    }
    for setting in all().filter(|setting| setting.places != Places::CommandLine) {
        let given = config.typed.given(setting);
        let Some(first) = given.first() else { continue };
        let texts: Option<Vec<&str>> = given.iter().map(|given| given.text.to_str()).collect();
        let line = match (setting.places, setting.takes, texts) {
            (_, Takes::Secret, _) => format!("# {} is set", setting.name),
            (Places::Everywhere, _, Some(texts)) => setting.line_in_file(&texts),
            // What a file cannot say is said in a comment.
            (Places::Everywhere, _, None) | (Places::NotInFile | Places::CommandLine, _, _) => {
                format!("# {} {}", setting.name, quoted(&first.text))
            }
        };
        text.extend([&line, "  # ", &first.place(), "\n"]);
    }
    Ok(text)
}

/// The folder, the addresses and the port, in words.
fn served(config: &Config) -> String {
    // A folder that is open but whose path cannot be resolved is shown as it was named.
    let folder = canonicalize(&config.root.value).unwrap_or_else(|_| config.root.value.clone());
    let addresses: Vec<String> = config.listen.binds.iter().map(|bind| in_words(bind.value)).collect();
    let port = in_words_port(config.listen.port.value);
    format!("{} on {}, {port}", quoted(&folder), addresses.join(" and "))
}

/// What there would be over TLS, if its certificates can be served.
fn secured(config: &Config) -> Result<Vec<String>, StartError> {
    let certificates = read_all(&config.tls.pairs)?;
    if certificates.is_empty() {
        return Ok(Vec::new());
    }
    let mut sentences = vec![format!("It would serve HTTPS on {}.", in_words_port(config.tls.port.value))];
    sentences.extend(certificates.iter().map(|it| format!("A certificate is for {}.", described(it))));
    match config.tls.plain {
        PlainRequests::Served => {}
        PlainRequests::Redirected => sentences.push("Who comes by HTTP is sent there.".to_owned()),
    }
    Ok(sentences)
}

fn in_words_port(port: u16) -> String {
    match port {
        0 => "a free port".to_owned(),
        port => format!("port {port}"),
    }
}

/// Where the counts would be kept, in words.
fn counted(config: &Config) -> Result<String, StartError> {
    Ok(match config.ledger.path(&config.root)? {
        Some(path) => format!("It would count in {}.", quoted(&path)),
        None => "It would count in memory, since its start.".to_owned(),
    })
}

fn in_words(address: BindAddress) -> String {
    match address {
        BindAddress::All => "all interfaces (IPv4 and IPv6)".to_owned(),
        BindAddress::Ip(ip) => ip.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;
    use crate::config::Invocation;
    use crate::config::tests::{config_of, meaning, start, start_with};

    #[test]
    fn check_prints_a_file_that_means_the_same() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let root = folder.path().to_str().expect("the folder's name is UTF-8");
        let args = [
            "--check",
            root,
            "-b",
            "::1",
            "-b",
            "127.0.0.1",
            "-p",
            "80",
            "--grace",
            "1.5",
            "--log-file",
            "a\"\\\n",
        ];
        let Ok(Invocation::Check(config)) =
            start_with(&args, &["TALLYD_CACHE=1G", "XDG_STATE_HOME=/nowhere"], None)
        else {
            panic!("--check asks for a check");
        };
        let text = explain(&config).expect("the folder exists");
        assert!(
            text.starts_with(&format!("# tallyd would serve {root:?} on ::1 and 127.0.0.1, port 80.\n")),
            "{text}"
        );
        assert!(text.contains("\n# It would count in \"/nowhere/tallyd/"), "{text}");
        assert!(text.contains("\ncache = \"1G\"  # variable TALLYD_CACHE\n"), "{text}");
        assert!(text.contains("\nbacklog = 4096  # default\n"), "{text}");

        let kept =
            config_of(start_with(&[], &[], Some(&text)).expect("what is printed is a configuration file"));
        for setting in all().filter(|setting| setting.places == Places::Everywhere) {
            assert_eq!(meaning(&kept, setting.name), meaning(&config, setting.name));
        }
    }

    #[test]
    fn check_shows_what_a_file_cannot_say_as_a_comment() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let log_file = OsStr::from_bytes(b"a\xff");
        let args = [OsStr::new("--check"), OsStr::new("--log-file"), log_file, folder.path().as_os_str()];
        let text = explain(&config_of(
            start(&args, &[("HOME", OsStr::new("/nowhere"))]).expect("a path is any bytes"),
        ))
        .expect("the folder exists");
        assert!(text.contains("\n# log-file \"a\\xFF\"  # command line\n"), "{text}");
    }

    #[test]
    fn check_refuses_what_a_start_would_refuse() {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let root = folder.path().to_str().expect("the folder's name is UTF-8");
        let check = |args: &[&str], expect: &str| {
            let config = config_of(
                start_with(&[args, &["--check", root]].concat(), &["HOME=/nowhere"], None)
                    .expect("the arguments are right"),
            );
            let error = explain(&config).expect_err("it would not start").to_string();
            assert!(error.contains(expect), "{args:?}: {error}");
        };
        check(
            &["--ledger", &format!("{root}/counts")],
            "is in the folder to serve, where clients could fetch it",
        );
        check(&["--admin", "192.0.2.1:9000"], "can be reached by others, and there is no token");
        check(&["--admin-token-file", "/missing/token"], "cannot be read");
    }

    #[test]
    fn check_of_a_folder_that_is_missing() {
        let config =
            config_of(start_with(&["--check", "/missing/www"], &[], None).expect("the arguments are right"));
        let sentence = r#"the folder "/missing/www" (ROOT, command line) does not exist; name the folder to serve, as in: tallyd PATH"#;
        assert_eq!(explain(&config), Err(StartError::misfit(sentence)));
    }
}
