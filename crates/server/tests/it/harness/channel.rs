//! What lies between a client's words and its socket: nothing, TLS, or a translation to another version of HTTP.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};
use socket2::Socket;

use super::{Identity, Translated};

/// See the module.
pub(crate) enum Channel {
    Plain,
    Tls(Box<ClientConnection>),
    Translated(Box<Translated>),
}

impl Channel {
    /// A session with a server that has this identity and is asked for by this name; it begins with the first words.
    pub(crate) fn to(identity: &Identity, name: &str) -> Self {
        Self::with(&Arc::new(trust(identity)), name)
    }

    /// A session of a client that is set up like this.
    pub(crate) fn with(config: &Arc<ClientConfig>, name: &str) -> Self {
        let name = ServerName::try_from(name.to_owned()).expect("the test writes names");
        Self::Tls(Box::new(ClientConnection::new(Arc::clone(config), name).expect("a session")))
    }

    /// Completes the handshake, where there is one.
    pub(crate) fn shake_hands(&mut self, socket: &mut Socket) -> io::Result<()> {
        match self {
            Self::Plain | Self::Translated(_) => Ok(()),
            Self::Tls(session) => {
                while session.is_handshaking() {
                    session.complete_io(socket)?;
                }
                Ok(())
            }
        }
    }

    /// The first certificate that the server has shown.
    pub(crate) fn shown(&self) -> Option<&CertificateDer<'static>> {
        match self {
            Self::Plain | Self::Translated(_) => None,
            Self::Tls(session) => session.peer_certificates()?.first(),
        }
    }

    pub(crate) fn read(&mut self, socket: &mut Socket, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain => socket.read(room),
            Self::Tls(session) => Stream::new(&mut **session, socket).read(room),
            Self::Translated(session) => session.read(room),
        }
    }

    pub(crate) fn write_all(&mut self, socket: &mut Socket, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain => socket.write_all(bytes),
            Self::Tls(session) => {
                let mut stream = Stream::new(&mut **session, socket);
                stream.write_all(bytes).and_then(|()| stream.flush())
            }
            Self::Translated(session) => session.write_all(bytes),
        }
    }

    /// Says that nothing more comes, where that is said in words.
    pub(crate) fn finish(&mut self, socket: &mut Socket) -> io::Result<()> {
        match self {
            Self::Plain | Self::Translated(_) => Ok(()),
            Self::Tls(session) => {
                session.send_close_notify();
                Stream::new(&mut **session, socket).flush()
            }
        }
    }
}

/// How a client is set up that trusts this identity.
pub(crate) fn trust(identity: &Identity) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(identity.certificate()).expect("one to trust");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    versions.expect("both versions").with_root_certificates(roots).with_no_client_auth()
}
