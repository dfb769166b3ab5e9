//! versitygw on a folder: of the servers here the closest to AWS. It checks checksums, conditions,
//! regions, bucket owners and the clock, and lists unfinished uploads by prefix.

use std::fs;
use std::net::SocketAddr;

use tempfile::TempDir;

use crate::process::{Server, accepts, free_port, loopback};
use crate::{ACCESS_KEY, Authority, REGION, S3, SECRET, binaries};

/// What to start; the default is plain HTTP in [`REGION`].
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// The region whose signatures it accepts.
    pub region: Option<&'a str>,
    /// Speak TLS with a certificate of this authority.
    pub authority: Option<&'a Authority>,
    /// Keep no versions: buckets cannot have them.
    pub without_versions: bool,
    /// Close each connection after one answer, as this server does when nobody asks otherwise.
    pub close_connections: bool,
}

/// A running versitygw.
#[derive(Debug)]
pub struct Versitygw {
    // Declared first: the process must end before its folder goes.
    server: Server,
    address: SocketAddr,
    endpoint: String,
    region: String,
    authority_pem: Option<String>,
    dir: TempDir,
}

impl Versitygw {
    /// Starts one with the defaults.
    pub fn start() -> Self {
        Self::launch(Options::default())
    }

    /// Starts one.
    pub fn launch(options: Options<'_>) -> Self {
        let program = binaries::find("versitygw");
        let dir = tempfile::Builder::new().prefix("versitygw").tempdir().expect("a temporary folder");
        for name in ["data", "versions", "iam"] {
            fs::create_dir(dir.path().join(name)).expect("the folder is new");
        }
        let region = options.region.unwrap_or(REGION).to_owned();
        let address = loopback(free_port());
        let mut server = Server::spawn("versitygw", &program, dir.path().join("log"), |command| {
            command
                .env("ROOT_ACCESS_KEY", ACCESS_KEY)
                .env("ROOT_SECRET_KEY", SECRET)
                .args(["--port", &address.to_string(), "--region", &region, "--health", "/health"])
                .arg("--iam-dir")
                .arg(dir.path().join("iam"));
            if !options.close_connections {
                command.arg("--keep-alive");
            }
            if let Some(authority) = options.authority {
                let identity = authority.identity(&[]);
                let (cert, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
                fs::write(&cert, identity.certificate_pem()).expect("writable");
                fs::write(&key, identity.key_pem()).expect("writable");
                command.arg("--cert").arg(cert).arg("--key").arg(key);
            }
            command.arg("posix");
            if !options.without_versions {
                command.arg("--versioning-dir").arg(dir.path().join("versions"));
            }
            command.arg(dir.path().join("data"));
        });
        server.wait_until(|| accepts(address));
        let scheme = if options.authority.is_some() { "https" } else { "http" };
        Self {
            server,
            address,
            endpoint: format!("{scheme}://{address}"),
            region,
            authority_pem: options.authority.map(Authority::pem),
            dir,
        }
    }

    /// `http://127.0.0.1:PORT`, or `https://…`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The region whose signatures it accepts.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    /// Makes a user, who may do what bucket policies say.
    pub fn add_user(&self, name: &str, secret: &str) {
        let account = format!(
            "<Account><Access>{name}</Access><Secret>{secret}</Secret><Role>user</Role>\
             <UserID>0</UserID><GroupID>0</GroupID><ProjectID>0</ProjectID></Account>"
        );
        self.s3().send("PATCH", "/create-user", &[], &[], account.as_bytes()).expect_ok("create user");
    }

    /// A client with the root key.
    pub fn s3(&self) -> S3 {
        let s3 = S3::new(&self.endpoint).with_region(&self.region);
        match &self.authority_pem {
            Some(pem) => s3.trusting(pem),
            None => s3,
        }
    }

    /// Bytes of part data that still lie on its disk: what an orphaned upload would be billed for.
    pub fn unfinished_bytes(&self, bucket: &str) -> u64 {
        crate::data::disk_usage(&self.dir.path().join("data").join(bucket).join(".sgwtmp/multipart"))
    }
}
