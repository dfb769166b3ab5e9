//! The site's database: one consistent snapshot of it as SQL that a client loads.
//!
//! In scope: MySQL 5.7 and later and MariaDB 10 and later over TCP, TLS or a socket; a [`dump`] cut
//! into [`Piece`]s whose bytes stay what they are from night to night while their rows do; the
//! lock that keeps a site to one run. Out of scope: loading a dump. How it is cut and what it does
//! not carry stands in `docs/database.md`.

mod catalog;
mod chunks;
mod connect;
mod dump;
mod error;
mod grants;
mod host;
mod lock;
mod objects;
mod rows;
mod spool;
mod values;
mod writer;

use std::path::PathBuf;

pub use dump::{Dump, DumpProgress, dump};
use holdfast_core::{error::Error, secret::Secret};
pub use host::DbHost;
pub use lock::SiteLock;
pub use spool::{Piece, PieceReader, Spool};

/// Where a database is and who asks for it.
#[derive(Debug, Clone)]
pub struct Database {
    /// WordPress's `DB_HOST`.
    pub host: DbHost,
    /// `DB_NAME`.
    pub name: String,
    /// `DB_USER`.
    pub user: String,
    /// `DB_PASSWORD`.
    pub password: Secret<String>,
    /// `DB_CHARSET`. The dump does not depend on it: values travel as the server stores them.
    pub charset: Option<String>,
    /// Whether the connection is encrypted. Sockets never are.
    pub tls: DbTls,
}

/// How a TCP connection is protected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DbTls {
    /// Not at all.
    #[default]
    Off,
    /// Encrypted, to whoever answers: what PHP does with `MYSQLI_CLIENT_SSL`.
    Encrypted,
    /// Encrypted, and the certificate must be the host's: of a public authority, or of those in
    /// this PEM file.
    Verified {
        /// More authorities.
        ca_file: Option<PathBuf>,
    },
}

/// What of the database is dumped.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Tables and views that begin with it, else all. Routines and events that do not begin with
    /// it come along only when no table of the database is a stranger.
    pub prefix: Option<String>,
    /// Tables and views left out: globs, `*` and `?`.
    pub skip: Vec<String>,
    /// Tables whose rows are left out: globs.
    pub structure_only: Vec<String>,
    /// Seconds to wait for a table that another session has locked.
    pub lock_wait_s: u32,
}

impl Default for Scope {
    fn default() -> Self {
        Self { prefix: None, skip: Vec::new(), structure_only: Vec::new(), lock_wait_s: 30 }
    }
}

/// A result in this folder, whose failures are already told in people's words.
type Told<T> = Result<T, Error>;
