//! Sending a directory's listing: read on a thread that may wait, rendered and sent in chunks.

use tallyd_http::accept::ListingForm;
use tallyd_http::h1::persistence::Persistence;
use tallyd_http::h1::writer::{write_chunk, write_end, write_field};
use tallyd_http::request::Version;
use tallyd_http::response::RetrievalMethod;
use tallyd_http::status::Status;
use tallyd_http::target::SitePath;

use super::answer::begin;
use super::buffers::Output;
use super::socket::{End, Followed, Socket};
use crate::site::listing::{Listing, Progress, Query};
use crate::worker::Worker;

/// What a client asked to see of a directory.
pub(super) struct ListingOrder {
    pub(super) path: SitePath<'static>,
    pub(super) query: Query,
    pub(super) form: ListingForm,
    pub(super) method: RetrievalMethod,
    pub(super) version: Version,
    pub(super) persistence: Persistence,
}

/// How the end of a listing is told, whose length is known only when it is rendered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// It fits one chunk of the rendering.
    Length,
    Chunked,
    /// HTTP/1.0 knows no chunks: the content ends with the connection (RFC 9112 §6.3).
    Close,
}

impl ListingOrder {
    /// Sends the listing that was read for this order; returns what becomes of the connection.
    pub(super) async fn send(
        &self,
        mut listing: Listing,
        socket: &mut Socket,
        output: &mut Output,
        worker: &Worker,
    ) -> Result<Persistence, End> {
        let mut chunk = Vec::new();
        let mut progress = listing.render(&mut chunk);
        let framing = match (progress, self.version) {
            (Progress::Done, _) => Framing::Length,
            (Progress::More, Version::Http11) => Framing::Chunked,
            (Progress::More, Version::Http10) => Framing::Close,
        };
        let persistence = if framing == Framing::Close { Persistence::Close } else { self.persistence };
        self.write_head(framing, chunk.len(), persistence, output, worker);
        if self.method == RetrievalMethod::Head {
            return Ok(persistence);
        }
        loop {
            match framing {
                Framing::Length | Framing::Close => output.bytes.extend_from_slice(&chunk),
                Framing::Chunked => write_chunk(&mut output.bytes, &chunk),
            }
            if progress == Progress::Done {
                break;
            }
            socket.send(&output.bytes, Followed::ByMore).await?;
            output.bytes.clear();
            chunk.clear();
            // Others get their turn between two chunks.
            tokio::task::yield_now().await;
            progress = listing.render(&mut chunk);
        }
        if framing == Framing::Chunked {
            write_chunk(&mut output.bytes, b"");
        }
        socket.send(&output.bytes, Followed::ByNothing).await?;
        output.bytes.clear();
        Ok(persistence)
    }

    fn write_head(
        &self,
        framing: Framing,
        length: usize,
        persistence: Persistence,
        output: &mut Output,
        worker: &Worker,
    ) {
        begin(Status::OK, worker, output);
        for (name, value) in worker.site.listing_fields(self.form) {
            write_field(&mut output.bytes, name, value);
        }
        match framing {
            Framing::Length => write_field(&mut output.bytes, "Content-Length", &length.to_string()),
            Framing::Chunked => write_field(&mut output.bytes, "Transfer-Encoding", "chunked"),
            Framing::Close => {}
        }
        write_end(&mut output.bytes, persistence);
    }
}
