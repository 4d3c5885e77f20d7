//! The one ladder of decisions between a representation that was found and the status of the answer.

use crate::content_coding::ContentCoding;
use crate::field_lines::FieldLines;
use crate::precondition::{Conditions, RangeStanding, Verdict, evaluate};
use crate::range::{ByteRange, Selection, select};
use crate::representation::Representation;
use crate::status::Status;
use crate::validator::HttpDate;

/// The methods that are answered with a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetrievalMethod {
    /// RFC 9110 §9.3.1.
    Get,
    /// RFC 9110 §9.3.2.
    Head,
}

/// What of a request bears on how a representation is sent.
#[derive(Clone, Copy, Debug)]
pub struct Retrieval<'r> {
    /// Its method.
    pub method: RetrievalMethod,
    /// Its preconditions.
    pub conditions: &'r Conditions<'r>,
    /// Its field `Range`.
    pub range: &'r FieldLines<'r>,
}

/// What is sent of a representation. Nothing is built yet: the usual answer, `Whole`, can be sent with a
/// head that was prepared before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// 200 with all of the content.
    Whole,
    /// 206 with one range.
    Part(ByteRange),
    /// 206 with several ranges.
    Parts(Box<[ByteRange]>),
    /// 304: the client has it already.
    NotModified,
    /// 412: it is not what the client expects.
    PreconditionFailed,
    /// 416: it has none of the bytes asked for.
    RangeNotSatisfiable,
}

impl Decision {
    /// The status of the response.
    pub const fn status(&self) -> Status {
        match self {
            Self::Whole => Status::OK,
            Self::Part(_) | Self::Parts(_) => Status::PARTIAL_CONTENT,
            Self::NotModified => Status::NOT_MODIFIED,
            Self::PreconditionFailed => Status::PRECONDITION_FAILED,
            Self::RangeNotSatisfiable => Status::RANGE_NOT_SATISFIABLE,
        }
    }
}

/// Decides what is sent, in the order of RFC 9110 §13.2.2. `now` is the response's `Date`.
pub fn decide<Handle>(
    retrieval: &Retrieval<'_>,
    representation: &Representation<Handle>,
    now: HttpDate,
) -> Decision {
    let standing = match evaluate(retrieval.conditions, &representation.validators(now), now) {
        Verdict::PreconditionFailed => return Decision::PreconditionFailed,
        Verdict::NotModified => return Decision::NotModified,
        Verdict::Proceed(standing) => standing,
    };
    match (retrieval.method, standing) {
        (RetrievalMethod::Get, RangeStanding::Applies) => decide_range(retrieval.range, representation),
        // Range is defined for GET alone (RFC 9110 §14.2).
        (RetrievalMethod::Head, _) | (RetrievalMethod::Get, RangeStanding::Ignored) => Decision::Whole,
    }
}

fn decide_range<Handle>(range: &FieldLines<'_>, representation: &Representation<Handle>) -> Decision {
    match select(range, representation.complete_length) {
        Selection::Whole => Decision::Whole,
        Selection::One(range) => Decision::Part(range),
        Selection::Unsatisfiable => Decision::RangeNotSatisfiable,
        Selection::Several(ranges) => match representation.coding {
            ContentCoding::Identity => Decision::Parts(ranges),
            // Content-Encoding could be read as a coding of the multipart content itself, which has none.
            ContentCoding::Gzip | ContentCoding::Brotli | ContentCoding::Zstd => Decision::Whole,
        },
    }
}
