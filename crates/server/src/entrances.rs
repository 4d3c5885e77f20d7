//! Where clients come in: the addresses on which every worker listens, with TLS and without.

use std::fmt::Display;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use rustls::ServerConfig;

use crate::config::{Config, Http3, Sourced, StartError};
use crate::connection::h2;
use crate::console;
use crate::listen::{self, BindError, Carriers, Listening, Places};
use crate::quic;
use crate::tls::certificates::ACME_TLS_ALPN;
use crate::tls::{Certificates, session};

/// All entrances.
pub(crate) struct Entrances {
    /// The addresses without TLS, at least one.
    pub(crate) plain: Vec<SocketAddr>,
    /// Those with TLS; none without a certificate.
    pub(crate) secured: Vec<SocketAddr>,
    /// For each worker its own.
    pub(crate) of_workers: Vec<WorkerEntrances>,
}

/// Those of one worker.
#[derive(Default)]
pub(crate) struct WorkerEntrances {
    /// For clients that come by TCP.
    pub(crate) listeners: Vec<Entrance<TcpListener>>,
    /// For those that come by QUIC.
    pub(crate) places: Vec<quic::Place>,
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
    let Listening { addresses: plain, of_workers, .. } =
        listen_on(config, &config.listen.port, Carriers::Streams)?;
    let mut entrances = Entrances { plain, secured: Vec::new(), of_workers: Vec::new() };
    entrances.of_workers.resize_with(of_workers.len(), WorkerEntrances::default);
    entrances.add(&Security::None, of_workers);
    let protocols: &[&[u8]] = match (&*config.tls.pairs, &config.acme) {
        ([], None) => return Ok(entrances),
        ([_, ..], None) => &[h2::ALPN, session::HTTP_1_1],
        (_, Some(_)) => &[h2::ALPN, session::HTTP_1_1, ACME_TLS_ALPN],
    };
    let session = session::server_config(Arc::clone(certificates), protocols)
        .map_err(|error| StartError::misfit(format!("TLS cannot be prepared ({error})")))?;
    let carriers = match config.tls.http3 {
        Http3::Offered => Carriers::StreamsAndDatagrams,
        Http3::Absent => Carriers::Streams,
    };
    let Listening { addresses, of_workers, datagrams } = listen_on(config, &config.tls.port, carriers)?;
    entrances.secured = addresses;
    entrances.add(&Security::Tls(Arc::new(session)), of_workers);
    if config.tls.http3 == Http3::Offered {
        entrances.add_places(&quic_config(config, certificates)?, datagrams);
    }
    Ok(entrances)
}

impl Entrances {
    /// Adds listeners, for each worker its own.
    fn add(&mut self, security: &Security, of_workers: Vec<Vec<TcpListener>>) {
        for (worker, listeners) in self.of_workers.iter_mut().zip(of_workers) {
            let entrance = |listener| Entrance { listener, security: security.clone() };
            worker.listeners.extend(listeners.into_iter().map(entrance));
        }
    }

    /// Adds sockets for QUIC, of each address the workers'.
    fn add_places(&mut self, config: &quinn::ServerConfig, of_addresses: Vec<Vec<UdpSocket>>) {
        for sockets in of_addresses {
            let places = quic::places(sockets, config);
            self.of_workers.iter_mut().zip(places).for_each(|(worker, place)| worker.places.push(place));
        }
    }
}

/// What QUIC connections begin from.
fn quic_config(config: &Config, certificates: &Arc<Certificates>) -> Result<quinn::ServerConfig, StartError> {
    let impossible = |error: &dyn Display| StartError::misfit(format!("HTTP/3 cannot be prepared ({error})"));
    let session = session::server_config(Arc::clone(certificates), &[session::HTTP_3])
        .map_err(|error| impossible(&error))?;
    quic::server_config(session, config.limits.idle_timeout).map_err(|error| impossible(&error))
}

/// Says on standard error where there is TLS.
pub(crate) fn announce(secured: &[SocketAddr]) {
    for address in secured {
        let (ip, port) = (listen::shown_ip(address.ip()), address.port());
        console::say(format_args!("the https server is running with ip : {ip} and port no: {port}"));
    }
}

fn listen_on(config: &Config, port: &Sourced<u16>, carriers: Carriers) -> Result<Listening, StartError> {
    let places = Places {
        binds: config.listen.binds.iter().map(|bind| bind.value).collect(),
        port: port.value,
        backlog: config.listen.backlog,
        carriers,
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
