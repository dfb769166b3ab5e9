//! What a client is told once.

use std::{fmt, path::PathBuf, time::Duration};

/// Settings of a [`Client`](super::Client).
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// PEM certificates of private authorities, trusted beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Idle connections kept for each host: the number of requests that run at once.
    pub connections: usize,
    /// How long a name may take to resolve, and then a connection to stand, TLS included.
    pub connect_timeout: Duration,
    /// How long no byte may move, in either direction, while a body is on its way.
    pub stall_timeout: Duration,
    /// Less than this, and a body counts as stalled although it moves. Request bodies and sinks
    /// are held to it; an inline answer that keeps coming never is, as S3 drips white space while
    /// it completes an upload.
    pub minimum_rate: MinimumRate,
    /// The most bytes a second that bodies are sent at, all connections together.
    pub limit_rate: Option<u64>,
    /// Sent as `user-agent` where a call brings none.
    pub user_agent: String,
    /// Which proxy, if any.
    pub proxy: Proxy,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            ca_file: None,
            connections: 8,
            connect_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            minimum_rate: MinimumRate { bytes: 30 << 10, window: Duration::from_secs(60) },
            limit_rate: None,
            user_agent: concat!("holdfast/", env!("CARGO_PKG_VERSION")).to_owned(),
            proxy: Proxy::FromEnvironment,
        }
    }
}

/// The fewest bytes that must move while the network is waited for, as long as `window`. Time
/// spent reading the source or writing the sink is not the network's and does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinimumRate {
    /// 0 asks for nothing.
    pub bytes: u64,
    /// The time in which they must move.
    pub window: Duration,
}

/// Which proxy requests go through.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// `HTTPS_PROXY` or `HTTP_PROXY` by the target's scheme, else `ALL_PROXY`, except for hosts
    /// in `NO_PROXY`; each in lower case before upper case.
    #[default]
    FromEnvironment,
    /// None, whatever the environment says.
    None,
    /// `http://[USER:PASSWORD@]HOST:PORT`, for every target.
    Url(String),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A proxy's URL may hold a password.
        f.write_str(match self {
            Self::FromEnvironment => "FromEnvironment",
            Self::None => "None",
            Self::Url(_) => "Url([redacted])",
        })
    }
}

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The file of `--ca-file` is of no use.
    #[error("the CA file `{}` {problem}", path.display())]
    CaFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The proxy's URL is of no use. It is not repeated here: it may hold a password.
    #[error("the proxy given {0}")]
    Proxy(String),
}
