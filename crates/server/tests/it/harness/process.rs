//! What the kernel says of a process: its memory, its descriptors, its time (proc(5)).

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The proportional set size in KiB: its own memory, and its share of what it shares.
pub(crate) fn pss_kib(pid: u32) -> u64 {
    rollup_kib(pid, "Pss:")
}

/// The part of it that no file backs, in KiB: what the process has allocated, however many processes share its binary.
pub(crate) fn anonymous_kib(pid: u32) -> u64 {
    rollup_kib(pid, "Pss_Anon:")
}

fn rollup_kib(pid: u32, name: &str) -> u64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("the process lives");
    let line = rollup.lines().find_map(|line| line.strip_prefix(name)).expect("a line of that name");
    line.trim().trim_end_matches(" kB").parse().expect("a number of kB")
}

/// How many descriptors the process holds.
pub(crate) fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).expect("the process lives").count()
}

/// The processor time that the process has used, user and system, since its start.
pub(crate) fn cpu_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process lives");
    // The name, in parentheses, may hold anything; after it come `state`, then numbers from `ppid` on.
    let after_name = stat.rsplit_once(')').expect("a name in parentheses").1;
    let ticks = |field: usize| -> u64 {
        after_name
            .split_ascii_whitespace()
            .nth(field)
            .and_then(|ticks| ticks.parse().ok())
            .expect("a tick count")
    };
    let per_second = rustix::param::clock_ticks_per_second();
    Duration::from_millis((ticks(11) + ticks(12)) * 1000 / per_second)
}

/// Lets this process (and the servers that it starts from now on) hold as many descriptors as it may;
/// returns how many that are.
pub(crate) fn raise_descriptor_limit() -> u64 {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .expect("raising to the maximum is allowed");
    maximum.unwrap_or(u64::MAX)
}

/// Leave for one test at a time to hold many descriptors, so that no two of them ask for more than there are.
pub(crate) struct Crowd {
    /// How many it may hold.
    pub(crate) size: usize,
    _turn: MutexGuard<'static, ()>,
}

/// Waits for the leave to hold so many descriptors, or as many as this process may have.
pub(crate) fn crowd(wanted: usize) -> Crowd {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed has let go of its descriptors like any other.
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // The other tests of this process need some hundreds.
    let most = usize::try_from(raise_descriptor_limit().saturating_sub(2_000)).unwrap_or(usize::MAX);
    let size = wanted.min(most);
    assert!(size >= 100, "this process may not have enough descriptors to measure anything");
    Crowd { size, _turn: turn }
}
