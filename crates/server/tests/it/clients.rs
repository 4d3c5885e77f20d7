//! The programs that people fetch files with, run against a server: what they save, what they say, and what is
//! counted after each. `./check` installs them; one that is missing fails its test.
//!
//! What these tests say of a program holds for the versions in Debian 12 and later. Each speaks the versions of HTTP that it
//! has; what does not depend on a program runs on every protocol elsewhere.

mod aioquic;
mod alike;
mod apt;
mod aria2;
mod audits;
mod chromium;
mod curl;
mod git;
mod http2;
mod nginx;
mod pip;
mod program;
mod python;
mod ranges;
mod rclone;
mod schemathesis;
mod served;
mod wget;
