//! One reading of all figures, and under which names they are told.
//!
//! Names and units follow Prometheus's conventions. The number of series does not depend on what clients do: single files
//! have series only if they are among those with the most requests.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use tallyd_http::refusal::Refusal;
use tallyd_http::validator::Timestamp;
use tallyd_ledger::query::Whole;
use tallyd_ledger::query::browse::Browsed;
use tallyd_ledger::{Counters, Status, StoreState};

use super::super::deliveries::{DURATION_BOUNDS_MS, Durations};
use super::process;
use crate::acme::{Phase, Told};
use crate::census::{Handshake, Protocol, Readings};
use crate::connection::presence::Interrupt;

/// Stands for all files that have no series of their own. No path is like it: paths begin with a slash.
const OTHER: &str = "_other";

/// Classes of statuses as they are shown.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// See the module.
#[derive(Debug)]
pub(super) struct Scrape {
    pub(super) readings: Readings,
    pub(super) durations: Durations,
    pub(super) ledger: Status,
    pub(super) lines_dropped: u64,
    /// When each certificate expires, in Unix seconds, by its first name.
    pub(super) expiries: Vec<(Box<str>, i64)>,
    /// How it stands with certificates that are ordered; `None`: none are.
    pub(super) orders: Option<Vec<Told>>,
    /// `None`: the ledger cannot be read.
    pub(super) whole: Option<Whole>,
    /// The files with series of their own.
    pub(super) files: Vec<Browsed>,
    pub(super) process: process::Figures,
    pub(super) started: Timestamp,
}

/// Writes families, one after the other.
struct Families<'a>(DescriptorEncoder<'a>);

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut families = Families(encoder);
        let version = [([("version", env!("CARGO_PKG_VERSION"))], 1)];
        families.gauges("tallyd_build_info", "The running version.", version)?;
        self.tell_serving(&mut families)?;
        self.tell_durations(&mut families)?;
        self.tell_certificates(&mut families)?;
        self.tell_ledger(&mut families)?;
        if let Some(whole) = &self.whole {
            tell_totals(&mut families, whole)?;
            self.tell_files(&mut families, &whole.counters)?;
        }
        self.tell_process(&mut families)
    }
}

impl Scrape {
    fn tell_serving(&self, families: &mut Families<'_>) -> fmt::Result {
        let readings = &self.readings;
        let answers = Protocol::ALL.iter().zip(&readings.answers.0).flat_map(|(protocol, classes)| {
            let of_class = |(class, count): (&'static str, &u64)| {
                ([("protocol", protocol.name()), ("class", class)], *count)
            };
            CLASSES.into_iter().zip(classes).map(of_class)
        });
        families.counters(
            "tallyd_answers",
            "Requests answered, by protocol and class of status.",
            answers,
        )?;
        let refusals = Refusal::ALL.iter().zip(readings.refusals);
        let refusals = refusals.map(|(refusal, count)| ([("reason", refusal.name())], count));
        families.counters("tallyd_refusals", "Requests refused, by reason.", refusals)?;
        families.gauge("tallyd_connections", "Clients connected.", readings.connections)?;
        families.counter("tallyd_connections_accepted", "Connections accepted.", readings.accepted)?;
        let given_up = Interrupt::ALL.iter().zip(readings.given_up);
        let given_up = given_up.map(|(interrupt, count)| ([("reason", interrupt.name())], count));
        families.counters(
            "tallyd_connections_given_up",
            "Clients not waited for any longer, by reason.",
            given_up,
        )?;
        let handshakes = Handshake::ALL.iter().zip(readings.handshakes);
        let handshakes = handshakes.map(|(handshake, count)| ([("outcome", handshake.name())], count));
        families.counters("tallyd_tls_handshakes", "Connections for TLS, by how they began.", handshakes)?;
        families.counter("tallyd_panics", "Connections ended by a fault of the server.", readings.panics)?;
        families.counter(
            "tallyd_sent_bytes",
            "Bytes written to clients, heads among them.",
            readings.sent_bytes,
        )?;
        families.gauge("tallyd_transfers_in_flight", "Transfers in flight.", readings.transfers)?;
        let lookups = [
            ([("result", "hit")], readings.remembered_hits),
            ([("result", "miss")], readings.remembered_misses),
        ];
        families.counters(
            "tallyd_cache_lookups",
            "Paths looked up in the memory of files, by result.",
            lookups,
        )
    }

    fn tell_durations(&self, families: &mut Families<'_>) -> fmt::Result {
        let bounds = DURATION_BOUNDS_MS.iter().map(|bound| *bound as f64 / 1000.0).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(self.durations.classes).collect();
        let (name, help) =
            ("tallyd_delivery_duration_seconds", "From the decision on the status to the delivery's end.");
        let mut encoder = families.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        let count = self.durations.classes.iter().sum();
        encoder.encode_histogram::<NoLabelSet>(self.durations.sum_ms as f64 / 1000.0, count, &buckets, None)
    }

    fn tell_certificates(&self, families: &mut Families<'_>) -> fmt::Result {
        let expiries =
            self.expiries.iter().map(|(name, at)| ([("name", &**name)], at.max(&0).unsigned_abs()));
        if !self.expiries.is_empty() {
            families.gauges(
                "tallyd_certificate_expiry_seconds",
                "When a certificate expires, in Unix time, by its first name.",
                expiries,
            )?;
        }
        let Some(orders) = &self.orders else { return Ok(()) };
        let phases = orders.iter().flat_map(|told| {
            let of_phase = |phase: Phase| {
                let labels = [("name", told.name.as_str()), ("state", phase.name())];
                (labels, u64::from(phase == told.phase))
            };
            Phase::ALL.map(of_phase)
        });
        families.gauges(
            "tallyd_acme_state",
            "1 for how it stands with a name that is ordered for.",
            phases,
        )?;
        let outcomes = orders.iter().flat_map(|told| {
            let name = told.name.as_str();
            [
                ([("name", name), ("outcome", "issued")], told.issued),
                ([("name", name), ("outcome", "failed")], told.failed),
            ]
        });
        families.counters("tallyd_acme_orders", "Orders of certificates, by name and outcome.", outcomes)
    }

    fn tell_ledger(&self, families: &mut Families<'_>) -> fmt::Result {
        let Status { store, uncommitted, lines_waiting, sessions, evictions, in_memory, .. } = &self.ledger;
        let failing = match store {
            StoreState::Sound => 0,
            StoreState::Failing { .. } => 1,
        };
        families.gauge("tallyd_ledger_failing", "1 while the ledger cannot be written.", failing)?;
        families.gauge(
            "tallyd_ledger_uncommitted_files",
            "Files with figures not committed.",
            *uncommitted as u64,
        )?;
        families.gauge(
            "tallyd_ledger_waiting_lines",
            "Deliveries whose number is not committed.",
            *lines_waiting as u64,
        )?;
        families.gauge(
            "tallyd_ledger_sessions",
            "Parts of downloads still to be completed.",
            *sessions as u64,
        )?;
        families.counter(
            "tallyd_ledger_evictions",
            "Sessions given up: by so many at most, downloads are too few.",
            *evictions,
        )?;
        families.gauge(
            "tallyd_ledger_files_in_memory",
            "Files whose figures are in memory.",
            *in_memory as u64,
        )?;
        families.counter(
            "tallyd_log_lines_dropped",
            "Access lines lost; counts never are.",
            self.lines_dropped,
        )
    }

    fn tell_files(&self, families: &mut Families<'_>, all: &Counters) -> fmt::Result {
        type Figure = fn(&Counters) -> u64;
        let figures: [(&str, &str, Figure); 3] = [
            ("tallyd_file_requests", "Requests of the files with the most; _other: of all others.", |it| {
                it.requests
            }),
            ("tallyd_file_downloads", "Downloads of the same files.", |it| it.downloads),
            ("tallyd_file_bytes", "Content bytes acknowledged of the same files.", |it| it.bytes),
        ];
        for (name, help, figure) in figures {
            let told = self.files.iter().map(|file| ([("path", file.path.as_str())], figure(&file.counters)));
            let sum: u64 = self.files.iter().map(|file| figure(&file.counters)).sum();
            let other = ([("path", OTHER)], figure(all).saturating_sub(sum));
            families.gauges(name, help, told.chain([other]))?;
        }
        Ok(())
    }

    fn tell_process(&self, families: &mut Families<'_>) -> fmt::Result {
        let process::Figures { cpu, resident_bytes, open_descriptors, most_descriptors } = self.process;
        let (name, help) = ("process_cpu_seconds", "Processor time spent.");
        let mut encoder = families.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        encoder.encode_counter::<NoLabelSet, f64, f64>(&cpu.as_secs_f64(), None)?;
        let started = self.started.seconds.unsigned_abs();
        families.gauge("process_start_time_seconds", "When serving began, in Unix time.", started)?;
        let told = [
            ("process_resident_memory_bytes", "Resident memory.", resident_bytes),
            ("process_open_fds", "Open descriptors.", open_descriptors),
            ("process_max_fds", "Descriptors that may be open.", most_descriptors),
        ];
        for (name, help, figure) in told {
            if let Some(figure) = figure {
                families.gauge(name, help, figure)?;
            }
        }
        Ok(())
    }
}

/// The sums of the ledger, which outlive the process.
fn tell_totals(families: &mut Families<'_>, whole: &Whole) -> fmt::Result {
    let it = &whole.counters;
    families.gauge("tallyd_files", "Files that were ever counted.", whole.resources)?;
    let kinds = [
        ([("kind", "head")], it.head),
        ([("kind", "full")], it.full),
        ([("kind", "partial")], it.partial),
        ([("kind", "not_modified")], it.not_modified),
    ];
    families.counters(
        "tallyd_requests",
        "Numbered requests over the ledger's life, by kind of answer.",
        kinds,
    )?;
    let ends = [([("outcome", "completed")], it.completed), ([("outcome", "aborted")], it.aborted)];
    families.counters("tallyd_deliveries", "Deliveries over the ledger's life, by outcome.", ends)?;
    families.counter("tallyd_downloads", "Downloads over the ledger's life.", it.downloads)?;
    families.counter("tallyd_content_bytes", "Content bytes acknowledged over the ledger's life.", it.bytes)
}

impl Families<'_> {
    fn counter(&mut self, name: &str, help: &str, count: u64) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        encoder.encode_counter::<NoLabelSet, u64, u64>(&count, None)
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn counters<'l, const LABELS: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = ([(&'l str, &'l str); LABELS], u64)>,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, count) in series {
            encoder.encode_family(&labels)?.encode_counter::<NoLabelSet, u64, u64>(&count, None)?;
        }
        Ok(())
    }

    fn gauges<'l, const LABELS: usize>(
        &mut self,
        name: &str,
        help: &str,
        series: impl IntoIterator<Item = ([(&'l str, &'l str); LABELS], u64)>,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in series {
            encoder.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }
}
