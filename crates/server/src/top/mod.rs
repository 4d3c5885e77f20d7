//! `tallyd top`: what a running server does, in the terminal; as lines where standard output is none.
//!
//! It is a visitor of the admin side like any other (`feed`), and knows nothing of the server but what that tells. `view` is
//! what is chosen, `draw` (with `columns`) and `plain` are its pictures.

mod columns;
mod draw;
mod feed;
mod plain;
mod snapshot;
mod text;
mod view;

use std::io::{self, IsTerminal as _};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};

use crate::config::{Shows, StartError, Top};
use crate::console;
use snapshot::Snapshot;
use view::{Key, Step, View};

/// What happens to the one who looks.
enum Told {
    /// A moment of the server.
    Snapshot(Box<Snapshot>),
    /// The server is gone, and why; it is tried again.
    Lost(String),
    /// A key was pressed.
    Pressed(Key),
    /// The terminal has another size.
    Resized,
    /// A signal, or the end of the terminal.
    End,
}

/// What is known of the server.
#[derive(Debug, Default)]
struct Heard {
    /// The last that it told.
    snapshot: Option<Snapshot>,
    /// Why it tells no more.
    lost: Option<String>,
}

/// Shows what the server does, until a key or a signal ends it.
pub(crate) fn run(top: &Top) -> Result<(), StartError> {
    let url = top.url()?;
    let (sender, told) = channel();
    let failed = |error: io::Error| StartError::misfit(format!("tallyd top cannot run ({error})"));
    feed::follow(url, top.token()?, sender.clone()).map_err(failed)?;
    if top.shows == Shows::Once || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return print(top, &told);
    }
    // The terminal is put back when this ends, also by a panic.
    let mut terminal = ratatui::try_init().map_err(failed)?;
    let shown = look(&mut terminal, sender, &told);
    ratatui::restore();
    shown.map_err(failed)
}

/// Prints snapshots as lines: one, or all to the end.
fn print(top: &Top, told: &Receiver<Told>) -> Result<(), StartError> {
    let mut output = io::stdout().lock();
    for told in told {
        match told {
            Told::Snapshot(snapshot) => {
                let written = plain::write(&mut output, &snapshot);
                if written.is_err() || top.shows == Shows::Once {
                    return console::printed(written);
                }
            }
            Told::Lost(lost) => match top.shows {
                Shows::Once => return Err(top.unanswered(&lost)),
                Shows::All => console::say(format_args!("{}", top.unanswered(&lost))),
            },
            Told::Pressed(_) | Told::Resized => {}
            Told::End => return Ok(()),
        }
    }
    Ok(())
}

/// Shows what is told, and does what keys mean.
fn look(terminal: &mut DefaultTerminal, sender: Sender<Told>, told: &Receiver<Told>) -> io::Result<()> {
    thread::Builder::new().name("keys".to_owned()).spawn(move || listen(&sender))?;
    let (mut heard, mut view) = (Heard::default(), View::default());
    loop {
        terminal.draw(|frame| draw::draw(frame, &heard, &view))?;
        match told.recv() {
            Ok(Told::Snapshot(snapshot)) => heard = Heard { snapshot: Some(*snapshot), lost: None },
            Ok(Told::Lost(lost)) => heard.lost = Some(lost),
            Ok(Told::Pressed(key)) if view.press(key) == Step::Quit => return Ok(()),
            Ok(Told::Pressed(_) | Told::Resized) => {}
            Ok(Told::End) | Err(_) => return Ok(()),
        }
    }
}

/// Tells of what happens at the terminal, until that or the listener is gone.
fn listen(sender: &Sender<Told>) {
    while let Ok(event) = event::read() {
        let told = match event {
            Event::Resize(_, _) => Told::Resized,
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                let key = match key.code {
                    KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Interrupt,
                    KeyCode::Char(character) => Key::Character(character),
                    KeyCode::Enter => Key::Enter,
                    KeyCode::Esc => Key::Escape,
                    KeyCode::Backspace => Key::Backspace,
                    _ => continue,
                };
                Told::Pressed(key)
            }
            _ => continue,
        };
        if sender.send(told).is_err() {
            return;
        }
    }
    // Whoever looked may have ended by itself.
    let _ = sender.send(Told::End);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A snapshot as the API writes it, with keys that are not known here.
    pub(super) fn snapshot() -> Snapshot {
        let busy = |path: &str, requests: u64, completed: u64, aborted: u64| json!({"path": path, "requests": requests, "completed": completed, "aborted": aborted, "bytes": 1024, "history": [0, 1, 2]});
        let value = json!({
            "new": true,
            "summary": {
                "time": "2026-01-02T03:04:05Z",
                "server": {"root": "/srv/www", "uptime_s": 3725, "workers": 2},
                "totals": {"files": 2, "requests": 2000, "downloads": 1204, "bytes": 5_000_000},
                "traffic": {"connections": 3, "transfers": 2, "bytes_per_s": 1_572_864, "requests_per_s": 12.5},
                "warnings": [{"code": "ledger", "text": "The ledger cannot be written."}],
            },
            "transfers": {"total": 2, "transfers": [
                {"path": "/b.iso", "client": "192.0.2.1", "length": 4096, "acknowledged": 3072, "bytes_per_s": 0},
                {"path": "/a.iso", "client": "2001:db8::1", "length": 2_097_152, "acknowledged": 1_048_576, "bytes_per_s": 1_048_576},
            ]},
            "busiest": [busy("/a.iso", 9, 8, 1), busy("/notes.txt", 5, 1, 4)],
        });
        serde_json::from_value(value).expect("a snapshot")
    }
}
