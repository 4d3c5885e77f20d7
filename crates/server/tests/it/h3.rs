//! HTTP/3: the same files, the same answers and the same counts, over QUIC.

mod cut;
mod paths;
mod served;

use crate::harness::{Identity, NAME, Site, noise};

const LENGTH: usize = 20_000_003;

/// A site with a small file and a large one, and who serves it.
fn site() -> (Site, Identity) {
    let site = Site::with(&[
        ("small", noise(1024, 1)),
        ("large", noise(LENGTH, 2)),
        ("empty", Vec::new()),
        ("folder/page.txt", b"words".to_vec()),
    ]);
    let identity = Identity::new(&site, "own", &[NAME]);
    (site, identity)
}
