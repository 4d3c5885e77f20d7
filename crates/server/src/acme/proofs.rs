//! The texts that an authority fetches to see that a name leads here (RFC 8555 §8.3), while an order is under way.
//!
//! Workers look here at each request, and for all but a few seconds in weeks there is nothing.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tallyd_http::target::SitePath;

/// The texts that are to be found.
#[derive(Debug, Default)]
pub(crate) struct Proofs {
    /// Whether there are any, so that a worker asks for no lock.
    any: AtomicBool,
    texts: RwLock<Texts>,
}

/// Texts by their tokens.
type Texts = HashMap<Box<[u8]>, Arc<[u8]>>;

/// Where they are fetched; a token follows.
const FOLDER: &[u8] = b"/.well-known/acme-challenge/";

impl Proofs {
    /// The text for this path, if an authority is to find one there.
    pub(crate) fn at(&self, path: &SitePath<'_>) -> Option<Arc<[u8]>> {
        // An authority is told of a text after it was added, over the network.
        if !self.any.load(Ordering::Relaxed) {
            return None;
        }
        let token = path.as_bytes().strip_prefix(FOLDER)?;
        self.texts.read().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
    }

    /// Has this text found under this token, until [`Proofs::remove`].
    pub(super) fn add(&self, token: &str, text: &str) {
        self.change(|texts| {
            texts.insert(token.as_bytes().into(), text.as_bytes().into());
        });
    }

    pub(super) fn remove(&self, token: &str) {
        self.change(|texts| {
            texts.remove(token.as_bytes());
        });
    }

    fn change(&self, change: impl FnOnce(&mut Texts)) {
        let mut texts = self.texts.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut texts);
        self.any.store(!texts.is_empty(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tallyd_http::target::Target;

    use super::*;

    #[test]
    fn a_text_is_found_while_it_is_wanted() {
        let proofs = Proofs::default();
        let check = |target: &str, expect: Option<&str>| {
            let Ok(Target::Path { path, .. }) = Target::parse(target.as_bytes()) else { panic!("{target}") };
            let text = proofs.at(&path);
            assert_eq!(text.as_deref(), expect.map(str::as_bytes), "{target}");
        };
        check("/.well-known/acme-challenge/t-1", None);
        proofs.add("t-1", "t-1.thumb");
        proofs.add("t_2", "t_2.thumb");
        check("/.well-known/acme-challenge/t-1", Some("t-1.thumb"));
        check("/.well-known/acme-challenge/t%2D1", Some("t-1.thumb"));
        check("/.well-known/acme-challenge/t_2", Some("t_2.thumb"));
        for target in [
            "/.well-known/acme-challenge/",
            "/.well-known/acme-challenge/t",
            "/.well-known/acme-challenge/t-1/",
            "/.well-known/acme-challenge/t-1/x",
            "/.well-known/t-1",
            "/t-1",
        ] {
            check(target, None);
        }
        proofs.remove("t-1");
        check("/.well-known/acme-challenge/t-1", None);
        check("/.well-known/acme-challenge/t_2", Some("t_2.thumb"));
        proofs.remove("t_2");
        check("/.well-known/acme-challenge/t_2", None);
    }
}
