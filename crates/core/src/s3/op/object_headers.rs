//! The headers that an object keeps: storage class, encryption, tags, metadata.
//!
//! Metadata is at home in headers, which carry ASCII only; S3 takes and gives other letters by
//! RFC 2047, `=?UTF-8?B?…?=`.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata>
//! Tags: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html>

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::{
    abi::Headers,
    endpoint::encode_query,
    job::{Encryption, ObjectSettings},
};

/// The metadata name that holds the run's id: by it a lost answer's object is known for ours.
pub const RUN: &str = "holdfast-run";

/// The metadata name that holds the length of the object's parts but the last: with it anyone can
/// compute the ETag of a multipart object again.
pub const PART_LEN: &str = "holdfast-part-len";

/// Bytes kept free for [`PART_LEN`], which is only known once the upload is planned.
const PART_LEN_ROOM: usize = PART_LEN.len() + "5368709120".len();

const PREFIX: &str = "x-amz-meta-";

/// Bytes of metadata names and values, at the most.
const MAX_METADATA_LEN: usize = 2048;
const MAX_TAGS: usize = 10;
const MAX_TAG_KEY: usize = 128;
const MAX_TAG_VALUE: usize = 256;

/// The longest encoded word of RFC 2047 is 75 characters; this many bytes stay below it.
const WORD_LEN: usize = 45;

/// Why an object cannot be stored with these settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not a name for a header.
    #[error("metadata name {0:?} may hold only lower-case letters, digits, `-`, `_` and `.`")]
    MetadataName(String),
    /// A name of our own.
    #[error("metadata name {0:?} is taken: Holdfast marks its objects with it")]
    MetadataTaken(String),
    /// A line break or the like.
    #[error("{0} holds a control character")]
    Control(String),
    /// What no provider has as a storage class, a key or a type.
    #[error("{0} is empty or holds characters beyond ASCII")]
    NotAscii(&'static str),
    /// Over the limit of S3.
    #[error("the metadata takes {0} bytes, more than the {MAX_METADATA_LEN} of S3")]
    MetadataLen(usize),
    /// Over the limit of S3.
    #[error("{0} tags are more than the {MAX_TAGS} of S3")]
    Tags(usize),
    /// Over the limit of S3, empty, or reserved.
    #[error("tag {0:?} must be 1 to {MAX_TAG_KEY} characters long and not begin with `aws:`")]
    TagKey(String),
    /// Over the limit of S3.
    #[error("the value of tag {0:?} is longer than {MAX_TAG_VALUE} characters")]
    TagValue(String),
}

/// Whether an object can be stored so. To be asked once, before anything is sent: the operations
/// take what they are given.
///
/// # Errors
/// When a limit of S3 is passed, or a value cannot be a header's.
pub fn check(object: &ObjectSettings, run: &str) -> Result<(), SettingsError> {
    for (name, value) in &object.metadata {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
        {
            return Err(SettingsError::MetadataName(name.clone()));
        }
        if name == RUN || name == PART_LEN {
            return Err(SettingsError::MetadataTaken(name.clone()));
        }
        refuse_controls(value, || format!("metadata {name:?}"))?;
    }
    refuse_controls(run, || "the run's id".to_owned())?;
    let given: usize = metadata(object, run).map(|(name, value)| name.len() + encode_word(value).len()).sum();
    let len = given + PART_LEN_ROOM;
    if len > MAX_METADATA_LEN {
        return Err(SettingsError::MetadataLen(len));
    }
    if object.tags.len() > MAX_TAGS {
        return Err(SettingsError::Tags(object.tags.len()));
    }
    for (key, value) in &object.tags {
        refuse_controls(key, || format!("tag {key:?}"))?;
        refuse_controls(value, || format!("the value of tag {key:?}"))?;
        if key.is_empty() || key.chars().count() > MAX_TAG_KEY || key.to_ascii_lowercase().starts_with("aws:") {
            return Err(SettingsError::TagKey(key.clone()));
        }
        if value.chars().count() > MAX_TAG_VALUE {
            return Err(SettingsError::TagValue(key.clone()));
        }
    }
    let kms_key = match &object.encryption {
        Encryption::Kms { key_id } => key_id.as_deref(),
        Encryption::BucketDefault | Encryption::Aes256 => None,
    };
    for (what, value) in [
        ("the storage class", object.storage_class.as_deref()),
        ("the content type", object.content_type.as_deref()),
        ("the KMS key", kms_key),
    ] {
        if value.is_some_and(|value| value.is_empty() || !value.bytes().all(|b| (b' '..0x7f).contains(&b))) {
            return Err(SettingsError::NotAscii(what));
        }
    }
    Ok(())
}

/// The headers of PutObject and CreateMultipartUpload.
pub(in crate::s3) fn headers(object: &ObjectSettings, run: &str) -> Headers {
    let mut headers = Headers::new();
    let mut push = |name: &str, value: String| headers.push((name.to_owned(), value));
    if let Some(content_type) = &object.content_type {
        push("content-type", content_type.clone());
    }
    if let Some(class) = &object.storage_class {
        push("x-amz-storage-class", class.clone());
    }
    match &object.encryption {
        Encryption::BucketDefault => {}
        Encryption::Aes256 => push("x-amz-server-side-encryption", "AES256".to_owned()),
        Encryption::Kms { key_id } => {
            push("x-amz-server-side-encryption", "aws:kms".to_owned());
            if let Some(id) = key_id {
                push("x-amz-server-side-encryption-aws-kms-key-id", id.clone());
            }
        }
    }
    if !object.tags.is_empty() {
        let pairs: Vec<String> =
            object.tags.iter().map(|(key, value)| format!("{}={}", encode_query(key), encode_query(value))).collect();
        push("x-amz-tagging", pairs.join("&"));
    }
    for (name, value) in metadata(object, run) {
        push(&format!("{PREFIX}{name}"), encode_word(value));
    }
    headers
}

/// The metadata in an answer's headers, decoded.
pub(super) fn read_metadata(headers: &Headers) -> BTreeMap<String, String> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.to_owned(), decode_words(value))))
        .collect()
}

fn metadata<'a>(object: &'a ObjectSettings, run: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    let others = object.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    others.chain(std::iter::once((RUN, run)))
}

fn refuse_controls(value: &str, what: impl FnOnce() -> String) -> Result<(), SettingsError> {
    if value.chars().any(char::is_control) { Err(SettingsError::Control(what())) } else { Ok(()) }
}

/// A value as a header carries it. Encoded is what ASCII cannot say, and what headers and
/// signatures would change: outer and double spaces, and text that looks encoded already.
fn encode_word(value: &str) -> String {
    let kept = value.is_ascii() && !value.contains("=?") && !value.contains("  ") && value.trim() == value;
    if kept {
        return value.to_owned();
    }
    let mut words = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let (word, more) = rest.split_at(rest.floor_char_boundary(WORD_LEN));
        words.push(format!("=?UTF-8?B?{}?=", STANDARD.encode(word)));
        rest = more;
    }
    words.join(" ")
}

/// Reads encoded words; the space between two of them means nothing. What is not one stays.
fn decode_words(value: &str) -> String {
    let mut text = String::new();
    let mut gap = "";
    let mut after_word = false;
    let mut rest = value;
    while !rest.is_empty() {
        let (token, more) = rest.split_at(rest.find(' ').unwrap_or(rest.len()));
        let word = decode_word(token);
        if !(after_word && word.is_some()) {
            text.push_str(gap);
        }
        after_word = word.is_some();
        text.push_str(word.as_deref().unwrap_or(token));
        let spaces = more.len() - more.trim_start_matches(' ').len();
        (gap, rest) = more.split_at(spaces);
    }
    text + gap
}

/// One `=?UTF-8?B?…?=` or `=?UTF-8?Q?…?=`.
fn decode_word(token: &str) -> Option<String> {
    let inner = token.strip_prefix("=?")?.strip_suffix("?=")?;
    let (charset, inner) = inner.split_once('?')?;
    let (encoding, encoded) = inner.split_once('?')?;
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let bytes = match encoding {
        "B" | "b" => STANDARD.decode(encoded).ok()?,
        "Q" | "q" => {
            let escaped = encoded.replace('%', "%25").replace('_', " ").replace('=', "%");
            percent_encoding::percent_decode_str(&escaped).collect()
        }
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn with_metadata(name: &str, value: &str) -> ObjectSettings {
        ObjectSettings { metadata: pairs(&[(name, value)]), ..ObjectSettings::default() }
    }

    fn with_tags(tags: BTreeMap<String, String>) -> ObjectSettings {
        ObjectSettings { tags, ..ObjectSettings::default() }
    }

    #[test]
    fn everything_set_becomes_its_header() {
        let object = ObjectSettings {
            storage_class: Some("STANDARD_IA".to_owned()),
            encryption: Encryption::Kms { key_id: Some("arn:aws:kms:eu-west-1:1:key/2".to_owned()) },
            tags: pairs(&[("team", "a&b"), ("übung", "1 + 1")]),
            metadata: pairs(&[("source", "site.zip"), ("title", "Größe")]),
            content_type: Some("application/zip".to_owned()),
        };
        check(&object, "run-1").expect("fine");
        let headers = headers(&object, "run-1");
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        assert_eq!(
            lines,
            [
                "content-type: application/zip",
                "x-amz-storage-class: STANDARD_IA",
                "x-amz-server-side-encryption: aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id: arn:aws:kms:eu-west-1:1:key/2",
                "x-amz-tagging: team=a%26b&%C3%BCbung=1%20%2B%201",
                "x-amz-meta-source: site.zip",
                "x-amz-meta-title: =?UTF-8?B?R3LDtsOfZQ==?=",
                "x-amz-meta-holdfast-run: run-1",
            ]
        );
    }

    #[test]
    fn nothing_set_is_only_the_mark_of_the_run() {
        let headers = headers(&ObjectSettings::default(), "r");
        assert_eq!(headers, [("x-amz-meta-holdfast-run".to_owned(), "r".to_owned())]);
        let aes = ObjectSettings { encryption: Encryption::Aes256, ..ObjectSettings::default() };
        assert_eq!(super::headers(&aes, "r")[0], ("x-amz-server-side-encryption".to_owned(), "AES256".to_owned()));
    }

    /// The example of the AWS page above.
    #[test]
    fn the_word_of_aws_is_read() {
        let word = "=?UTF-8?B?w4PChE3Dg8KEwpfDg8KTw4PCqg==?=";
        assert_eq!(decode_words(word), "Ã\u{84}MÃ\u{84}\u{97}Ã\u{93}Ãª");
        assert_eq!(decode_words("=?utf-8?q?Gr=C3=B6=C3=9Fe_1%?="), "Größe 1%");
    }

    #[test]
    fn what_is_no_word_stays() {
        for text in ["plain", "=?latin1?Q?=E9?=", "=?UTF-8?B?!?=", "=?", "a =?b?= c", "", "=?UTF-8?Q?=FF?="] {
            assert_eq!(decode_words(text), text);
        }
    }

    #[test]
    fn limits_and_bad_names_are_refused_with_their_reason() {
        let many = (0..11).map(|n| (n.to_string(), String::new())).collect();
        for (object, error) in [
            (with_metadata("Upper", ""), SettingsError::MetadataName("Upper".to_owned())),
            (with_metadata("a b", ""), SettingsError::MetadataName("a b".to_owned())),
            (with_metadata("", ""), SettingsError::MetadataName(String::new())),
            (with_metadata(RUN, "x"), SettingsError::MetadataTaken(RUN.to_owned())),
            (with_metadata(PART_LEN, "x"), SettingsError::MetadataTaken(PART_LEN.to_owned())),
            (with_metadata("a", "b\r\nc: d"), SettingsError::Control("metadata \"a\"".to_owned())),
            (
                with_metadata("a", &"x".repeat(2048)),
                SettingsError::MetadataLen(1 + 2048 + RUN.len() + 1 + PART_LEN_ROOM),
            ),
            (with_tags(many), SettingsError::Tags(11)),
            (with_tags(pairs(&[("AWS:x", "")])), SettingsError::TagKey("AWS:x".to_owned())),
            (with_tags(pairs(&[("", "")])), SettingsError::TagKey(String::new())),
            (with_tags(pairs(&[("k", &"é".repeat(257))])), SettingsError::TagValue("k".to_owned())),
        ] {
            assert_eq!(check(&object, "r"), Err(error));
        }
        assert!(check(&with_metadata("a", &"x".repeat(2048 - 2 - RUN.len() - PART_LEN_ROOM)), "r").is_ok());
        assert!(check(&with_tags(pairs(&[(&"é".repeat(128), &"é".repeat(256))])), "r").is_ok());
        let class = ObjectSettings { storage_class: Some("GLACIÉR".to_owned()), ..ObjectSettings::default() };
        assert_eq!(check(&class, "r"), Err(SettingsError::NotAscii("the storage class")));
    }

    proptest! {
        #[test]
        fn any_text_survives_as_a_header(value in "\\PC{0,200}") {
            let word = encode_word(&value);
            prop_assert!(word.bytes().all(|b| (b' '..0x7f).contains(&b)), "{}", word);
            prop_assert!(word == value || word.split(' ').all(|word| word.len() <= 75), "{}", word);
            prop_assert_eq!(word.trim(), word.as_str());
            prop_assert_eq!(decode_words(&word), value);
        }

        #[test]
        fn reading_words_never_panics(value in ".{0,80}") {
            decode_words(&value);
        }
    }
}
