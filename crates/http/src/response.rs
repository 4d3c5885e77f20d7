//! The plan of a response: from a request and a representation to status, fields and a description of the
//! content. Pure, and generic over how content is read.
//!
//! Not planned here: refusals before a representation is found, fields of the site's policy
//! (`Cache-Control` and others, which belong to a 304 too), the fields of the connection, and `Date`.
//! A plan for HEAD is that for GET; whoever transmits withholds the content.

mod body;
mod decision;
mod field;

pub use body::Body;
pub use decision::{Decision, Retrieval, RetrievalMethod, decide};
pub use field::{Field, Fields};

use crate::content_coding::ContentCoding;
use crate::multipart::{Boundary, Multipart};
use crate::range::{ByteRange, ContentRange};
use crate::representation::{Representation, SelectedBy};
use crate::status::Status;
use crate::validator::HttpDate;

/// A response, described. The fields borrow from the representation, since they are written at once; the
/// body does not, since it is sent while others are served.
#[derive(Clone, Debug)]
pub struct ResponsePlan<'r, Handle> {
    /// 200, 206, 304, 412 or 416.
    pub status: Status,
    /// What describes the content, in the order of the names.
    pub fields: Fields<'r>,
    /// The content, of a HEAD too.
    pub body: Body<Handle>,
}

impl<'r, Handle: Clone> ResponsePlan<'r, Handle> {
    /// Builds what was decided about a representation, for a response with this `Date`.
    pub fn new(
        decision: Decision,
        representation: &'r Representation<Handle>,
        now: HttpDate,
        boundary: Boundary,
    ) -> Self {
        let status = decision.status();
        let complete_length = representation.complete_length;
        match decision {
            Decision::Whole => {
                let body = body_of(representation, ByteRange::whole(complete_length));
                let content_type = Field::ContentType(&representation.content_type);
                Self { status, fields: content_fields(representation, now, &body, content_type, None), body }
            }
            Decision::Part(range) => {
                let body = body_of(representation, Some(range));
                let content_type = Field::ContentType(&representation.content_type);
                let content_range = ContentRange::Of { range, complete_length };
                let fields = content_fields(representation, now, &body, content_type, Some(content_range));
                Self { status, fields, body }
            }
            Decision::Parts(ranges) => {
                let parts = Multipart::new(boundary, &representation.content_type, complete_length, ranges);
                let body = Body::Parts { handle: representation.handle.clone(), parts };
                // Each part has its own Content-Range; the response must not have one (RFC 9110 §15.3.7.2).
                let content_type = Field::ContentTypeByteranges(boundary);
                Self { status, fields: content_fields(representation, now, &body, content_type, None), body }
            }
            Decision::NotModified => {
                Self { status, fields: not_modified_fields(representation, now), body: Body::Empty }
            }
            Decision::PreconditionFailed => {
                let fields = Fields::new([Some(Field::ContentLength(0)), vary(representation)]);
                Self { status, fields, body: Body::Empty }
            }
            Decision::RangeNotSatisfiable => {
                let fields = Fields::new([
                    Some(Field::AcceptRanges),
                    Some(Field::ContentLength(0)),
                    Some(Field::ContentRange(ContentRange::Unsatisfied { complete_length })),
                    vary(representation),
                ]);
                Self { status, fields, body: Body::Empty }
            }
        }
    }
}

fn body_of<Handle: Clone>(representation: &Representation<Handle>, range: Option<ByteRange>) -> Body<Handle> {
    match range {
        Some(range) => Body::Slice { handle: representation.handle.clone(), range },
        None => Body::Empty,
    }
}

/// The fields of 200 and 206. A 206 has all that a 200 would have: without `If-Range` it must (RFC 9110
/// §15.3.7), and with it they do no harm.
fn content_fields<'r, Handle>(
    representation: &'r Representation<Handle>,
    now: HttpDate,
    body: &Body<Handle>,
    content_type: Field<'r>,
    content_range: Option<ContentRange>,
) -> Fields<'r> {
    let content_encoding = match representation.coding {
        ContentCoding::Identity => None,
        coding @ (ContentCoding::Gzip | ContentCoding::Brotli | ContentCoding::Zstd) => {
            Some(Field::ContentEncoding(coding))
        }
    };
    Fields::new([
        Some(Field::AcceptRanges),
        content_encoding,
        Some(Field::ContentLength(body.length())),
        content_range.map(Field::ContentRange),
        Some(content_type),
        representation.entity_tag.as_ref().map(Field::EntityTag),
        representation.last_modified(now).map(Field::LastModified),
        vary(representation),
    ])
}

/// The fields that a 304 must have, and no others that describe content: those a cache has already.
/// `Last-Modified` is for a cache that has no tag to know the stored response by (RFC 9110 §15.4.5).
fn not_modified_fields<Handle>(representation: &Representation<Handle>, now: HttpDate) -> Fields<'_> {
    let validator = match &representation.entity_tag {
        Some(tag) => Some(Field::EntityTag(tag)),
        None => representation.last_modified(now).map(Field::LastModified),
    };
    Fields::new([validator, vary(representation)])
}

fn vary<'r, Handle>(representation: &Representation<Handle>) -> Option<Field<'r>> {
    match representation.selected_by {
        SelectedBy::Target => None,
        SelectedBy::AcceptEncoding => Some(Field::VaryAcceptEncoding),
    }
}

#[cfg(test)]
mod tests;
