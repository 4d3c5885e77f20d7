//! HTTPS: files over TLS, certificates of every kind, and whoever comes without it.

mod served;
