//! The figures of one resource, in all or on one day, and the laws that hold between them.

use crate::delivery::{Kind, Outcome};

/// How often a resource was asked for, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests that took a number.
    pub requests: u64,
    /// Of these, HEAD requests.
    pub head: u64,
    /// GET answered 200.
    pub full: u64,
    /// GET answered 206.
    pub partial: u64,
    /// GET answered 304.
    pub not_modified: u64,
    /// 200s and 206s of which the last byte was acknowledged.
    pub completed: u64,
    /// 200s and 206s of which it was not.
    pub aborted: u64,
    /// How often one client was given the whole of one representation.
    pub downloads: u64,
    /// Content bytes acknowledged.
    pub bytes: u64,
}

/// A law of the tally; each holds at any quiet moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Law {
    /// `requests = head + full + partial + not_modified`
    KindsMakeRequests,
    /// `full + partial = completed + aborted + in_flight`, and `in_flight` is not negative.
    TransfersEnd,
    /// `completed − partial ≤ downloads`: a completed 200 is a download.
    CompletedAreDownloads,
    /// `downloads × smallest complete length ≤ bytes`: a download is made of acknowledged bytes.
    DownloadsAreBytes,
    /// The days of a resource add up to its totals.
    DaysMakeTotals,
}

impl Law {
    /// Every law, in the order of the contract.
    pub const ALL: [Self; 5] = [
        Self::KindsMakeRequests,
        Self::TransfersEnd,
        Self::CompletedAreDownloads,
        Self::DownloadsAreBytes,
        Self::DaysMakeTotals,
    ];

    /// The law as a formula over the names of the counters.
    pub fn formula(self) -> &'static str {
        match self {
            Self::KindsMakeRequests => "requests = head + full + partial + not_modified",
            Self::TransfersEnd => "full + partial = completed + aborted + in_flight",
            Self::CompletedAreDownloads => "completed - partial <= downloads",
            Self::DownloadsAreBytes => "downloads * least_length <= bytes",
            Self::DaysMakeTotals => "the days add up to the totals",
        }
    }
}

impl Counters {
    /// 200s and 206s that have not ended yet.
    pub fn in_flight(&self) -> u64 {
        (self.full + self.partial).saturating_sub(self.completed + self.aborted)
    }

    /// Requests that are not in flight.
    pub(crate) fn ended(&self) -> u64 {
        self.requests.saturating_sub(self.in_flight())
    }

    /// A request was answered.
    pub(crate) fn book_request(&mut self, kind: Kind) {
        self.requests += 1;
        match kind {
            Kind::Head => self.head += 1,
            Kind::Full => self.full += 1,
            Kind::Partial => self.partial += 1,
            Kind::NotModified => self.not_modified += 1,
        }
    }

    /// Its response ended. Only a response that was to carry content completes or aborts.
    pub(crate) fn book_end(&mut self, kind: Kind, outcome: Outcome, bytes: u64) {
        match (kind, outcome) {
            (Kind::Head | Kind::NotModified, Outcome::Completed | Outcome::Aborted) => return,
            (Kind::Full | Kind::Partial, Outcome::Completed) => self.completed += 1,
            (Kind::Full | Kind::Partial, Outcome::Aborted) => self.aborted += 1,
        }
        self.bytes += bytes;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        *self = self.zip(other, u64::saturating_add);
    }

    /// What is left of these figures without `part`.
    pub(crate) fn without(&self, part: &Self) -> Self {
        self.zip(part, u64::saturating_sub)
    }

    /// The figures in the contract's order.
    pub(crate) fn figures(&self) -> [u64; 9] {
        let Self { requests, head, full, partial, not_modified, completed, aborted, downloads, bytes } =
            *self;
        [requests, head, full, partial, not_modified, completed, aborted, downloads, bytes]
    }

    /// The counters with these figures, in the contract's order.
    pub(crate) fn from_figures(figures: [u64; 9]) -> Self {
        let [requests, head, full, partial, not_modified, completed, aborted, downloads, bytes] = figures;
        Self { requests, head, full, partial, not_modified, completed, aborted, downloads, bytes }
    }

    fn zip(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            requests: combine(self.requests, other.requests),
            head: combine(self.head, other.head),
            full: combine(self.full, other.full),
            partial: combine(self.partial, other.partial),
            not_modified: combine(self.not_modified, other.not_modified),
            completed: combine(self.completed, other.completed),
            aborted: combine(self.aborted, other.aborted),
            downloads: combine(self.downloads, other.downloads),
            bytes: combine(self.bytes, other.bytes),
        }
    }
}

/// The figures of a resource since the ledger began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The sums over all days.
    pub counters: Counters,
    /// The smallest complete length, in bytes, of a representation that was downloaded; `None` before the
    /// first download. It is kept so that anyone can check [`Law::DownloadsAreBytes`].
    pub least_length: Option<u64>,
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.counters.add(&other.counters);
        self.least_length = least(self.least_length, other.least_length);
    }

    pub(crate) fn book_download(&mut self, complete_length: u64) {
        self.counters.downloads += 1;
        self.least_length = least(self.least_length, Some(complete_length));
    }

    /// The laws that these figures break; none, if the ledger is right.
    pub fn broken_laws(&self) -> impl Iterator<Item = Law> + '_ {
        Law::ALL.into_iter().filter(|law| !self.keeps(*law))
    }

    /// Whether a law holds as far as the totals alone can tell.
    fn keeps(&self, law: Law) -> bool {
        let counters = &self.counters;
        match law {
            Law::KindsMakeRequests => {
                let kinds = counters.head + counters.full + counters.partial + counters.not_modified;
                counters.requests == kinds
            }
            Law::TransfersEnd => counters.full + counters.partial >= counters.completed + counters.aborted,
            Law::CompletedAreDownloads => counters.completed <= counters.downloads + counters.partial,
            Law::DownloadsAreBytes => {
                counters.downloads.saturating_mul(self.least_length.unwrap_or(0)) <= counters.bytes
            }
            Law::DaysMakeTotals => true,
        }
    }
}

fn least(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(figures: [u64; 9], least_length: Option<u64>, broken: &[Law]) {
        let totals = Totals { counters: Counters::from_figures(figures), least_length };
        assert_eq!(totals.broken_laws().collect::<Vec<_>>(), broken);
    }

    #[test]
    fn laws() {
        check([0; 9], None, &[]);
        check([4, 1, 1, 1, 1, 2, 0, 1, 12], Some(10), &[]);
        check([1, 0, 1, 0, 0, 1, 0, 1, 0], Some(0), &[]);
        check([5, 1, 1, 1, 1, 2, 0, 1, 12], Some(10), &[Law::KindsMakeRequests]);
        check([1, 0, 1, 0, 0, 1, 1, 1, 10], Some(10), &[Law::TransfersEnd]);
        check([2, 0, 2, 0, 0, 2, 0, 1, 20], Some(10), &[Law::CompletedAreDownloads]);
        check([2, 0, 0, 2, 0, 2, 0, 1, 9], Some(10), &[Law::DownloadsAreBytes]);
    }

    #[track_caller]
    fn check_booking(kind: Kind, outcome: Outcome, expect: [u64; 9]) {
        let mut booked = Counters::default();
        booked.book_request(kind);
        booked.book_end(kind, outcome, 7);
        assert_eq!(booked, Counters::from_figures(expect));
    }

    #[test]
    fn every_kind_and_outcome() {
        check_booking(Kind::Head, Outcome::Completed, [1, 1, 0, 0, 0, 0, 0, 0, 0]);
        check_booking(Kind::Head, Outcome::Aborted, [1, 1, 0, 0, 0, 0, 0, 0, 0]);
        check_booking(Kind::NotModified, Outcome::Completed, [1, 0, 0, 0, 1, 0, 0, 0, 0]);
        check_booking(Kind::NotModified, Outcome::Aborted, [1, 0, 0, 0, 1, 0, 0, 0, 0]);
        check_booking(Kind::Full, Outcome::Completed, [1, 0, 1, 0, 0, 1, 0, 0, 7]);
        check_booking(Kind::Full, Outcome::Aborted, [1, 0, 1, 0, 0, 0, 1, 0, 7]);
        check_booking(Kind::Partial, Outcome::Completed, [1, 0, 0, 1, 0, 1, 0, 0, 7]);
        check_booking(Kind::Partial, Outcome::Aborted, [1, 0, 0, 1, 0, 0, 1, 0, 7]);
    }
}
