//! Where the server binaries are: `$HOLDFAST_XTASK_CACHE/bin`, else
//! `${XDG_CACHE_HOME:-~/.cache}/holdfast-xtask/bin`, filled by `cargo xtask test`.

use std::env;
use std::path::{Path, PathBuf};

/// The folder that `cargo xtask` keeps what it installed in.
pub fn cache_dir() -> PathBuf {
    if let Some(dir) = env::var_os("HOLDFAST_XTASK_CACHE") {
        return PathBuf::from(dir);
    }
    let base = match env::var_os("XDG_CACHE_HOME") {
        Some(dir) if Path::new(&dir).is_absolute() => PathBuf::from(dir),
        _ => Path::new(&env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache"),
    };
    base.join("holdfast-xtask")
}

/// The path of a server binary.
///
/// # Panics
/// When it is not installed: a test that needs a server fails, it is never skipped.
pub fn find(name: &str) -> PathBuf {
    let path = cache_dir().join("bin").join(name);
    assert!(
        path.is_file(),
        "`{name}` is not installed at {}: `cargo xtask test` installs what the tests need",
        path.display()
    );
    path
}
