//! End to end on real servers, one binary: first the test bed itself, then the runner in it.

mod backup;
mod bed_faults;
mod bed_minio_admin;
mod bed_pipe;
mod bed_runner;
mod bed_servers;
mod bed_sink;
mod check;
mod conformance;
mod crash;
mod credentials;
mod dump;
mod explain;
mod faults;
mod fleet;
mod input;
mod policies;
mod presign;
mod prune;
