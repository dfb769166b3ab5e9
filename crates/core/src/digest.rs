//! Digests of parts, as the host computes them and S3 spells them.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// A digest that the host can compute natively.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DigestKind {
    /// CRC-64/NVME, the whole-object checksum of S3.
    Crc64nvme,
    /// CRC-32 (ISO-HDLC, as in zip).
    Crc32,
    /// For `Content-MD5` and for ETags.
    Md5,
    /// For the payload hash of SigV4.
    Sha256,
}

/// The digests of one run of bytes; those not asked for are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Digests {
    /// CRC-64/NVME.
    #[serde(default, with = "hex_option", skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<[u8; 8]>,
    /// CRC-32.
    #[serde(default, with = "hex_option", skip_serializing_if = "Option::is_none")]
    pub crc32: Option<[u8; 4]>,
    /// MD5.
    #[serde(default, with = "hex_option", skip_serializing_if = "Option::is_none")]
    pub md5: Option<[u8; 16]>,
    /// SHA-256.
    #[serde(default, with = "hex_option", skip_serializing_if = "Option::is_none")]
    pub sha256: Option<[u8; 32]>,
}

impl Digests {
    /// Whether every digest that both sides have is equal, and at least one is in both.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        let mut compared = false;
        let mut equal = true;
        let mut compare = |a: Option<&[u8]>, b: Option<&[u8]>| {
            if let (Some(a), Some(b)) = (a, b) {
                compared = true;
                equal &= a == b;
            }
        };
        compare(self.crc64nvme.as_ref().map(<[u8; 8]>::as_slice), other.crc64nvme.as_ref().map(<[u8; 8]>::as_slice));
        compare(self.crc32.as_ref().map(<[u8; 4]>::as_slice), other.crc32.as_ref().map(<[u8; 4]>::as_slice));
        compare(self.md5.as_ref().map(<[u8; 16]>::as_slice), other.md5.as_ref().map(<[u8; 16]>::as_slice));
        compare(self.sha256.as_ref().map(<[u8; 32]>::as_slice), other.sha256.as_ref().map(<[u8; 32]>::as_slice));
        compared && equal
    }
}

/// As S3's checksum headers spell a digest: base64 of the big-endian bytes.
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads S3's spelling; `None` when it is not base64 of exactly `N` bytes.
#[must_use]
pub fn from_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

mod hex_option {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<const N: usize, S: Serializer>(
        value: &Option<[u8; N]>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(bytes) => serializer.serialize_str(&hex::encode(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<[u8; N]>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let mut bytes = [0; N];
        hex::decode_to_slice(&text, &mut bytes).map_err(D::Error::custom)?;
        Ok(Some(bytes))
    }
}
