//! A real WordPress: its core, a private MariaDB, and content made by WordPress's own functions.
//!
//! Nothing serves it over HTTP: PHP runs scripts in it from the command line, as WP-CLI would.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, io};

use tempfile::TempDir;

use crate::{MariaDb, SECRET, archive};

/// The database's name.
pub const DB_NAME: &str = "wordpress";
/// The database's user.
pub const DB_USER: &str = "wp_client1";
/// Its password: the sentinel, so that every run is searched for it.
pub const DB_PASSWORD: &str = SECRET;

/// Defines what would send mail or reach the network, before WordPress is loaded.
const PRELUDE: &str = include_str!("prelude.php");
const INSTALL: &str = include_str!("install.php");
const CONTENT: &str = include_str!("content.php");

/// A site; dropped, it is gone.
#[derive(Debug)]
pub struct WordPress {
    root: PathBuf,
    database: MariaDb,
    dir: TempDir,
}

/// What was changed by a day's work, as WordPress says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// The title of the post that was edited.
    pub post: String,
    /// The file that was added, below the site's root.
    pub image: String,
    /// Its bytes.
    pub image_bytes: u64,
}

impl WordPress {
    /// A new site with twenty posts and four images: about five seconds.
    ///
    /// # Panics
    /// When PHP, MariaDB or a WordPress core is missing, or WordPress does not install.
    pub fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("wordpress").tempdir().expect("a temporary folder");
        let root = dir.path().join("htdocs");
        copy(&archive::wordpress_tree(), &root).expect("a core can be copied");
        let database = MariaDb::start();
        fs::write(root.join("wp-config.php"), prepare(&database, &root)).expect("writable");
        let site = Self { root, database, dir };
        site.run("define( 'WP_INSTALLING', true );", INSTALL);
        site.php(&format!(
            "{CONTENT}\nholdfast_posts(20, 1); foreach ([1, 2, 3, 4] as $n) holdfast_image($n, 320, 240);"
        ));
        site
    }

    /// The folder with wp-config.php.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its database server.
    pub fn database(&self) -> &MariaDb {
        &self.database
    }

    /// Runs PHP in the loaded site, without the opening tag; what it prints comes back.
    ///
    /// # Panics
    /// With its output when it fails.
    pub fn php(&self, script: &str) -> String {
        self.run("", script)
    }

    fn run(&self, before: &str, script: &str) -> String {
        let path = self.dir.path().join("script.php");
        let root = self.root.display();
        let body = script.trim_start().trim_start_matches("<?php");
        // Loaded at the top level: what it sets must become global variables.
        let text = format!("{PRELUDE}\n{before}\nrequire_once '{root}/wp-load.php';\n{body}");
        fs::write(&path, text).expect("writable");
        let output = Command::new("php")
            .args(["-d", "display_errors=stderr", "-d", "memory_limit=512M"])
            .arg(&path)
            .env("TZ", "UTC")
            .output()
            .unwrap_or_else(|e| panic!("php does not run: {e}; `cargo xtask test` installs it"));
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "PHP ended with {}\n{stdout}\n{stderr}", output.status);
        stdout.into_owned()
    }

    /// Edits one post and adds one image of about 900 KB, as an author does in a day.
    pub fn work_a_day(&self, day: u32) -> Day {
        let said = self.php(&format!("{CONTENT}\nholdfast_day({day});"));
        let mut lines = said.lines().rev().take(3).collect::<Vec<_>>().into_iter().rev();
        let mut next = || lines.next().unwrap_or_default().to_owned();
        let (post, image) = (next(), next());
        let image_bytes = next().parse().unwrap_or_else(|_| panic!("WordPress said otherwise:\n{said}"));
        let image = Path::new(&image).strip_prefix(&self.root).map(|path| path.display().to_string());
        Day { post, image: image.expect("uploads lie below the root"), image_bytes }
    }

    /// The checksum of every table of one of its databases, by name.
    pub fn checksums(&self, db: &str) -> Vec<(String, String)> {
        checksums(&self.database, db)
    }
}

/// `CHECKSUM TABLE` of every table of a database, sorted by name.
pub fn checksums(database: &MariaDb, db: &str) -> Vec<(String, String)> {
    let query = format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = '{db}' AND table_type = 'BASE TABLE'"
    );
    let tables = database.sql("", &query);
    let mut found = Vec::new();
    // A header, where the client prints one, names no table.
    for table in tables.lines().filter(|line| !line.eq_ignore_ascii_case("table_name")) {
        let line = database.sql(db, &format!("CHECKSUM TABLE `{table}` EXTENDED"));
        let sum = line.trim().rsplit('\t').next().unwrap_or_default().to_owned();
        found.push((table.to_owned(), sum));
    }
    found.sort();
    found
}

/// Makes the database and its user; the wp-config.php that names them comes back.
pub(crate) fn prepare(database: &MariaDb, root: &Path) -> String {
    database.sql("", &grants());
    config(database, root)
}

/// The database and its user, who may connect from wherever this machine is.
fn grants() -> String {
    let hosts = ["localhost", "127.0.0.1"];
    let users = hosts.map(|host| {
        format!(
            "CREATE USER '{DB_USER}'@'{host}' IDENTIFIED BY '{DB_PASSWORD}';\n\
             GRANT ALL PRIVILEGES ON `{DB_NAME}`.* TO '{DB_USER}'@'{host}';\n"
        )
    });
    format!("CREATE DATABASE `{DB_NAME}` DEFAULT CHARACTER SET utf8mb4;\n{}", users.concat())
}

fn config(database: &MariaDb, root: &Path) -> String {
    format!(
        "<?php\n\
         define( 'DB_NAME', '{DB_NAME}' );\n\
         define( 'DB_USER', '{DB_USER}' );\n\
         define( 'DB_PASSWORD', '{DB_PASSWORD}' );\n\
         define( 'DB_HOST', 'localhost:{socket}' );\n\
         define( 'DB_CHARSET', 'utf8mb4' );\n\
         define( 'DB_COLLATE', '' );\n\
         define( 'WP_HOME', 'http://client1.example' );\n\
         define( 'WP_SITEURL', 'http://client1.example' );\n\
         define( 'WP_HTTP_BLOCK_EXTERNAL', true );\n\
         define( 'DISABLE_WP_CRON', true );\n\
         define( 'AUTH_KEY', 'not a secret: {root}' );\n\
         $table_prefix = 'wp_';\n\
         if ( ! defined( 'ABSPATH' ) ) {{\n\tdefine( 'ABSPATH', __DIR__ . '/' );\n}}\n\
         require_once ABSPATH . 'wp-settings.php';\n",
        socket = database.socket().display(),
        root = root.display(),
    )
}

/// Copies a tree as it is.
pub(crate) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let status = Command::new("cp").args(["-a", "--reflink=auto"]).args([from, to]).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("cp ended with {status}"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_and_a_day_of_work() {
        let site = WordPress::start();
        let count =
            |site: &WordPress| site.php("echo wp_count_posts()->publish, ' ', wp_count_posts('attachment')->inherit;");
        // WordPress brings one post of its own.
        assert_eq!(count(&site), "21 4");
        let before = site.checksums(DB_NAME);
        assert!(before.iter().any(|(table, sum)| table == "wp_posts" && sum.parse::<u64>().is_ok()), "{before:?}");
        let day = site.work_a_day(1);
        assert_eq!(fs::metadata(site.root().join(&day.image)).expect("it is there").len(), day.image_bytes);
        assert!(day.image.starts_with("wp-content/uploads/") && day.image_bytes > 500_000, "{day:?}");
        assert_eq!(count(&site), "21 5");
        let changed = |table: &str| {
            let find = |sums: &[(String, String)]| sums.iter().find(|(name, _)| name == table).cloned();
            find(&before) != find(&site.checksums(DB_NAME))
        };
        assert!(changed("wp_posts") && !changed("wp_users"));
    }
}
