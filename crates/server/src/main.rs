//! tallyd: the binary, and everything that touches the world.

#![allow(dead_code, unused_imports, reason = "the rooms that act on the settings are not in this binary")]

mod config;

use std::process::ExitCode;

use config::{Exit, Invocation, StartError};

fn main() -> ExitCode {
    match run() {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tallyd: {error}");
            error.exit.into()
        }
    }
}

fn run() -> Result<String, StartError> {
    match config::read(std::env::args_os(), std::env::vars_os())? {
        Invocation::Serve(config) => {
            config::root::open(&config.root)?;
            Err(StartError {
                exit: Exit::Misfit,
                sentence: "the rooms that serve are not in this binary; use --check".into(),
            })
        }
        Invocation::Check(config) => config::explain(&config),
        Invocation::Print(text) => Ok(text),
    }
}
