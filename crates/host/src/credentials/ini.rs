//! The INI dialect of AWS's own files.
//!
//! [The format](https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html)

use std::collections::BTreeMap;

use super::keys;

/// Sections by name, as written between the brackets; settings by name in lower case.
#[derive(Default)]
pub(crate) struct Ini(BTreeMap<String, BTreeMap<String, String>>);

impl Ini {
    /// Reads a file; the error is the number of the first line that makes no sense.
    pub(crate) fn parse(text: &str) -> Result<Self, usize> {
        let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut current: Option<String> = None;
        for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let number = at + 1;
            let content = line.trim();
            if content.is_empty() || content.starts_with(['#', ';']) {
                continue;
            }
            if let Some(rest) = content.strip_prefix('[') {
                let (name, _) = rest.split_once(']').ok_or(number)?;
                let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
                sections.entry(name.clone()).or_default();
                current = Some(name);
                continue;
            }
            let section = current.as_ref().ok_or(number)?;
            if line.starts_with([' ', '\t']) {
                // A setting's second line or a setting within a setting: of no interest here.
                continue;
            }
            let (name, value) = content.split_once('=').ok_or(number)?;
            if let Some(section) = sections.get_mut(section) {
                let value = keys::trimmed(without_comment(value));
                section.insert(name.trim().to_ascii_lowercase(), value.to_owned());
            }
        }
        Ok(Self(sections))
    }

    pub(crate) fn section(&self, name: &str) -> Option<&BTreeMap<String, String>> {
        self.0.get(name)
    }
}

/// A comment begins at `#` or `;` behind white space: keys may hold either.
fn without_comment(value: &str) -> &str {
    let starts = |at: &usize| value[*at..].starts_with(['#', ';']) && value[..*at].ends_with([' ', '\t']);
    match value.char_indices().map(|(at, _)| at).find(starts) {
        Some(at) => &value[..at],
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(text: &str, section: &str, name: &str) -> Option<String> {
        let ini = Ini::parse(text).unwrap_or_else(|line| panic!("line {line}"));
        ini.section(section)?.get(name).cloned()
    }

    #[test]
    fn settings_are_found() {
        let text = "\u{feff}# a comment\r\n\r\n[default]\r\nAWS_Access_Key_Id = AKIA1 # mine\r\n\
                    aws_secret_access_key=a#b;c=d+/ ; not mine\r\n\
                    s3 =\r\n  max_concurrent_requests = 20\r\n  no equals sign\r\n\
                    [profile   two ] # the second\r\nregion = eu-central-1\r\n\
                    [default]\r\nregion=us-east-1\r\n";
        let default = |name| get(text, "default", name);
        assert_eq!(default("aws_access_key_id").as_deref(), Some("AKIA1"));
        assert_eq!(default("aws_secret_access_key").as_deref(), Some("a#b;c=d+/"));
        assert_eq!(default("s3").as_deref(), Some(""));
        assert_eq!(default("max_concurrent_requests"), None);
        assert_eq!(default("region").as_deref(), Some("us-east-1"));
        assert_eq!(get(text, "profile two", "region").as_deref(), Some("eu-central-1"));
        assert_eq!(get(text, "three", "region"), None);
    }

    #[test]
    fn a_line_without_sense_is_told_by_its_number() {
        for (text, line) in [("a=b", 1), ("[x\n", 1), ("[x]\n\njust words", 3), ("\n=\nx", 2)] {
            assert_eq!(Ini::parse(text).err(), Some(line), "{text:?}");
        }
    }
}
