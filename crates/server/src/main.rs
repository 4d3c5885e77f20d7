//! tallyd: the binary, and everything that touches the world.

fn main() {}
