//! The admin side's listener: opened at the start, so that trouble is said there, and served by hyper.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;

use super::budget::{Budget, Urgency};
use super::guard::Guard;
use super::patient::Patient;
use crate::config::{self, AdminAddress, AdminUrl, StartError, Token};

/// Visitors at a time; the next waits until one goes. The streams of events leave room for others.
const CONNECTIONS: usize = 256;

/// How long a head may take, and a connection rest between two requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head, in bytes: the longest path, every byte of it percent-encoded.
const HEAD_BYTES: usize = 128 * 1024;

/// How long accepting pauses when the system is out of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listener, and who may be answered on it.
pub(crate) struct Opened {
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
    pub(super) guard: Guard,
}

/// The address that the connection was made to.
#[derive(Clone, Copy, Debug)]
pub(super) struct LocalAddress(pub(super) SocketAddr);

impl Opened {
    /// Opens what the settings say; `None` if they say that there is no admin side.
    pub(crate) fn open(config: &config::Admin) -> Result<Option<Opened>, StartError> {
        let Some((address, token)) = admission(config)? else { return Ok(None) };
        let misfit = |error: io::Error| {
            config.address.misfit(
                format_args!("cannot be listened on ({error})"),
                "name another address of this machine, or off, as in: --admin 127.0.0.1:0",
            )
        };
        let listener = TcpListener::bind(address).map_err(misfit)?;
        listener.set_nonblocking(true).map_err(misfit)?;
        let address = listener.local_addr().map_err(misfit)?;
        Ok(Some(Opened { listener, address, guard: Guard::new(config.hosts.clone(), token) }))
    }

    /// Where a visitor on this machine finds it.
    pub(crate) fn url(&self) -> AdminUrl {
        AdminUrl::of_listener(self.address)
    }
}

/// Where visitors are answered and what they must know, if others may not come there unasked; `None` if there is no admin
/// side. Nothing is opened but the file with the token.
pub(crate) fn admission(config: &config::Admin) -> Result<Option<(SocketAddr, Option<Token>)>, StartError> {
    let AdminAddress::At(address) = config.address.value else { return Ok(None) };
    let token = config::token(config.token.as_ref(), config.token_file.as_ref())?;
    if !address.ip().is_loopback() && token.is_none() && !config.insecure {
        return Err(config.address.misfit(
            "can be reached by others, and there is no token",
            "set one by --admin-token-file, listen on 127.0.0.1, or allow it by --admin-insecure",
        ));
    }
    Ok(Some((address, token)))
}

/// Accepts visitors for as long as it is not aborted.
pub(super) async fn accept(listener: TcpListener, router: Router, budget: Arc<Budget>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HEAD_BYTES);
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        budget.turn(Urgency::Urgent).await;
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(address) = stream.local_addr() else { continue };
        let router = router.clone();
        let service = tower::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(LocalAddress(address));
            tower::ServiceExt::oneshot(router.clone(), request)
        });
        let conversation =
            http.serve_connection(TokioIo::new(Patient::new(stream)), TowerToHyperService::new(service));
        tokio::spawn(async move {
            // A visitor who goes away, or speaks something else, is no concern of others.
            let _ = conversation.await;
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use axum::routing::get;

    use super::*;

    /// What is answered, on a connection of its own.
    fn ask(address: SocketAddr, target: &str) -> String {
        let mut stream = TcpStream::connect(address).expect("it listens");
        write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it ends");
        answer
    }

    #[test]
    fn a_panic_ends_its_own_request() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
            listener.set_nonblocking(true).expect("a listener can be");
            let address = listener.local_addr().expect("it has an address");
            let panics = get(async || -> &'static str { panic!("a fault of ours, on purpose") });
            let router = Router::new().route("/panics", panics).route("/answers", get(async || "here"));
            let accepting = tokio::spawn(accept(listener, router, Arc::new(Budget::new())));
            let asking = tokio::task::spawn_blocking(move || {
                // Were their places not given back, there would be none left at the end.
                for _ in 0..CONNECTIONS {
                    assert_eq!(ask(address, "/panics"), "");
                }
                ask(address, "/answers")
            });
            assert!(asking.await.expect("it asks").ends_with("here"));
            accepting.abort();
        });
    }
}
