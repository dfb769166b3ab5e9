//! The runner's parts: the sandbox, HTTP against scripted servers on loopback, where keys come from.
#![allow(clippy::unwrap_used)]

// The crate under test, by one name.
pub(crate) use holdfast as host;

mod backup;
mod calls;
mod certs;
mod server;

mod embedded;
mod policy;
mod poor_machine;
mod read;
mod replay;

mod credentials_chain;
mod credentials_file;
mod credentials_profile;
mod credentials_services;
mod http_basics;
mod http_cancel;
mod http_early;
mod http_limit;
mod http_pool;
mod http_proxy;
mod http_stall;
mod http_tls;
