//! WordPress's `DB_HOST`, read as `wpdb::parse_db_host` and mysqli read it.

use std::{fmt, path::PathBuf};

use holdfast_core::error::{Error, Kind};

/// Where sockets lie when nobody says: Debian, RHEL, the server's own default, macOS, the BSDs.
const SOCKETS: &[&str] = &[
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
    "/var/mysql/mysql.sock",
];

const PORT: u16 = 3306;

/// A server's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DbHost {
    /// `host`, `host:port`, `[::1]:port`.
    Tcp {
        /// Name or address, without brackets.
        host: String,
        /// 3306 unless said.
        port: u16,
    },
    /// `localhost:/path/to.sock`, `:/path/to.sock`.
    Socket(PathBuf),
    /// `localhost`, which mysqli takes for the default socket, whatever the port; 127.0.0.1 with
    /// this port when there is none.
    Local {
        /// 3306 unless said.
        port: u16,
    },
}

/// One way to reach a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    Tcp(String, u16),
    Socket(PathBuf),
}

impl DbHost {
    /// Reads any of the forms that WordPress takes.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let given = text;
        let bad = |why: &str| {
            Error::new(Kind::Config, format!("DB_HOST `{given}` {why}"))
                .hint("WordPress takes host, host:port, [::1]:port, localhost, and localhost:/path/to.sock")
        };
        // `p:` asks PHP to keep the connection: nothing to us.
        let text = text.trim();
        let text = text.strip_prefix("p:").unwrap_or(text);
        let (text, socket) = match text.find(":/") {
            Some(at) => (&text[..at], Some(&text[at + 1..])),
            None if text.starts_with('/') => ("", Some(text)),
            None => (text, None),
        };
        let (host, port) = split_port(text).ok_or_else(|| bad("cannot be read"))?;
        let port = match port {
            None | Some("") => PORT,
            Some(digits) => match digits.parse() {
                Ok(0) | Err(_) => return Err(bad("names a port that is none")),
                Ok(port) => port,
            },
        };
        let is_local = host.is_empty() || host.eq_ignore_ascii_case("localhost");
        Ok(match socket {
            // To any other host mysqli connects by TCP, the socket notwithstanding.
            Some(path) if is_local => Self::Socket(PathBuf::from(path)),
            _ if is_local => Self::Local { port },
            _ => Self::Tcp { host: host.to_owned(), port },
        })
    }

    /// The ways to try, in order.
    pub(super) fn ways(&self) -> Vec<Way> {
        match self {
            Self::Tcp { host, port } => vec![Way::Tcp(host.clone(), *port)],
            Self::Socket(path) => vec![Way::Socket(path.clone())],
            Self::Local { port } => {
                let sockets = SOCKETS.iter().map(PathBuf::from).filter(|path| path.exists()).map(Way::Socket);
                sockets.chain([Way::Tcp("127.0.0.1".to_owned(), *port)]).collect()
            }
        }
    }
}

/// Host and port of `host`, `host:port`, `::1`, `[::1]` and `[::1]:port`.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<std::net::Ipv6Addr>().ok()?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if rest.is_empty() => Some((host, None)),
            None => None,
        };
    }
    if text.matches(':').count() > 1 {
        text.parse::<std::net::Ipv6Addr>().ok()?;
        return Some((text, None));
    }
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let is_name = !host.contains(|c: char| c.is_whitespace() || c.is_control() || "/@\\".contains(c));
    is_name.then_some((host, port))
}

impl fmt::Display for DbHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
            Self::Local { .. } => f.write_str("localhost"),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> DbHost {
        DbHost::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn every_form_of_db_host_is_read_as_wordpress_reads_it() {
        let socket = |path: &str| DbHost::Socket(PathBuf::from(path));
        for (text, expected) in [
            ("db.example.com", tcp("db.example.com", 3306)),
            ("db.example.com:3307", tcp("db.example.com", 3307)),
            ("127.0.0.1", tcp("127.0.0.1", 3306)),
            ("p:db.example.com:3307", tcp("db.example.com", 3307)),
            ("localhost", DbHost::Local { port: 3306 }),
            ("LOCALHOST:3307", DbHost::Local { port: 3307 }),
            ("", DbHost::Local { port: 3306 }),
            (":3307", DbHost::Local { port: 3307 }),
            (":/run/mysqld/mysqld.sock", socket("/run/mysqld/mysqld.sock")),
            ("localhost:/tmp/mysql.sock", socket("/tmp/mysql.sock")),
            ("/tmp/mysql.sock", socket("/tmp/mysql.sock")),
            ("p:localhost:/tmp/with:colon.sock", socket("/tmp/with:colon.sock")),
            ("db.example.com:3307:/tmp/mysql.sock", tcp("db.example.com", 3307)),
            ("::1", tcp("::1", 3306)),
            ("[::1]", tcp("::1", 3306)),
            ("[2001:db8::7]:3307", tcp("2001:db8::7", 3307)),
        ] {
            assert_eq!(DbHost::parse(text).expect(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_the_forms_that_are() {
        for text in ["db:port", "db:0", "db:70000", "[::1", "[::1]x", "[db]:3306", "1:2:3:4", "a b", "u@h"] {
            let error = DbHost::parse(text).expect_err(text);
            assert_eq!(error.kind, Kind::Config, "{text}");
            assert!(error.hint.is_some_and(|hint| hint.contains("localhost:/path/to.sock")), "{text}");
        }
    }
}
