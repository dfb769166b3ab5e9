//! A connection, and a session that nothing ends but its owner.

use std::time::Duration;

use holdfast_core::error::{Error, Kind};
use mysql::{Conn, OptsBuilder, SslOpts, Value, prelude::Queryable};

use super::{Database, DbTls, Told, error, host::Way};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// No sign of life from the server for so long ends a run. Longer than any lock is waited for.
const SILENCE: Duration = Duration::from_secs(900);

/// A row as text: each value's bytes, or NULL.
pub(super) type Row = Vec<Option<Vec<u8>>>;

/// A connection whose values come as the server stores them.
pub(super) struct Session {
    pub(super) conn: Conn,
}

impl Session {
    /// Connects, trying each way that the host stands for.
    pub(super) fn open(database: &Database) -> Told<Self> {
        let mut last = None;
        for way in database.host.ways() {
            match Conn::new(options(database, &way)) {
                Ok(conn) => {
                    let mut session = Self { conn };
                    session.prepare()?;
                    return Ok(session);
                }
                Err(error) => {
                    let is_answer = error::code(&error).is_some();
                    last = Some(unreachable_or_refused(database, &way, &error));
                    // A server that answered has answered: another one is not asked.
                    if is_answer {
                        break;
                    }
                }
            }
        }
        Err(last.unwrap_or_else(|| Error::new(Kind::Bug, "a database host without a way to it")))
    }

    /// Settings without which a long read dies or values change.
    fn prepare(&mut self) -> Told<()> {
        self.run("SET NAMES utf8mb4", "set up the database session")?;
        // Bytes as they lie in the column; `SHOW CREATE` likewise, as mysqldump asks for it.
        self.run("SET SESSION character_set_results = binary", "set up the database session")?;
        self.run("SET SESSION sql_mode = ''", "set up the database session")?;
        self.run("SET SESSION time_zone = '+00:00'", "set up the database session")?;
        self.run("SET SESSION sql_quote_show_create = 1", "set up the database session")?;
        // Each is unknown to some server, and none is worth failing for.
        for setting in [
            "net_write_timeout = 31536000",
            "net_read_timeout = 31536000",
            "wait_timeout = 31536000",
            "max_statement_time = 0",
            "max_execution_time = 0",
            "sql_select_limit = 18446744073709551615",
            "max_join_size = 18446744073709551615",
            "information_schema_stats_expiry = 0",
            "show_gipk_in_create_table_and_information_schema = 1",
        ] {
            let _ = self.conn.query_drop(format!("SET SESSION {setting}"));
        }
        Ok(())
    }

    /// Runs a statement whose answer does not matter.
    pub(super) fn run(&mut self, statement: &str, doing: &str) -> Told<()> {
        self.conn.query_drop(statement).map_err(|error| error::told(doing, &error))
    }

    /// All rows of a small answer.
    pub(super) fn rows(&mut self, query: &str) -> Result<Vec<Row>, mysql::Error> {
        let mut rows = Vec::new();
        for row in self.conn.query_iter(query)? {
            rows.push(row?.unwrap().into_iter().map(bytes).collect());
        }
        Ok(rows)
    }

    /// The first value of the first row.
    pub(super) fn value(&mut self, query: &str) -> Result<Option<Vec<u8>>, mysql::Error> {
        Ok(self.rows(query)?.into_iter().next().and_then(|row| row.into_iter().next()).flatten())
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(bytes),
        // The text protocol has no others.
        other => Some(other.as_sql(true).into_bytes()),
    }
}

/// Bytes of a row's column as text.
pub(super) fn text(row: &Row, column: usize) -> String {
    row.get(column).and_then(|value| value.as_deref()).map(lossy).unwrap_or_default()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn options(database: &Database, way: &Way) -> OptsBuilder {
    let options = OptsBuilder::new()
        .user(Some(&database.user))
        .pass(Some(database.password.expose()))
        .db_name(Some(&database.name))
        // The driver would leave the way that it was told.
        .prefer_socket(false)
        .max_allowed_packet(Some(1 << 30))
        .stmt_cache_size(0)
        .tcp_keepalive_time_ms(Some(30_000))
        .tcp_connect_timeout(Some(CONNECT_TIMEOUT))
        .read_timeout(Some(SILENCE))
        .write_timeout(Some(SILENCE));
    match way {
        Way::Socket(path) => options.socket(Some(path.to_string_lossy())),
        Way::Tcp(host, port) => options.ip_or_hostname(Some(host)).tcp_port(*port).ssl_opts(tls(&database.tls)),
    }
}

fn tls(tls: &DbTls) -> Option<SslOpts> {
    if *tls != DbTls::Off {
        // The driver takes the process's provider. Ours is the only one that is compiled in.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    match tls {
        DbTls::Off => None,
        DbTls::Encrypted => Some(SslOpts::default().with_danger_accept_invalid_certs(true)),
        DbTls::Verified { ca_file } => Some(SslOpts::default().with_root_cert_path(ca_file.clone())),
    }
}

fn unreachable_or_refused(database: &Database, way: &Way, error: &mysql::Error) -> Error {
    let doing = format!("open database `{}` at {way} as `{}`", database.name, database.user);
    if error::code(error).is_some() {
        return error::told(&doing, error);
    }
    let made = Error::new(Kind::Config, format!("cannot {doing}: {}", error::plain(error)));
    match (error, &database.host) {
        (mysql::Error::TlsError(_), _) => {
            made.hint("name the authority of the server's certificate, or ask for encryption without proof")
        }
        (mysql::Error::DriverError(mysql::DriverError::TlsNotSupported), _) => {
            made.hint("the server has no TLS: connect without it, or give the server a certificate")
        }
        (_, super::DbHost::Local { .. }) => made
            .hint("no default socket answered either: write the socket into DB_HOST, as in `localhost:/path/to.sock`"),
        _ => made.hint("is the server running, and is DB_HOST in wp-config.php right?"),
    }
}
