//! The run: from a configuration to a serving process, and from a signal to its end.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tallyd_ledger::tally::Ledger;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::access_log::{AccessLog, Writer};
use crate::backend::folder::Folder;
use crate::backend::remembered;
use crate::config::{self, Config, LogFile, LogFormat, StartError};
use crate::connection::roster::Limits;
use crate::listen::{self, BindError, Listening, Places};
use crate::site::Publication;
use crate::site::listing::{DotNames, Listings};
use crate::worker::{self, Equipment, Stage};

/// How long a stalled output may hold up the end of the process.
const LOG_PATIENCE: Duration = Duration::from_secs(1);

/// How long connections that are cut have to say so in the log.
const CUT_PATIENCE: Duration = Duration::from_secs(1);

/// Descriptors that are neither connections nor remembered files: standard streams, listeners, runtimes, files that are
/// being looked at.
const DESCRIPTORS_FOR_ALL_ELSE: usize = 32;

/// Serves until a signal ends it.
pub(crate) fn serve(config: &Config) -> Result<(), StartError> {
    let folder = Folder::new(config::root::open(&config.root)?);
    let log_output = open_log(config)?;
    let workers = config.workers.get();
    let descriptors = raise_descriptor_limit();
    let Listening { addresses, of_workers } =
        listen::listen(&places(config), workers).map_err(|error| explain_bind(config, &error))?;
    let (log, writer) = start_log(config, log_output, &addresses)?;
    let equipment = Equipment {
        publication: Arc::new(Publication {
            folder,
            index: config.folders.index.clone(),
            listings: Listings::new(config.folders.listing, DotNames::Hidden),
            ledger: Ledger::default(),
        }),
        memory_bytes: config.cache_bytes / workers as u64,
        limits: Limits {
            idle_timeout: config.limits.idle_timeout,
            header_timeout: config.limits.header_timeout,
            min_rate: config.limits.min_rate_bytes_per_s,
            rate_window: config.limits.rate_window,
        },
        max_connections: max_connections(descriptors, config.cache_bytes, config.workers),
        log,
    };
    let (stage, _) = watch::channel(Stage::Serving);
    for (number, listeners) in of_workers.into_iter().enumerate() {
        worker::start(number, listeners, equipment.clone(), stage.subscribe()).map_err(|error| {
            StartError::misfit(format!("no thread can be started for a worker ({error})"))
        })?;
    }
    // The workers hold the only ends of the log that are left, so that it ends with them.
    drop(equipment);
    let ended = wait_for_the_end(&stage, config.limits.grace)
        .map_err(|error| StartError::misfit(format!("signals cannot be received ({error})")));
    writer.finish(LOG_PATIENCE);
    ended
}

fn places(config: &Config) -> Places {
    Places {
        binds: config.listen.binds.iter().map(|bind| bind.value).collect(),
        port: config.listen.port.value,
        backlog: config.listen.backlog,
    }
}

/// Says which setting to blame for an address that cannot be listened on.
fn explain_bind(config: &Config, failed: &BindError) -> StartError {
    let BindError { address, error } = failed;
    let bind = config.listen.binds.iter().find(|bind| bind.value.includes(address.ip()));
    match (error.kind(), bind) {
        (io::ErrorKind::AddrInUse, _) => config
            .listen
            .port
            .misfit("is in use by another program", "choose another, or 0 for a free one, as in: --port 0"),
        (io::ErrorKind::PermissionDenied, _) => config.listen.port.misfit(
            "may not be used by this user",
            "choose one above 1023, as in: --port 8080, or grant the capability CAP_NET_BIND_SERVICE",
        ),
        (_, Some(bind)) => {
            let predicate = format!("cannot be listened on ({error})");
            bind.misfit(predicate, "name an address of this machine, as in: --bind 127.0.0.1")
        }
        (_, None) => StartError::misfit(format!("{address} cannot be listened on ({error})")),
    }
}

/// Where lines go; nowhere if there are none.
fn open_log(config: &Config) -> Result<Box<dyn Write + Send>, StartError> {
    match (config.log.format, &config.log.file.value) {
        (LogFormat::Off, _) => Ok(Box::new(io::sink())),
        (LogFormat::Tally, LogFile::StandardOutput) => Ok(Box::new(io::stdout())),
        (LogFormat::Tally, LogFile::Path(path)) => match append_to(path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(config.log.file.misfit(
                format_args!("cannot be written ({error})"),
                "name a file in a folder that this user may write to, as in: --log-file access.log",
            )),
        },
    }
}

fn append_to(path: &Path) -> io::Result<std::fs::File> {
    OpenOptions::new().append(true).create(true).open(path)
}

/// Starts the log with the banner. Where standard output does not carry it, standard error does: the port must be known.
fn start_log(
    config: &Config,
    output: Box<dyn Write + Send>,
    addresses: &[SocketAddr],
) -> Result<(AccessLog, Writer), StartError> {
    let banner: String = addresses.iter().map(|address| banner_line(*address)).collect();
    if config.log.format == LogFormat::Off || config.log.file.value != LogFile::StandardOutput {
        eprint!("{banner}");
    }
    AccessLog::start(config.log.format, output, banner)
        .map_err(|error| StartError::misfit(format!("no thread can be started for the access log ({error})")))
}

fn banner_line(address: SocketAddr) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let (ip, port): (IpAddr, u16) = (listen::shown_ip(address.ip()), address.port());
    format!("The http server is running on host : {host} with ip : {ip} and port no: {port}.\n")
}

/// Allows this process as many descriptors as it may have; returns how many that is.
fn raise_descriptor_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // Refused or not, the limit that holds afterwards is what counts.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let descriptors = getrlimit(Resource::Nofile).current.or(current).unwrap_or(u64::MAX);
    usize::try_from(descriptors).unwrap_or(usize::MAX)
}

/// A worker's share of the descriptors that are left for connections, when each may be sending a file of its own.
fn max_connections(descriptors: usize, memory_bytes: u64, workers: NonZeroUsize) -> usize {
    let reserved = DESCRIPTORS_FOR_ALL_ELSE + remembered::most_descriptors(memory_bytes).min(descriptors / 4);
    (descriptors.saturating_sub(reserved) / workers).max(1)
}

/// Waits for a signal, then for the transfers under way, for `grace` at most. A second signal ends at once.
fn wait_for_the_end(stage: &watch::Sender<Stage>, grace: Duration) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(async {
        let mut signals = EndSignals::new()?;
        signals.next().await;
        stage.send_replace(Stage::Draining);
        if !signals.come_before(stage.closed(), grace).await {
            return Ok(());
        }
        stage.send_replace(Stage::Ending);
        // Whoever has not ended by now is ended with the process.
        let _ = tokio::time::timeout(CUT_PATIENCE, stage.closed()).await;
        Ok(())
    })
}

/// The signals that end the process, and one that must not.
struct EndSignals {
    terminate: Signal,
    interrupt: Signal,
    /// Held so that a hang-up, as of the terminal that started the server, does not kill it.
    _hang_up: Signal,
}

impl EndSignals {
    fn new() -> io::Result<EndSignals> {
        Ok(EndSignals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            _hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for either signal.
    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            if self.terminate.poll_recv(context).is_ready() || self.interrupt.poll_recv(context).is_ready() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        })
        .await;
    }

    /// Whether a signal, or the end of `grace`, comes before `done`.
    async fn come_before(&mut self, done: impl Future<Output = ()>, grace: Duration) -> bool {
        let mut done = std::pin::pin!(done);
        let mut next = std::pin::pin!(tokio::time::timeout(grace, self.next()));
        std::future::poll_fn(|context| {
            if done.as_mut().poll(context).is_ready() {
                std::task::Poll::Ready(false)
            } else {
                next.as_mut().poll(context).map(|_| true)
            }
        })
        .await
    }
}
