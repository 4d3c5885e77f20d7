//! One version of a file as its metadata tells it: what entity tags are made from.

use std::time::Duration;

/// A point in time as file systems and clocks give it, before or after 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z, negative before it.
    pub seconds: i64,
    /// Nanoseconds since the beginning of that second, 0 to 999,999,999.
    pub nanoseconds: u32,
}

/// What distinguishes one version of a file from any other that was at the same path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileVersion {
    /// Its length in bytes.
    pub complete_length: u64,
    /// When its content was last modified.
    pub modified: Timestamp,
    /// Its number in the file system: another one after a replacement by rename.
    pub inode: u64,
}

/// The kernel stamps files with the time of its last tick, at most 10 ms ago (100 Hz, the slowest it is
/// built with); twice that allows for a look that is itself late by a tick.
const TICK: Duration = Duration::from_millis(20);

/// The coarsest time stamps in use, those of FAT.
const WHOLE_SECONDS: Duration = Duration::from_secs(2);

impl FileVersion {
    /// Whether a change of the content after `now` is certain to change this value too. A file modified a
    /// moment ago can be modified again within the same tick of the file system's clock and keep its
    /// length: what is remembered under an unsettled version can outlive the content it was made from.
    pub fn is_settled(&self, now: Timestamp) -> bool {
        // Time stamps without a fraction come from file systems that store none.
        let granularity = if self.modified.nanoseconds == 0 { WHOLE_SECONDS } else { TICK };
        now.distance_ns(self.modified) >= granularity.as_nanos()
    }
}

impl Timestamp {
    fn distance_ns(self, other: Self) -> u128 {
        let nanoseconds =
            |time: Self| i128::from(time.seconds) * 1_000_000_000 + i128::from(time.nanoseconds);
        nanoseconds(self).abs_diff(nanoseconds(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(modified: (i64, u32), now: (i64, u32), expect: bool) {
        let [modified, now] =
            [modified, now].map(|(seconds, nanoseconds)| Timestamp { seconds, nanoseconds });
        let version = FileVersion { complete_length: 1, modified, inode: 1 };
        assert_eq!(version.is_settled(now), expect, "{modified:?} {now:?}");
    }

    #[test]
    fn a_version_settles_when_the_clock_of_its_file_system_has_moved_on() {
        check((100, 1), (100, 1), false);
        check((100, 1), (100, 20_000_000), false);
        check((100, 1), (100, 20_000_001), true);
        check((100, 999_999_999), (101, 0), false);
        check((100, 0), (100, 500_000_000), false);
        check((100, 0), (101, 999_999_999), false);
        check((100, 0), (102, 0), true);
        // A time in the future was set by hand; the next write replaces it by the present.
        check((200, 1), (100, 1), true);
        check((i64::MIN, 0), (i64::MAX, 999_999_999), true);
        check((i64::MAX, 0), (i64::MIN, 0), true);
    }
}
