//! What clients do wrong that their connections end for.

use crate::h2::frame::ErrorCode;

/// A fault of the client's that ends the connection (RFC 9113 §5.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What the client is told.
    pub code: ErrorCode,
    /// What it did, as the end of a sentence.
    pub reproach: &'static str,
}

pub(super) const SHORT: Fault = fault(ErrorCode::FrameSize, "a frame has a length that it cannot have");
pub(super) const ON_STREAM: Fault = protocol("a frame about the connection is on a stream");
pub(super) const ON_NO_STREAM: Fault = protocol("a frame about a stream is on none");
pub(super) const BEYOND_THE_LARGEST: Fault =
    fault(ErrorCode::FlowControl, "a window grows beyond the largest");

pub(super) const fn fault(code: ErrorCode, reproach: &'static str) -> Fault {
    Fault { code, reproach }
}

pub(super) const fn protocol(reproach: &'static str) -> Fault {
    fault(ErrorCode::Protocol, reproach)
}
