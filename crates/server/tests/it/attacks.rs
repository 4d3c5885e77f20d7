//! Raw bytes against expected answers: what a request means must not depend on who reads it, nor on the
//! portions in which it arrives.
//!
//! An expectation is written as `"STATUSES END"`: the status codes answered, in order, then `open` (the
//! connection still serves a request), `closed`, `broken` (closed, and the fault came too late for the answer to
//! announce it), or `any` of open and closed; no answer at all is `none`; a status is a
//! set if the RFC leaves a choice (`400|501`); `200-` is an answer whose content is withheld. Alternatives
//! are separated by ` or `. Where a row allows more than one outcome, its comment or its name says which rule
//! leaves the choice; whatever the choice, it must be the same however the bytes are split.
//!
//! What a row says in the grammar of HTTP/1.1 is said in the others too, where they have words for it: paths, methods, content,
//! sizes. The grammar itself they do not have; frames are attacked in `http2`.

mod arena;
mod expectation;
mod framing;
mod heads;
mod methods;
mod targets;
