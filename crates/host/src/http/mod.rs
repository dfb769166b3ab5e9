//! HTTP/1.1 for S3: one blocking call, its body streamed, its answer never lost.
//!
//! [ureq](https://docs.rs/ureq) speaks the protocol and keeps the pool; everything under it is
//! ours, because three things cannot be had from its own transports:
//!
//! - **Early answers.** A server that says `503 SlowDown` in mid-body and stops reading is heard,
//!   over TCP and TLS (`transport`).
//! - **Progress as the only clock.** A call ends when no byte moves, or too few, not when it takes
//!   long (`pace`, `wait`); and it ends within moments of being cancelled.
//! - **Words.** A failure says where it got stuck, with the address and the operating system's
//!   reason, and whether any byte of the request left (`failure`).
//!
//! ```text
//! Client ─▶ request (checked) ─▶ ureq ─▶ Connection (transport) ─▶ dyn Wire: TCP, TLS, TLS in TLS
//!                                  └────▶ Connector: route ─▶ resolve ─▶ dial ─▶ tunnel ─▶ TLS
//! ```
//!
//! Out of scope: retries (one layer, in the module), redirects, decompression, cookies, HTTP/2,
//! SOCKS. A status of 400 and above is an answer like any other.

mod answer;
mod call;
mod client;
mod config;
mod connector;
mod dial;
mod early;
mod exchange;
mod failure;
mod limit;
mod no_proxy;
mod outgoing;
mod pace;
mod proxy;
mod request;
mod resolver;
mod roots;
mod tls;
mod tls_words;
mod transport;
mod tunnel;
mod wait;

pub use call::{Answer, Body, Call, Progress, Sink, Wanted};
pub use client::Client;
pub use config::{ClientConfig, HttpError, MinimumRate, Proxy};
pub use failure::Failure;
