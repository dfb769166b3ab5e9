//! The S3 servers and toxiproxy, built by `go install` at fixed versions.
//!
//! A Go binary says which module and version it was built from, so the binary itself is the marker:
//! another version wanted here means another build.

use std::fs;
use std::path::Path;

use super::{go, say};
use crate::{place, run};

struct Server {
    /// The name it gets.
    name: &'static str,
    module: &'static str,
    /// The package inside the module.
    package: &'static str,
    version: &'static str,
}

const SERVERS: [Server; 3] = [
    // MinIO's last one. AGPL: run by tests only, never shipped.
    Server {
        name: "minio",
        module: "github.com/minio/minio",
        package: "",
        version: "v0.0.0-20260212201848-7aac2a2c5b7c",
    },
    Server { name: "versitygw", module: "github.com/versity/versitygw", package: "/cmd/versitygw", version: "v1.8.0" },
    Server {
        name: "toxiproxy-server",
        module: "github.com/Shopify/toxiproxy/v2",
        package: "/cmd/server",
        version: "v2.5.0",
    },
];

/// Builds those that are missing or of another version. From scratch and idle: MinIO 3 minutes,
/// versitygw 75 s, toxiproxy 13 s.
pub(crate) fn install(jobs: usize) -> Result<(), String> {
    let bin = place::cache().join("bin");
    fs::create_dir_all(&bin).map_err(|e| format!("{}: {e}", bin.display()))?;
    for server in SERVERS {
        let program = bin.join(server.name);
        if !server.is_built(&program) {
            say(format!("{} {} with go install", server.name, server.version));
            server.build(&program, jobs)?;
        }
    }
    Ok(())
}

impl Server {
    fn is_built(&self, program: &Path) -> bool {
        let marker = format!("mod\t{}\t{}\t", self.module, self.version);
        fs::read(program).is_ok_and(|bytes| contains(&bytes, marker.as_bytes()))
    }

    fn build(&self, program: &Path, jobs: usize) -> Result<(), String> {
        let go = go::find()?;
        let scratch = place::cache().join(format!("go-install-{}", self.name));
        fs::create_dir_all(&scratch).map_err(|e| e.to_string())?;
        let package = format!("{}{}@{}", self.module, self.package, self.version);
        run::run(
            run::command(go)
                .args(["install", "-p", &jobs.to_string(), &package])
                .env("GOBIN", &scratch)
                // The toolchain at hand is new enough, and another one is not to be fetched.
                .env("GOTOOLCHAIN", "local"),
        )?;
        // go install names it after the package: minio, versitygw, server.
        let built = fs::read_dir(&scratch).map_err(|e| e.to_string())?.flatten().next();
        let built = built.ok_or_else(|| format!("go install of {package} left no program"))?;
        fs::rename(built.path(), program).map_err(|e| e.to_string())?;
        fs::remove_dir_all(&scratch).map_err(|e| e.to_string())?;
        if self.is_built(program) {
            return Ok(());
        }
        Err(format!("{} does not say that it is {} {}", program.display(), self.module, self.version))
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    // Windows over 100 MB are slow in a debug build; whole lines are few.
    bytes.split(|byte| *byte == b'\n').any(|line| line.ends_with(wanted) || line.starts_with(wanted))
}
