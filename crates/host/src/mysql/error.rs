//! What the server says when it refuses, in the words of someone who can change it.

use std::io;

use holdfast_core::error::{Error, Kind};

/// What a statement was for: `read table `wp_posts``.
pub(super) fn told(doing: &str, error: &mysql::Error) -> Error {
    match error {
        mysql::Error::MySqlError(said) => refused(doing, said),
        error if is_gone(error) => Error::new(Kind::Source, format!("cannot {doing}: the database server went away"))
            .hint("look into the server's error log: it was restarted, ran out of memory, or ended the connection"),
        mysql::Error::IoError(error) if is_slow(error) => {
            Error::new(Kind::Source, format!("cannot {doing}: the database server stopped answering"))
                .hint("look at the server's load with `SHOW PROCESSLIST`, and start the backup again")
        }
        other => Error::new(Kind::Source, format!("cannot {doing}: {}", plain(other))),
    }
}

fn refused(doing: &str, said: &mysql::error::MySqlError) -> Error {
    let what = format!("cannot {doing}: the database server says: {} (error {})", said.message, said.code);
    let (kind, hint) = match said.code {
        1044 => (Kind::Config, "grant the user its rights on that database, or correct DB_NAME".to_owned()),
        1045 | 1698 | 1862 | 1820 => (Kind::Config, "correct DB_USER and DB_PASSWORD in wp-config.php".to_owned()),
        1049 => (Kind::Config, "correct DB_NAME in wp-config.php".to_owned()),
        1040 | 1203 | 1226 => {
            (Kind::Source, "the server or the user is at its limit of connections: try later".to_owned())
        }
        1129 | 1130 => {
            (Kind::Config, "let the server accept this machine: the user's host part must match it".to_owned())
        }
        1142 | 1143 | 1227 => (Kind::Config, "grant the user SELECT on it, or leave it out of the backup".to_owned()),
        1205 => (
            Kind::Source,
            "another session holds it locked: find it with `SHOW FULL PROCESSLIST`, end it or wait, then start again"
                .to_owned(),
        ),
        1412 | 1146 => {
            (Kind::Source, "its definition keeps changing: start the backup when nothing alters it".to_owned())
        }
        1317 | 1969 | 3024 | 1028 => {
            (Kind::Source, "someone or a time limit of the server ended the query: start the backup again".to_owned())
        }
        code if is_damage(code) => (
            Kind::Source,
            "the table is damaged: run `REPAIR TABLE` on it (MyISAM, Aria) or recover it, or leave it out of the \
             backup"
                .to_owned(),
        ),
        1021 | 3 => (Kind::Source, "the server's disk is full: make room there".to_owned()),
        _ => return Error::new(Kind::Source, what),
    };
    Error::new(kind, what).hint(hint)
}

/// Table handlers' and the server's words for a file that is broken or missing.
fn is_damage(code: u16) -> bool {
    matches!(code, 126 | 127 | 130..=145 | 1016 | 1017 | 1030 | 1033..=1035 | 1194 | 1195 | 1286 | 1812 | 1813 | 1877 | 1932 | 1958 | 1712)
}

/// The server's error number.
pub(super) fn code(error: &mysql::Error) -> Option<u16> {
    match error {
        mysql::Error::MySqlError(said) => Some(said.code),
        _ => None,
    }
}

/// The definition changed under the snapshot, or a lock was lost: worth another snapshot.
pub(super) fn is_worth_another(error: &mysql::Error) -> bool {
    matches!(code(error), Some(1412 | 1146 | 1054 | 1205 | 1213 | 1020))
}

fn is_gone(error: &mysql::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        mysql::Error::IoError(error) => {
            matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof)
                || error.to_string().contains("bytes remaining on stream")
        }
        mysql::Error::CodecError(error) => {
            let words = error.to_string();
            ["bytes remaining", "reset", "Broken pipe", "eof"].iter().any(|word| words.contains(word))
        }
        _ => false,
    }
}

fn is_slow(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// The driver's words without its wrapping.
pub(super) fn plain(error: &mysql::Error) -> String {
    match error {
        mysql::Error::MySqlError(said) => said.message.clone(),
        mysql::Error::IoError(error) => crate::state::plain(error),
        mysql::Error::CodecError(error) => error.to_string(),
        mysql::Error::DriverError(mysql::DriverError::CouldNotConnect(Some((_, words, _)))) => {
            words.split(" (os error").next().unwrap_or(words).to_lowercase()
        }
        mysql::Error::DriverError(mysql::DriverError::ConnectTimeout) => "no answer in time".to_owned(),
        mysql::Error::DriverError(error) => error.to_string(),
        mysql::Error::TlsError(error) => format!("TLS: {error}"),
        other => other.to_string(),
    }
}
