//! What the whole is worth when only the digests of its parts are known.
//!
//! A CRC of a whole follows from the CRCs and lengths of its parts, so no byte is read twice:
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>.
//! An ETag of a multipart object is, by convention, the MD5 of the parts' MD5s and their number.

use crc_fast::{CrcAlgorithm, checksum_combine};
use md5::{Digest, Md5};

/// The CRC-64/NVME of parts put together, from each one's CRC (big endian, as S3 spells it) and
/// length, in order.
#[must_use]
pub fn combine_crc64nvme(parts: impl Iterator<Item = ([u8; 8], u64)>) -> [u8; 8] {
    let whole = parts
        .fold(0, |whole, (crc, len)| checksum_combine(CrcAlgorithm::Crc64Nvme, whole, u64::from_be_bytes(crc), len));
    whole.to_be_bytes()
}

/// The ETag of a multipart object, without quotes, where the provider follows the convention:
/// `hex(MD5(md5 of part 1, md5 of part 2, …))-N`. SSE-KMS objects and some providers do not.
#[must_use]
pub fn multipart_etag(md5s: impl Iterator<Item = [u8; 16]>) -> String {
    let mut count = 0_u32;
    let mut whole = Md5::new();
    for md5 in md5s {
        whole.update(md5);
        count += 1;
    }
    format!("{}-{count}", hex::encode(whole.finalize()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn crc(bytes: &[u8]) -> [u8; 8] {
        crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes).to_be_bytes()
    }

    /// The check value of the catalogue of CRCs.
    /// <https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-nvme>
    #[test]
    fn the_check_value_is_reached_in_parts() {
        let parts = [(crc(b"1234"), 4), (crc(b""), 0), (crc(b"56789"), 5)];
        assert_eq!(combine_crc64nvme(parts.into_iter()), 0xae8b_1486_0a79_9888_u64.to_be_bytes());
    }

    #[test]
    fn nothing_has_the_crc_of_nothing() {
        assert_eq!(combine_crc64nvme(std::iter::empty()), crc(b""));
    }

    /// A zip of zeros far larger than memory: lengths past 2^32 are no special case.
    #[test]
    fn lengths_beyond_four_gigabytes_combine() {
        let zeros = crc(&[0; 1 << 16]);
        let mut doubled = (zeros, 1_u64 << 16);
        while doubled.1 < 1 << 40 {
            doubled = (combine_crc64nvme([doubled, doubled].into_iter()), doubled.1 * 2);
        }
        let halves = [(doubled.0, doubled.1), (doubled.0, doubled.1)];
        let quarters = combine_crc64nvme(std::iter::repeat_n(doubled, 2));
        assert_eq!(combine_crc64nvme(halves.into_iter()), quarters);
        let left = combine_crc64nvme([doubled, (zeros, 1 << 16)].into_iter());
        let right = combine_crc64nvme([(zeros, 1 << 16), doubled].into_iter());
        assert_eq!(left, right, "the same zeros, cut elsewhere");
    }

    /// Of `hello` and ` world`, by Python's hashlib.
    #[test]
    fn the_etag_of_a_multipart_object_counts_its_parts() {
        let md5s = ["5d41402abc4b2a76b9719d911017c592", "b7913aa15c43be7d534b4eec6e99e8a0"].map(|text| {
            let mut md5 = [0; 16];
            hex::decode_to_slice(text, &mut md5).expect("hex");
            md5
        });
        assert_eq!(multipart_etag(md5s.into_iter()), "a56979024342128ecebc884e3442121b-2");
    }

    proptest! {
        #[test]
        fn parts_put_together_are_the_whole(
            parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..9),
        ) {
            let combined = combine_crc64nvme(parts.iter().map(|part| (crc(part), part.len() as u64)));
            prop_assert_eq!(combined, crc(&parts.concat()));
        }
    }
}
