//! Which files are compressed already, by what their names end in.

/// Formats that deflate makes no smaller: images, sound, film, archives, fonts, documents that are
/// zips themselves.
const COMPRESSED: [&str; 51] = [
    "3gp", "7z", "aac", "apk", "avif", "avi", "br", "bz2", "docx", "epub", "flac", "gif", "gz", "heic", "heif", "jar",
    "jpe", "jpeg", "jpg", "jxl", "lz4", "lzma", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "mpeg", "mpg", "odp", "ods",
    "odt", "ogg", "ogv", "opus", "phar", "png", "pptx", "rar", "tgz", "txz", "webm", "webp", "wmv", "woff", "woff2",
    "xlsx", "xz", "zip", "zst",
];

/// Whether compressing a file of this name is of no use.
pub(super) fn is_compressed(name: &[u8]) -> bool {
    let file_name = name.rsplit(|&b| b == b'/').next().unwrap_or(name);
    let Some(at) = file_name.iter().rposition(|&b| b == b'.') else { return false };
    let Ok(extension) = std::str::from_utf8(&file_name[at + 1..]) else { return false };
    COMPRESSED.iter().any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::is_compressed;

    #[test]
    fn the_last_extension_counts() {
        for name in [&b"a/b.jpg"[..], b"b.JPG", b"x.tar.gz", b"x.zip", b".png"] {
            assert!(is_compressed(name), "{name:?}");
        }
        for name in [&b"a.jpg/b"[..], b"jpg", b"b.jpg.php", b"x.", b"x.\xff", b""] {
            assert!(!is_compressed(name), "{name:?}");
        }
    }
}
