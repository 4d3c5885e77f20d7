//! The first lines of an answer in the order that was asked for.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::{Order, Selection, Tallied};
use crate::counters::Counters;

/// Hands on the first of what is added in the order of the paths, as the selection wants it ordered.
pub(super) struct Most<F> {
    each: F,
    order: Order,
    top: usize,
    /// The least wanted first. The place in the order of the paths decides between equals.
    heap: BinaryHeap<Reverse<(u64, Reverse<usize>)>>,
    /// By that place.
    held: HashMap<usize, Tallied>,
    added: usize,
}

impl<F: FnMut(Tallied)> Most<F> {
    pub(super) fn new(selection: &Selection, each: F) -> Self {
        let top = selection.top.map_or(usize::MAX, |top| top as usize);
        Self { each, order: selection.order, top, heap: BinaryHeap::new(), held: HashMap::new(), added: 0 }
    }

    /// Adds the next line, which is made only if it is among the first. In the order of the paths nothing is held.
    pub(super) fn add<E>(
        &mut self,
        counters: &Counters,
        line: impl FnOnce() -> Result<Tallied, E>,
    ) -> Result<(), E> {
        let place = self.added;
        self.added += 1;
        let figure = match self.order {
            Order::Path => {
                if place < self.top {
                    (self.each)(line()?);
                }
                return Ok(());
            }
            Order::Downloads => counters.downloads,
            Order::Requests => counters.requests,
            Order::Bytes => counters.bytes,
        };
        let rank = Reverse((figure, Reverse(place)));
        if self.held.len() >= self.top {
            match self.heap.peek() {
                Some(least) if rank < *least => {}
                Some(_) | None => return Ok(()),
            }
            if let Some(Reverse((_, Reverse(least)))) = self.heap.pop() {
                self.held.remove(&least);
            }
        }
        self.heap.push(rank);
        self.held.insert(place, line()?);
        Ok(())
    }

    /// Hands on what was held: there are no more lines.
    pub(super) fn finish(mut self) {
        let ranks = self.heap.into_sorted_vec();
        ranks.iter().filter_map(|Reverse((_, Reverse(place)))| self.held.remove(place)).for_each(self.each);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `figures` are the downloads of lines in the order of their paths; `expect` their places as they come out.
    fn check(order: Order, top: Option<u32>, figures: &[u64], expect: &[u64]) {
        let mut places = Vec::new();
        let selection = Selection { order, top, ..Selection::default() };
        let mut most = Most::new(&selection, |line| places.push(line.counters.requests));
        for (place, downloads) in (0_u64..).zip(figures) {
            let counters = Counters { downloads: *downloads, requests: place, ..Counters::default() };
            let line = Tallied { path: String::new(), day: None, counters };
            most.add(&counters, || Ok::<_, ()>(line)).unwrap();
        }
        most.finish();
        assert_eq!(places, expect, "{order:?} {top:?} {figures:?}");
    }

    #[test]
    fn the_first_of_each_order() {
        check(Order::Path, None, &[3, 1, 2], &[0, 1, 2]);
        check(Order::Path, Some(2), &[3, 1, 2], &[0, 1]);
        check(Order::Downloads, None, &[3, 1, 2], &[0, 2, 1]);
        check(Order::Downloads, Some(2), &[1, 3, 3, 3, 1], &[1, 2]);
        check(Order::Downloads, Some(0), &[1, 2], &[]);
        check(Order::Requests, Some(1), &[9, 9, 9], &[2]);
        check(Order::Downloads, Some(5), &[], &[]);
    }
}
