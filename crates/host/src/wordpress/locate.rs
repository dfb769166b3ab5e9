//! Where the parts of a site are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use holdfast_core::error::{Error, Kind};

use crate::state::plain;

/// The files to read.
pub(super) struct Places {
    pub(super) root: PathBuf,
    pub(super) core: PathBuf,
    pub(super) config: PathBuf,
}

/// Finds wp-config.php as WordPress does: beside wp-settings.php, or one level above where no
/// other WordPress is. A root whose WordPress is in a directory of its own is one too.
pub(super) fn places(root: &Path) -> Result<Places, Error> {
    let refused = |why: &str| {
        let hint = "name the directory that wp-config.php is in; `--files DIR` backs up a tree that is not WordPress";
        Err(Error::new(Kind::Config, format!("cannot use {} as a WordPress site: {why}", root.display())).hint(hint))
    };
    let root = match fs::canonicalize(root) {
        Ok(real) => real,
        Err(error) => return refused(&plain(&error)),
    };
    if !root.is_dir() {
        return refused("it is not a directory");
    }
    let beside = root.join("wp-config.php");
    let above = root.parent().map(|above| (above.join("wp-config.php"), above.join("wp-settings.php")));
    let has_core = root.join("wp-settings.php").exists();
    // `exists` says no to what may not be looked at, which is a different trouble.
    let (config, looked_at) = match (fs::metadata(&beside), above) {
        (Ok(_), _) => (Some(beside), String::new()),
        (Err(error), _) if error.kind() != std::io::ErrorKind::NotFound => {
            return refused(&format!("cannot read {}: {}", beside.display(), plain(&error)));
        }
        (Err(_), Some((above, settings))) if has_core && !settings.exists() => {
            let looked_at = format!(", nor {}", above.display());
            (Some(above).filter(|above| above.is_file()), looked_at)
        }
        (Err(_), Some((above, _))) if has_core => {
            (None, format!(", and {} belongs to the WordPress that is beside it", above.display()))
        }
        (Err(_), _) => (None, String::new()),
    };
    let Some(config) = config else {
        return refused(&format!("there is no {}{looked_at}", root.join("wp-config.php").display()));
    };
    let core = if has_core { root.clone() } else { core_below(&root).unwrap_or_else(|| root.clone()) };
    Ok(Places { root, core, config })
}

/// "Giving WordPress its own directory": https://developer.wordpress.org/advanced-administration/server/wordpress-in-directory/
fn core_below(root: &Path) -> Option<PathBuf> {
    let mut children: Vec<PathBuf> = fs::read_dir(root).ok()?.flatten().map(|entry| entry.path()).collect();
    children.sort();
    children.into_iter().find(|child| child.join("wp-settings.php").is_file())
}
