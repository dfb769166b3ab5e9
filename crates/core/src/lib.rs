//! The sans-IO heart of Holdfast.
//!
//! In scope: what to ask of S3, in which order, how to sign it, what the answers mean, what to
//! try again and when, how an archive is cut, and what to write down so that a crash costs
//! little; what the bytes of a backup's zip mean; and what IAM policies allow. Everything is a
//! state machine or a pure function over data.
//!
//! Out of scope: clocks, entropy, files, sockets, threads, the environment. Time and a seed are
//! inputs; archive bytes never come here, only their lengths and digests.
//!
//! The feature `s3` holds the conversation itself (SigV4, XML, the jobs). The wasm module and the
//! tests turn it on; the runner is built without it and so cannot sign or parse what it carries.
//!
//! ```text
//!  Input ──▶ session ──▶ job/{upload,list,fetch,fleet,…}   ──▶ s3/conversation ──▶ Output
//!                                      │                       │ retry, pace, region, clock, keys
//!                                    plan                    s3/op/* ──▶ s3/sign
//! ```

pub mod abi;
mod date;
pub mod digest;
pub mod endpoint;
pub mod error;
pub mod event;
pub mod explanation;
pub mod fleet;
pub mod iam;
pub mod job;
pub mod journal;
pub mod name;
pub mod pace;
pub mod plan;
pub mod probe;
pub mod provider;
pub mod ranges;
pub mod report;
pub mod retention;
pub mod retry;
pub mod secret;
pub mod site;
pub mod zip;

#[cfg(feature = "s3")]
pub mod s3;
#[cfg(feature = "s3")]
pub mod session;
pub mod verdict;
