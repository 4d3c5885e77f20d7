//! HTTPS: files over TLS, certificates of every kind, and whoever comes without it.

mod flaws;
mod names;
mod promises;
mod renewed;
mod served;
mod strangers;
