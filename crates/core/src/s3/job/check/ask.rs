//! The requests of a check: one for each question.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use md5::{Digest as _, Md5};

use super::Ask;
use crate::{
    abi::Method,
    job::{Check, Encryption, ObjectSettings},
    name::{Bucket, Key, UploadId},
    probe::{self, Hole, NO_UPLOAD, NO_VERSION, Places, Probe, WRONG_MD5},
    provider::Rung,
    s3::{
        call::{Call, Payload, Permission, Repeat, Resource},
        op::{
            abort_multipart_upload::AbortMultipartUpload,
            create_multipart_upload::CreateMultipartUpload,
            delete_object::{DeleteObject, What},
            get_bucket_versioning, get_caller_identity, get_object_lock_configuration,
            head_object::HeadObject,
            list_buckets,
            list_multipart_uploads::ListMultipartUploads,
            list_object_versions,
            list_objects_v2::ListObjectsV2,
            list_parts::ListParts,
            object_headers,
            upload_part_copy::UploadPartCopy,
        },
    },
};

/// No more of the marker is read than this, in bytes: somebody may have put a large object there.
pub(super) const MARKER_LEN: u64 = 4_096;

/// Makes the requests of one run.
pub(super) struct Asker {
    pub(super) check: Check,
    pub(super) places: Places,
    pub(super) bucket: Bucket,
    pub(super) run: String,
    no_upload: UploadId,
}

impl Asker {
    pub(super) fn new(check: Check, places: Places, bucket: Bucket, run: String) -> Self {
        let no_upload = UploadId::parse(NO_UPLOAD).unwrap_or_else(|_| unreachable!("letters and digits"));
        Self { check, places, bucket, run, no_upload }
    }

    /// The request of a question; `None` where it cannot be asked.
    pub(super) fn call(&self, ask: Ask) -> Option<Call> {
        let Places { own, own_key, marker, .. } = &self.places;
        Some(match ask {
            Ask::Identity => get_caller_identity::call(),
            Ask::Probe(probe) => match probe {
                Probe::List => list(own.as_str(), None),
                Probe::Put => self.part(own_key),
                Probe::ListParts => self.parts(own_key),
                Probe::Abort => self.abort(own_key, &self.no_upload),
                Probe::Delete => DeleteObject { key: own_key, what: What::IfThere }.call(),
                Probe::DeleteVersion => DeleteObject { key: own_key, what: What::Version(NO_VERSION) }.call(),
                Probe::Versioning => get_bucket_versioning::call(),
                Probe::ObjectLock => get_object_lock_configuration::call(),
                Probe::Overwrite => self.put_marker(false, WRONG_MD5.to_owned()),
                Probe::Copy => UploadPartCopy {
                    key: own_key,
                    upload_id: &self.no_upload,
                    part: 1,
                    bucket: &self.bucket,
                    source: marker,
                    etag: None,
                    range: None,
                }
                .call(),
                Probe::Get => get(marker),
                Probe::Tag | Probe::Encrypt | Probe::Decrypt => return None,
            },
            Ask::MarkerAgain => get(marker),
            Ask::WriteMarker { conditional } => {
                let md5 = Md5::digest(self.marker_text().as_bytes());
                self.put_marker(conditional, STANDARD.encode(md5))
            }
            Ask::Create { tagged } => {
                let mut object = self.check.object.clone();
                if !tagged {
                    object.tags.clear();
                }
                let call = CreateMultipartUpload { key: own_key, object: &object, rung: Rung::Etag, run: &self.run };
                call.call()
            }
            Ask::Hole(hole) => return self.hole(hole),
            Ask::ListEmptyPrefix => {
                self.places.other.as_ref()?;
                list("", None)
            }
            // Made from what an answer held.
            Ask::EndUpload { .. } | Ask::RemoveDeleteMarker { .. } => return None,
        })
    }

    fn hole(&self, hole: Hole) -> Option<Call> {
        let Places { other, lookalike, other_key, canary, .. } = &self.places;
        let other_key = other_key.as_ref()?;
        Some(match hole {
            // As HeadBucket does: a policy may tell no prefix from an empty one.
            Hole::ListAll => {
                let mut call = list("", None);
                call.query.retain(|(name, _)| *name != "prefix");
                call
            }
            Hole::ListTop => list("", Some("/")),
            Hole::ListOther => list(other.as_ref()?.as_str(), None),
            Hole::ListLookalike => list(lookalike.as_ref()?.as_str(), None),
            Hole::ListUploads => ListMultipartUploads { prefix: "", after: None }.call().query("max-uploads", "1"),
            Hole::ListVersions => list_object_versions::call(),
            Hole::ListBuckets => list_buckets::call(),
            Hole::Read => HeadObject { key: canary.as_ref()?, checksum_mode: false }.call(),
            Hole::Write => self.part(other_key),
            Hole::Delete => DeleteObject { key: other_key, what: What::IfThere }.call(),
            Hole::Abort => self.abort(other_key, &self.no_upload),
            Hole::ListParts => self.parts(other_key),
        })
    }

    /// Ends an upload that a question began.
    pub(super) fn abort(&self, key: &Key, upload_id: &UploadId) -> Call {
        AbortMultipartUpload { key, upload_id }.call()
    }

    /// Takes away the delete marker that a server left though it was told not to.
    pub(super) fn remove_delete_marker(&self, key: &Key, version: &str) -> Call {
        DeleteObject { key, what: What::Version(version) }.call()
    }

    pub(super) fn marker_text(&self) -> String {
        probe::marker_text(self.check.marker.as_deref().unwrap_or_default())
    }

    fn put_marker(&self, conditional: bool, md5: String) -> Call {
        let permission = Permission { action: "s3:PutObject", resource: Resource::Object };
        let mut call = Call::new("PutObject", Method::Put, self.places.marker.as_str(), permission);
        // Encrypted as backups will be: a bucket may take nothing else. Not in their storage
        // class: an archived marker could not be read.
        let object = ObjectSettings {
            encryption: self.check.object.encryption.clone(),
            content_type: Some("application/json".to_owned()),
            ..ObjectSettings::default()
        };
        call.headers = object_headers::headers(&object, &self.run);
        call = call.header("content-md5", md5);
        if conditional {
            call = call.header("if-none-match", "*");
        }
        call.payload = Payload::Inline(self.marker_text().into_bytes());
        // A second time finds the first, which is as good.
        call.repeat = Repeat::Harmless;
        call
    }

    /// An empty part of an upload that is not there.
    fn part(&self, key: &Key) -> Call {
        let permission = Permission { action: "s3:PutObject", resource: Resource::Object };
        Call::new("UploadPart", Method::Put, key.as_str(), permission)
            .query("partNumber", "1")
            .query("uploadId", NO_UPLOAD)
            .header("content-md5", STANDARD.encode(Md5::digest(b"")))
    }

    fn parts(&self, key: &Key) -> Call {
        ListParts { key, upload_id: &self.no_upload, after: 0 }.call()
    }

    /// Whether backups are encrypted with a KMS key, and which.
    pub(super) fn kms_key(&self) -> Option<Option<&str>> {
        match &self.check.object.encryption {
            Encryption::Kms { key_id } => Some(key_id.as_deref()),
            Encryption::BucketDefault | Encryption::Aes256 => None,
        }
    }
}

fn list(prefix: &str, delimiter: Option<&str>) -> Call {
    ListObjectsV2 { prefix, delimiter, continuation_token: None, max_keys: 1 }.call()
}

fn get(key: &Key) -> Call {
    let permission = Permission { action: "s3:GetObject", resource: Resource::Object };
    Call::new("GetObject", Method::Get, key.as_str(), permission).header("range", format!("bytes=0-{}", MARKER_LEN - 1))
}
