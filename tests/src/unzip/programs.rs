//! Calls the readers. Those of the command line extract to a folder, of which a snapshot is taken;
//! the libraries list and read every member, and print one JSON object a member.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Found, Reader};
use crate::tree::{Facts, Kind, Tree, snapshot};

const PYTHON: &str = include_str!("list.py");
const PHP: &str = include_str!("list.php");
const JAVA: &str = include_str!("List.java");

pub(super) fn read(reader: Reader, zip: &Path) -> Result<Found, String> {
    match reader {
        Reader::InfoZip => extract(zip, |zip, to| {
            let mut unzip = Command::new("unzip");
            unzip.args(["-q", "-o", "-K", "-V", "-^"]).arg(zip).arg("-d").arg(to);
            unzip
        }),
        Reader::SevenZip => extract(zip, |zip, to| {
            // It applies the umask to the modes that it restores.
            let mut seven = Command::new("sh");
            seven
                .args(["-c", "umask 0 && exec 7z \"$@\"", "7z", "x", "-y", "-snl", "-bd"])
                .arg(format!("-o{}", to.display()))
                .arg(zip);
            seven
        }),
        Reader::Bsdtar => extract(zip, |zip, to| {
            let mut bsdtar = Command::new("bsdtar");
            // -P: links may point anywhere, as the tree's own did.
            bsdtar.args(["-x", "-p", "-P", "-f"]).arg(zip).arg("-C").arg(to);
            bsdtar
        }),
        Reader::Python => list("list.py", PYTHON, &["python3"], zip),
        Reader::Php => list("list.php", PHP, &["php"], zip),
        Reader::Java => list("List.java", JAVA, &["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1"], zip),
        Reader::RustZip => rust_zip(zip),
    }
}

fn extract(zip: &Path, command: impl FnOnce(&Path, &Path) -> Command) -> Result<Found, String> {
    let dir = tempfile::tempdir().map_err(text)?;
    let to = dir.path().join("to");
    fs::create_dir(&to).map_err(text)?;
    let (_, said) = run(command(zip, &to))?;
    let tree = snapshot(&to).map_err(text)?;
    // Their exit codes are of many minds about warnings: what came out is what counts.
    if tree.is_empty() { Err(said) } else { Ok(Found { tree, said }) }
}

fn list(name: &str, program: &str, words: &[&str], zip: &Path) -> Result<Found, String> {
    let dir = tempfile::tempdir().map_err(text)?;
    let path = dir.path().join(name);
    fs::write(&path, program).map_err(text)?;
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(&path).arg(zip);
    let (stdout, said) = run(command)?;
    let mut tree = Tree::new();
    for line in stdout.lines() {
        let member: Value = serde_json::from_str(line).map_err(|e| format!("{e}: {line}\n{said}"))?;
        let (name, facts) = member_of(&member).ok_or_else(|| format!("no member: {line}"))?;
        tree.insert(name, facts);
    }
    if tree.is_empty() { Err(said) } else { Ok(Found { tree, said }) }
}

/// Runs it in a locale and a zone that are the same everywhere; stdout, and all that it printed.
fn run(mut command: Command) -> Result<(String, String), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .env("LANG", "C.UTF-8")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("`{name}` does not run: {e}; `cargo xtask test` installs it"))?;
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let said = format!("{name} ended with {}: {stderr}", output.status);
    Ok((stdout, said))
}

fn member_of(member: &Value) -> Option<(Vec<u8>, Facts)> {
    let mut name = hex::decode(member["name"].as_str()?).ok()?;
    let kind = match member["kind"].as_str()? {
        "d" => Kind::Directory,
        "l" => Kind::Symlink,
        "f" => Kind::File,
        _ => Kind::Other,
    };
    if kind == Kind::Directory && name.last() == Some(&b'/') {
        name.pop();
    }
    let text = |key: &str| member[key].as_str().map(str::to_owned);
    let facts = Facts {
        kind,
        mode: if kind == Kind::Symlink { 0 } else { member["mode"].as_u64()? as u32 & 0o7777 },
        mtime_ns: i128::from(member["mtime"].as_i64()?) * 1_000_000_000,
        size: if kind == Kind::File { member["size"].as_u64()? } else { 0 },
        sha256: if kind == Kind::File { text("sha256") } else { None },
        target: text("target").and_then(|target| hex::decode(target).ok()),
    };
    Some((name, facts))
}

fn rust_zip(path: &Path) -> Result<Found, String> {
    let mut archive = zip::ZipArchive::new(File::open(path).map_err(text)?).map_err(text)?;
    let mut tree = Tree::new();
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).map_err(text)?;
        let mut name = member.name_raw().to_vec();
        let mode = member.unix_mode().unwrap_or(0);
        let kind = match mode & 0o170_000 {
            0o120_000 => Kind::Symlink,
            0o040_000 => Kind::Directory,
            _ if name.last() == Some(&b'/') => Kind::Directory,
            _ => Kind::File,
        };
        if kind == Kind::Directory {
            name.pop_if(|last| *last == b'/');
        }
        let mtime = member.last_modified().and_then(seconds).unwrap_or(0);
        let mut facts = Facts {
            kind,
            mode: if kind == Kind::Symlink { 0 } else { mode & 0o7777 },
            mtime_ns: i128::from(mtime) * 1_000_000_000,
            size: 0,
            sha256: None,
            target: None,
        };
        if kind == Kind::Symlink {
            let mut target = Vec::new();
            member.read_to_end(&mut target).map_err(text)?;
            facts.target = Some(target);
        } else if kind == Kind::File {
            let mut hash = Sha256::new();
            facts.size = std::io::copy(&mut member, &mut hash).map_err(text)?;
            facts.sha256 = Some(hex::encode(hash.finalize()));
        }
        tree.insert(name, facts);
    }
    Ok(Found { tree, said: String::new() })
}

/// A DOS time read as UTC.
fn seconds(time: zip::DateTime) -> Option<i64> {
    let field = |n: u8| i8::try_from(n).ok();
    let date = jiff::civil::date(i16::try_from(time.year()).ok()?, field(time.month())?, field(time.day())?);
    let time = date.at(field(time.hour())?, field(time.minute())?, field(time.second().min(59))?, 0);
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second())
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
