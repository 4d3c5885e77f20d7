//! Where files come from. A backend opens; what a path means on the site is decided in `site`.

pub(crate) mod changes;
pub(crate) mod directory;
pub(crate) mod folder;
pub(crate) mod remembered;
pub(crate) mod siblings;
pub(crate) mod variants;
pub(crate) mod withheld;
