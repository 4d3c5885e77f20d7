//! What HTTP says, as pure functions and values: no input or output, no clock, no async, no threads.
#![forbid(unsafe_code)]
