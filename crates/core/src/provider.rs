//! Providers of S3 and their quirks, as data.
//!
//! What stands here under `tried: true` is held by the conformance tests against that server.
//! The rest is gathered from the providers' documentation and public issue threads and has not
//! been seen by us (`tried: false`); it picks where the checksum ladder begins and which part
//! sizes are planned, and every rung is still confirmed by the provider's own answers.

use serde::{Deserialize, Serialize};

use crate::plan::{GIB, MIB, TIB};

/// Whom the endpoint belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // the table below describes each
pub enum Provider {
    Aws,
    Minio,
    Versitygw,
    CloudflareR2,
    BackblazeB2,
    Wasabi,
    DigitalOcean,
    Ceph,
    Hetzner,
    Garage,
    GoogleCloud,
    Scaleway,
    Ovh,
    Storj,
    Linode,
    #[default]
    Generic,
}

/// Where the bucket's name goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressing {
    /// `https://BUCKET.host/KEY`.
    VirtualHost,
    /// `https://host/BUCKET/KEY`.
    Path,
}

/// How a part proves that it arrived whole, best first. The upload steps down when a provider
/// refuses a rung, and remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rung {
    /// `x-amz-checksum-crc64nvme` on each part, and of the whole object on Complete.
    Crc64nvme,
    /// `x-amz-checksum-crc32` on each part.
    Crc32,
    /// `Content-MD5` on each part.
    ContentMd5,
    /// No header: the answer's ETag is compared with the part's MD5.
    Etag,
}

impl Rung {
    /// The next one down; `None` at the bottom.
    #[must_use]
    pub fn below(self) -> Option<Self> {
        match self {
            Self::Crc64nvme => Some(Self::Crc32),
            Self::Crc32 => Some(Self::ContentMd5),
            Self::ContentMd5 => Some(Self::Etag),
            Self::Etag => None,
        }
    }

    /// What the host has to compute for it.
    #[must_use]
    pub fn digest(self) -> crate::digest::DigestKind {
        use crate::digest::DigestKind;
        match self {
            Self::Crc64nvme => DigestKind::Crc64nvme,
            Self::Crc32 => DigestKind::Crc32,
            Self::ContentMd5 | Self::Etag => DigestKind::Md5,
        }
    }
}

/// What is particular about a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// As `--provider` takes it.
    pub name: &'static str,
    /// For people.
    pub title: &'static str,
    /// Our tests run against it.
    pub tried: bool,
    /// Where the bucket goes, unless its name or the endpoint forbid it.
    pub addressing: Addressing,
    /// The region to sign for when none is given.
    pub default_region: &'static str,
    /// Parts an upload may have.
    pub max_parts: u32,
    /// The smallest part but the last, in bytes.
    pub min_part_len: u64,
    /// The largest object, in bytes.
    pub max_object_len: u64,
    /// Every part but the last must have the same length.
    pub equal_parts: bool,
    /// Where the checksum ladder begins.
    pub first_rung: Rung,
    /// `UNSIGNED-PAYLOAD` is refused or unsafe: always hash and sign the body.
    pub sign_payload: bool,
    /// `If-None-Match: *` is honoured on PutObject and CompleteMultipartUpload.
    pub conditional_writes: bool,
    /// `x-amz-mp-object-size` may be sent on CompleteMultipartUpload.
    pub object_size: bool,
    /// UploadPartCopy exists.
    pub part_copy: bool,
    /// Copied parts are taken into an upload that was declared with a checksum.
    pub copy_checksums: bool,
    /// What a person should know, in a sentence; empty when there is nothing.
    pub note: &'static str,
}

/// The reference: what AWS documents.
const AWS: Quirks = Quirks {
    name: "aws",
    title: "Amazon S3",
    tried: false,
    addressing: Addressing::VirtualHost,
    default_region: "us-east-1",
    max_parts: 10_000,
    min_part_len: 5 * MIB,
    max_object_len: 10_000 * 5 * GIB,
    equal_parts: false,
    first_rung: Rung::Crc64nvme,
    sign_payload: false,
    conditional_writes: true,
    object_size: true,
    part_copy: true,
    copy_checksums: true,
    note: "",
};

/// An S3-compatible server that we know nothing more of.
const GENERIC: Quirks =
    Quirks { name: "generic", title: "S3-compatible", addressing: Addressing::Path, note: "", ..AWS };

impl Provider {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 16] = [
        Self::Aws,
        Self::Minio,
        Self::Versitygw,
        Self::CloudflareR2,
        Self::BackblazeB2,
        Self::Wasabi,
        Self::DigitalOcean,
        Self::Ceph,
        Self::Hetzner,
        Self::Garage,
        Self::GoogleCloud,
        Self::Scaleway,
        Self::Ovh,
        Self::Storj,
        Self::Linode,
        Self::Generic,
    ];

    /// What is particular about it.
    #[must_use]
    pub fn quirks(self) -> Quirks {
        match self {
            Self::Aws => AWS,
            Self::Generic => GENERIC,
            Self::Minio => Quirks {
                name: "minio",
                title: "MinIO",
                tried: true,
                copy_checksums: false,
                note: "repeats of CompleteMultipartUpload answer NoSuchUpload; keys with `//` are refused",
                ..GENERIC
            },
            Self::Versitygw => Quirks { name: "versitygw", title: "Versity Gateway", tried: true, ..GENERIC },
            Self::CloudflareR2 => Quirks {
                name: "cloudflare-r2",
                title: "Cloudflare R2",
                default_region: "auto",
                equal_parts: true,
                max_object_len: 4_995 * (TIB / 1000),
                note: "wants equal parts; ETags of multipart objects are not MD5s",
                ..GENERIC
            },
            Self::BackblazeB2 => Quirks {
                name: "backblaze-b2",
                title: "Backblaze B2",
                first_rung: Rung::ContentMd5,
                sign_payload: true,
                conditional_writes: false,
                object_size: false,
                max_object_len: 10 * TIB,
                note: "refuses `x-amz-checksum-*` headers",
                ..GENERIC
            },
            Self::Wasabi => Quirks {
                name: "wasabi",
                title: "Wasabi",
                first_rung: Rung::ContentMd5,
                conditional_writes: false,
                object_size: false,
                note: "bills uncompleted parts; they live 30 days",
                ..GENERIC
            },
            Self::DigitalOcean => Quirks {
                name: "digitalocean",
                title: "DigitalOcean Spaces",
                addressing: Addressing::VirtualHost,
                first_rung: Rung::ContentMd5,
                conditional_writes: false,
                object_size: false,
                note: "answers 503 SlowDown above its request rates",
                ..GENERIC
            },
            Self::Ceph => Quirks {
                name: "ceph",
                title: "Ceph RGW",
                default_region: "default",
                first_rung: Rung::ContentMd5,
                object_size: false,
                ..GENERIC
            },
            Self::Hetzner => Quirks {
                name: "hetzner",
                title: "Hetzner Object Storage",
                first_rung: Rung::ContentMd5,
                object_size: false,
                ..GENERIC
            },
            Self::Garage => Quirks {
                name: "garage",
                title: "Garage",
                default_region: "garage",
                object_size: false,
                conditional_writes: false,
                ..GENERIC
            },
            Self::GoogleCloud => Quirks {
                name: "google-cloud",
                title: "Google Cloud Storage (interoperability)",
                default_region: "auto",
                first_rung: Rung::ContentMd5,
                conditional_writes: false,
                object_size: false,
                part_copy: false,
                note: "has no UploadPartCopy; uncompleted uploads never expire",
                ..GENERIC
            },
            Self::Scaleway => Quirks {
                name: "scaleway",
                title: "Scaleway Object Storage",
                addressing: Addressing::VirtualHost,
                default_region: "fr-par",
                max_parts: 1_000,
                max_object_len: 5 * TIB,
                object_size: false,
                note: "takes 1,000 parts at most",
                ..GENERIC
            },
            Self::Ovh => Quirks {
                name: "ovh",
                title: "OVHcloud Object Storage",
                first_rung: Rung::ContentMd5,
                object_size: false,
                ..GENERIC
            },
            Self::Storj => Quirks {
                name: "storj",
                title: "Storj",
                first_rung: Rung::ContentMd5,
                min_part_len: 64 * MIB,
                conditional_writes: false,
                object_size: false,
                note: "wants parts of 64 MiB or more",
                ..GENERIC
            },
            Self::Linode => Quirks {
                name: "linode",
                title: "Linode Object Storage",
                addressing: Addressing::VirtualHost,
                first_rung: Rung::ContentMd5,
                conditional_writes: false,
                object_size: false,
                ..GENERIC
            },
        }
    }

    /// By its `--provider` name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.quirks().name == name)
    }

    /// By the host of an endpoint; [`Provider::Generic`] when it is not a known one.
    #[must_use]
    pub fn from_host(host: &str) -> Self {
        const SUFFIXES: [(&str, Provider); 13] = [
            (".amazonaws.com", Provider::Aws),
            (".amazonaws.com.cn", Provider::Aws),
            (".r2.cloudflarestorage.com", Provider::CloudflareR2),
            (".backblazeb2.com", Provider::BackblazeB2),
            (".wasabisys.com", Provider::Wasabi),
            (".digitaloceanspaces.com", Provider::DigitalOcean),
            (".your-objectstorage.com", Provider::Hetzner),
            ("storage.googleapis.com", Provider::GoogleCloud),
            (".scw.cloud", Provider::Scaleway),
            (".cloud.ovh.net", Provider::Ovh),
            (".storjshare.io", Provider::Storj),
            (".linodeobjects.com", Provider::Linode),
            (".storage.cloud.ovh.us", Provider::Ovh),
        ];
        let host = host.to_ascii_lowercase();
        SUFFIXES.into_iter().find(|(suffix, _)| host.ends_with(suffix)).map_or(Self::Generic, |(_, provider)| provider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_is_found_by_its_name() {
        for provider in Provider::ALL {
            assert_eq!(Provider::from_name(provider.quirks().name), Some(provider));
            let spelled = serde_json::to_string(&provider).expect("serialises");
            assert_eq!(serde_json::from_str::<Provider>(&spelled).expect("parses"), provider);
        }
        assert_eq!(Provider::from_name("s3"), None);
    }

    #[test]
    fn known_hosts_name_their_provider() {
        for (host, provider) in [
            ("s3.eu-central-003.backblazeb2.com", Provider::BackblazeB2),
            ("0123abcd.r2.cloudflarestorage.com", Provider::CloudflareR2),
            ("S3.us-west-2.AMAZONAWS.com", Provider::Aws),
            ("notamazonaws.com", Provider::Generic),
            ("127.0.0.1", Provider::Generic),
        ] {
            assert_eq!(Provider::from_host(host), provider, "{host}");
        }
    }

    #[test]
    fn the_ladder_ends() {
        let mut rung = Rung::Crc64nvme;
        let mut steps = 0;
        while let Some(next) = rung.below() {
            rung = next;
            steps += 1;
        }
        assert_eq!((rung, steps), (Rung::Etag, 3));
    }
}
