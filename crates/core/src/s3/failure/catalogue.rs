//! The one catalogue: what each of S3's errors means, what is likely behind it, and what to change.
//!
//! One entry for each row of the tables in AWS's documentation of
//! [codes](https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html) and of [denials in
//! words](https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html), and
//! for each way in which something else answers, or nothing. The hint of an error is taken from
//! here, `holdfast explain` shows all of it, and `docs/errors.md` lists it.
//!
//! The texts have slots, filled from the case at hand:
//!
//! | slot | for example |
//! | --- | --- |
//! | `{action}` | `s3:PutObject` |
//! | `{pattern}` | `arn:aws:s3:::backups/home/client1/*` |
//! | `{when}` | `, with the condition that …`, where the whole bucket would show without it |
//! | `{policy}` | the ARN of the policy that denies, in brackets, or nothing |
//! | `{forbids}` | `forbids`, or `does not allow` |
//! | `{region}`, `{set_region}` | the bucket's region, and how to set it |

mod answers;
mod codes;
mod denials;

pub use answers::*;
pub use codes::*;
pub use denials::*;

/// What there is to say about one error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Names it: in `docs/errors.md`, and for programs.
    pub id: &'static str,
    /// The server's words, by which people search.
    pub says: &'static [&'static str],
    /// In plain words.
    pub means: &'static str,
    /// What is likely behind it; no full stop, so that a hint can go on.
    pub cause: &'static str,
    /// What to change; likewise.
    pub fix: &'static str,
    /// What of it makes the hint of an error.
    pub hint: Hint,
}

/// What of an entry makes the hint of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// The fix says enough.
    Fix,
    /// The cause is news.
    CauseAndFix,
}

/// A chapter of the page.
#[derive(Debug, Clone, Copy)]
pub struct Chapter {
    /// Its heading.
    pub title: &'static str,
    /// What is in it.
    pub entries: &'static [&'static Entry],
}

/// All of it, in the order in which people read it.
pub static CATALOGUE: &[Chapter] = &[denials::CHAPTER, codes::CHAPTER, answers::CHAPTER];

/// The entry of this name.
#[must_use]
pub fn by_id(id: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().flat_map(|chapter| chapter.entries).copied().find(|entry| entry.id == id)
}

/// What a case puts into the slots of an entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slots {
    /// The IAM action.
    pub action: Option<String>,
    /// The ARN, or pattern of ARNs, to allow it on.
    pub pattern: Option<String>,
    /// The values of `s3:prefix` to allow it for, where it needs that condition.
    pub condition: Option<String>,
    /// The ARN of the policy that denies.
    pub policy: Option<String>,
    /// A statement says Deny; otherwise nothing says Allow.
    pub explicit: bool,
    /// The bucket's region.
    pub region: Option<String>,
}

impl Entry {
    /// What it means.
    #[must_use]
    pub fn means(&self, slots: &Slots) -> String {
        slots.fill(self.means)
    }

    /// What is likely behind it.
    #[must_use]
    pub fn cause(&self, slots: &Slots) -> String {
        slots.fill(self.cause)
    }

    /// What to change.
    #[must_use]
    pub fn fix(&self, slots: &Slots) -> String {
        slots.fill(self.fix)
    }

    /// The hint of an error: one line.
    #[must_use]
    pub fn hint(&self, slots: &Slots) -> String {
        match self.hint {
            Hint::Fix => self.fix(slots),
            Hint::CauseAndFix => format!("{}: {}", self.cause(slots), self.fix(slots)),
        }
    }
}

impl Slots {
    fn fill(&self, template: &str) -> String {
        let mut text = String::with_capacity(template.len() + 80);
        let mut rest = template;
        // Once over the template, so that what is put in is never read as a slot.
        while let Some((before, after)) = rest.split_once('{') {
            let (slot, behind) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            text.push_str(&self.slot(slot));
            rest = behind;
        }
        text + rest
    }

    fn slot(&self, name: &str) -> String {
        match name {
            "action" => self.action.clone().unwrap_or_else(|| "ACTION".to_owned()),
            "pattern" => self.pattern.clone().unwrap_or_else(|| "ARN".to_owned()),
            "when" => match &self.condition {
                Some(pattern) => format!(", with the condition that `s3:prefix` is like `{pattern}`"),
                None => String::new(),
            },
            "policy" => self.policy.as_ref().map(|arn| format!(" (`{arn}`)")).unwrap_or_default(),
            "forbids" if self.explicit => "forbids".to_owned(),
            "forbids" => "does not allow".to_owned(),
            "region" => match &self.region {
                Some(region) => format!("in `{region}`"),
                None => "in another region and the server does not say which".to_owned(),
            },
            "set_region" => match &self.region {
                Some(region) => format!("set that region (`--region {region}`)"),
                None => "set its region, or its endpoint".to_owned(),
            },
            _ => String::new(),
        }
    }
}

/// The catalogue as Markdown.
#[must_use]
pub fn page() -> String {
    let mut text = String::new();
    for chapter in CATALOGUE {
        text += &format!("### {}\n\n", chapter.title);
        for entry in chapter.entries {
            let slots = Slots::default();
            text += &format!("#### `{}`\n\n", entry.id);
            for says in entry.says {
                text += &format!("> {says}\n>\n");
            }
            if !entry.says.is_empty() {
                text.truncate(text.len() - 2);
                text += "\n";
            }
            text += &format!("- means: {}\n", entry.means(&slots));
            text += &format!("- likely cause: {}\n", entry.cause(&slots));
            text += &format!("- fix: {}\n\n", entry.fix(&slots));
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries() -> impl Iterator<Item = &'static Entry> {
        CATALOGUE.iter().flat_map(|chapter| chapter.entries).copied()
    }

    #[test]
    fn an_entry_is_whole_and_named_once() {
        let mut ids: Vec<_> = entries().map(|entry| entry.id).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), count);
        for entry in entries() {
            assert_eq!(by_id(entry.id), Some(entry));
            for text in [entry.means, entry.cause, entry.fix] {
                assert!(!text.is_empty() && text.len() < 400, "{}: {text}", entry.id);
                assert!(!text.ends_with('.') && !text.contains("  "), "{}: {text}", entry.id);
                for (at, _) in text.match_indices('{') {
                    let slot = text[at + 1..].split('}').next().unwrap_or_default();
                    let known = ["action", "pattern", "when", "policy", "forbids", "region", "set_region"];
                    assert!(known.contains(&slot), "{}: {{{slot}}}", entry.id);
                }
            }
        }
    }

    #[test]
    fn what_fills_a_slot_is_no_slot() {
        let slots =
            Slots { action: Some("{policy}".to_owned()), policy: Some("{region}".to_owned()), ..Slots::default() };
        assert_eq!(slots.fill("{action}{policy}{nothing} {"), "{policy} (`{region}`) ");
    }

    /// People find the page by the words of their error: it is the data, to the letter.
    #[test]
    fn the_page_is_in_the_docs() {
        let page = page();
        let docs = include_str!("../../../../../docs/errors.md");
        assert!(docs.ends_with(&page), "the catalogue in docs/errors.md is not this:\n\n{page}");
    }
}
