//! tallyd: a static file and download server that keeps an exact tally of every file it hands out.
//!
//! This crate is everything that touches the world. What HTTP says is `tallyd-http`'s, what was delivered is
//! `tallyd-ledger`'s; ARCHITECTURE.md has the map.

mod access_log;
mod backend;
mod clock;
mod config;
mod connection;
mod ending;
mod kernel;
mod listen;
mod serve;
mod site;
mod transmit;
mod worker;

use std::process::ExitCode;

use config::{Invocation, StartError};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tallyd: {error}");
            error.exit.into()
        }
    }
}

fn run() -> Result<(), StartError> {
    match config::read(std::env::args_os(), std::env::vars_os())? {
        Invocation::Serve(config) => serve::serve(&config)?,
        Invocation::Check(config) => print!("{}", config::explain(&config)?),
        Invocation::Print(text) => print!("{text}"),
    }
    Ok(())
}
