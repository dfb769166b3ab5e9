//! Why a call has no answer: cause, words, and whether anything of it left.

use holdfast_core::abi::{Sent, TransportCause};

use super::exchange::{Exchange, Phase};

/// A call without an answer. Its words name hosts, addresses and the system's reasons, never a
/// query string, a header or a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Whether the server may have acted on it.
    pub sent: Sent,
    /// What kind of failure.
    pub cause: TransportCause,
    /// What happened, for people.
    pub message: String,
}

impl Failure {
    /// The request was refused before any connection was made.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self { sent: Sent::No, cause: TransportCause::Refused, message: message.into() }
    }
}

/// What a layer of ours ends a call with. It travels through ureq as [`ureq::Error::Other`].
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Stop {
    pub(crate) cause: TransportCause,
    pub(crate) message: String,
}

impl Stop {
    pub(crate) fn new(cause: TransportCause, message: impl Into<String>) -> Self {
        Self { cause, message: message.into() }
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(TransportCause::Local, "cancelled")
    }
}

impl From<Stop> for ureq::Error {
    fn from(stop: Stop) -> Self {
        Self::Other(Box::new(stop))
    }
}

/// What ureq says, as a failure of this call to `host`.
pub(crate) fn from_ureq(error: ureq::Error, exchange: &Exchange, host: &str) -> Failure {
    let stop = match error {
        ureq::Error::Other(inner) => match inner.downcast::<Stop>() {
            Ok(stop) => *stop,
            Err(other) => Stop::new(TransportCause::Broken, format!("{host}: {other}")),
        },
        ureq::Error::Io(error) => from_io(&error, exchange, host),
        ureq::Error::Timeout(_) => {
            Stop::new(TransportCause::Stalled, format!("{} gave no answer in time", peer(exchange, host)))
        }
        ureq::Error::HostNotFound => Stop::new(TransportCause::Dns, format!("`{host}` has no address")),
        ureq::Error::Protocol(error) if exchange.sent() == Sent::No => {
            Stop::new(TransportCause::Refused, format!("a request to {host} is no valid HTTP: {error}"))
        }
        ureq::Error::Protocol(error) => Stop::new(
            TransportCause::Malformed,
            format!("{} answered with something that is not HTTP: {error}", peer(exchange, host)),
        ),
        ureq::Error::LargeResponseHeader(..) => Stop::new(
            TransportCause::Malformed,
            format!("the headers of the answer of {} have no end", peer(exchange, host)),
        ),
        // Its other errors repeat the URL, which may carry a signature.
        ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) => {
            Stop::new(TransportCause::Refused, format!("a request to {host} is no valid HTTP"))
        }
        other => Stop::new(TransportCause::Broken, format!("{}: {other}", peer(exchange, host))),
    };
    Failure { sent: exchange.sent(), cause: stop.cause, message: stop.message }
}

/// ureq's own I/O errors: the source's, or an end that came too early.
fn from_io(error: &std::io::Error, exchange: &Exchange, host: &str) -> Stop {
    if let Some(problem) = exchange.local_problem() {
        return Stop::new(TransportCause::Local, problem);
    }
    let peer = peer(exchange, host);
    if error.kind() != std::io::ErrorKind::UnexpectedEof {
        return Stop::new(TransportCause::Broken, format!("the connection to {peer} broke: {error}"));
    }
    let when = match exchange.phase() {
        Phase::Receiving | Phase::Sinking => "in the middle of its answer",
        _ => "without an answer",
    };
    Stop::new(TransportCause::Broken, format!("{peer} closed the connection {when}"))
}

/// Who the call was with: host and address once there was a connection, else the host.
pub(crate) fn peer(exchange: &Exchange, host: &str) -> String {
    exchange.peer().map_or_else(|| host.to_owned(), |peer| peer.to_string())
}
