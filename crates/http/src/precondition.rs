//! Preconditions: whether the client has what it asks for, or asks about something that has changed (RFC
//! 9110 §13).
//!
//! One function for each field, each with three results, evaluated in the order of §13.2.2. They are for
//! GET and HEAD of a representation that exists; nothing is sent or selected here.

use crate::field_lines::FieldLines;
use crate::validator::{EntityTag, HttpDate, StrongTag, entity_tags};

/// The fields of a request that make it conditional.
#[derive(Clone, Debug, Default)]
pub struct Conditions<'a> {
    /// `If-Match`, RFC 9110 §13.1.1.
    pub if_match: FieldLines<'a>,
    /// `If-None-Match`, RFC 9110 §13.1.2.
    pub if_none_match: FieldLines<'a>,
    /// `If-Modified-Since`, RFC 9110 §13.1.3.
    pub if_modified_since: FieldLines<'a>,
    /// `If-Unmodified-Since`, RFC 9110 §13.1.4.
    pub if_unmodified_since: FieldLines<'a>,
    /// `If-Range`, RFC 9110 §13.1.5.
    pub if_range: FieldLines<'a>,
}

/// What the selected representation is compared by.
#[derive(Clone, Copy, Debug)]
pub struct Validators<'a> {
    /// Nothing if the representation has none.
    pub entity_tag: Option<&'a StrongTag>,
    /// The `Last-Modified` that is sent now; nothing if the date is not known.
    pub last_modified: Option<HttpDate>,
}

/// The result of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// Not in the request, or to be ignored.
    Absent,
    /// Evaluated to true.
    Holds,
    /// Evaluated to false.
    Fails,
}

/// What the preconditions say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The method is performed.
    Proceed(RangeStanding),
    /// 304: the client has the representation already.
    NotModified,
    /// 412: the representation is not the one the client speaks of.
    PreconditionFailed,
}

/// What `If-Range` leaves of `Range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeStanding {
    /// A range may be sent.
    Applies,
    /// The client's part is of something else: all of the content must be sent.
    Ignored,
}

/// Evaluates all preconditions in the order of RFC 9110 §13.2.2. `now` is the response's `Date`.
pub fn evaluate(conditions: &Conditions<'_>, validators: &Validators<'_>, now: HttpDate) -> Verdict {
    let unchanged = match if_match(&conditions.if_match, validators) {
        Precondition::Absent => if_unmodified_since(&conditions.if_unmodified_since, validators, now),
        evaluated @ (Precondition::Holds | Precondition::Fails) => evaluated,
    };
    if unchanged == Precondition::Fails {
        return Verdict::PreconditionFailed;
    }
    let changed = match if_none_match(&conditions.if_none_match, validators) {
        Precondition::Absent => if_modified_since(&conditions.if_modified_since, validators, now),
        evaluated @ (Precondition::Holds | Precondition::Fails) => evaluated,
    };
    if changed == Precondition::Fails {
        return Verdict::NotModified;
    }
    match if_range(&conditions.if_range, validators, now) {
        Precondition::Absent | Precondition::Holds => Verdict::Proceed(RangeStanding::Applies),
        Precondition::Fails => Verdict::Proceed(RangeStanding::Ignored),
    }
}

/// Holds if one of the tags is the representation's, by strong comparison. A malformed list holds no more
/// tags than could be read, so it fails rather than passes.
fn if_match(field: &FieldLines<'_>, validators: &Validators<'_>) -> Precondition {
    match field.lines() {
        [] => Precondition::Absent,
        [b"*"] => Precondition::Holds,
        _ => holds_if(entity_tags(field).any(|theirs| validators.match_strongly(&theirs))),
    }
}

/// Fails if one of the tags is the representation's, by weak comparison. A malformed list holds no more
/// tags than could be read, and still takes the place of `If-Modified-Since`: the answer is in full.
fn if_none_match(field: &FieldLines<'_>, validators: &Validators<'_>) -> Precondition {
    match field.lines() {
        [] => Precondition::Absent,
        [b"*"] => Precondition::Fails,
        _ => holds_if(!entity_tags(field).any(|theirs| validators.match_weakly(&theirs))),
    }
}

/// Fails if the representation was modified later. Ignored if it is not one valid date.
fn if_unmodified_since(field: &FieldLines<'_>, validators: &Validators<'_>, now: HttpDate) -> Precondition {
    match (single_date(field, now), validators.last_modified) {
        (Some(date), Some(last_modified)) => holds_if(last_modified <= date),
        (None, _) | (_, None) => Precondition::Absent,
    }
}

/// Fails if the representation was not modified later. Ignored if it is not one valid date, or one that
/// lies in the future: it was not taken from an answer of ours, and by a clock that is fast a change
/// between now and then would be missed.
fn if_modified_since(field: &FieldLines<'_>, validators: &Validators<'_>, now: HttpDate) -> Precondition {
    match (single_date(field, now), validators.last_modified) {
        (Some(date), Some(last_modified)) if date <= now => holds_if(last_modified > date),
        (None | Some(_), _) => Precondition::Absent,
    }
}

/// Holds if the client's part is certain to be of this representation: the same tag, by strong comparison,
/// or the exact date where that is a strong validator. Anything else fails, the malformed too.
fn if_range(field: &FieldLines<'_>, validators: &Validators<'_>, now: HttpDate) -> Precondition {
    let value = match field.lines() {
        [] => return Precondition::Absent,
        [value] => value,
        _ => return Precondition::Fails,
    };
    if let Some(theirs) = EntityTag::parse(value) {
        return holds_if(validators.match_strongly(&theirs));
    }
    let last_modified = validators.last_modified.filter(|date| is_strong(*date, now));
    holds_if(last_modified.is_some() && HttpDate::parse(value, now) == last_modified)
}

/// Within the second that the date covers, the content can still change without the date (RFC 9110
/// §8.8.2.2); a client may use the date only if it came with a later `Date` (§13.1.5).
fn is_strong(last_modified: HttpDate, now: HttpDate) -> bool {
    last_modified < now
}

impl Validators<'_> {
    fn match_strongly(&self, theirs: &EntityTag<'_>) -> bool {
        self.entity_tag.is_some_and(|ours| ours.as_entity_tag().strong_eq(theirs))
    }

    fn match_weakly(&self, theirs: &EntityTag<'_>) -> bool {
        self.entity_tag.is_some_and(|ours| ours.as_entity_tag().weak_eq(theirs))
    }
}

/// Several lines are a list of dates, which neither date field may be (RFC 9110 §13.1.3, §13.1.4).
fn single_date(field: &FieldLines<'_>, now: HttpDate) -> Option<HttpDate> {
    match field.lines() {
        [value] => HttpDate::parse(value, now),
        _ => None,
    }
}

fn holds_if(condition: bool) -> Precondition {
    if condition { Precondition::Holds } else { Precondition::Fails }
}

#[cfg(test)]
mod tests;
