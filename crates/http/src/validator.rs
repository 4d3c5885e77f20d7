//! Validators: what a client and this server compare to learn whether a representation has changed
//! (RFC 9110 §8.8).
//!
//! Which validators a representation has is said in [`crate::representation`]; what follows from
//! comparing them is said in [`crate::precondition`].

mod entity_tag;
mod http_date;
mod strong_tag;
mod version;

pub use entity_tag::{EntityTag, Strength, entity_tags};
pub use http_date::HttpDate;
pub use strong_tag::{StrongTag, TagScope, Variant};
pub use version::{FileVersion, Timestamp};
