//! What a site's days do to its files, from a seed: the same night changes the same things.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::{Path, PathBuf};

use super::nasty::{set_mtime, text};
use crate::data::{self, Random};

/// One thing that a night did, with the path below the root that it did it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A file has other bytes.
    Edited(PathBuf),
    /// A file has more bytes at its end.
    Grown(PathBuf),
    /// A file is new.
    Added(PathBuf),
    /// A file has gone.
    Deleted(PathBuf),
    /// A folder has gone with all that was in it.
    DeletedFolder(PathBuf),
    /// A file or folder has another name: from, to.
    Renamed(PathBuf, PathBuf),
    /// A file has a new time and the old bytes.
    Touched(PathBuf),
    /// A file has other bytes, and as many of them, and its old time: what `aws s3 sync` misses.
    Disguised(PathBuf),
    /// A file is a directory now.
    FileToDirectory(PathBuf),
    /// A directory is a file now.
    DirectoryToFile(PathBuf),
    /// A symbolic link is a file now.
    LinkToFile(PathBuf),
    /// A file is a symbolic link now.
    FileToLink(PathBuf),
}

/// Changes a tree that [`super::generate`] made, or that an earlier night left; at least one change of
/// each kind. Only what lies under `plain/` changes.
pub fn evolve(root: &Path, seed: u64, night: u32) -> io::Result<Vec<Change>> {
    let mut random = Random::new(seed ^ (u64::from(night) << 32));
    let mut days = Night { root, night, random: &mut random, done: Vec::new() };
    // Folders first: later no folder is left in which nothing has changed yet.
    days.rename_folder()?;
    days.directory_to_file()?;
    if night % 3 == 2 {
        days.delete_folder()?;
    }
    for _ in 0..4 {
        days.edit()?;
        days.add()?;
    }
    for _ in 0..2 {
        days.grow()?;
        days.delete()?;
        days.touch()?;
        days.disguise()?;
    }
    days.rename()?;
    days.link_to_file()?;
    days.file_to_link()?;
    days.file_to_directory()?;
    Ok(days.done)
}

struct Night<'a> {
    root: &'a Path,
    night: u32,
    random: &'a mut Random,
    done: Vec<Change>,
}

impl Night<'_> {
    fn edit(&mut self) -> io::Result<()> {
        let file = self.pick(Wanted::File)?;
        let lines = 5 + self.random.below(100);
        fs::write(self.root.join(&file), text(self.random, lines))?;
        self.done.push(Change::Edited(file));
        Ok(())
    }

    fn grow(&mut self) -> io::Result<()> {
        let file = self.pick(Wanted::File)?;
        let more = data::bytes(self.random.next_u64(), 1 + self.random.below(5_000) as usize);
        File::options().append(true).open(self.root.join(&file))?.write_all(&more)?;
        self.done.push(Change::Grown(file));
        Ok(())
    }

    fn add(&mut self) -> io::Result<()> {
        let neighbour = self.pick(Wanted::File)?;
        let file = neighbour.with_file_name(format!("night-{}-{}.jpg", self.night, self.random.below(1 << 40)));
        let len = self.random.below(20_000) as usize;
        fs::write(self.root.join(&file), data::bytes(self.random.next_u64(), len))?;
        self.done.push(Change::Added(file));
        Ok(())
    }

    fn delete(&mut self) -> io::Result<()> {
        let file = self.pick(Wanted::File)?;
        fs::remove_file(self.root.join(&file))?;
        self.done.push(Change::Deleted(file));
        Ok(())
    }

    fn delete_folder(&mut self) -> io::Result<()> {
        let folder = self.pick(Wanted::Folder)?;
        fs::remove_dir_all(self.root.join(&folder))?;
        self.done.push(Change::DeletedFolder(folder));
        Ok(())
    }

    fn touch(&mut self) -> io::Result<()> {
        let file = self.pick(Wanted::File)?;
        let seconds = 1_700_000_000 + self.random.below(50_000_000) as i64;
        set_mtime(&self.root.join(&file), seconds, self.random.below(1_000_000_000) as i64)?;
        self.done.push(Change::Touched(file));
        Ok(())
    }

    fn disguise(&mut self) -> io::Result<()> {
        let file = self.pick(Wanted::File)?;
        let path = self.root.join(&file);
        let before = fs::metadata(&path)?;
        fs::write(&path, data::bytes(self.random.next_u64(), before.len() as usize))?;
        set_mtime(&path, before.mtime(), before.mtime_nsec())?;
        self.done.push(Change::Disguised(file));
        Ok(())
    }

    fn rename(&mut self) -> io::Result<()> {
        let file = self.pick(Wanted::File)?;
        self.renamed(file)
    }

    fn rename_folder(&mut self) -> io::Result<()> {
        let folder = self.pick(Wanted::Folder)?;
        self.renamed(folder)
    }

    fn renamed(&mut self, from: PathBuf) -> io::Result<()> {
        let to = from.with_file_name(format!("renamed in night {} {}", self.night, self.random.below(1 << 40)));
        fs::rename(self.root.join(&from), self.root.join(&to))?;
        self.done.push(Change::Renamed(from, to));
        Ok(())
    }

    fn link_to_file(&mut self) -> io::Result<()> {
        let file = match self.pick_some(Wanted::Link)? {
            Some(link) => link,
            // The first night finds none: what it makes is there for the next one.
            None => return self.file_to_link(),
        };
        fs::remove_file(self.root.join(&file))?;
        fs::write(self.root.join(&file), text(self.random, 12))?;
        self.done.push(Change::LinkToFile(file));
        Ok(())
    }

    fn file_to_link(&mut self) -> io::Result<()> {
        let file = self.pick(Wanted::File)?;
        fs::remove_file(self.root.join(&file))?;
        symlink("../a target that is not there", self.root.join(&file))?;
        self.done.push(Change::FileToLink(file));
        Ok(())
    }

    fn directory_to_file(&mut self) -> io::Result<()> {
        let folder = self.pick(Wanted::Folder)?;
        fs::remove_dir_all(self.root.join(&folder))?;
        fs::write(self.root.join(&folder), "this was a directory\n")?;
        self.done.push(Change::DirectoryToFile(folder));
        Ok(())
    }

    fn file_to_directory(&mut self) -> io::Result<()> {
        let file = self.pick(Wanted::File)?;
        let path = self.root.join(&file);
        fs::remove_file(&path)?;
        fs::create_dir(&path)?;
        for n in 0..6 {
            fs::write(path.join(format!("inside-{n}.php")), text(self.random, 20))?;
        }
        self.done.push(Change::FileToDirectory(file));
        Ok(())
    }

    fn pick(&mut self, wanted: Wanted) -> io::Result<PathBuf> {
        let found = self.pick_some(wanted)?;
        found.ok_or_else(|| io::Error::other(format!("no {wanted:?} is left under {}", self.root.display())))
    }

    /// One that is there and that this night has not changed yet: two changes to one file would be one.
    fn pick_some(&mut self, wanted: Wanted) -> io::Result<Option<PathBuf>> {
        let mut candidates = Vec::new();
        list(self.root, Path::new("plain"), wanted, &mut candidates)?;
        let touched: Vec<&Path> = self.done.iter().flat_map(Change::paths).collect();
        candidates.retain(|path| !touched.iter().any(|other| path.starts_with(other) || other.starts_with(path)));
        candidates.sort();
        let index = self.random.below(candidates.len() as u64) as usize;
        Ok((!candidates.is_empty()).then(|| candidates.swap_remove(index)))
    }
}

impl Change {
    fn paths(&self) -> Vec<&Path> {
        match self {
            Self::Renamed(from, to) => vec![from, to],
            Self::Edited(path)
            | Self::Grown(path)
            | Self::Added(path)
            | Self::Deleted(path)
            | Self::DeletedFolder(path)
            | Self::Touched(path)
            | Self::Disguised(path)
            | Self::FileToDirectory(path)
            | Self::DirectoryToFile(path)
            | Self::LinkToFile(path)
            | Self::FileToLink(path) => vec![path],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    File,
    Folder,
    Link,
}

fn list(root: &Path, dir: &Path, wanted: Wanted, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(dir))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let path = dir.join(entry.file_name());
        let is_wanted = match wanted {
            Wanted::File => kind.is_file() && entry.metadata()?.len() > 0,
            Wanted::Folder => kind.is_dir(),
            Wanted::Link => kind.is_symlink(),
        };
        if is_wanted {
            found.push(path.clone());
        }
        if kind.is_dir() {
            list(root, &path, wanted, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Size, Tree, diff, generate, snapshot};

    #[test]
    fn seven_nights_change_the_same_things_for_the_same_seed() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (one, two) = (dir.path().join("1"), dir.path().join("2"));
        let size = Size::PLAIN;
        generate(&one, 3, size).expect("it can be made");
        generate(&two, 3, size).expect("it can be made");
        for night in 1..=7 {
            let before = snapshot(&one).expect("readable");
            let changes = evolve(&one, 3, night).expect("it evolves");
            assert_eq!(changes, evolve(&two, 3, night).expect("it evolves"), "night {night}");
            let after = snapshot(&one).expect("readable");
            for change in &changes {
                assert!(shows(&before, &after, change), "night {night}: {change:?}");
            }
        }
        let timeless = |root: &Path| {
            let mut tree = snapshot(root).expect("readable");
            tree.values_mut().for_each(|facts| facts.mtime_ns = 0);
            tree
        };
        assert_eq!(diff(&timeless(&one), &timeless(&two)), "");
    }

    /// Whether the tree says of a change what the change says of itself.
    fn shows(before: &Tree, after: &Tree, change: &Change) -> bool {
        use std::os::unix::ffi::OsStrExt as _;
        let at = |tree: &Tree, path: &Path| tree.get(path.as_os_str().as_bytes()).cloned();
        match change {
            Change::Disguised(path) => {
                let (Some(old), Some(new)) = (at(before, path), at(after, path)) else { return false };
                old.sha256 != new.sha256 && old.size == new.size && old.mtime_ns == new.mtime_ns
            }
            Change::Touched(path) => {
                let (Some(old), Some(new)) = (at(before, path), at(after, path)) else { return false };
                old.sha256 == new.sha256 && old.mtime_ns != new.mtime_ns
            }
            Change::Deleted(path) | Change::DeletedFolder(path) => at(after, path).is_none(),
            Change::Renamed(from, to) => {
                at(after, from).is_none() && at(after, to).map(|f| f.sha256) == at(before, from).map(|f| f.sha256)
            }
            Change::Added(path) => at(before, path).is_none() && at(after, path).is_some(),
            other => other.paths().iter().all(|path| at(before, path) != at(after, path) && at(after, path).is_some()),
        }
    }
}
