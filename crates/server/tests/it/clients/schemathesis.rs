//! What `schemathesis` finds in the API: it asks for all that the OpenAPI document allows, and for what it does not, and holds
//! every answer against the document.

use crate::admin::visitor::Visitor;
use crate::harness::{SOON, Server, Site, eventually};

use super::program::run;
use super::python;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/admin/openapi.json");

/// What an answer is held against. Not among them: that every text the document allows is accepted, for the longest one
/// is longer than a target may be when all of it is percent-encoded.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
     response_headers_conformance,response_schema_conformance,unsupported_method";

#[test]
fn every_answer_is_as_the_document_says() {
    let site = Site::with(&[("a.txt", "hello")]);
    let server = Server::start(&site, &[]);
    let visitor = Visitor::of(&server);
    server.fetch("/a.txt");
    eventually("there is something to tell", SOON, || {
        (visitor.json("/api/v1/files")["matching"] == 1).then_some(())
    });
    let mut schemathesis = python::command(python::SCHEMATHESIS, site.around());
    schemathesis.args(["run", DOCUMENT, "--url", &format!("http://{}", visitor.0), "--checks", CHECKS]);
    // Streams do not end; they have tests of their own.
    schemathesis.args([
        "--exclude-path",
        "/api/v1/events",
        "--phases",
        "coverage,fuzzing",
        "--max-examples",
        "20",
    ]);
    schemathesis.args(["--generation-deterministic", "--no-color"]);
    let ended = run(&mut schemathesis).well();
    assert!(ended.stdout.contains("No issues found"), "{}", ended.stdout);
}
