//! A WordPress site on this disk: where its files are, and how to reach its database.
//!
//! Learned from wp-config.php and wp-includes/version.php, which are read and never run. The
//! database is not asked here, so what only it knows (`siteurl`, `upload_path`) is not in scope.

mod config;
mod locate;
mod php;

use std::path::PathBuf;

pub use config::discover;
use holdfast_core::secret::Secret;

/// A site.
#[derive(Debug, Clone)]
pub struct WordPress {
    /// What was named: the top of the tree.
    pub root: PathBuf,
    /// ABSPATH: where wp-settings.php is; the root, or a directory in it.
    pub core: PathBuf,
    /// wp-config.php, in the root or one level above it.
    pub config_path: PathBuf,
    /// WP_CONTENT_DIR.
    pub content_dir: PathBuf,
    /// UPLOADS, else `uploads` in the content directory; `None` when it is not there.
    pub uploads: Option<PathBuf>,
    /// `$table_prefix`.
    pub table_prefix: String,
    /// Where posts and settings are.
    pub db: Database,
    /// Whether it is a network of sites.
    pub multisite: bool,
    /// `$wp_version`.
    pub version: Option<String>,
    /// WP_HOME, else WP_SITEURL, where they are set as constants.
    pub home: Option<String>,
    /// WP_ENVIRONMENT_TYPE, from wp-config.php or the environment.
    pub environment_type: Option<String>,
    /// Settings that are there and whose value cannot be known without running PHP.
    pub unresolved: Vec<Unresolved>,
    /// What the operator should know, in sentences.
    pub warnings: Vec<String>,
}

/// Where posts and settings are.
#[derive(Debug, Clone)]
pub enum Database {
    /// On a MySQL or MariaDB server.
    Mysql(DbSettings),
    /// In a file of the SQLite drop-in; a file like any other of the tree, so that a backup in the
    /// middle of a write may hold it torn.
    Sqlite {
        /// The file.
        file: PathBuf,
    },
}

/// How to reach the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DbSettings {
    /// DB_HOST as it is written: `localhost`, `db:3307`, `localhost:/run/mysqld/mysqld.sock`.
    pub host: String,
    /// DB_NAME.
    pub name: String,
    /// DB_USER.
    pub user: String,
    /// DB_PASSWORD.
    pub password: Secret<String>,
    /// DB_CHARSET.
    pub charset: Option<String>,
    /// MYSQL_CLIENT_FLAGS, mysqli's bits.
    pub client_flags: Option<i64>,
}

impl DbSettings {
    /// Whether the connection is to be TLS (`MYSQLI_CLIENT_SSL`).
    #[must_use]
    pub fn asks_tls(&self) -> bool {
        self.client_flags.is_some_and(|flags| flags & 2048 != 0)
    }

    /// Whether the server's certificate is not to be verified
    /// (`MYSQLI_CLIENT_SSL_DONT_VERIFY_SERVER_CERT`).
    #[must_use]
    pub fn asks_unverified_tls(&self) -> bool {
        self.client_flags.is_some_and(|flags| flags & 64 != 0)
    }
}

/// A setting that cannot be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// Its name: `DB_PASSWORD`.
    pub name: String,
    /// Why, in words that hold no value.
    pub why: String,
}

/// Follows PHP source and throws away what it finds, for fuzzing: it must come to an end, and
/// never panic.
pub fn follow(source: &[u8]) {
    let environment = |name: &str| name.starts_with('W').then(|| "1".to_owned());
    let mut php = php::Interpreter::new(&environment, Vec::new());
    php.run_source(source, std::path::Path::new("/nowhere/wp-config.php"));
}
