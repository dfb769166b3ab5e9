//! A private MariaDB: its own data folder, a socket, a loopback port, no password for root.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::process::{Server, accepts, free_port, loopback};

/// Programs of the server lie in `sbin`.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

/// A running MariaDB; dropped, it is gone with all its data.
#[derive(Debug)]
pub struct MariaDb {
    _server: Server,
    socket: PathBuf,
    port: u16,
    _dir: TempDir,
}

impl MariaDb {
    /// Makes an empty one and starts it: about two seconds.
    ///
    /// # Panics
    /// When MariaDB is not installed: a test that needs it fails, it is never skipped.
    pub fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("mariadb").tempdir().expect("a temporary folder");
        let data = dir.path().join("data");
        // It runs as whoever runs the tests; as root it wants to be told so.
        let as_root: &[&str] = if rustix::process::geteuid().is_root() { &["--user=root"] } else { &[] };
        let installed = Command::new("mariadb-install-db")
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ])
            .args(as_root)
            .arg(format!("--datadir={}", data.display()))
            // Two that begin at once must not meet in the system's.
            .arg(format!("--tmpdir={}", dir.path().display()))
            .env("PATH", PATH)
            .output()
            .unwrap_or_else(|e| panic!("mariadb-install-db does not run: {e}; `cargo xtask test` installs it"));
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        let socket = dir.path().join("sock");
        let port = free_port();
        let program = PATH.split(':').map(|dir| Path::new(dir).join("mariadbd")).find(|path| path.is_file());
        let program = program.expect("mariadbd is installed beside mariadb-install-db");
        let mut server = Server::spawn("MariaDB", &program, dir.path().join("log"), |command| {
            command
                .args([
                    "--no-defaults",
                    "--bind-address=127.0.0.1",
                    "--skip-log-bin",
                    "--innodb-flush-log-at-trx-commit=0",
                ])
                .args(["--innodb-buffer-pool-size=256M", "--max-allowed-packet=64M", "--skip-name-resolve"])
                .args(as_root)
                .arg(format!("--datadir={}", data.display()))
                .arg(format!("--socket={}", socket.display()))
                .arg(format!("--port={port}"))
                .arg(format!("--tmpdir={}", dir.path().display()))
                .env("PATH", PATH);
        });
        server.wait_until(|| socket.exists() && accepts(loopback(port)));
        Self { _server: server, socket, port, _dir: dir }
    }

    /// Its Unix socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Its loopback port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Runs these statements as root in a database (empty: in none) through the `mariadb` client.
    /// Rows come back as lines of values between tabs, without their names.
    ///
    /// # Panics
    /// With the server's words when a statement fails.
    pub fn sql(&self, db: &str, text: &str) -> String {
        let mut client = Command::new("mariadb");
        client
            .args(["--no-defaults", "--user=root", "--batch", "--skip-column-names", "--binary-mode"])
            .arg(format!("--socket={}", self.socket.display()))
            .arg("--default-character-set=utf8mb4");
        if !db.is_empty() {
            client.arg(db);
        }
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("writable");
        std::io::Seek::rewind(&mut file).expect("a file can be rewound");
        let output = client.stdin(file).stdout(Stdio::piped()).output().expect("the `mariadb` client runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}\n{}", &text[..text.floor_char_boundary(500)]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_answers_and_leaves_nothing() {
        let database = MariaDb::start();
        assert_eq!(database.sql("", "SELECT 1 + 1").trim(), "2");
        let socket = database.socket().to_owned();
        assert!(accepts(loopback(database.port())));
        drop(database);
        assert!(!std::fs::exists(socket).expect("its folder can be asked"));
    }
}
