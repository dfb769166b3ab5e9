//! A tree of files as an archive holds it: which files, in which order, how each is opened, read
//! and compressed, and how they become one zip.

pub mod compress;
pub mod defaults;
pub mod directory;
pub mod found;
pub mod index;
mod kind_of_name;
pub mod member;
pub mod pack;
pub mod path;
pub mod patterns;
pub mod walk;
