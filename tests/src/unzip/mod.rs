//! Foreign readers of a zip: what anybody has at hand to restore a backup without Holdfast.
//!
//! [`Reader::read`] gives back the facts of every member as that program sees them, and
//! [`Reader::differences`] compares them with the tree that was packed, as far as the program can
//! carry it: [`Reader::losses`] says where that ends.

mod programs;

use std::fmt;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::tree::{Facts, Kind, Tree, diff};

/// What a program that opens whole paths gives up at: `PATH_MAX` less room for the folder.
const LONGEST_PATH: usize = 3_900;

/// Seconds since 1970 that both the DOS time (1980 on) and the Unix time of 32 bits (to 2038) hold.
const COMMON_TIMES: std::ops::Range<i128> = 315_619_200..2_147_400_000;

/// A program, or a library, that reads zips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Info-ZIP's `unzip -K -V -^`.
    InfoZip,
    /// 7-Zip's `7z x -snl`.
    SevenZip,
    /// libarchive's `bsdtar -xpf`.
    Bsdtar,
    /// Python's `zipfile`.
    Python,
    /// PHP's `ZipArchive` (libzip).
    Php,
    /// Java's `java.util.zip.ZipFile`.
    Java,
    /// The Rust crate `zip`.
    RustZip,
}

/// What a reader found.
#[derive(Debug)]
pub struct Found {
    /// Every member by name. A folder that is only implied by the members in it counts as well.
    pub tree: Tree,
    /// What the program printed.
    pub said: String,
}

/// How far a reader's facts go.
struct Limits {
    /// Which mode bits come through.
    mode_mask: u32,
    /// The same for folders.
    directory_mask: u32,
    /// What becomes of symbolic links.
    links: Links,
    /// Whether folders keep their time.
    directory_times: bool,
    /// Whether links keep their time.
    link_times: bool,
    /// Whether it makes paths of any length.
    any_path: bool,
    /// Whether names in Unicode's decomposed form stay what they are.
    decomposed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Links {
    /// They are links, whatever they point to.
    All,
    /// Only those that stay below their folder and point to no other link.
    Harmless,
    /// They are files that hold the target.
    AsFiles,
}

impl Reader {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::InfoZip, Self::SevenZip, Self::Bsdtar, Self::Python, Self::Php, Self::Java, Self::RustZip];

    /// Reads the whole zip.
    ///
    /// # Errors
    /// When the program does not run, or finds no zip. Warnings are in [`Found::said`].
    pub fn read(self, zip: &Path) -> Result<Found, String> {
        programs::read(self, zip).map_err(|error| format!("{self}: {error}"))
    }

    /// What it does not give back: for the table in docs/backup-format.md.
    pub fn losses(self) -> &'static [&'static str] {
        match self {
            Self::InfoZip => &[
                "times finer than a second, and those outside of 1980 to 2037",
                "the times of symbolic links",
                "setuid, setgid and sticky bits without `-K`",
                "control characters in names without `-^`",
                "a `;` at the end of a name, with digits or without, unless `-V` is given",
                "paths longer than PATH_MAX",
            ],
            Self::SevenZip => &[
                "times finer than a second, and those outside of 1980 to 2037",
                "setuid, setgid and sticky bits; folders that their owner may not write to",
                "links that are absolute (it puts them below the target folder), that go up, or that point to a link",
                "paths longer than PATH_MAX",
            ],
            Self::Bsdtar => &[
                "times finer than a second, and those outside of 1980 to 2037",
                "setuid, setgid and sticky bits without `-p`",
                "names in Unicode's decomposed form, which it composes: of two names that differ in that alone, one is lost",
                "paths longer than PATH_MAX",
                "backslashes in names of the top folder (there are none: everything lies under `files/`)",
            ],
            Self::Python => &[
                "times finer than two seconds (it reads the DOS time only, without a zone)",
                "links and modes when it extracts: `extractall` writes plain files (`external_attr` has both)",
            ],
            Self::Php => &[
                "times finer than two seconds (it reads the DOS time only, in the local zone)",
                "links and modes when it extracts (`getExternalAttributesIndex` has both)",
            ],
            Self::Java => &[
                "modes; links are files that hold the target",
                "times finer than a second, and those outside of 1980 to 2037",
                "every member, when one name is not UTF-8 and the archive is opened without naming a charset",
            ],
            Self::RustZip => {
                &["setuid, setgid and sticky bits", "times finer than two seconds, unless the extra fields are read"]
            }
        }
    }

    /// Whether it takes times from the headers beside the members: those of a file that was only touched
    /// are of the night that sent it.
    pub fn takes_local_times(self) -> bool {
        matches!(self, Self::InfoZip | Self::SevenZip | Self::Bsdtar)
    }

    /// How what it found differs from the tree that was packed, beyond what it can carry; empty when it
    /// does not. A time of 0 in `packed` is not compared.
    pub fn differences(self, packed: &Tree, found: &Tree) -> String {
        let limits = self.limits();
        let expected = limits.reduced(packed);
        let mut found = limits.reduced(found);
        if limits.links == Links::Harmless {
            let harmful = |name: &Vec<u8>| packed.get(name).is_some_and(|facts| is_harmful(packed, name, facts));
            found.retain(|name, _| !harmful(name));
        }
        for (name, facts) in &mut found {
            if let Some(wanted) = expected.get(name)
                && (wanted.mtime_ns == 0 || (wanted.mtime_ns - facts.mtime_ns).abs() <= 2_000_000_000)
            {
                facts.mtime_ns = wanted.mtime_ns;
            }
        }
        diff(&expected, &found)
    }

    fn limits(self) -> Limits {
        let all = Limits {
            mode_mask: 0o7777,
            directory_mask: 0o7777,
            links: Links::All,
            directory_times: true,
            link_times: true,
            any_path: true,
            decomposed: true,
        };
        match self {
            Self::InfoZip => Limits { link_times: false, any_path: false, ..all },
            Self::SevenZip => {
                Limits { mode_mask: 0o777, directory_mask: 0o577, links: Links::Harmless, any_path: false, ..all }
            }
            Self::Bsdtar => Limits { any_path: false, decomposed: false, ..all },
            Self::Python | Self::Php => all,
            Self::RustZip => Limits { mode_mask: 0o777, directory_mask: 0o777, ..all },
            Self::Java => Limits { mode_mask: 0, directory_mask: 0, links: Links::AsFiles, ..all },
        }
    }
}

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InfoZip => "Info-ZIP unzip",
            Self::SevenZip => "7-Zip",
            Self::Bsdtar => "bsdtar",
            Self::Python => "Python zipfile",
            Self::Php => "PHP ZipArchive",
            Self::Java => "Java ZipFile",
            Self::RustZip => "Rust zip",
        })
    }
}

impl Limits {
    /// The tree with what does not come through made equal. Pipes and sockets are in no zip.
    fn reduced(&self, tree: &Tree) -> Tree {
        let mut reduced = Tree::new();
        for (name, facts) in tree {
            let is_kept = matches!(facts.kind, Kind::File | Kind::Directory | Kind::Symlink);
            let is_left_out = self.links == Links::Harmless && is_harmful(tree, name, facts);
            let is_recomposed = !self.decomposed && has_two_forms(name);
            if !is_kept || is_left_out || is_recomposed || (!self.any_path && name.len() > LONGEST_PATH) {
                continue;
            }
            let mut facts = facts.clone();
            let seconds = facts.mtime_ns.div_euclid(1_000_000_000);
            let has_time = match facts.kind {
                Kind::Directory => self.directory_times,
                Kind::Symlink => self.link_times,
                _ => true,
            };
            facts.mtime_ns = if has_time && COMMON_TIMES.contains(&seconds) { seconds * 1_000_000_000 } else { 0 };
            facts.mode &= if facts.kind == Kind::Directory { self.directory_mask } else { self.mode_mask };
            if facts.kind == Kind::Symlink && self.links == Links::AsFiles {
                let target = facts.target.take().unwrap_or_default();
                facts.kind = Kind::File;
                facts.size = target.len() as u64;
                facts.sha256 = Some(hex::encode(Sha256::digest(&target)));
            }
            reduced.insert(name.clone(), facts);
        }
        reduced
    }
}

/// Whether a name holds the tree's letter that Unicode spells in two ways: `ä`, or `a` and U+0308.
fn has_two_forms(name: &[u8]) -> bool {
    let has = |letter: &str| name.windows(letter.len()).any(|window| window == letter.as_bytes());
    has("\u{e4}") || has("a\u{308}")
}

/// Whether 7-Zip calls this link dangerous: it is absolute, goes up, or points to another link.
fn is_harmful(tree: &Tree, name: &[u8], facts: &Facts) -> bool {
    let Some(target) = &facts.target else { return false };
    let folder = name.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let beside = [&name[..folder], target].concat();
    let goes_up = target.split(|byte| *byte == b'/').any(|part| part == b"..");
    target.starts_with(b"/") || goes_up || tree.get(&beside).is_some_and(|facts| facts.kind == Kind::Symlink)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::tree::{Size, Tree, generate, snapshot, under};

    /// A nasty tree under `files/`, packed by Info-ZIP's `zip`, which sets no UTF-8 flag.
    fn packed(dir: &Path) -> (std::path::PathBuf, Tree) {
        generate(&dir.join("files"), 5, Size::PLAIN).expect("it can be made");
        let tree = snapshot(&dir.join("files")).expect("readable");
        let zip = dir.join("tree.zip");
        let output = Command::new("zip")
            .args(["--quiet", "--recurse-paths", "--symlinks"])
            .arg(&zip)
            .arg("files")
            .current_dir(dir)
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .output()
            .expect("zip runs");
        assert!(zip.is_file(), "{}", String::from_utf8_lossy(&output.stderr));
        (zip, tree)
    }

    #[test]
    fn every_reader_gives_back_what_it_can_carry() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (zip, tree) = packed(dir.path());
        let mut failures = String::new();
        for reader in Reader::ALL {
            let found = reader.read(&zip).expect("it reads");
            let differences = reader.differences(&tree, &under(&found.tree, b"files/"));
            if !differences.is_empty() {
                failures +=
                    &format!("{reader}:\n{differences}\n{}\n", found.said.chars().take(400).collect::<String>());
            }
        }
        assert!(failures.is_empty(), "{failures}");
    }

    #[test]
    fn a_reader_sees_what_is_wrong() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (zip, mut tree) = packed(dir.path());
        let name = b"names/README".to_vec();
        let facts = tree.get_mut(&name).expect("it is there");
        facts.sha256 = Some("another".into());
        tree.remove(&b"0/0"[..]);
        for reader in Reader::ALL {
            let found = reader.read(&zip).expect("it reads");
            let differences = reader.differences(&tree, &under(&found.tree, b"files/"));
            assert_eq!(differences, "different \"names/README\": other bytes\nsurplus   \"0/0\" (File)", "{reader}");
        }
    }

    #[test]
    fn what_is_no_zip_is_an_error() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("no.zip");
        std::fs::write(&path, crate::data::bytes(1, 5_000)).expect("writable");
        for reader in Reader::ALL {
            assert!(reader.read(&path).is_err(), "{reader}");
        }
    }
}
