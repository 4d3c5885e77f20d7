//! Where clients come in: the addresses on which every worker listens, with TLS and without.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use rustls::ServerConfig;

use crate::config::{Config, Sourced, StartError};
use crate::connection::h2;
use crate::console;
use crate::listen::{self, BindError, Listening, Places};
use crate::tls::certificates::ACME_TLS_ALPN;
use crate::tls::{Certificates, session};

/// All entrances.
pub(crate) struct Entrances {
    /// The addresses without TLS, at least one.
    pub(crate) plain: Vec<SocketAddr>,
    /// Those with TLS; none without a certificate.
    pub(crate) secured: Vec<SocketAddr>,
    /// For each worker its listeners.
    pub(crate) of_workers: Vec<Vec<Entrance<TcpListener>>>,
}

/// A place where clients come in.
pub(crate) struct Entrance<Listener> {
    pub(crate) listener: Listener,
    /// What protects those who come in by it.
    pub(crate) security: Security,
}

/// What protects a conversation.
#[derive(Clone)]
pub(crate) enum Security {
    None,
    Tls(Arc<ServerConfig>),
}

/// Listens on every address for every worker, or on none.
pub(crate) fn open(config: &Config, certificates: &Arc<Certificates>) -> Result<Entrances, StartError> {
    let Listening { addresses: plain, of_workers } = listen_on(config, &config.listen.port)?;
    let entrance = |security: &Security, listener| Entrance { listener, security: security.clone() };
    let mut of_workers: Vec<Vec<_>> = of_workers
        .into_iter()
        .map(|listeners| listeners.into_iter().map(|it| entrance(&Security::None, it)).collect())
        .collect();
    let protocols: &[&[u8]] = match (&*config.tls.pairs, &config.acme) {
        ([], None) => return Ok(Entrances { plain, secured: Vec::new(), of_workers }),
        ([_, ..], None) => &[h2::ALPN, session::HTTP_1_1],
        (_, Some(_)) => &[h2::ALPN, session::HTTP_1_1, ACME_TLS_ALPN],
    };
    let session = session::server_config(Arc::clone(certificates), protocols)
        .map_err(|error| StartError::misfit(format!("TLS cannot be prepared ({error})")))?;
    let security = Security::Tls(Arc::new(session));
    let Listening { addresses: secured, of_workers: more } = listen_on(config, &config.tls.port)?;
    for (of_worker, listeners) in of_workers.iter_mut().zip(more) {
        of_worker.extend(listeners.into_iter().map(|it| entrance(&security, it)));
    }
    Ok(Entrances { plain, secured, of_workers })
}

/// Says on standard error where there is TLS.
pub(crate) fn announce(secured: &[SocketAddr]) {
    for address in secured {
        let (ip, port) = (listen::shown_ip(address.ip()), address.port());
        console::say(format_args!("the https server is running with ip : {ip} and port no: {port}"));
    }
}

fn listen_on(config: &Config, port: &Sourced<u16>) -> Result<Listening, StartError> {
    let places = Places {
        binds: config.listen.binds.iter().map(|bind| bind.value).collect(),
        port: port.value,
        backlog: config.listen.backlog,
    };
    listen::listen(&places, config.workers.get()).map_err(|error| explain_bind(config, port, &error))
}

/// Says which setting to blame for an address that cannot be listened on.
fn explain_bind(config: &Config, port: &Sourced<u16>, failed: &BindError) -> StartError {
    let BindError { address, error } = failed;
    let bind = config.listen.binds.iter().find(|bind| bind.value.includes(address.ip()));
    match (error.kind(), bind) {
        (io::ErrorKind::AddrInUse, Some(bind)) if port.value == 0 => bind.misfit(
            "overlaps with another address to listen on",
            "leave one of them out, as in: --bind 127.0.0.1",
        ),
        (io::ErrorKind::AddrInUse, _) => {
            let cure = format!("choose another, or 0 for a free one, as in: {} 0", port.given.setting.flag());
            port.misfit("is in use by another program", cure)
        }
        (io::ErrorKind::PermissionDenied, _) => {
            let example = port.given.setting.example_on_command_line();
            let cure = format!(
                "choose one above 1023, as in: {example}, or grant the capability CAP_NET_BIND_SERVICE"
            );
            port.misfit("may not be used by this user", cure)
        }
        (_, Some(bind)) => {
            let predicate = format!("cannot be listened on ({error})");
            bind.misfit(predicate, "name an address of this machine, as in: --bind 127.0.0.1")
        }
        (_, None) => StartError::misfit(format!("{address} cannot be listened on ({error})")),
    }
}
