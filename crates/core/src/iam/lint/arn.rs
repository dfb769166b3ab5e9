//! ARNs of S3, as far as lint looks into them, and the pieces of patterns.

/// `arn:PARTITION:s3:::BUCKET` or `arn:PARTITION:s3:::BUCKET/KEY`, wildcards and all; or `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct S3Arn<'a> {
    /// What stands before the bucket.
    pub stem: &'a str,
    pub bucket: &'a str,
    /// What stands behind the bucket's slash.
    pub key: Option<&'a str>,
}

impl<'a> S3Arn<'a> {
    /// `None` for other services, and for access points, which have a region.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text == "*" {
            return Some(Self { stem: "arn:aws:s3:::", bucket: "*", key: None });
        }
        let mut parts = text.splitn(6, ':');
        if parts.next()? != "arn" {
            return None;
        }
        let (_partition, service) = (parts.next()?, parts.next()?);
        let (region, account, rest) = (parts.next()?, parts.next()?, parts.next()?);
        if !matches!(service, "s3" | "*") || !matches!(region, "" | "*") || !matches!(account, "" | "*") {
            return None;
        }
        let stem = &text[..text.len() - rest.len()];
        Some(match rest.split_once('/') {
            Some((bucket, key)) => Self { stem, bucket, key: Some(key) },
            None => Self { stem, bucket: rest, key: None },
        })
    }

    /// Whether it can be a bucket's.
    pub(super) fn takes_buckets(self) -> bool {
        self.key.is_none()
    }

    /// Whether it can be an object's: a `*` goes past the slash.
    pub(super) fn takes_objects(self) -> bool {
        self.key.is_some() || self.bucket.contains('*')
    }

    /// As it was written.
    pub(super) fn text(self) -> String {
        self.key.map_or_else(|| self.of_bucket(), |key| format!("{}/{key}", self.of_bucket()))
    }

    /// The bucket's own ARN.
    pub(super) fn of_bucket(self) -> String {
        format!("{}{}", self.stem, self.bucket)
    }
}

/// What stands before the first wildcard; variables count as text.
pub(super) fn head(pattern: &str) -> &str {
    let mut at = 0;
    while let Some(found) = pattern[at..].find(['*', '?', '$']) {
        let rest = &pattern[at + found..];
        if !rest.starts_with('$') {
            return &pattern[..at + found];
        }
        let skip = if rest.starts_with("${") { rest.find('}').map_or(rest.len(), |end| end + 1) } else { 1 };
        at += found + skip;
    }
    pattern
}

/// Whether there is a wildcard in it.
pub(super) fn is_wild(pattern: &str) -> bool {
    head(pattern).len() < pattern.len()
}

/// Whether there is a policy variable in it, other than the escapes `${*}`, `${?}` and `${$}`.
pub(super) fn has_variable(pattern: &str) -> bool {
    pattern.split("${").skip(1).any(|rest| !["*}", "?}", "$}"].iter().any(|escape| rest.starts_with(escape)))
}

/// How many characters have to be added, removed or replaced.
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_a_buckets_or_an_objects() {
        let object = S3Arn::parse("arn:aws-cn:s3:::b/home/${aws:username}/*").expect("S3");
        assert_eq!((object.bucket, object.key), ("b", Some("home/${aws:username}/*")));
        assert_eq!(object.of_bucket(), "arn:aws-cn:s3:::b");
        assert!(object.takes_objects() && !object.takes_buckets());
        let bucket = S3Arn::parse("arn:aws:s3:::b").expect("S3");
        assert!(bucket.takes_buckets() && !bucket.takes_objects());
        for all in ["*", "arn:aws:s3:::*", "arn:aws:s3:::b*"] {
            let all = S3Arn::parse(all).expect("S3");
            assert!(all.takes_buckets() && all.takes_objects());
        }
        for other in ["arn:aws:kms:us-west-2:1:key/x", "arn:aws:s3:us-west-2:1:accesspoint/x", "b", "arn:aws:s3"] {
            assert_eq!(S3Arn::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_head_ends_at_the_first_wildcard() {
        for (pattern, expected) in [
            ("home/*", "home/"),
            ("*", ""),
            ("", ""),
            ("é?", "é"),
            ("a/${aws:username}/*", "a/${aws:username}/"),
            ("${*}x*", "${*}x"),
            ("${open", "${open"),
            ("plain", "plain"),
        ] {
            assert_eq!(head(pattern), expected);
        }
    }

    #[test]
    fn distances_count_letters() {
        assert_eq!(distance("rainworks-hosting-buckets", "rainworks-hosting-backups"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abc", "ac"), 1);
    }
}
