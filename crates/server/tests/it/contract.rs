//! The contract of the tally (docs/counting.md): each row of its table with real TCP, and what must hold when
//! a process is killed, a disk is full or nobody reads.

mod kills;
mod many;
mod oracle;
mod rows;
mod table;
mod throughput;
mod troubles;
mod unserved;
mod vanished;
