//! What a provider always does, so that a test can put it before a server that does not.

use std::collections::BTreeMap;

use super::{Fault, Operation, Reply, Seen};

/// A provider's habit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quirk {
    /// 400 InvalidArgument to any request with a checksum header (older Backblaze B2, OVH).
    NoChecksums,
    /// The same for CRC64NVME only: the next rung of the ladder works.
    NoCrc64,
    /// SignatureDoesNotMatch to any request with a checksum header (some gateways drop unknown
    /// headers before they verify).
    ChecksumsBreakSignatures,
    /// All parts but the last must have the same size, seen at Complete (Cloudflare R2).
    EqualParts,
    /// No part number above this one (Scaleway: 1,000).
    MaxParts(u32),
    /// EntityTooSmall at Complete for a part below this that is not the last (Storj: 64 MiB).
    MinPart(u64),
    /// 503 SlowDown to what comes while so many requests are being answered.
    SlowDownAbove(usize),
    /// AuthorizationHeaderMalformed to every other region's signature.
    Region(String),
    /// AccessDenied to this operation.
    Deny(Operation),
    /// 501 NotImplemented to this operation.
    NotImplemented(Operation),
}

impl Quirk {
    pub(crate) fn choose(&self, seen: &Seen, memory: &Memory) -> Option<Fault> {
        let completes = seen.operation == Operation::CompleteMultipartUpload;
        let reply = match self {
            Self::NoChecksums => {
                let name = checksum_header(seen, "x-amz-")?;
                Reply::invalid_argument(&format!("Unsupported header '{name}' received for this API call."))
            }
            Self::NoCrc64 => {
                let named = seen.header("x-amz-checksum-algorithm") == Some("CRC64NVME");
                if !named && seen.header("x-amz-checksum-crc64nvme").is_none() {
                    return None;
                }
                Reply::invalid_argument("Checksum algorithm CRC64NVME is not supported.")
            }
            Self::ChecksumsBreakSignatures => {
                checksum_header(seen, "x-amz-")?;
                let message = "The request signature we calculated does not match the signature you provided.";
                Reply::error(403, "SignatureDoesNotMatch", message)
            }
            Self::EqualParts if completes && memory.uneven(seen) => {
                Reply::error(400, "InvalidPart", "All non-trailing parts must have the same length.")
            }
            Self::MinPart(least) if completes && memory.has_smaller(seen, *least) => Reply::entity_too_small(),
            Self::MaxParts(most) if seen.part().is_some_and(|n| n > *most) => {
                Reply::invalid_argument(&format!("Part number must be an integer between 1 and {most}, inclusive"))
            }
            Self::SlowDownAbove(most) if seen.in_flight > *most => Reply::slow_down(),
            Self::Region(region) => match seen.signed_region() {
                Some(signed) if signed != region => Reply::authorization_header_malformed(signed, region),
                _ => return None,
            },
            Self::Deny(operation) if seen.operation.same_kind(*operation) => Reply::access_denied(),
            Self::NotImplemented(operation) if seen.operation.same_kind(*operation) => Reply::not_implemented(),
            _ => return None,
        };
        Some(Fault::answer(reply))
    }
}

/// The sizes of parts that passed, by upload id.
#[derive(Debug, Default)]
pub(crate) struct Memory(BTreeMap<String, BTreeMap<u32, u64>>);

impl Memory {
    pub(crate) fn note(&mut self, seen: &Seen) {
        if let (Operation::UploadPart(number), Some(id), Some(len)) =
            (seen.operation, seen.param("uploadId"), seen.content_length)
        {
            self.0.entry(id.to_owned()).or_default().insert(number, len);
        }
    }

    fn sizes(&self, seen: &Seen) -> Vec<u64> {
        let parts = seen.param("uploadId").and_then(|id| self.0.get(id));
        parts.map(|parts| parts.values().copied().collect()).unwrap_or_default()
    }

    fn uneven(&self, seen: &Seen) -> bool {
        let sizes = self.sizes(seen);
        let Some((last, others)) = sizes.split_last() else {
            return false;
        };
        others.iter().any(|size| *size != others[0]) || others.first().is_some_and(|first| last > first)
    }

    fn has_smaller(&self, seen: &Seen, least: u64) -> bool {
        let sizes = self.sizes(seen);
        sizes.split_last().is_some_and(|(_, others)| others.iter().any(|size| *size < least))
    }
}

fn checksum_header<'a>(seen: &'a Seen, prefix: &str) -> Option<&'a str> {
    let names = seen.head.headers.0.iter().map(|(name, _)| name.as_str());
    names
        .filter(|name| name.len() > prefix.len() && name.is_char_boundary(prefix.len()))
        .filter(|name| name[..prefix.len()].eq_ignore_ascii_case(prefix))
        .find(|name| {
            let rest = name[prefix.len()..].to_ascii_lowercase();
            // `checksum-mode` asks for checksums in the answer to a GET or HEAD.
            rest.starts_with("checksum-") || rest == "sdk-checksum-algorithm"
        })
}
