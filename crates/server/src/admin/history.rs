//! What happened in each of the last so many minutes or hours: a ring that never grows.

use super::deliveries::Gain;

/// So many spans of time up to now, each with a value. Times are Unix seconds.
#[derive(Debug)]
pub(super) struct Series<P, const SPANS: usize> {
    step_s: u64,
    spans: [Span<P>; SPANS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Span<P> {
    /// Which span since 1970 it is.
    number: u64,
    value: P,
}

/// Seconds of the spans that are kept, and how many of them.
pub(super) const MINUTE: u64 = 60;
pub(super) const HOUR: u64 = 3600;
pub(super) const DAY: u64 = 86_400;
pub(super) const MINUTES: usize = 60;
pub(super) const HOURS: usize = 24;
pub(super) const DAYS: usize = 30;

/// The traffic of one span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    pub(super) gain: Gain,
    /// Bytes written to clients.
    pub(super) sent_bytes: u64,
    /// The most connections and transfers that were seen at a time.
    pub(super) connections: u64,
    pub(super) transfers: u64,
}

/// The last hour by minutes and the last day by hours.
#[derive(Debug)]
pub(super) struct Histories<P> {
    pub(super) minutes: Series<P, MINUTES>,
    pub(super) hours: Series<P, HOURS>,
}

impl<P: Copy + Default> Histories<P> {
    pub(super) fn new() -> Histories<P> {
        Histories { minutes: Series::new(MINUTE), hours: Series::new(HOUR) }
    }

    /// Notes something that happens now.
    pub(super) fn note(&mut self, now_s: u64, note: impl Fn(&mut P)) {
        note(self.minutes.at(now_s));
        note(self.hours.at(now_s));
    }
}

impl<P: Copy + Default, const SPANS: usize> Series<P, SPANS> {
    /// Nothing yet, in spans of `step_s` seconds.
    pub(super) fn new(step_s: u64) -> Series<P, SPANS> {
        Series { step_s, spans: [Span::default(); SPANS] }
    }

    /// The value of the span in which `now_s` is.
    pub(super) fn at(&mut self, now_s: u64) -> &mut P {
        let number = now_s / self.step_s;
        let span = &mut self.spans[place::<SPANS>(number)];
        if span.number != number {
            *span = Span { number, value: P::default() };
        }
        &mut span.value
    }

    /// The start and the value of each span up to the one in which `now_s` is, the oldest first.
    pub(super) fn up_to(&self, now_s: u64) -> impl Iterator<Item = (u64, P)> + '_ {
        let last = now_s / self.step_s;
        (0..SPANS as u64).rev().filter_map(move |back| {
            let number = last.checked_sub(back)?;
            let span = &self.spans[place::<SPANS>(number)];
            let value = if span.number == number { span.value } else { P::default() };
            Some((number * self.step_s, value))
        })
    }
}

/// Where a span is in the ring.
fn place<const SPANS: usize>(number: u64) -> usize {
    // Less than the number of spans.
    (number % SPANS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_ring_is_forgotten() {
        let mut series: Series<u64, 3> = Series::new(60);
        let check = |series: &Series<u64, 3>, now_s, expect: &[(u64, u64)]| {
            assert_eq!(series.up_to(now_s).collect::<Vec<_>>(), expect);
        };
        check(&series, 59, &[(0, 0)]);
        *series.at(600) += 1;
        *series.at(659) += 1;
        *series.at(660) += 5;
        check(&series, 600, &[(480, 0), (540, 0), (600, 2)]);
        check(&series, 719, &[(540, 0), (600, 2), (660, 5)]);
        check(&series, 780, &[(660, 5), (720, 0), (780, 0)]);
        *series.at(780) += 7;
        check(&series, 780, &[(660, 5), (720, 0), (780, 7)]);
        check(&series, 10_000, &[(9_840, 0), (9_900, 0), (9_960, 0)]);
    }
}
