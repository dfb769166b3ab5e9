//! What a backup is of: trees, a database, and who the site is.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use holdfast_core::{
    error::{Error, Kind},
    secret::Secret,
};
use serde_json::{Value, json};

use super::super::config_error;
use crate::{
    archive::{patterns::PatternsBuilder, walk::WalkOptions},
    cli::BackupWhat,
    mysql::{Database, DbHost, DbTls, Scope},
    state::StateDir,
    wordpress::{self, DbSettings},
};

/// Where the password of a database comes from that no wp-config.php names.
const PASSWORD: &str = "HOLDFAST_DB_PASSWORD";

/// What is backed up.
pub(super) struct What {
    /// Tells this site from others on this machine: where it is.
    pub(super) origin: String,
    /// A name for people.
    pub(super) label: String,
    /// For people, in a sentence.
    pub(super) words: String,
    /// Trees, in the order of their members.
    pub(super) trees: Vec<Tree>,
    /// Files of the site that lie outside its trees, by their members' names.
    pub(super) strays: BTreeMap<&'static str, PathBuf>,
    /// The database.
    pub(super) database: Option<(Database, Scope)>,
    /// What `backup.json` says of the site.
    pub(super) facts: Value,
    /// What a person should know.
    pub(super) warnings: Vec<Error>,
}

/// A tree, and what its members' names begin with.
pub(super) struct Tree {
    pub(super) prefix: &'static str,
    pub(super) options: WalkOptions,
}

/// Finds out what the flags mean.
pub(super) fn find(args: &BackupWhat, state: &StateDir) -> Result<What, Error> {
    if let Some(root) = &args.wp_root {
        return of_wordpress(args, root, state);
    }
    let mut what = What {
        origin: String::new(),
        label: String::new(),
        words: String::new(),
        trees: Vec::new(),
        strays: BTreeMap::new(),
        database: None,
        facts: json!({}),
        warnings: Vec::new(),
    };
    if let Some(root) = &args.files {
        let tree = tree("files/", root, args, state, None)?;
        let path = absolute(root);
        what.label = last_name(&path);
        what.origin = format!("files {}", path.display());
        what.words = path.display().to_string();
        what.trees.push(tree);
    }
    if args.database {
        let (database, scope) = named_database(args)?;
        if what.label.is_empty() {
            what.label.clone_from(&database.name);
        }
        what.origin = format!("{} database {}", what.origin, database.name).trim().to_owned();
        let words = format!("the database {}", database.name);
        what.words = if what.words.is_empty() { words } else { format!("{} and {words}", what.words) };
        what.database = Some((database, scope));
    }
    Ok(what)
}

fn of_wordpress(args: &BackupWhat, root: &Path, state: &StateDir) -> Result<What, Error> {
    let site = wordpress::discover(root, &|name| std::env::var(name).ok())?;
    let root = absolute(&site.root);
    let content = inside(&root, &site.content_dir);
    let mut trees = vec![tree("files/", &root, args, state, Some(content.as_deref()))?];
    if let Some(uploads) = site.uploads.as_deref().filter(|uploads| is_elsewhere(&[&root, &site.content_dir], uploads))
    {
        trees.push(tree("uploads/", uploads, args, state, None)?);
    }
    if content.is_none() {
        trees.push(tree("wp-content/", &site.content_dir, args, state, None)?);
    }
    let mut strays = BTreeMap::new();
    if inside(&root, &site.config_path).is_none() {
        strays.insert("wp-config.php", site.config_path.clone());
    }
    let label = site.home.as_deref().and_then(host_of).unwrap_or_else(|| last_name(&root));
    let facts = json!({
        "wordpress": {
            "version": site.version,
            "home": site.home,
            "table_prefix": site.table_prefix,
            "multisite": site.multisite,
        },
        "root": root.to_string_lossy(),
    });
    let mut warnings: Vec<Error> = site.warnings.iter().map(|text| Error::new(Kind::Config, text.clone())).collect();
    let (database, words) = match &site.db {
        wordpress::Database::Mysql(settings) => {
            let prefix = (!args.all_tables).then(|| site.table_prefix.clone());
            let words = format!("{} and its database {}", root.display(), settings.name);
            (Some((database_of(settings)?, scope_of(args, prefix))), words)
        }
        wordpress::Database::Sqlite { file } => {
            let what = format!("the database is the file {}, which is backed up as it is", file.display());
            let hint = "a write at the same moment may leave it torn: back up when the site is idle";
            warnings.push(Error::new(Kind::Source, what).hint(hint));
            (None, root.display().to_string())
        }
    };
    let origin = format!("wordpress {}", root.display());
    Ok(What { origin, label, words, trees, strays, database, facts, warnings })
}

fn database_of(settings: &DbSettings) -> Result<Database, Error> {
    // What WordPress itself does: it encrypts, and asks nobody who answers.
    let tls = if settings.asks_tls() { DbTls::Encrypted } else { DbTls::Off };
    Ok(Database {
        host: DbHost::parse(&settings.host)?,
        name: settings.name.clone(),
        user: settings.user.clone(),
        password: settings.password.clone(),
        charset: settings.charset.clone(),
        tls,
    })
}

fn scope_of(args: &BackupWhat, prefix: Option<String>) -> Scope {
    Scope { prefix, skip: args.skip_tables.clone(), structure_only: args.skip_rows.clone(), ..Scope::default() }
}

fn named_database(args: &BackupWhat) -> Result<(Database, Scope), Error> {
    let missing = |flag: &str| config_error(format!("a database needs `{flag}`"), "name it, or use `--wp-root`");
    let database = Database {
        host: DbHost::parse(&args.db_host)?,
        name: args.db_name.clone().ok_or_else(|| missing("--db-name"))?,
        user: args.db_user.clone().ok_or_else(|| missing("--db-user"))?,
        password: Secret::new(std::env::var(PASSWORD).unwrap_or_default()),
        charset: None,
        tls: DbTls::default(),
    };
    Ok((database, scope_of(args, None)))
}

/// A tree with the patterns of the command line; `content` is WordPress's, for the defaults.
fn tree(
    prefix: &'static str,
    root: &Path,
    args: &BackupWhat,
    state: &StateDir,
    content: Option<Option<&str>>,
) -> Result<Tree, Error> {
    let mut patterns = PatternsBuilder::default();
    if let Some(content) = content.filter(|_| !args.no_default_excludes) {
        patterns = patterns.wordpress(content);
    }
    for pattern in &args.exclude {
        patterns = patterns.exclude(pattern)?;
    }
    for path in &args.exclude_from {
        patterns = patterns.exclude_from(path)?;
    }
    for pattern in &args.include {
        patterns = patterns.include(pattern)?;
    }
    let mut options = WalkOptions::new(root);
    options.patterns = patterns.build()?;
    options.one_file_system = args.one_file_system;
    options.allow_root = args.allow_root;
    options.skip = identity(state.path()).into_iter().collect();
    Ok(Tree { prefix, options })
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

fn absolute(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| super::super::setup::absolute(path))
}

/// A path relative to the root, if it lies in it.
fn inside(root: &Path, path: &Path) -> Option<String> {
    absolute(path).strip_prefix(root).ok()?.to_str().map(str::to_owned)
}

fn is_elsewhere(roots: &[&Path], path: &Path) -> bool {
    path.is_dir() && roots.iter().all(|root| inside(&absolute(root), path).is_none())
}

fn last_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "site".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// `example.com` of `https://example.com/blog`.
fn host_of(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', ':', '?', '#']).next()?;
    (!host.is_empty()).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn a_site_is_called_by_its_host() {
        assert_eq!(host_of("https://example.com/blog").as_deref(), Some("example.com"));
        assert_eq!(host_of("http://localhost:8080").as_deref(), Some("localhost"));
        assert_eq!(host_of("example.com"), None);
    }
}
