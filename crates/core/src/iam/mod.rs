//! IAM policies, read and judged offline.
//!
//! In scope: the [grammar of policies](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html),
//! what a request to S3 carries, and what identity policies and a bucket policy of one account
//! say to it. Out of scope: permissions boundaries, session policies, service control policies,
//! endpoint policies, ACLs, other accounts.

pub mod action;
pub mod condition;
pub mod document;
pub mod evaluate;
pub mod generate;
pub mod glob;
pub mod isolation;
pub mod lint;
pub mod operator;
pub mod parse;
pub mod pattern;
pub mod request;
pub mod simulate;
mod write;
