//! What wp-config.php says.

use std::{
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use holdfast_core::{
    error::{Error, Kind},
    secret::Secret,
};

use super::{
    Database, DbSettings, Unresolved, WordPress,
    locate::{Places, places},
    php::{Interpreter, Known, Value},
};
use crate::state::plain;

/// Reads a site's settings.
///
/// `env` answers for the environment that PHP would have; names it does not know are reported
/// when a setting rests on them.
///
/// # Errors
/// When there is no wp-config.php, it cannot be read, or it does not say how to reach the database.
pub fn discover(root: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<WordPress, Error> {
    let Places { root, core, config } = places(root)?;
    let mut inside = vec![root.clone()];
    // Where wp-config.php is a link, its own directory holds what it includes.
    for path in [Some(config.clone()), fs::canonicalize(&config).ok()].into_iter().flatten() {
        inside.extend(path.parent().map(Path::to_owned));
    }
    let mut php = Interpreter::new(env, inside);
    // wp-load.php has set it before.
    let abspath = [core.as_os_str().as_bytes(), b"/"].concat();
    php.define("ABSPATH", Value::Text(abspath));
    php.run_file(&config).map_err(|error| unreadable(&config, &error))?;

    let mut settings = Settings { php, unresolved: Vec::new(), warnings: Vec::new() };
    let content_dir = match settings.path("WP_CONTENT_DIR") {
        Some(path) => path,
        None => {
            let content = core.join("wp-content");
            if settings.unresolved.iter().any(|unresolved| unresolved.name == "WP_CONTENT_DIR") {
                settings.warnings.push(format!(
                    "where WP_CONTENT_DIR is cannot be known without running PHP; {} is taken for it",
                    content.display()
                ));
            }
            content
        }
    };
    let uploads = match settings.text("UPLOADS") {
        // Relative to ABSPATH, as WordPress takes it.
        Some(uploads) => core.join(uploads),
        None => content_dir.join("uploads"),
    };
    let uploads = uploads.is_dir().then_some(uploads);
    for (name, path) in [("WP_CONTENT_DIR", Some(&content_dir)), ("the uploads directory", uploads.as_ref())] {
        let Some(path) = path else { continue };
        match fs::canonicalize(path) {
            Ok(real) if !real.starts_with(&root) => settings.warnings.push(format!(
                "{name} is {}, outside of {}: it is not part of the tree",
                real.display(),
                root.display()
            )),
            Ok(_) => {}
            Err(error) => {
                settings.warnings.push(format!("{name} is {}: {}", path.display(), plain(&error)));
            }
        }
    }
    let (db, table_prefix) = match sqlite(&settings, &content_dir) {
        Some(file) => {
            settings.warnings.push(format!(
                "the database is {}, a file of SQLite's: it is backed up as a file, and may be torn if it is \
                 written to meanwhile",
                file.display()
            ));
            let prefix = settings.table_prefix().unwrap_or_else(|_| "wp_".to_owned());
            // With SQLite these mean nothing.
            settings.unresolved.retain(|unresolved| !unresolved.name.starts_with("DB_"));
            (Database::Sqlite { file }, prefix)
        }
        None => (
            Database::Mysql(settings.database(&config)?),
            settings.table_prefix().map_err(|why| {
                let what = format!("{} does not say which tables are WordPress's: {why}", config.display());
                Error::new(Kind::Config, what).hint("pass the table prefix in the job")
            })?,
        ),
    };
    let multisite = settings.value("MULTISITE").is_some_and(|value| value.truth() == Some(true));
    let home = settings.text("WP_HOME").or_else(|| settings.text("WP_SITEURL"));
    let environment_type = settings.text("WP_ENVIRONMENT_TYPE").or_else(|| env("WP_ENVIRONMENT_TYPE"));
    let version = version(&core);
    if version.is_none() {
        let file = core.join("wp-includes/version.php");
        settings.warnings.push(format!("{} does not say which WordPress this is", file.display()));
    }
    Ok(WordPress {
        root,
        core,
        config_path: config,
        content_dir,
        uploads,
        table_prefix,
        db,
        multisite,
        version,
        home,
        environment_type,
        unresolved: settings.unresolved,
        warnings: settings.warnings,
    })
}

struct Settings<'a> {
    php: Interpreter<'a>,
    unresolved: Vec<Unresolved>,
    warnings: Vec<String>,
}

impl Settings<'_> {
    /// A constant's value, when it is set and known.
    fn value(&mut self, name: &str) -> Option<Value> {
        let known = self.php.constant(name)?.clone();
        self.resolved(name, known)
    }

    fn resolved(&mut self, name: &str, known: Known) -> Option<Value> {
        if let Err(why) = known.value.text() {
            let unresolved = Unresolved { name: name.to_owned(), why };
            if !self.unresolved.contains(&unresolved) {
                self.unresolved.push(unresolved);
            }
            return None;
        }
        if let Some(variable) = known.fallbacks.first() {
            let warning = format!("{name} is what the file falls back on, because `{variable}` is not set here");
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        Some(known.value)
    }

    fn text(&mut self, name: &str) -> Option<String> {
        let bytes = self.value(name)?.text().ok()?;
        match String::from_utf8(bytes) {
            Ok(text) => Some(text),
            Err(_) => {
                self.unresolved.push(Unresolved { name: name.to_owned(), why: "it is not UTF-8".to_owned() });
                None
            }
        }
    }

    fn path(&mut self, name: &str) -> Option<PathBuf> {
        let bytes = self.value(name)?.text().ok()?;
        // `$dir . '/'`; comparisons are of components, but a reader is not.
        let len = bytes.iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1);
        (len > 0).then(|| PathBuf::from(OsStr::from_bytes(&bytes[..len])))
    }

    fn table_prefix(&mut self) -> Result<String, String> {
        let Some(known) = self.php.variable("table_prefix").cloned() else {
            return Err("`$table_prefix` is not set".to_owned());
        };
        let why = known.value.text().err();
        let bytes = match self.resolved("$table_prefix", known) {
            Some(value) => value.text()?,
            None => return Err(why.unwrap_or_default()),
        };
        let prefix = String::from_utf8(bytes).map_err(|_| "`$table_prefix` is not UTF-8".to_owned())?;
        if prefix.is_empty() || !prefix.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err("`$table_prefix` may hold letters, digits and underscores only".to_owned());
        }
        Ok(prefix)
    }

    fn database(&mut self, config: &Path) -> Result<DbSettings, Error> {
        let [host, name, user, password] = ["DB_HOST", "DB_NAME", "DB_USER", "DB_PASSWORD"].map(|name| self.text(name));
        let charset = self.text("DB_CHARSET").filter(|charset| !charset.is_empty());
        let client_flags = match self.value("MYSQL_CLIENT_FLAGS") {
            Some(Value::Int(flags)) => Some(flags),
            _ => None,
        };
        match (host, name, user, password) {
            (Some(host), Some(name), Some(user), Some(password)) => {
                Ok(DbSettings { host, name, user, password: Secret::new(password), charset, client_flags })
            }
            (host, name, user, password) => {
                let given = [host, name, user, password].map(|setting| setting.is_some());
                Err(self.no_database(config, given))
            }
        }
    }

    fn no_database(&self, config: &Path, given: [bool; 4]) -> Error {
        let mut reasons = Vec::new();
        for (name, _) in ["DB_HOST", "DB_NAME", "DB_USER", "DB_PASSWORD"].iter().zip(given).filter(|(_, given)| !given)
        {
            let why = self.unresolved.iter().find(|unresolved| unresolved.name == *name);
            let why = why.map_or("it is not set there", |unresolved| &unresolved.why);
            reasons.push(format!("{name} ({why})"));
        }
        let mut what = format!("{} does not say how to reach the database: {}", config.display(), reasons.join(", "));
        let unread = self.php.unread();
        if !unread.is_empty() {
            what.push_str(&format!("; it includes what was not read: {}", unread.join(", ")));
        }
        let bedrock = unread.iter().any(|file| file.contains("config/application.php"));
        Error::new(Kind::Config, what).hint(if bedrock {
            "this looks like Bedrock, whose settings are made by PHP code from a `.env` file: pass the database's \
             settings in the job"
        } else {
            "pass the database's settings in the job, or run with the environment that PHP has"
        })
    }
}

/// The file of the SQLite drop-in, where one is in use:
/// https://wordpress.org/plugins/sqlite-database-integration/
fn sqlite(settings: &Settings<'_>, content_dir: &Path) -> Option<PathBuf> {
    let drop_in = super::php::read(&content_dir.join("db.php")).ok()?;
    let is_sqlite = drop_in.to_ascii_lowercase().windows(6).any(|window| window == b"sqlite");
    let constant = |name: &str| settings.php.constant(name).and_then(|known| known.value.text().ok());
    let directory = ["FQDBDIR", "DB_DIR"].into_iter().find_map(constant);
    let directory =
        directory.map_or_else(|| content_dir.join("database"), |bytes| PathBuf::from(OsStr::from_bytes(&bytes)));
    let name = constant("DB_FILE").unwrap_or_else(|| b".ht.sqlite".to_vec());
    let file = directory.join(OsStr::from_bytes(&name));
    (is_sqlite && file.is_file()).then_some(file)
}

fn version(core: &Path) -> Option<String> {
    let none = |_: &str| None;
    let mut php = Interpreter::new(&none, Vec::new());
    php.run_file(&core.join("wp-includes/version.php")).ok()?;
    String::from_utf8(php.variable("wp_version")?.value.text().ok()?).ok()
}

fn unreadable(config: &Path, error: &std::io::Error) -> Error {
    Error::new(Kind::Config, format!("cannot read {}: {}", config.display(), plain(error)))
        .hint("run as a user that may read it, usually the site's own")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
