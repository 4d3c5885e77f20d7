//! What a process prints, line by line, collected on a thread; a test waits for the lines it needs.

use std::io::{BufRead, BufReader, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::SOON;

/// The lines printed so far.
#[derive(Clone, Default)]
pub(crate) struct Lines {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    lines: Mutex<Vec<String>>,
    ended: AtomicBool,
    changed: Condvar,
}

impl Lines {
    /// Collects what `source` prints, on a thread that ends with it.
    pub(crate) fn follow(source: impl Read + Send + 'static) -> Self {
        let lines = Self::default();
        let shared = Arc::clone(&lines.shared);
        thread::spawn(move || {
            for line in BufReader::new(source).split(b'\n') {
                // The pipe of a killed process ends; there is nothing else to read from it.
                let Ok(line) = line else { break };
                let line = String::from_utf8(line).unwrap_or_else(|error| format!("NOT UTF-8: {error:?}"));
                shared.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                shared.changed.notify_all();
            }
            shared.ended.store(true, Ordering::Release);
        });
        lines
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the process, which has ended, has nothing more to say.
    pub(crate) fn wait_for_end(&self) {
        super::eventually("the output ends", SOON, || {
            self.shared.ended.load(Ordering::Acquire).then_some(())
        });
    }

    /// Waits until `find` sees what it looks for in the lines.
    pub(crate) fn wait_for<T>(&self, what: &str, find: impl FnMut(&[String]) -> Option<T>) -> T {
        self.wait_within(SOON, what, find)
    }

    pub(crate) fn wait_within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut find: impl FnMut(&[String]) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + limit;
        let mut lines = self.shared.lines.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(found) = find(&lines) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let newest = lines.len().saturating_sub(20);
            assert!(
                !left.is_zero(),
                "not printed: {what}; {} lines, the last: {:#?}",
                lines.len(),
                &lines[newest..]
            );
            lines = self.shared.changed.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until `count` deliveries are printed; all deliveries printed by then.
    pub(crate) fn wait_for_deliveries(&self, count: usize) -> Vec<Delivery> {
        self.wait_for(&format!("{count} deliveries"), |lines| {
            let found = deliveries(lines);
            (found.len() >= count).then_some(found)
        })
    }
}

/// One line `PATH|CLIENT ADDRESS|CLIENT PORT|N`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) path: String,
    pub(crate) address: String,
    pub(crate) port: u16,
    pub(crate) n: u64,
}

/// The deliveries among the lines, in the order in which they were printed.
///
/// A line that is neither a delivery nor the banner nor a connection makes the test fail: standard output
/// carries nothing else.
pub(crate) fn deliveries(lines: &[String]) -> Vec<Delivery> {
    lines.iter().filter_map(|line| delivery(line)).collect()
}

fn delivery(line: &str) -> Option<Delivery> {
    if line.starts_with("The http server is running on host : ")
        || line.starts_with("Client connected with ip : ")
    {
        return None;
    }
    let parts: Vec<&str> = line.split('|').collect();
    let [path, address, port, n] = parts[..] else { panic!("not a line of the access log: {line:?}") };
    assert!(path.starts_with('/'), "a path begins with a slash: {line:?}");
    assert!(address.parse::<std::net::IpAddr>().is_ok(), "an address: {line:?}");
    let port = port.parse().unwrap_or_else(|_| panic!("a port: {line:?}"));
    let n = n.parse().unwrap_or_else(|_| panic!("a number: {line:?}"));
    Some(Delivery { path: path.to_owned(), address: address.to_owned(), port, n })
}
