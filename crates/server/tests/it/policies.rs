//! What the settings of a site change in what is served, each seen from outside.

mod addresses;
mod fields;
mod files;
mod pages;
mod root;
mod routes;
