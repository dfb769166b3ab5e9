//! Packs a real tree of files into an ordinary zip: the input of the demo and of tests.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// What was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packed {
    /// How many files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The bytes of the zip.
    pub zip_bytes: u64,
}

/// The WordPress core tree that `cargo xtask test` keeps: `$HOLDFAST_WORDPRESS`, else in the cache.
///
/// # Panics
/// When there is none: a test that needs it fails, it is never skipped.
pub fn wordpress_tree() -> PathBuf {
    let tree = match std::env::var_os("HOLDFAST_WORDPRESS") {
        Some(tree) => PathBuf::from(tree),
        None => crate::binaries::cache_dir().join("wordpress/tree"),
    };
    assert!(
        tree.join("wp-includes/version.php").is_file(),
        "no WordPress core at {}: `cargo xtask test` fetches one",
        tree.display()
    );
    tree
}

/// The version that a core tree says it has.
pub fn wordpress_version(tree: &Path) -> String {
    let text = fs::read_to_string(tree.join("wp-includes/version.php")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("$wp_version = '"));
    line.and_then(|rest| rest.split('\'').next()).unwrap_or("unknown").to_owned()
}

/// Packs every file under `tree`, in the order of their names, with one fixed time in all entries:
/// the same tree gives the same bytes.
pub fn pack(tree: &Path, zip: &Path) -> io::Result<Packed> {
    let mut names = Vec::new();
    walk(tree, tree, &mut names)?;
    names.sort();
    let mut writer = ZipWriter::new(BufWriter::with_capacity(1 << 20, File::create(zip)?));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut packed = Packed { files: names.len(), bytes: 0, zip_bytes: 0 };
    for name in &names {
        writer.start_file(name, options)?;
        packed.bytes += io::copy(&mut File::open(tree.join(name))?, &mut writer)?;
    }
    writer.finish()?.into_inner()?.sync_all()?;
    packed.zip_bytes = fs::metadata(zip)?.len();
    Ok(packed)
}

fn walk(root: &Path, dir: &Path, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(root, &entry.path(), names)?;
        } else if kind.is_file() {
            let path = entry.path();
            let name = path.strip_prefix(root).map_err(io::Error::other)?;
            names.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_tree_gives_the_same_zip() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let tree = dir.path().join("tree");
        fs::create_dir_all(tree.join("b")).expect("writable");
        fs::write(tree.join("a.txt"), "hello").expect("writable");
        fs::write(tree.join("b/c.txt"), crate::data::bytes(1, 10_000)).expect("writable");
        let (one, two) = (dir.path().join("1.zip"), dir.path().join("2.zip"));
        let packed = pack(&tree, &one).expect("it can be packed");
        pack(&tree, &two).expect("it can be packed");
        assert_eq!((packed.files, packed.bytes), (2, 10_005));
        assert_eq!(crate::data::first_difference(&one, &two).expect("readable"), None);
    }
}
