//! What was delivered: an exact, durable tally of every file. Knows no HTTP.
//!
//! Deliveries in, tallies out. A worker takes the number of a request from the file's [`Tally`] (one atomic
//! add) and reports what came of it through its [`Reporter`] (one push into a ring). The writer's thread books
//! it, judges by [`coverage`] whether it makes a download, commits to the store every few milliseconds, and
//! then hands the [`Delivery`] on to the [`Observer`], which prints its line. [`Query`] reads the store, also
//! while the server runs. What the figures mean is told in `docs/counting.md`.
#![forbid(unsafe_code)]

mod book;
mod counters;
pub mod coverage;
mod delivery;
mod id_map;
mod intervals;
mod lane;
mod ledger;
mod observer;
pub mod path_text;
pub mod query;
mod store;
mod tally;
mod writer;

pub use counters::{Counters, Law, Totals};
pub use delivery::{
    Client, Day, Delivery, Kind, Moment, Outcome, Received, Representation, Request, ResourceId, Weight,
};
pub use id_map::{IdHasher, IdMap};
pub use lane::Reporter;
pub use ledger::{Ledger, Options, Status, Unwritten};
pub use observer::{Observer, StoreState};
pub use query::{Query, QueryError};
pub use store::files::{files_of, set_aside_of};
pub use store::open::{Durability, Resumed};
pub use store::place::{OpenError, Place};
pub use store::{StoreError, Trouble};
pub use tally::Tally;
