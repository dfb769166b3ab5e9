//! The jobs: which operation when, and what its answer leads to.

pub(crate) mod abort;
pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod fetch;
pub(crate) mod fleet;
pub(crate) mod list;
pub(crate) mod presign;
pub(crate) mod read;
pub(crate) mod remove;
pub(crate) mod upload;
