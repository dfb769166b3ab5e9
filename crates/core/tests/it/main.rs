//! The conversation against an S3 of its own, in virtual time: every fault at every call, a crash
//! after every step.

#![allow(missing_docs, clippy::unwrap_used)]

mod backup;
mod check;
mod crash;
mod fault;
mod fetch;
mod fleet;
mod list;
mod presign;
mod read;
mod remove;
mod resume;
mod scenario;
mod sim_s3;
mod upload;
