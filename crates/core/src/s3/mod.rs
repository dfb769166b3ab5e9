//! The S3 conversation: operations, signing, and what to do about the answers.

pub mod call;
