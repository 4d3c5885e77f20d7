//! A client that asks without end, and takes every answer, leaves others their turn, whatever it speaks.
//!
//! It asks for nothing that a disk may have to be waited for: it would have more requests under way than it may.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::frames::{
    END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, fields_of, frame, section, streams,
};
use crate::harness::{Server, Site};

/// How many requests are made at a time: what a connection takes before anybody reads it.
const PORTION: u32 = 200;

/// How long another client may wait, with room for a busy machine.
const TURN: Duration = Duration::from_secs(2);

/// How much the one client is answered while others have their turns, in bytes.
const ANSWERED: usize = 10_000_000;

/// Ends a connection, so that those who ask and read on it end.
struct Cut(TcpStream);

impl Drop for Cut {
    fn drop(&mut self) {
        // It may have ended by itself, which those who use it notice.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Asks until the connection ends.
fn ask(mut stream: TcpStream, portions: impl Iterator<Item = Vec<u8>>) {
    let kind = portions.map(|portion| stream.write_all(&portion)).find_map(Result::err).map(|it| it.kind());
    assert!(matches!(kind, Some(ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)), "{kind:?}");
}

/// Reads until the connection ends, and adds up how much it was.
fn read(mut stream: TcpStream, length: &AtomicUsize) {
    let mut room = vec![0; 1 << 20];
    while let Ok(read @ 1..) = stream.read(&mut room) {
        length.fetch_add(read, Ordering::Relaxed);
    }
}

fn check(mut portions: impl Iterator<Item = Vec<u8>> + Send) {
    let site = Site::with(&[("f", "content")]);
    let server = Server::start(&site, &["--workers", "1"]);
    // The server must find requests whenever it looks, from the first time on.
    server.signal(Signal::STOP);
    let mut stream = TcpStream::connect(server.address()).expect("the kernel accepts");
    stream.write_all(&portions.next().expect("there is no end")).expect("the kernel takes the bytes");
    server.signal(Signal::CONT);
    let (asking, reading) = (stream.try_clone().expect("a socket"), stream.try_clone().expect("a socket"));
    let length = &AtomicUsize::new(0);
    thread::scope(move |scope| {
        scope.spawn(move || ask(asking, portions));
        let reading = scope.spawn(move || read(reading, length));
        // Whatever happens here, it ends before the others are waited for.
        let _cut = Cut(stream);
        while length.load(Ordering::Relaxed) < ANSWERED {
            let start = Instant::now();
            assert_eq!(server.fetch("/f").content, b"content");
            let took = start.elapsed();
            assert!(took < TURN, "others had to wait for {took:?}");
            assert!(!reading.is_finished(), "the server has ended the connection");
        }
    });
}

#[test]
fn over_http_1() {
    let requests = b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n".repeat(PORTION as usize);
    check(std::iter::repeat(requests));
}

#[test]
fn over_http_2() {
    let block = section(&fields_of("OPTIONS", "*"));
    let requests = move |portion: u32| -> Vec<u8> {
        let streams = streams(portion, PORTION);
        streams.flat_map(|stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &block)).collect()
    };
    let first = [PREFACE, &frame(SETTINGS, 0, 0, &[]), &requests(0)].concat();
    check(std::iter::once(first).chain((1..).map(requests)));
}
