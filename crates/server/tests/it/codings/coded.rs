//! A client that asks for codings, and takes them off again with decoders of their own.

use std::io::Read;

use crate::harness::{Answer, Conn, Content, SOON, Server, eventually};

/// Text that is worth a coding, different for each seed.
pub(super) fn text(length: usize, seed: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(length + 64);
    for line in 0.. {
        if text.len() >= length {
            break;
        }
        text.extend_from_slice(format!("{seed} line {line}: all the same but {}\n", line * 7919).as_bytes());
    }
    text.truncate(length);
    text
}

/// The content in this coding, as its publisher would have made it.
pub(super) fn encode(coding: &str, content: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    let done = match coding {
        "gzip" => {
            flate2::read::GzEncoder::new(content, flate2::Compression::best()).read_to_end(&mut encoded)
        }
        "br" => brotli::CompressorReader::new(content, 4096, 5, 22).read_to_end(&mut encoded),
        "zstd" => zstd::stream::read::Encoder::new(content, 3).expect("an encoder").read_to_end(&mut encoded),
        other => panic!("{other} is no coding"),
    };
    done.expect("encoding in memory");
    encoded
}

/// What an answer's content is without its coding.
pub(super) fn decode(answer: &Answer) -> Vec<u8> {
    let coded = answer.content.as_slice();
    let mut content = Vec::new();
    let done = match answer.field("Content-Encoding") {
        None => return coded.to_vec(),
        Some("gzip") => flate2::read::GzDecoder::new(coded).read_to_end(&mut content),
        Some("br") => brotli::Decompressor::new(coded, 4096).read_to_end(&mut content),
        Some("zstd") => zstd::stream::read::Decoder::new(coded).expect("a decoder").read_to_end(&mut content),
        Some(other) => panic!("{other} was not asked for"),
    };
    done.expect("it is what it says it is");
    content
}

/// A request with these further field lines, each without its CRLF.
pub(super) fn request(conn: &mut Conn, method: &str, target: &str, lines: &[&str]) -> Answer {
    let lines: String = lines.iter().flat_map(|line| [*line, "\r\n"]).collect();
    conn.send(format!("{method} {target} HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
    let content = if method == "HEAD" { Content::Withheld } else { Content::Sent };
    conn.next(content).expect("an answer")
}

/// A GET that accepts this.
pub(super) fn accept(conn: &mut Conn, target: &str, accept_encoding: &str) -> Answer {
    request(conn, "GET", target, &[&format!("Accept-Encoding: {accept_encoding}")])
}

/// Asks until the answer has an entity tag: the file and its siblings were written too long ago to change unseen.
pub(super) fn settle(server: &Server, target: &str, accept_encoding: &str) -> Answer {
    let mut conn = server.connect();
    eventually("the file settles", SOON, || {
        let answer = accept(&mut conn, target, accept_encoding);
        answer.field("ETag").is_some().then_some(answer)
    })
}

/// The tag of an answer that has one.
pub(super) fn tag(answer: &Answer) -> String {
    answer.field("ETag").expect("a tag").to_owned()
}

/// The coding of an answer, as requests name it.
pub(super) fn coding(answer: &Answer) -> &str {
    answer.field("Content-Encoding").unwrap_or("identity")
}
