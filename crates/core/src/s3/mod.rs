//! The S3 conversation: operations, signing, and what to do about the answers.

pub mod call;
pub mod conversation;
pub mod crc;
pub mod explain;
pub mod failure;
pub(crate) mod job;
pub mod op;
pub mod permission;
pub mod sign;
pub mod xml;
