//! Where things are: the workspace, the target directory, the cache.

use std::env;
use std::path::{Path, PathBuf};

/// The workspace's root folder.
pub(crate) fn workspace() -> PathBuf {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").expect("cargo run sets it");
    let mut dirs = Path::new(&manifest).ancestors().skip(1);
    dirs.find(|dir| dir.join("Cargo.toml").is_file()).expect("this crate lies in a workspace").to_owned()
}

/// The target directory that this program was built in.
pub(crate) fn target() -> PathBuf {
    let me = env::current_exe().expect("a running program has a path");
    let target = me.ancestors().find(|dir| dir.join("CACHEDIR.TAG").is_file());
    target.map_or_else(|| workspace().join("target"), Path::to_owned)
}

/// The release build of the runner.
pub(crate) fn runner() -> PathBuf {
    target().join("release/holdfast")
}

/// What is installed or fetched is kept here, outside of the workspace.
pub(crate) fn cache() -> PathBuf {
    let base = match env::var_os("XDG_CACHE_HOME") {
        Some(dir) if Path::new(&dir).is_absolute() => PathBuf::from(dir),
        _ => Path::new(&env::var_os("HOME").expect("HOME is set")).join(".cache"),
    };
    base.join("holdfast-xtask")
}
