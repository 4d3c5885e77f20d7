//! tallyd: a static file and download server that keeps an exact tally of every file it hands out.
//!
//! This crate is everything that touches the world. What HTTP says is `tallyd-http`'s, what was delivered is
//! `tallyd-ledger`'s; ARCHITECTURE.md has the map.

mod access_log;
mod acme;
mod admin;
mod backend;
mod calendar;
mod census;
mod clock;
mod compression;
mod config;
mod connection;
mod console;
mod counting;
mod counts;
mod date;
mod ending;
mod entrances;
mod figures;
mod fingerprints;
mod footprint;
mod kernel;
mod listen;
mod quic;
mod remarks;
mod renewal;
mod serve;
mod site;
mod tls;
mod top;
mod transmit;
mod worker;
mod workshop;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use config::{Invocation, StartError};

/// A connection's task is aligned to a cache line, which the C library's allocator serves by its slowest path: that is a
/// tenth of what a connection with one request costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long a stalled standard error may hold up the end of the process.
const LAST_WORDS: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let exit = match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::say(format_args!("{error}"));
            error.exit.into()
        }
    };
    console::flush(LAST_WORDS);
    exit
}

fn run() -> Result<(), StartError> {
    match config::read(std::env::args_os(), std::env::vars_os())? {
        Invocation::Serve(config) => serve::serve(&config)?,
        Invocation::Counts(counts) => counts::run(&counts)?,
        Invocation::Top(top) => top::run(&top)?,
        Invocation::Check(config) => print(&config::explain(&config)?)?,
        Invocation::Print(text) => print(&text)?,
    }
    Ok(())
}

fn print(text: &str) -> Result<(), StartError> {
    let mut output = io::stdout().lock();
    console::printed(output.write_all(text.as_bytes()).and_then(|()| output.flush()))
}
