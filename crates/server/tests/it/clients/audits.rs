//! What `redbot` finds in our answers. It asks in many ways (plain, by range, with conditions, with and without
//! content codings) and judges each field with `httplint`; a warning is ours, or has its reason here.

use std::path::Path;

use serde_json::Value;

use super::program::{self, Program, run};
use super::python;
use super::served::{Served, put, settle, tree};
use crate::harness::Site;

/// Findings that are no faults.
const REASONS: [(&str, &str); 2] = [
    (
        "FRESHNESS_HEURISTIC",
        "how long a copy may be used is for the publisher to say; a validator is always there",
    ),
    (
        "FRESHNESS_NO_CACHE_NO_VALIDATOR",
        "a listing changes with any file in it, so it is asked for each time",
    ),
];

/// What must be among the findings about a file, so that we know that it was looked at.
const OF_A_FILE: &[&str] = &["CL_CORRECT", "LM_PRESENT", "INM_304", "IMS_304", "RANGE_CORRECT"];

/// What is asked for, and what must be among the findings about it.
const ROWS: [(&str, &[&str]); 11] = [
    ("/index.html", OF_A_FILE),
    ("/", OF_A_FILE),
    ("/style.css", OF_A_FILE),
    ("/logo.svg", OF_A_FILE),
    ("/tally-wall.png", OF_A_FILE),
    ("/guide.pdf", OF_A_FILE),
    ("/sample.bin", OF_A_FILE),
    ("/page.txt", &["CONNEG_GZIP_GOOD", "INM_304", "IMS_304", "RANGE_CORRECT"]),
    ("/list/", &["CL_CORRECT", "CONTENT_SECURITY_POLICY", "CONTENT_TYPE_OPTIONS"]),
    ("/list", &["CL_CORRECT", "LOCATION_NOT_ABSOLUTE"]),
    ("/missing", &["CL_CORRECT", "STATUS_NOT_FOUND"]),
];

/// The sample site, a text with a compressed sibling, and a folder without an index file.
fn site() -> Site {
    let site = Site::new();
    for (name, content) in tree(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../www"))) {
        put(&site, str::from_utf8(&name).expect("a name in UTF-8"), &content, 1);
    }
    put(&site, "list/f", b"f", 1);
    let original = put(&site, "page.txt", &b"All work and no play makes Jack a dull boy.\n".repeat(200), 1);
    run(program::command("gzip", site.around()).args(["--keep", "--no-name", "-9"]).arg(&original)).well();
    settle(&original.with_extension("txt.gz"));
    site
}

#[test]
fn no_answer_has_a_fault() {
    let served = Served::start(site(), &[]);
    let audits = ROWS.map(|(path, known)| {
        let mut redbot = python::command(python::REDBOT, &served.downloads());
        (path, known, Program::start(redbot.args(["--output-format", "har", &served.url(path)])))
    });
    let mut unexplained = Vec::new();
    for (path, known, audit) in audits {
        let ended = audit.finish().well();
        let report: Value =
            serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        let entries = report["log"]["entries"].as_array().expect("a HAR file has entries");
        let notes: Vec<&Value> =
            entries.iter().flat_map(|it| it["_red_messages"].as_array().expect("notes")).collect();
        let ids: Vec<&str> = notes.iter().filter_map(|note| note["note_id"].as_str()).collect();
        println!("{path}: {ids:?}");
        for id in known {
            assert!(ids.contains(id), "{path}: no {id} in {ids:?}");
        }
        for note in notes {
            let is_fault = note["level"] != "GOOD" && note["level"] != "INFO";
            if is_fault && !REASONS.iter().any(|(id, _)| note["note_id"] == *id) {
                unexplained.push(format!("{path}: {note}"));
            }
        }
    }
    assert_eq!(unexplained, Vec::<String>::new());
}
