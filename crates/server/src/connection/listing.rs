//! Answering with a directory's listing: its head at once, its content in chunks as it is rendered.

use tallyd_http::accept::ListingForm;
use tallyd_http::h1::persistence::Persistence;
use tallyd_http::h1::writer::{write_chunk, write_end, write_field};
use tallyd_http::request::{Request, Version};
use tallyd_http::response::RetrievalMethod;
use tallyd_http::status::Status;
use tallyd_http::target::SitePath;

use super::answer::{Answered, begin, expect_unnumbered, write_added_fields};
use super::buffers::Output;
use super::socket::{End, Followed, Socket};
use crate::access_log::Asked;
use crate::site::listing::{Listing, Progress, Query};
use crate::worker::Worker;

/// What a client asked to see of a directory.
pub(super) struct ListingOrder {
    pub(super) path: SitePath<'static>,
    pub(super) query: Query,
    pub(super) form: ListingForm,
}

/// How the end of a listing is told, whose length is known only when it is rendered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// It fits one chunk of the rendering.
    Length(usize),
    Chunked,
    /// HTTP/1.0 knows no chunks: the content ends with the connection (RFC 9112 §6.3).
    Close,
    /// The content ends with its stream (RFC 9113 §8.1, RFC 9114 §4.1).
    Stream,
}

/// A listing whose head is in the output.
pub(super) struct Rendering {
    listing: Listing,
    /// What is rendered and not sent.
    chunk: Vec<u8>,
    progress: Progress,
    framing: Framing,
}

/// Answers with a listing that was read.
pub(super) fn answer_with_listing(
    mut listing: Listing,
    request: &Request<'_>,
    method: RetrievalMethod,
    persistence: Persistence,
    worker: &Worker,
    output: &mut Output,
) -> Answered {
    let mut chunk = Vec::new();
    let progress = listing.render(&mut chunk);
    let framing = match (progress, request.version) {
        (Progress::Done, _) => Framing::Length(chunk.len()),
        (Progress::More, Version::Http11) => Framing::Chunked,
        (Progress::More, Version::Http10) => Framing::Close,
        (Progress::More, Version::Http2 | Version::Http3) => Framing::Stream,
    };
    let persistence = if framing == Framing::Close { Persistence::Close } else { persistence };
    write_head(&listing, request, framing, persistence, worker, output);
    let content_length = match (method, framing) {
        (RetrievalMethod::Head, _) => 0,
        (RetrievalMethod::Get, Framing::Length(length)) => length as u64,
        // It is said when it is known.
        (RetrievalMethod::Get, Framing::Chunked | Framing::Close | Framing::Stream) => u64::MAX,
    };
    expect_unnumbered(Asked::Read(request), Status::OK, content_length, worker, output);
    match method {
        RetrievalMethod::Head => Answered::Wholly(persistence),
        RetrievalMethod::Get => {
            let rendering = Rendering { listing, chunk, progress, framing };
            Answered::ButForListing(Box::new(rendering), persistence)
        }
    }
}

fn write_head(
    listing: &Listing,
    request: &Request<'_>,
    framing: Framing,
    persistence: Persistence,
    worker: &Worker,
    output: &mut Output,
) {
    begin(Status::OK, worker, output);
    write_added_fields(Some(request), worker, output);
    let fields = Listing::fields(listing.form());
    for (name, value) in fields.filter(|(name, _)| !worker.site.added_fields().has_everywhere(name)) {
        write_field(&mut output.bytes, name, value);
    }
    match framing {
        Framing::Length(length) => write_field(&mut output.bytes, "Content-Length", &length.to_string()),
        Framing::Chunked => write_field(&mut output.bytes, "Transfer-Encoding", "chunked"),
        Framing::Close | Framing::Stream => {}
    }
    write_end(&mut output.bytes, persistence);
}

impl Rendering {
    /// Takes the next piece of the content, for those who send it without chunks; nothing after the last.
    pub(super) fn next_piece(&mut self) -> Option<Vec<u8>> {
        if self.chunk.is_empty() && self.progress == Progress::More {
            self.progress = self.listing.render(&mut self.chunk);
        }
        let piece = std::mem::take(&mut self.chunk);
        (!piece.is_empty()).then_some(piece)
    }

    /// Sends what is in the output, and the content behind it.
    pub(super) async fn send(mut self, socket: &mut Socket, output: &mut Output) -> Result<(), End> {
        loop {
            match self.framing {
                Framing::Length(_) | Framing::Close | Framing::Stream => {
                    output.bytes.extend_from_slice(&self.chunk);
                }
                Framing::Chunked => write_chunk(&mut output.bytes, &self.chunk),
            }
            if self.progress == Progress::Done {
                break;
            }
            let sent = socket.send(&output.bytes, Followed::ByMore).await;
            output.bytes.clear();
            output.at = socket.position();
            sent?;
            // Others get their turn between two chunks.
            tokio::task::yield_now().await;
            self.chunk.clear();
            self.progress = self.listing.render(&mut self.chunk);
        }
        if self.framing == Framing::Chunked {
            write_chunk(&mut output.bytes, b"");
        }
        output.receipts.last_ends_at(output.position());
        Ok(())
    }
}
