//! The test bed: real S3 servers, proxies that misbehave on demand, and a way to run `holdfast`.
//!
//! In scope: starting MinIO, versitygw, toxiproxy and an embedded s3s-fs on free loopback ports;
//! an S3 client for setting a stage and looking at the result; [`FaultProxy`] (HTTP-aware faults),
//! [`SharedPipe`] (one line of a given speed for all connections), [`SinkServer`] (answers like S3,
//! keeps nothing); running the binary and searching all it left behind for the secret.
//!
//! Out of scope: what Holdfast itself should do. That stands in `it/`, in core and in the host.
//!
//! Nothing here reaches beyond the loopback interface, and everything started is killed when its
//! owner is dropped, or by the kernel when this process dies first (see [`process`]).

pub mod archive;
pub mod bench;
pub mod binaries;
pub mod data;
pub mod demo;
pub mod embedded;
pub mod fault;
pub mod http1;
pub mod mariadb;
pub mod minio;
pub mod minio_admin;
pub mod pipe;
pub mod process;
pub mod runner;
pub mod s3;
pub mod sentinel;
pub mod sink;
pub mod stream;
pub mod tls;
pub mod toxiproxy;
pub mod versitygw;
pub mod xml;

pub use embedded::Embedded;
pub use fault::{Fault, FaultProxy, Rule, Script};
pub use mariadb::MariaDb;
pub use minio::Minio;
pub use pipe::SharedPipe;
pub use runner::{Finished, Holdfast};
pub use s3::S3;
pub use sink::SinkServer;
pub use tls::Authority;
pub use toxiproxy::Toxiproxy;
pub use versitygw::Versitygw;

/// The access key of every server started here.
pub const ACCESS_KEY: &str = "HOLDFASTTESTKEY";

/// The secret key of every server started here: a sentinel, which no output, no file of the state
/// folder and no process list may ever show (see [`sentinel`]).
pub const SECRET: &str = "sentinel+Never/Print3d+hF7qXw2Lk9";

/// The region of every server started here, unless a test asks for another one.
pub const REGION: &str = "us-east-1";
