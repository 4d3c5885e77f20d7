//! What a file may say, and what is said of what it may not.

use crate::config::tests::{check_refused, config_of, meaning, start_with};

#[test]
fn what_a_file_cannot_be() {
    let check = |file: &str, expect: &str| check_refused(&[], &[], Some(file), &format!("2 {expect}"));
    check(
        "\nport = 99999",
        r#"the port "99999" (port, file FILE line 2) is not a whole number from 0 to 65535; write it as in: port = 8080"#,
    );
    check(
        "port = 0xFFFFF",
        r#"the port "1048575" (port, file FILE line 1) is not a whole number from 0 to 65535; write it as in: port = 8080"#,
    );
    check(
        "port = 99999999999999999999",
        "the port (port, file FILE line 1) is a number with too many digits; write it as in: port = 8080",
    );
    check(
        "port = [80]",
        "the port (port, file FILE line 1) is a list, not one value; write it as in: port = 8080",
    );
    check(
        "[port]\nx = 1",
        "the port (port, file FILE line 1) is a table, not a value; write it as in: port = 8080",
    );
    check(
        "port = true",
        r#"the port "true" (port, file FILE line 1) is not a whole number from 0 to 65535; write it as in: port = 8080"#,
    );
    check(
        "grace = 2026-01-01",
        r#"the grace period (grace, file FILE line 1) is a date, not a value; write it as in: grace = "5m""#,
    );
    check(
        "bind = []",
        r#"the address (bind, file FILE line 1) is an empty list; write it as in: bind = ["127.0.0.1"]"#,
    );
    check(
        "bind = [\n'::1',\n'x',\n]",
        r#"the address "x" (bind, file FILE line 3) is neither all nor an IPv4 or IPv6 address; write it as in: bind = ["127.0.0.1"]"#,
    );
    check(
        "bind = [['::1']]",
        r#"the address (bind, file FILE line 1) is a list, not one value; write it as in: bind = ["127.0.0.1"]"#,
    );
    check(
        "port = 80\nprot = 1",
        r#"there is no setting for the key "prot" (file FILE line 2); did you mean "port"?"#,
    );
    check(
        "HIDDEN = true",
        r#"there is no setting for the key "HIDDEN" (file FILE line 1); did you mean "hidden"?"#,
    );
    check(
        "TLS_CERT = 'x'",
        r#"there is no setting for the key "TLS_CERT" (file FILE line 1); did you mean "tls-cert"?"#,
    );
    check(
        "idle_timeout = 1",
        r#"there is no setting for the key "idle_timeout" (file FILE line 1); did you mean "idle-timeout"?"#,
    );
    check(
        "\"a\\nb\" = 1",
        r#"there is no setting for the key "a\nb" (file FILE line 1); remove it, or see tallyd --help for those that there are"#,
    );
    check(
        "zz = 1\naa = 1",
        r#"there is no setting for the key "zz" (file FILE line 1); remove it, or see tallyd --help for those that there are"#,
    );
    check(
        "config = 'x'",
        r#"the key "config" (file FILE line 1) has no effect in a file; remove it, and give it as in: --config /etc/tallyd.toml"#,
    );
    check(
        "check = true",
        r#"the key "check" (file FILE line 1) has no effect in a file; remove it, and give it as in: --check"#,
    );
    check(
        "port = 1\nport = 2",
        "the configuration file (file FILE line 2) is not TOML: duplicate key; correct that line",
    );
    check(
        "port = 1\r\n\r\n= 2",
        "the configuration file (file FILE line 3) is not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`; correct that line",
    );
}

#[test]
fn what_a_table_cannot_be() {
    let check = |file: &str, expect: &str| check_refused(&[], &[], Some(file), &format!("2 {expect}"));
    check(
        "[[redirect]]\nfrom = '/a'\nto = '/b'\n[[redirect]]\nfrom = '/a'\nt = '/b'",
        r#"there is no key "t" of a redirect (file FILE line 6); did you mean "to"?"#,
    );
    check(
        "[[redirect]]\nFROM = '/a'\nto = '/b'",
        r#"there is no key "FROM" of a redirect (file FILE line 2); did you mean "from"?"#,
    );
    check(
        "[[redirect]]\nfrom = '/a'\nto = '/b'\nxyz = 1",
        r#"there is no key "xyz" of a redirect (file FILE line 4); its keys are: from, to, status"#,
    );
    check(
        "[[redirect]]\nfrom = '/a'",
        r#"the redirect (redirect, file FILE line 1) has no key "to"; write it as in: redirect = [{ from = "/old/**", to = "/new/$1", status = "301" }]"#,
    );
    check(
        "[[redirect]]\nfrom = '/a'\nto = ['/b']",
        r#"the redirect (redirect.to, file FILE line 3) is a list, not one value; write it as in: redirect = ["/old/** /new/$1 301"]"#,
    );
    check(
        "[[redirect]]\nfrom = '/a'\nto = '/b'\n\n[[redirect]]\nfrom = '/a'\nto = '/b'\nstatus = 200",
        r#"the redirect "/a /b 200" (redirect, file FILE line 5) has the status "200", which is not one of: 301, 302, 307, 308; write it as in: redirect = ["/old/** /new/$1 301"]"#,
    );
    check(
        "[[port]]\na = 1",
        "the port (port, file FILE line 1) is a list, not one value; write it as in: port = 8080",
    );
    check(
        "[[bind]]\na = 1",
        r#"the address (bind, file FILE line 1) is a table, not a value; write it as in: bind = ["127.0.0.1"]"#,
    );
    check(
        "[mime]\ntxt = 'text/plain'\nx = 'text'",
        r#"the media type "x=text" (mime, file FILE line 3) has a type that is not of the form type/subtype; write it as in: mime = ["webc=text/html"]"#,
    );
    check(
        "[mime]\ntxt = ['text/plain']",
        r#"the media type (mime.txt, file FILE line 2) is a list, not one value; write it as in: mime = ["webc=text/html"]"#,
    );
}

#[test]
fn tables_mean_what_their_texts_mean() {
    let check = |name: &str, table: &str, list: &str| {
        let of = |file: &str| {
            let start = start_with(&[], &[], Some(file)).expect("the file is right");
            meaning(&config_of(start), name)
        };
        assert_eq!(of(table), of(list), "{table}");
    };
    check(
        "redirect",
        "[[redirect]]\nfrom = '/a b'\nto = '/c'\n[[redirect]]\nstatus = 308\nto = '/e'\nfrom = '/d'",
        "redirect = ['/a%20b /c', '/d /e 308']",
    );
    check("rewrite", "[[rewrite]]\nfrom = '/a'\nto = '/b'", "rewrite = '/a /b'");
    check("mime", "[mime]\nx = 'text/x'\nb = 'a/b'", "mime = ['x=text/x', 'b=a/b']");
}

#[test]
fn a_file_that_cannot_be_read_is_the_worlds_fault() {
    let check = |path: &str, reason: &str| {
        let cure = "name a file that can be read, as in: --config /etc/tallyd.toml";
        let subject = format!("1 the configuration file {path:?} (--config, command line)");
        check_refused(&["--config", path], &[], None, &format!("{subject} {reason}; {cure}"));
    };
    let folder = tempfile::tempdir().expect("a folder for the test");
    let latin = folder.path().join("latin.toml");
    std::fs::write(&latin, b"root = '\xe9'").expect("a file for the test");
    let large = folder.path().join("large.toml");
    std::fs::write(&large, vec![b'#'; (1 << 20) + 1]).expect("a file for the test");
    check("/missing/x.toml", "cannot be read (No such file or directory (os error 2))");
    check("/dev/zero", "cannot be read (it is neither a file nor a pipe that the shell has opened)");
    check(large.to_str().expect("the folder's name is UTF-8"), "is larger than 1 MiB");
    check("/", "cannot be read (Is a directory (os error 21))");
    check(latin.to_str().expect("the folder's name is UTF-8"), "is not UTF-8 text");
}
