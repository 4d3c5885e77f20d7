//! What is about to be sent: one version of a resource in one content coding, with all that describes it.
//!
//! Everything that must belong to the same bytes travels in this one value: the handle to read them from,
//! their length, type, coding and validators. So a compressed sibling cannot be sent with the original's
//! length or entity tag.

use std::borrow::Cow;

use crate::content_coding::ContentCoding;
use crate::precondition::Validators;
use crate::validator::{HttpDate, StrongTag};

/// A representation (RFC 9110 §3.2) whose content is read through `Handle`, of which nothing is known here.
#[derive(Clone, Debug)]
pub struct Representation<Handle> {
    /// Where the content is.
    pub handle: Handle,
    /// The length of the content in bytes, in its coding; at most that of a file, 2⁶³ − 1.
    pub complete_length: u64,
    /// The media type of the original, also if this is a coded variant; the value of `Content-Type`.
    pub content_type: Cow<'static, str>,
    /// The coding that the content is in.
    pub coding: ContentCoding,
    /// Whether the request took part in the choice of this representation.
    pub selected_by: SelectedBy,
    /// Of these bytes in this coding. Nothing if it cannot be told which version they are.
    pub entity_tag: Option<StrongTag>,
    /// When the content was last modified. Nothing if no date expresses it.
    pub modified: Option<HttpDate>,
}

/// What the choice among the representations of a resource depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectedBy {
    /// The target alone: there is one representation.
    Target,
    /// `Accept-Encoding` as well, on every one of the representations, identity too: a cache must know it
    /// (RFC 9110 §12.5.5).
    AcceptEncoding,
}

impl<Handle> Representation<Handle> {
    /// What the preconditions of a request that is answered at this time are compared with.
    pub fn validators(&self, now: HttpDate) -> Validators<'_> {
        Validators { entity_tag: self.entity_tag.as_ref(), last_modified: self.last_modified(now) }
    }

    /// The `Last-Modified` of a response with this `Date`, never later than that: a modification in the
    /// future is dated now (RFC 9110 §8.8.2.1).
    pub fn last_modified(&self, now: HttpDate) -> Option<HttpDate> {
        self.modified.map(|modified| modified.min(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_section_8_8_2_1_last_modified_is_never_later_than_date() {
        let date = |seconds| HttpDate::from_unix_seconds(seconds);
        let check = |modified: Option<HttpDate>, now: i64, expect: Option<HttpDate>| {
            let representation = Representation {
                handle: (),
                complete_length: 0,
                content_type: "text/plain".into(),
                coding: ContentCoding::Identity,
                selected_by: SelectedBy::Target,
                entity_tag: None,
                modified,
            };
            let now = date(now).unwrap();
            assert_eq!(representation.last_modified(now), expect, "{modified:?} {now:?}");
            assert_eq!(representation.validators(now).last_modified, expect);
        };
        check(date(5), 9, date(5));
        check(date(9), 9, date(9));
        check(date(10), 9, date(9));
        check(date(-5), 9, date(-5));
        check(None, 9, None);
    }
}
