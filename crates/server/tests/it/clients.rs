//! The programs that people fetch files with, run against a server: what they save, what they say, and what is
//! counted after each. `./check` installs them; one that is missing fails its test.
//!
//! What these tests say of a program holds for the versions in Debian 12 and later.

mod aria2;
mod curl;
mod program;
mod ranges;
mod rclone;
mod served;
mod wget;
