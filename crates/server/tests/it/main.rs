//! The binary as its users meet it: through its command line, its sockets, its output and its signals.
//!
//! Every test starts servers of its own on free ports of the loopback interface, with folders of its own, so
//! that all run in parallel and leave nothing behind. What a test measures is printed; `--nocapture` shows it.

mod acme;
mod admin;
mod attacks;
mod clients;
mod codings;
mod cold;
mod connections;
mod contract;
mod counting;
mod counts;
mod exhaustion;
mod files;
mod formats;
mod h3;
mod harness;
mod http2;
mod listings;
mod memory;
mod output;
mod policies;
mod session;
mod shown;
mod shutdown;
mod startup;
mod timeouts;
mod tls;
mod top;
mod versions;
