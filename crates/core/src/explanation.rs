//! What errors mean, for a person who has to do something about them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Evidence, Kind};

/// What was found in a text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    /// One for each error, in the order of the text; what repeats itself is counted.
    pub findings: Vec<Finding>,
    /// Further errors that differ from these and were left out.
    #[serde(default)]
    pub omitted: u32,
    /// Lines of an access log that record a success.
    #[serde(default)]
    pub successes: u32,
}

/// One error, explained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The entry of the catalogue in `docs/errors.md`.
    pub entry: String,
    /// The code under which Holdfast's own errors go.
    pub code: String,
    /// What has to change.
    pub error: Kind,
    /// Where it was found.
    pub source: Source,
    /// The line of the text, from 1; 0 when there is no text.
    pub line: u32,
    /// How often it is there.
    pub times: u32,
    /// Who said no to what.
    pub what: String,
    /// What that means, in plain words.
    pub means: String,
    /// What is likely behind it.
    pub cause: String,
    /// What to change.
    pub fix: String,
    /// The permission that the refused call needs, when the call is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Need>,
    /// What to know besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The statement to paste, where allowing something can be the fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<Advice>,
    /// Whether Holdfast itself needs the permission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdfast: Option<HoldfastNeeds>,
    /// The server's words; a status of 0 is one that the text does not give.
    pub evidence: Evidence,
}

/// In what an error was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// An error document of S3.
    Document,
    /// What a program made of one.
    Message,
    /// A line of a server access log.
    AccessLog,
    /// An event of CloudTrail.
    CloudTrail,
    /// A job of ours.
    Job,
}

/// A permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// The call, as AWS names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// `s3:PutObject`.
    pub action: String,
    /// The ARN that it belongs on. What is not known stands in capitals: `BUCKET`, `PREFIX`.
    pub resource: String,
}

/// A statement, and when to use it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advice {
    /// To be pasted into a policy's `Statement`.
    pub json: Statement,
    /// It opens more than this client's own things: only for those who accept that.
    pub leaks: bool,
}

/// One IAM statement.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Statement {
    /// Names it.
    pub sid: String,
    /// `Allow`.
    pub effect: String,
    /// The action.
    pub action: String,
    /// The ARN.
    pub resource: String,
    /// Operator, key, values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

/// Whether Holdfast needs a permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldfastNeeds {
    /// Whether it ever asks for it.
    pub needed: bool,
    /// In words: `does not need it`.
    pub words: String,
}
