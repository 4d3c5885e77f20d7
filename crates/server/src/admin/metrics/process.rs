//! What the system says of this process (proc(5)). What it does not say is left out.

use std::fs;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    /// Processor time of all threads.
    pub(super) cpu: Duration,
    /// Memory that is resident, in bytes.
    pub(super) resident_bytes: Option<u64>,
    /// Descriptors that are open.
    pub(super) open_descriptors: Option<u64>,
    /// Descriptors that may be.
    pub(super) most_descriptors: Option<u64>,
}

impl Figures {
    /// What it says now.
    pub(super) fn read() -> Figures {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        let pages = || fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse::<u64>().ok();
        Figures {
            // A time that was spent is not negative, and its nanoseconds are less than a second's.
            cpu: Duration::new(cpu.tv_sec.unsigned_abs(), cpu.tv_nsec.unsigned_abs() as u32),
            resident_bytes: pages().map(|pages| pages * rustix::param::page_size() as u64),
            // The one that the folder is read by is among them.
            open_descriptors: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|names| names.count().saturating_sub(1) as u64),
            most_descriptors: getrlimit(Resource::Nofile).current,
        }
    }
}
