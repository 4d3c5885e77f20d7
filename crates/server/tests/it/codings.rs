//! Content codings as clients meet them (RFC 9110 sections 8.4 and 12.5.3): what is chosen, what it is called, and that
//! it decodes to the original; and what the entity tags of all variants are made from.

mod coded;
mod on_the_fly;
mod siblings;
mod tags;
