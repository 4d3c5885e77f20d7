//! The notation in which a row says what must come back.

use crate::harness::Content;

/// The outcomes that a row allows.
#[derive(Debug)]
pub(super) struct Expectation {
    alternatives: Vec<Alternative>,
}

#[derive(Debug)]
struct Alternative {
    answers: Vec<Expected>,
    end: Option<Ending>,
    is_announced: bool,
}

#[derive(Debug)]
struct Expected {
    statuses: Vec<u16>,
    content: Content,
}

/// What happened.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) statuses: Vec<u16>,
    pub(super) ending: Ending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The connection still serves.
    Open,
    Closed,
    /// Neither: the server says nothing more, and does not close either. No row allows it.
    Silent,
}

impl Expectation {
    pub(super) fn parse(text: &str) -> Self {
        Self { alternatives: text.split(" or ").map(Alternative::parse).collect() }
    }

    pub(super) fn allows(&self, outcome: &Outcome) -> bool {
        self.alternatives.iter().any(|alternative| {
            alternative.answers.len() == outcome.statuses.len()
                && alternative.begins_with(&outcome.statuses)
                && outcome.ending != Ending::Silent
                && alternative.end.is_none_or(|end| end == outcome.ending)
        })
    }

    /// Whether these answers may be all, and the connection open: then it is worth asking.
    pub(super) fn may_be_open_after(&self, statuses: &[u16]) -> bool {
        self.alternatives.iter().any(|alternative| {
            alternative.answers.len() == statuses.len()
                && alternative.begins_with(statuses)
                && alternative.end != Some(Ending::Closed)
        })
    }

    /// Whether an answer after which the server closes must say so: unless the fault is found only after it.
    pub(super) fn announces_close(&self) -> bool {
        self.alternatives.iter().all(|alternative| alternative.is_announced)
    }

    /// Whether the answer after `count` others comes with its content.
    pub(super) fn content_after(&self, count: usize) -> Content {
        let expected = self.alternatives.iter().find_map(|alternative| alternative.answers.get(count));
        expected.map_or(Content::Sent, |expected| expected.content)
    }
}

impl Alternative {
    fn parse(text: &str) -> Self {
        let (answers, end) = text.rsplit_once(' ').unwrap_or_else(|| panic!("no end in {text:?}"));
        let is_announced = end != "broken";
        let end = match end {
            "open" => Some(Ending::Open),
            "closed" | "broken" => Some(Ending::Closed),
            "any" => None,
            _ => panic!("no such end: {end:?}"),
        };
        let answers = answers.split(' ').filter(|answer| *answer != "none").map(Expected::parse).collect();
        Self { answers, end, is_announced }
    }

    fn begins_with(&self, statuses: &[u16]) -> bool {
        self.answers.iter().zip(statuses).all(|(expected, status)| expected.statuses.contains(status))
    }
}

impl Expected {
    fn parse(text: &str) -> Self {
        let (statuses, content) = match text.strip_suffix('-') {
            Some(statuses) => (statuses, Content::Withheld),
            None => (text, Content::Sent),
        };
        let statuses = statuses.split('|').map(|status| status.parse().expect("a status code")).collect();
        Self { statuses, content }
    }
}
