//! Follows the events of an admin side on a thread of its own, and goes on trying when it is gone.
//!
//! HTTP is hyper's, which the admin side is made of; what is parsed here is the text of server-sent events (HTML Living
//! Standard, "Server-sent events"), as far as this one server writes them.

use std::io;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

use super::Told;
use super::snapshot::Snapshot;
use crate::config::{AdminUrl, Token};

/// How long a server may be silent: snapshots come about once a second.
const SILENCE: Duration = Duration::from_secs(10);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest event, in bytes: 100 transfers and 40 files, each with a path of 4 KiB whose bytes are all escaped.
const LONGEST_EVENT: usize = 16 << 20;

/// Follows the events of the server at `url`, and tells of each and of a signal to end; ends when nobody listens.
pub(super) fn follow(url: AdminUrl, token: Option<Token>, told: Sender<Told>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let signals = {
        let _context = runtime.enter();
        [signal(SignalKind::terminate())?, signal(SignalKind::hangup())?, signal(SignalKind::interrupt())?]
    };
    thread::Builder::new().name("feed".to_owned()).spawn(move || {
        let [mut terminate, mut hangup, mut interrupt] = signals;
        runtime.block_on(async {
            tokio::select! {
                () = attempts(&url, token.as_ref(), &told) => {}
                _ = terminate.recv() => {}
                _ = hangup.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        // Whoever listened may have ended by itself.
        let _ = told.send(Told::End);
    })?;
    Ok(())
}

/// One connection after the other, until nobody listens.
async fn attempts(url: &AdminUrl, token: Option<&Token>, told: &Sender<Told>) {
    loop {
        let lost = match attempt(url, token, told).await {
            Ok(()) => return,
            Err(lost) => lost,
        };
        if told.send(Told::Lost(lost)).is_err() {
            return;
        }
        sleep(PAUSE).await;
    }
}

/// Follows one connection to its end; `Ok` if nobody listens any more.
async fn attempt(url: &AdminUrl, token: Option<&Token>, told: &Sender<Told>) -> Result<(), String> {
    let mut events = timeout(SILENCE, open(url, token)).await.map_err(|_| "it is silent".to_owned())??;
    let mut unread = Vec::new();
    loop {
        let frame = timeout(SILENCE, events.frame()).await.map_err(|_| "it is silent".to_owned())?;
        let frame = frame.ok_or("it has ended")?.map_err(|error| error.to_string())?;
        let Ok(data) = frame.into_data() else { continue };
        unread.extend_from_slice(&data);
        if unread.len() > LONGEST_EVENT {
            return Err("it says more than it should".to_owned());
        }
        while let Some(event) = next_event(&mut unread) {
            let Some(data) = data_of(&event) else { continue };
            let snapshot: Snapshot =
                serde_json::from_slice(&data).map_err(|error| format!("it is no tallyd ({error})"))?;
            if told.send(Told::Snapshot(Box::new(snapshot))).is_err() {
                return Ok(());
            }
        }
    }
}

/// Asks for the events.
async fn open(url: &AdminUrl, token: Option<&Token>) -> Result<Incoming, String> {
    let stream = TcpStream::connect(url.authority()).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // It ends with the answer, whose reader hears of it.
    tokio::spawn(async move { drop(connection.await) });
    let mut request =
        Request::get(format!("{}/api/v1/events", url.base_path())).header(HOST, url.authority());
    if let Some(token) = token {
        request = request.header(AUTHORIZATION, [b"Bearer ", token.as_bytes()].concat());
    }
    let request = request.body(Empty::<Bytes>::new()).map_err(|error| error.to_string())?;
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    match answer.status() {
        StatusCode::OK => Ok(answer.into_body()),
        StatusCode::UNAUTHORIZED => Err("its token is needed, as in: --admin-token-file FILE".to_owned()),
        status => Err(format!("it answered {status}")),
    }
}

/// Takes the first whole event; events end in an empty line.
fn next_event(unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = unread.windows(2).position(|pair| pair == b"\n\n")?;
    let event = unread[..end].to_vec();
    unread.drain(..end + 2);
    Some(event)
}

/// The data of an event, its lines joined; nothing for a comment.
fn data_of(event: &[u8]) -> Option<Vec<u8>> {
    let lines = event.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data:"));
    let lines: Vec<&[u8]> = lines.map(|line| line.strip_prefix(b" ").unwrap_or(line)).collect();
    (!lines.is_empty()).then(|| lines.join(&b'\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_in_pieces() {
        let check = |text: &str, expect: &[&str], rest: &str| {
            let mut unread = text.as_bytes().to_vec();
            let mut seen = Vec::new();
            while let Some(event) = next_event(&mut unread) {
                seen.extend(data_of(&event).map(|data| String::from_utf8(data).expect("text")));
            }
            assert_eq!(
                (seen.iter().map(String::as_str).collect::<Vec<_>>(), unread),
                (expect.to_vec(), rest.into())
            );
        };
        check("", &[], "");
        check("data: {", &[], "data: {");
        check("event: snapshot\nid: 1\ndata: {}\n\n", &["{}"], "");
        check("data:a\ndata: b\n\ndata: c\n\nda", &["a\nb", "c"], "da");
        check(": still here\n\ndata: x\n\n", &["x"], "");
    }
}
