//! TLS errors in words that say what to change.

use std::io;

use rustls::{AlertDescription, CertificateError, Error, pki_types::UnixTime};

/// What went wrong in a handshake with `host`.
pub(crate) fn describe(error: &io::Error, host: &str) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => of_rustls(error, host),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            format!("{host} closed the connection instead of answering with TLS")
        }
        None => format!("the connection to {host} broke in the TLS handshake: {error}"),
    }
}

fn of_rustls(error: &Error, host: &str) -> String {
    match error {
        Error::InvalidCertificate(error) => of_certificate(error, host),
        Error::InvalidMessage(_) => {
            format!("{host} does not speak TLS on this port: is its endpoint `http://`, or on another port?")
        }
        Error::AlertReceived(AlertDescription::HandshakeFailure) | Error::PeerIncompatible(_) => {
            format!("{host} and this program have no TLS version or cipher in common: {error}")
        }
        Error::AlertReceived(alert) => {
            format!("{host} ended the TLS handshake with the alert {alert:?}")
        }
        error => format!("no TLS with {host}: {error}"),
    }
}

fn of_certificate(error: &CertificateError, host: &str) -> String {
    const CA_FILE: &str = "if it is a private one, give its certificate with --ca-file";
    match error {
        CertificateError::UnknownIssuer => {
            format!("the certificate of {host} is from an authority unknown here; {CA_FILE}")
        }
        CertificateError::NotValidForName => {
            format!("the certificate of {host} is for another name")
        }
        CertificateError::NotValidForNameContext { presented, .. } => format!(
            "the certificate of {host} is for another name: it names {}",
            if presented.is_empty() { "none".to_owned() } else { presented.join(", ") }
        ),
        CertificateError::Expired => {
            format!("the certificate of {host} has expired, or this machine's clock is wrong")
        }
        CertificateError::ExpiredContext { time, not_after } => format!(
            "the certificate of {host} expired {} ago, or this machine's clock is wrong",
            span(*not_after, *time)
        ),
        CertificateError::NotValidYet => {
            format!("the certificate of {host} is not valid yet, or this machine's clock is wrong")
        }
        CertificateError::NotValidYetContext { time, not_before } => format!(
            "the certificate of {host} is not valid before {} from now: this machine's clock is \
             probably wrong",
            span(*time, *not_before)
        ),
        CertificateError::BadSignature => format!(
            "the certificate of {host} is not signed by the authority that it names, which may \
             have been made anew; {CA_FILE}"
        ),
        CertificateError::Other(_) => {
            format!("the certificate of {host} cannot be trusted: {error}; {CA_FILE}")
        }
        error => format!("the certificate of {host} cannot be trusted: {error}"),
    }
}

fn span(from: UnixTime, to: UnixTime) -> String {
    let seconds = to.as_secs().saturating_sub(from.as_secs());
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
