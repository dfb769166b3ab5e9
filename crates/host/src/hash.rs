//! Digests of archive bytes, natively: wasm would be twenty times slower.

use std::io::{self, Read};

use crc_fast::CrcAlgorithm;
use holdfast_core::digest::{DigestKind, Digests};
use md5::Md5;
use sha2::{Digest, Sha256};

/// How much is read at a time: large enough that a system call is lost in it, small enough for a
/// processor's second-level cache.
pub const CHUNK: usize = 256 << 10;

/// Computes several digests of the same bytes in one pass.
#[derive(Debug)]
pub struct Hasher {
    crc64nvme: Option<crc_fast::Digest>,
    crc32: Option<crc32fast::Hasher>,
    md5: Option<Md5>,
    sha256: Option<Sha256>,
}

impl Hasher {
    /// For these digests.
    #[must_use]
    pub fn new(kinds: &[DigestKind]) -> Self {
        let wants = |kind| kinds.contains(&kind);
        Self {
            crc64nvme: wants(DigestKind::Crc64nvme).then(|| crc_fast::Digest::new(CrcAlgorithm::Crc64Nvme)),
            crc32: wants(DigestKind::Crc32).then(crc32fast::Hasher::new),
            md5: wants(DigestKind::Md5).then(Md5::new),
            sha256: wants(DigestKind::Sha256).then(Sha256::new),
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(crc) = &mut self.crc64nvme {
            crc.update(bytes);
        }
        if let Some(crc) = &mut self.crc32 {
            crc.update(bytes);
        }
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
    }

    /// The digests of everything taken.
    #[must_use]
    pub fn finish(self) -> Digests {
        Digests {
            crc64nvme: self.crc64nvme.map(|crc| crc.finalize().to_be_bytes()),
            crc32: self.crc32.map(|crc| crc.finalize().to_be_bytes()),
            md5: self.md5.map(|md5| md5.finalize().into()),
            sha256: self.sha256.map(|sha256| sha256.finalize().into()),
        }
    }
}

/// Reads to the end; gives how many bytes there were and their digests.
///
/// # Errors
/// When reading fails.
pub fn digests(reader: &mut dyn Read, kinds: &[DigestKind], buffer: &mut [u8]) -> io::Result<(u64, Digests)> {
    let mut hasher = Hasher::new(kinds);
    let mut len = 0;
    loop {
        match reader.read(buffer) {
            Ok(0) => return Ok((len, hasher.finish())),
            Ok(n) => {
                hasher.update(&buffer[..n]);
                len += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the CRC catalogue and of RFC 1321 and FIPS 180-4, of "123456789" and
    /// "abc".
    #[test]
    fn digests_are_the_published_ones() {
        let all = [DigestKind::Crc64nvme, DigestKind::Crc32, DigestKind::Md5, DigestKind::Sha256];
        let mut buffer = [0; 4];
        let (len, nine) = digests(&mut b"123456789".as_slice(), &all, &mut buffer).expect("reads");
        assert_eq!(len, 9);
        assert_eq!(nine.crc64nvme, Some(0xae8b_1486_0a79_9888_u64.to_be_bytes()));
        assert_eq!(nine.crc32, Some(0xcbf4_3926_u32.to_be_bytes()));
        let (_, abc) = digests(&mut b"abc".as_slice(), &all, &mut buffer).expect("reads");
        assert_eq!(abc.md5.map(hex::encode).as_deref(), Some("900150983cd24fb0d6963f7d28e17f72"));
        assert_eq!(
            abc.sha256.map(hex::encode).as_deref(),
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
    }

    #[test]
    fn only_what_was_asked_for_is_computed() {
        let (_, digests) = digests(&mut b"abc".as_slice(), &[DigestKind::Md5], &mut [0; 8]).expect("reads");
        assert!(digests.md5.is_some() && digests.crc64nvme.is_none() && digests.sha256.is_none());
    }
}
