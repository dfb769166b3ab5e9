//! The runner's library: everything of `holdfast` but its `main`.
//!
//! In scope: all input and output. The S3 conversation is not: it comes as [`session`]s of the
//! embedded wasm module, which runs in the [`sandbox`] and whose requests pass the [`fence`]
//! before one byte of them is sent.

pub mod address_space;
pub mod archive;
pub mod cli;
pub mod command;
pub mod credentials;
pub mod destination;
pub mod driver;
pub mod fence;
pub mod hash;
pub mod http;
pub mod job_file;
pub mod mysql;
pub mod priority;
pub mod sandbox;
pub mod session;
pub mod signal;
pub mod source;
pub mod state;
pub mod stream;
pub mod ui;
pub mod units;
pub mod wordpress;
