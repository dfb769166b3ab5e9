//! `holdfast verify` of a backup: every member's digest, or those of some.

use std::io;

use holdfast_core::{
    error::{Error, Kind},
    plan::Extent,
    zip::{DirectoryReader, Entry, FormatError, TAIL_LEN, locate},
};
use indicatif::{HumanBytes, HumanCount};
use serde_json::json;

use super::{
    DONE, Exit,
    opened::{Opened, Shared},
    setup::Setup,
};
use crate::{
    archive::{
        member::{Damage, MemberReader},
        path::PathBytes,
    },
    destination::File,
};

/// How much of a fetched file is read at a time.
const CHUNK: usize = 256 << 10;

/// Damaged members that are named.
const NAMED: usize = 20;

/// Members in the order of their bytes, and what was found out about them so far.
#[derive(Default)]
struct Verifier {
    members: std::vec::IntoIter<Entry>,
    next: Option<Entry>,
    current: Option<(MemberReader, Entry, u64)>,
    /// Where in the object the next byte is from.
    position: u64,
    /// What lies ahead in the object, in order.
    extents: std::vec::IntoIter<Extent>,
    /// Of the current extent.
    left: u64,
    whole: u64,
    bytes: u64,
    damaged: Vec<String>,
    damaged_count: u64,
}

/// Reads members and compares each with what the central directory says of it.
pub(super) fn members(setup: &mut Setup, backup: &Opened, sample: Option<u8>) -> Result<Exit, Error> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut total = 0_u64;
    for entry in backup.entries()? {
        let entry = entry?;
        total += 1;
        // Which ones is decided by the content: another night, another choice.
        if sample.is_none_or(|percent| u16::from(entry.sha256[0]) * 100 < u16::from(percent) * 256) {
            entries.push(entry);
        }
    }
    entries.sort_by_key(|entry| entry.offset);
    if let Some(pair) = entries.windows(2).find(|pair| pair[0].end() > pair[1].offset) {
        let (a, b) = (name(&pair[0]), name(&pair[1]));
        let what = format!("members `{a}` and `{b}` of {} share bytes", backup.key);
        return Err(Error::new(Kind::Integrity, what).hint("restore another night's backup"));
    }
    let extents = extents(&entries);
    let read: u64 = extents.iter().map(|extent| extent.len).sum();
    let ui = &setup.ui;
    ui.line(&format!(
        "verifying {} of {} members, {}",
        HumanCount(entries.len() as u64),
        HumanCount(total),
        HumanBytes(read)
    ));
    let verifier = Shared::new(Verifier::new(entries, extents.clone()));
    let consumer = verifier.clone();
    backup.read(setup, extents, move |bytes| consumer.with(|verifier| verifier.push(bytes)))?;
    verifier.with(|verifier| verifier.end());
    let (whole, bytes, count, damaged) =
        verifier.with(|v| (v.whole, v.bytes, v.damaged_count, std::mem::take(&mut v.damaged)));
    let ui = &setup.ui;
    if count > 0 {
        for line in &damaged {
            ui.line(line);
        }
        let what = format!("{} of {} members of {} are damaged", count, count + whole, backup.key);
        let hint = "restore another night's backup; the next backup must be a full one: `holdfast backup --full`";
        return Err(Error::new(Kind::Integrity, what).hint(hint));
    }
    if ui.json() {
        let value = json!({
            "event": "done", "exit_code": 0, "key": backup.key.as_str(), "etag": backup.etag,
            "members": total, "members_verified": whole, "content_bytes_verified": bytes,
        });
        ui.data(&value.to_string());
    } else {
        let (whole, bytes) = (HumanCount(whole), HumanBytes(bytes));
        let rest = if sample.is_some() { "; the others were not read" } else { "" };
        ui.line(&format!(
            "s3://{}/{}: {whole} members, {bytes}, are what was backed up{rest}",
            setup.target.bucket, backup.key
        ));
    }
    Ok(DONE)
}

/// Whether a file that was fetched is a backup of ours, and every member what it should be; `false`
/// when it is something else.
///
/// # Errors
/// When a member is damaged, or the file cannot be read back.
pub(super) fn fetched(file: &File, len: u64) -> Result<bool, Error> {
    let unread = |error: io::Error| {
        Error::new(Kind::Local, format!("cannot read back what was fetched: {}", crate::state::plain(&error)))
    };
    let mut tail = vec![0; usize::try_from(len.min(TAIL_LEN)).unwrap_or(0)];
    let tail_at = len - tail.len() as u64;
    file.read_at(&mut tail, tail_at).map_err(unread)?;
    let Ok(located) = locate(&tail, len) else { return Ok(false) };
    let bytes = |extent: Extent| Stretch { file, at: extent.offset, end: extent.end() };
    let mut entries = Vec::new();
    for entry in DirectoryReader::new(io::BufReader::new(bytes(located.directory)), located) {
        match entry {
            Ok(entry) => entries.push(entry),
            Err(FormatError::NotOurs(_)) => return Ok(false),
            Err(error) => return Err(Error::new(Kind::Integrity, format!("what was fetched is damaged: {error}"))),
        }
    }
    entries.sort_by_key(|entry| entry.offset);
    let extents = extents(&entries);
    let mut verifier = Verifier::new(entries, extents.clone());
    let mut buffer = vec![0; CHUNK];
    for extent in extents {
        let mut reader = bytes(extent);
        loop {
            match io::Read::read(&mut reader, &mut buffer).map_err(unread)? {
                0 => break,
                n => verifier.push(&buffer[..n]).map_err(unread)?,
            }
        }
    }
    verifier.end();
    if verifier.damaged_count > 0 {
        let what = format!("{} members are damaged: {}", verifier.damaged_count, verifier.damaged.join("; "));
        return Err(Error::new(Kind::Integrity, what).hint("get it again; if it stays so, get another night's backup"));
    }
    Ok(true)
}

/// Some bytes of a fetched file.
struct Stretch<'a> {
    file: &'a File,
    at: u64,
    end: u64,
}

impl io::Read for Stretch<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = buffer.len().min(usize::try_from(self.end - self.at).unwrap_or(usize::MAX));
        self.file.read_at(&mut buffer[..n], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// Runs of bytes to read: members, and short gaps between them.
fn extents(entries: &[Entry]) -> Vec<Extent> {
    /// A request costs about as much as these bytes.
    const GAP: u64 = 256 << 10;
    let mut extents: Vec<Extent> = Vec::new();
    for entry in entries {
        match extents.last_mut() {
            Some(last) if entry.offset <= last.end() + GAP => last.len = entry.end() - last.offset,
            _ => extents.push(entry.extent()),
        }
    }
    extents
}

impl Verifier {
    fn new(entries: Vec<Entry>, extents: Vec<Extent>) -> Self {
        let mut members = entries.into_iter();
        let next = members.next();
        Self { members, next, extents: extents.into_iter(), ..Self::default() }
    }

    fn push(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.left == 0 {
                let Some(extent) = self.extents.next() else {
                    return Err(io::Error::other("more bytes came than were asked for"));
                };
                (self.position, self.left) = (extent.offset, extent.len);
                continue;
            }
            let n = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
            let n = self.piece(&bytes[..n]);
            bytes = &bytes[n..];
            self.position += n as u64;
            self.left -= n as u64;
        }
        Ok(())
    }

    /// Takes bytes up to the next border between members; how many.
    fn piece(&mut self, bytes: &[u8]) -> usize {
        let clamp = |len: u64| usize::try_from(len).unwrap_or(usize::MAX).min(bytes.len());
        if let Some((reader, entry, left)) = &mut self.current {
            let n = clamp(*left);
            let pushed = reader.push(&bytes[..n], &mut |_| Ok(()));
            *left -= n as u64;
            match pushed {
                Ok(()) if *left > 0 => {}
                Ok(()) => self.finish_current(),
                Err(damage) => {
                    // The rest of it is read over.
                    let name = name(entry);
                    self.current = None;
                    self.damage(&name, &damage);
                }
            }
            return n;
        }
        let Some(next) = &self.next else { return bytes.len() };
        if next.offset > self.position {
            return clamp(next.offset - self.position);
        }
        if let Some(entry) = self.next.take() {
            self.next = self.members.next();
            if entry.offset == self.position {
                let left = entry.local_len();
                self.current = Some((MemberReader::new(entry.clone()), entry, left));
            }
        }
        0
    }

    fn finish_current(&mut self) {
        let Some((reader, entry, _)) = self.current.take() else { return };
        match reader.finish() {
            Ok(()) => {
                self.whole += 1;
                self.bytes += entry.len;
            }
            Err(damage) => self.damage(&name(&entry), &damage),
        }
    }

    fn damage(&mut self, name: &str, damage: &Damage) {
        self.damaged_count += 1;
        if self.damaged.len() < NAMED {
            self.damaged.push(format!("{name}: {damage}"));
        }
    }

    /// What never came is damaged too.
    fn end(&mut self) {
        let torn = self.current.take().map(|(_, entry, _)| entry);
        let missing: Vec<Entry> = torn.into_iter().chain(self.next.take()).chain(self.members.by_ref()).collect();
        for entry in missing {
            self.damaged_count += 1;
            self.damaged.push(format!("{}: its bytes never came", name(&entry)));
        }
    }
}

fn name(entry: &Entry) -> String {
    PathBytes::from(entry.name.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use holdfast_core::zip::{Kind as MemberKind, MemberName, Method, Stat, Time};
    use sha2::{Digest, Sha256};

    use super::*;

    fn object(contents: &[&[u8]]) -> (Vec<Entry>, Vec<u8>) {
        let time = Time { seconds: 0, nanos: 0 };
        let mut bytes = Vec::new();
        let entries = contents.iter().enumerate().map(|(at, content)| {
            // Dead bytes in front of every other member.
            bytes.resize(bytes.len() + if at % 2 == 1 { 1_000 } else { 0 }, 0xdd);
            let len = content.len() as u64;
            let entry = Entry {
                name: MemberName::parse(format!("files/{at}")).expect("a name"),
                kind: MemberKind::File,
                method: Method::Stored,
                crc32: crc32fast::hash(content),
                len,
                stored_len: len,
                offset: bytes.len() as u64,
                stat: Stat { mode: 0o644, uid: 0, gid: 0, mtime: time, ctime: time, inode: 1 },
                sha256: Sha256::digest(content).into(),
                settled: true,
                descriptor: at == 2,
                zip64_local: false,
            };
            bytes.extend(entry.local_header());
            bytes.extend_from_slice(content);
            bytes.extend(entry.data_descriptor());
            entry
        });
        (entries.collect(), bytes)
    }

    fn verify(entries: &[Entry], object: &[u8], step: usize) -> Verifier {
        let extents = extents(entries);
        let mut verifier = Verifier::new(entries.to_vec(), extents.clone());
        let stream: Vec<u8> =
            extents.iter().flat_map(|e| &object[e.offset as usize..e.end() as usize]).copied().collect();
        for piece in stream.chunks(step) {
            verifier.push(piece).expect("takes");
        }
        verifier.end();
        verifier
    }

    #[test]
    fn whole_members_pass_and_each_damaged_one_is_named_once() {
        let contents: Vec<Vec<u8>> = (0..9_u8).map(|n| vec![n; usize::from(n) * 300]).collect();
        let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
        let (entries, mut bytes) = object(&contents);
        for step in [1 << 20, 997, 1] {
            let verifier = verify(&entries, &bytes, step);
            assert_eq!((verifier.whole, verifier.damaged_count), (9, 0));
            // Some of them: the gaps are skipped.
            let some = [entries[1].clone(), entries[7].clone()];
            assert_eq!(verify(&some, &bytes, step).whole, 2);
        }
        let inside = entries[4].data_offset() as usize + 5;
        bytes[inside] ^= 1;
        let header = entries[6].offset as usize + 1;
        bytes[header] ^= 1;
        for step in [1 << 20, 997, 1] {
            let verifier = verify(&entries, &bytes, step);
            assert_eq!((verifier.whole, verifier.damaged_count), (7, 2));
            assert!(verifier.damaged[0].starts_with("files/4: ") && verifier.damaged[1].starts_with("files/6: "));
        }
    }
}
