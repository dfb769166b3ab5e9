//! A tree of files as an archive holds it: which files, in which order, and how each is opened.

pub mod defaults;
pub mod found;
pub mod path;
pub mod patterns;
pub mod walk;
