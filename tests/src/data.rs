//! Bytes from a seed: incompressible, the same on every run, made at memory speed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use base64::Engine as _;

/// SplitMix64 (Steele, Lea, Flood 2014): enough for test data, no dependency.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A sequence that is the same for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0..end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64() % end.max(1)
    }

    /// Fills `buffer`.
    pub fn fill(&mut self, buffer: &mut [u8]) {
        for piece in buffer.chunks_mut(8) {
            piece.copy_from_slice(&self.next_u64().to_le_bytes()[..piece.len()]);
        }
    }
}

/// `len` bytes made from `seed`.
pub fn bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut buffer = vec![0; len];
    Random::new(seed).fill(&mut buffer);
    buffer
}

/// The CRC-64/NVME of these bytes, as `x-amz-checksum-crc64nvme` has it.
pub fn crc64nvme(bytes: &[u8]) -> String {
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, bytes);
    base64::engine::general_purpose::STANDARD.encode(crc.to_be_bytes())
}

/// Writes a file of `len` bytes made from `seed`.
pub fn write_file(path: &Path, seed: u64, len: u64) -> io::Result<()> {
    let mut random = Random::new(seed);
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut buffer = vec![0; 1 << 20];
    let mut left = len;
    while left > 0 {
        let piece = left.min(buffer.len() as u64) as usize;
        random.fill(&mut buffer[..piece]);
        file.write_all(&buffer[..piece])?;
        left -= piece as u64;
    }
    file.flush()
}

/// Where two files first differ: `None` when they are equal, byte for byte.
pub fn first_difference(left: &Path, right: &Path) -> io::Result<Option<u64>> {
    let (mut left, mut right) = (File::open(left)?, File::open(right)?);
    let (mut a, mut b) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut offset = 0;
    loop {
        let (n, m) = (read_full(&mut left, &mut a)?, read_full(&mut right, &mut b)?);
        let common = n.min(m);
        if let Some(at) = a[..common].iter().zip(&b[..common]).position(|(x, y)| x != y) {
            return Ok(Some(offset + at as u64));
        }
        if n != m {
            return Ok(Some(offset + common as u64));
        }
        if n == 0 {
            return Ok(None);
        }
        offset += n as u64;
    }
}

/// The length of all files under a folder, added up; 0 when it is not there.
pub fn disk_usage(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else {
        return 0;
    };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => disk_usage(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

fn read_full(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read(&mut buffer[done..])? {
            0 => break,
            n => done += n,
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_of_the_check_string() {
        assert_eq!(
            crc64nvme(b"123456789"),
            base64::engine::general_purpose::STANDARD.encode(hex::decode("ae8b14860a799888").expect("hex"))
        );
    }

    #[test]
    fn a_file_is_its_seed_again() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join("data");
        write_file(&path, 7, (3 << 20) + 5).expect("the file can be written");
        assert_eq!(std::fs::read(&path).expect("readable"), bytes(7, (3 << 20) + 5));
    }

    #[test]
    fn the_first_difference_is_found() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let (left, right) = (dir.path().join("a"), dir.path().join("b"));
        let mut data = bytes(1, (1 << 20) + 100);
        std::fs::write(&left, &data).expect("writable");
        std::fs::write(&right, &data).expect("writable");
        assert_eq!(first_difference(&left, &right).expect("readable"), None);
        data[(1 << 20) + 3] ^= 1;
        std::fs::write(&right, &data).expect("writable");
        assert_eq!(first_difference(&left, &right).expect("readable"), Some((1 << 20) + 3));
        std::fs::write(&right, &data[..10]).expect("writable");
        assert_eq!(first_difference(&left, &right).expect("readable"), Some(10));
    }
}
