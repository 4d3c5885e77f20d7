//! Certificates that are ordered: from Pebble, the authority that Let's Encrypt tests clients with, which comes to the server
//! as an authority does, to see that a name leads there.

mod authority;
mod issued;
mod kept;
mod names;
mod refused;
mod renewed;
mod secure;
mod served;
