//! The run: from a configuration to a serving process, and from a signal to its end.

use std::hash::RandomState;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tallyd_http::media_type::MediaTypes;
use tallyd_http::validator::TagScope;
use tokio::sync::watch;

use crate::access_log::{AccessLog, Committed, Destination, File, Scribe, Writer, numbered};
use crate::acme;
use crate::acme::challenge::Ports;
use crate::admin::{About, Admin, Deliveries, Opened, Signpost, Sources, Witnessed};
use crate::backend::folder::Folder;
use crate::backend::remembered;
use crate::backend::withheld::{Own, Withheld};
use crate::clock;
use crate::compression::{Compress, Compressor};
use crate::config::{self, Config, LogFile, LogFormat, StartError, ledger_file};
use crate::connection::presence::Limits;
use crate::console;
use crate::counting;
use crate::ending::{Anew, Ending};
use crate::entrances::{self, Entrances};
use crate::fingerprints::Fingerprints;
use crate::footprint;
use crate::listen;
use crate::renewal::{Publisher, Renewal, Standing};
use crate::site::added_fields::AddedFields;
use crate::site::cors::Cors;
use crate::site::entity_tags::{EntityTags, TagSource};
use crate::site::error_pages::{self, ErrorPages};
use crate::site::https::Https;
use crate::site::listing::Listings;
use crate::site::routes::Routes;
use crate::site::{Edition, Publication};
use crate::tls::Certificates;
use crate::tls::files::{CertificateFiles, read_all};
use crate::worker::{self, Equipment, Stage};

/// How long a stalled output may hold up the end of the process.
const LOG_PATIENCE: Duration = Duration::from_secs(1);

/// How long a ledger that fails is tried at the end, if transfers have left less of the grace: some attempts' time.
const LEDGER_PATIENCE: Duration = Duration::from_millis(500);

/// Descriptors of the process that belong to no worker: standard streams, the log, the root (and the one that
/// replaces it), the main thread's runtime, the ledger's two connections with their log and lock, the admin side's
/// runtime, listener and view of the ledger, and the runtime, lock and connections of those who order certificates.
const DESCRIPTORS: usize = 40;

/// Serves until a signal ends it. An error may also come at the end: then not everything counted is in the ledger.
pub(crate) fn serve(config: &Config) -> Result<(), StartError> {
    let mut ending = Ending::prepare()
        .map_err(|error| StartError::misfit(format!("signals cannot be received ({error})")))?;
    console::start()
        .map_err(|error| StartError::misfit(format!("no thread can be started for the console ({error})")))?;
    let folder = Folder::new(config::root::open(&config.root)?, config.files.links).map_err(|error| {
        config.root.misfit(
            format_args!("cannot be guarded by this kernel ({error})"),
            "Linux 5.12 or later is needed",
        )
    })?;
    let certificates = Certificates::new(read_all(&config.tls.pairs)?);
    let log_output = open_log(config)?;
    let workers = config.workers.get();
    let descriptors = raise_descriptor_limit();
    let acme = acme::Opened::open(config, &certificates)?;
    let Entrances { plain: addresses, secured, of_workers } = entrances::open(config, &certificates)?;
    let (log, scribe) = AccessLog::open(config.log.format);
    let admin = Opened::open(&config.admin)?;
    let deliveries = admin.as_ref().map(|_| Deliveries::default());
    let committed = Witnessed::new(Committed::new(log.clone()), deliveries.clone());
    let ledger = counting::open(config, committed)?;
    // Only the owner of the ledger may write beside it.
    let url = admin.as_ref().map(Opened::url);
    let _signpost = config.ledger.path(&config.root)?.and_then(|it| Signpost::put_up(&it, url.as_ref()));
    let media_types = MediaTypes::new(config.fields.types.clone());
    let (renewal, editions) = start_renewal(config, folder, media_types.clone(), Arc::clone(&certificates))?;
    let publication = Publication {
        index: config.folders.index.clone(),
        listings: Listings::new(config.folders.listing, config.files.dot_names, config.folders.column),
        badges: config.folders.badges,
        precompressed: config.files.precompressed,
        base: config.addresses.base.clone(),
        routes: Routes::new(config.addresses.redirects.clone(), config.addresses.rewrites.clone()),
        https: https_of(config, &secured),
        stand_in: config.addresses.stand_in.clone(),
        media_types,
        added_fields: AddedFields::new(
            config.fields.hardening,
            config.fields.rules.clone(),
            Cors::new(&config.fields.cors),
        ),
        tags: start_tags(config.files.tags)?,
        proofs: acme.as_ref().map(acme::Opened::proofs),
        compressor: start_compressor(config)?,
        ledger: ledger.clone(),
        identities: RandomState::new(),
    };
    let equipment = Equipment {
        publication: Arc::new(publication),
        editions,
        memory_bytes: config.cache_bytes / workers as u64,
        limits: limits_of(config),
        max_connections: max_connections(descriptors, config.cache_bytes, config.workers),
        log: log.clone(),
        verbosity: config.log.verbosity,
    };
    let (stage, _) = watch::channel(Stage::Serving);
    let mut inquiries = Vec::with_capacity(workers);
    for (number, entrances) in of_workers.into_iter().enumerate() {
        let inquiry = worker::start(number, entrances, equipment.clone(), stage.subscribe()).map_err(|error| {
            StartError::misfit(format!("worker {number} cannot run ({error}); give it more descriptors, or start fewer, as in: --workers 1"))
        })?;
        inquiries.push(inquiry);
    }
    let writer = start_scribe(config, scribe, log_output, &addresses)?;
    entrances::announce(&secured);
    let sources = |deliveries| Sources {
        inquiries,
        ledger: ledger.clone(),
        deliveries,
        losses: log.losses(),
        certificates: Arc::clone(&certificates),
        orders: acme.as_ref().map(acme::Opened::standing),
        stage: stage.clone(),
        about: About {
            root: config.root.value.display().to_string(),
            addresses: addresses.clone(),
            workers,
            started: clock::timestamp(),
        },
    };
    let admin = admin.zip(deliveries).map(|(opened, deliveries)| Admin::start(opened, sources(deliveries)));
    let admin = admin.transpose().map_err(|error| {
        StartError::misfit(format!("the dashboard cannot run ({error}); leave it out, as in: --admin off"))
    })?;
    let keeping = acme.map(|opened| opened.start(Ports::of(&addresses, &secured))).transpose()?;
    // The workers hold the only other ends of the log, so that it ends with them.
    drop(equipment);
    footprint::give_back_start();
    let anew = Anew { log: &log, renewal: &renewal, keeping: keeping.as_ref() };
    let left = ending.wait(&stage, config.limits.grace, &anew);
    if let Some(admin) = admin {
        admin.finish();
    }
    let closed = ending.close(&ledger, left.max(LEDGER_PATIENCE), &anew);
    drop((log, ledger));
    writer.finish(LOG_PATIENCE);
    closed.map_err(|unwritten| StartError::misfit(unwritten.to_string()))
}

/// What bounds the patience with clients.
fn limits_of(config: &Config) -> Limits {
    Limits {
        idle_timeout: config.limits.idle_timeout,
        header_timeout: config.limits.header_timeout,
        min_rate: config.limits.min_rate_bytes_per_s,
        rate_window: config.limits.rate_window,
    }
}

/// What is said of the entrances with TLS, which are at these addresses.
fn https_of(config: &Config, secured: &[SocketAddr]) -> Https {
    Https::new(secured.first().map(SocketAddr::port), config.tls.plain, config.tls.promise, config.tls.http3)
}

/// What makes entity tags.
fn start_tags(source: TagSource) -> Result<EntityTags, StartError> {
    Ok(match source {
        TagSource::Metadata => EntityTags::OfMetadata(TagScope::FileSystem),
        TagSource::PortableMetadata => EntityTags::OfMetadata(TagScope::Portable),
        TagSource::Content => EntityTags::OfContent(Fingerprints::start().map_err(|error| {
            StartError::misfit(format!("no thread can be started to hash files ({error})"))
        })?),
    })
}

/// What compresses, if anything is to be compressed and remembered.
fn start_compressor(config: &Config) -> Result<Option<Arc<Compressor>>, StartError> {
    match (config.compression.compress, config.compression.cache_bytes) {
        (Compress::Off, _) | (Compress::On, 0) => Ok(None),
        (Compress::On, budget_bytes) => {
            let compressor = Compressor::start(budget_bytes).map_err(|error| {
                StartError::misfit(format!("no thread can be started to compress files ({error})"))
            })?;
            Ok(Some(Arc::new(compressor)))
        }
    }
}

/// Publishes the folder, and whatever replaces it.
fn start_renewal(
    config: &Config,
    folder: Folder,
    media_types: MediaTypes,
    certificates: Arc<Certificates>,
) -> Result<(Renewal, watch::Receiver<Arc<Edition>>), StartError> {
    let admission = config.clone();
    let withheld = Arc::new(Withheld::new(own_files(config)?));
    let folder = folder.without(Arc::clone(&withheld));
    let publisher = Publisher {
        root: config.root.value.clone(),
        links: config.files.links,
        withheld,
        page_sources: error_pages::sources(&config.addresses.error_pages),
        media_types,
        admit: Box::new(move || {
            counting::refuse_reachable(&admission)?;
            acme::refuse_reachable(&admission)
        }),
        edition: Arc::new(Edition { folder: Arc::new(folder), error_pages: ErrorPages::default() }),
        standing: Standing::Well,
        certificates: CertificateFiles::new(config.tls.pairs.clone(), certificates),
    };
    Renewal::start(publisher).map_err(|error| {
        StartError::misfit(format!("no thread can be started to look at the folder ({error})"))
    })
}

/// What this server writes and what it keeps secret: none of it is for clients, wherever it lies.
fn own_files(config: &Config) -> Result<Vec<Own>, StartError> {
    let mut own = Vec::new();
    if let Some(ledger) = config.ledger.path(&config.root)? {
        own.extend([Own::File(ledger_file::admin_note(&ledger)), Own::Ledger(ledger)]);
    }
    if let LogFile::Path(log) = &config.log.file.value {
        let before = (1..=config.log.rotation.keep).map(|number| numbered(log, number));
        own.extend(before.chain([log.clone()]).map(Own::File));
    }
    let keys = config.tls.pairs.iter().map(|pair| &pair.key);
    own.extend(keys.chain(&config.admin.token_file).map(|file| Own::File(file.value.clone())));
    if let Some(acme) = &config.acme {
        own.push(Own::Folder(acme.folder()?));
        own.extend(acme.binding.iter().map(|binding| Own::File(binding.key.value.clone())));
    }
    Ok(own)
}

/// Where lines go; nowhere if there are none.
fn open_log(config: &Config) -> Result<Destination, StartError> {
    let path = match (config.log.format, &config.log.file.value) {
        (LogFormat::Off, _) => return Ok(Destination::Stream(Box::new(io::sink()))),
        (_, LogFile::StandardOutput) => return Ok(Destination::Stream(Box::new(io::stdout()))),
        (LogFormat::Tally | LogFormat::Combined | LogFormat::Json, LogFile::Path(path)) => path,
    };
    File::open(path, config.log.rotation).map(Destination::File).map_err(|error| {
        config.log.file.misfit(
            format_args!("cannot be written ({error})"),
            "name a file in a folder that this user may write to, as in: --log-file access.log",
        )
    })
}

/// Starts to write the log, with the banner at its beginning if the format has one. Where standard output does not carry
/// it, standard error does: the port must be known.
fn start_scribe(
    config: &Config,
    scribe: Scribe,
    output: Destination,
    addresses: &[SocketAddr],
) -> Result<Writer, StartError> {
    let banner: String = addresses.iter().map(|address| banner_line(*address)).collect();
    if config.log.format != LogFormat::Tally || config.log.file.value != LogFile::StandardOutput {
        // Nobody may be listening there either.
        let _ = io::stderr().write_all(banner.as_bytes());
    }
    let preamble = match config.log.format {
        LogFormat::Tally | LogFormat::Off => banner,
        LogFormat::Combined | LogFormat::Json => String::new(),
    };
    scribe
        .start(output, preamble)
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

/// A worker's share of the descriptors that are left for connections.
fn max_connections(descriptors: usize, memory_bytes: u64, workers: NonZeroUsize) -> usize {
    let remembered = remembered::most_descriptors(memory_bytes).min(descriptors / 4);
    let reserved =
        DESCRIPTORS + remembered + worker::DESCRIPTORS.min(descriptors / 4 / workers) * workers.get();
    (descriptors.saturating_sub(reserved) / workers).max(1)
}
