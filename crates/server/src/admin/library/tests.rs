//! Readings of a ledger in memory: one for many who ask, no more than may wait, and a rest after much.

use std::future::Future;

use tallyd_ledger::query::browse::{Column, Direction};
use tallyd_ledger::{Options, Place};
use tokio::task::yield_now;

use super::*;
use crate::access_log::{AccessLog, Committed};
use crate::config::LogFormat;

/// Runs a test with a library on one thread, where nothing happens but while it waits.
fn run<F: Future<Output = ()>>(test: impl FnOnce(Arc<Library>) -> F) {
    let (log, _) = AccessLog::open(LogFormat::Off);
    let opened = Ledger::open(&Place::Memory, Options::default(), Committed::new(log));
    let (ledger, _) = opened.expect("memory is a place");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(test(Arc::new(Library::new(ledger))));
}

fn wanted(containing: &str) -> Wanted {
    Wanted {
        column: Column::Path,
        direction: Direction::Ascending,
        containing: Some(containing.to_owned()),
        since: None,
        until: None,
        offset: 0,
        limit: 1,
        days: None,
    }
}

#[test]
fn many_who_ask_at_once_cost_one_reading_and_too_many_are_refused() {
    run(async |library| {
        let turn = library.turn.acquire().await.expect("it is never closed");
        let ask = || {
            let library = Arc::clone(&library);
            tokio::spawn(async move { library.page(wanted("a")).await })
        };
        let asked: Vec<_> = (0..WAITING).map(|_| ask()).collect();
        yield_now().await;
        assert_eq!(ask().await.expect("no panic").err(), Some(Unread::Busy));
        drop(turn);
        let mut read = Vec::new();
        for page in asked {
            read.push(page.await.expect("no panic").expect("memory can be read").value);
        }
        assert!(read.iter().all(|page| Arc::ptr_eq(page, &read[0])));
        // Whoever was refused may come again.
        assert!(library.page(wanted("b")).await.is_ok());
    });
}

#[test]
fn what_was_read_is_kept_for_a_while() {
    run(async |library| {
        let first = library.page(wanted("a")).await.expect("memory can be read");
        let again = library.page(wanted("a")).await.expect("memory can be read");
        assert!(Arc::ptr_eq(&first.value, &again.value));
        for page in library.lock().pages.values_mut() {
            page.good_until = Instant::now();
        }
        let later = library.page(wanted("a")).await.expect("memory can be read");
        assert!(!Arc::ptr_eq(&first.value, &later.value));
        for other in 0..2 * PAGES {
            library.page(wanted(&other.to_string())).await.expect("memory can be read");
        }
        assert!(library.lock().pages.len() <= PAGES);
    });
}

#[test]
fn after_much_reading_is_a_rest() {
    run(async |library| {
        let read = || library.look_up(|_| None, 0, |_| Ok(()), |_, _| ());
        let more = Duration::from_millis(25);
        library.allowance().spend(Instant::now(), RESERVE + more);
        let began = Instant::now();
        assert!(read().await.is_ok());
        assert!(began.elapsed() >= more * (ONE_IN - 1), "{:?}", began.elapsed());
    });
}

#[test]
fn a_reading_that_panics_is_one_that_failed() {
    run(async |library| {
        let panics = |_: &Query| -> Result<(), QueryError> { panic!("a fault of ours, on purpose") };
        let read = library.look_up(|_| None, 0, panics, |_, _| ()).await;
        assert_eq!(read.err(), Some(Unread::Failed));
        assert!(library.whole().await.is_ok());
    });
}
