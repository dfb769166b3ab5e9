//! MinIO on one disk: users, groups, policies, TLS, encryption with a fixed KMS key, Object Lock.
//!
//! It is licensed under the AGPL and only ever run by tests. What it does otherwise than AWS:
//! it lists unfinished uploads only by exact key, and checks neither region nor bucket owner.

use std::fs;
use std::net::SocketAddr;

use base64::Engine as _;
use tempfile::TempDir;

use crate::process::{Server, accepts, free_port, loopback};
use crate::{ACCESS_KEY, Authority, REGION, S3, SECRET, binaries};

/// The name of the KMS key that `aws:kms` requests may ask for.
pub const KMS_KEY: &str = "holdfast-test-key";

/// A running MinIO.
#[derive(Debug)]
pub struct Minio {
    server: Server,
    address: SocketAddr,
    endpoint: String,
    authority_pem: Option<String>,
    dir: TempDir,
}

impl Minio {
    /// Starts one that speaks plain HTTP.
    pub fn start() -> Self {
        Self::launch(None)
    }

    /// Starts one that speaks TLS only, with a certificate of this authority.
    pub fn start_tls(authority: &Authority) -> Self {
        Self::launch(Some(authority))
    }

    fn launch(authority: Option<&Authority>) -> Self {
        let program = binaries::find("minio");
        let dir = tempfile::Builder::new().prefix("minio").tempdir().expect("a temporary folder");
        let certificates = dir.path().join("certs");
        fs::create_dir(&certificates).expect("the folder is new");
        if let Some(authority) = authority {
            let identity = authority.identity(&[]);
            fs::write(certificates.join("public.crt"), identity.certificate_pem()).expect("writable");
            fs::write(certificates.join("private.key"), identity.key_pem()).expect("writable");
        }
        let address = loopback(free_port());
        let kms_key = base64::engine::general_purpose::STANDARD.encode([7; 32]);
        let mut server = Server::spawn("MinIO", &program, dir.path().join("log"), |command| {
            command
                .args(["server", "--quiet", "--address", &address.to_string()])
                .arg("--certs-dir")
                .arg(&certificates)
                .arg(dir.path().join("data"))
                .env("HOME", dir.path())
                .env("MINIO_ROOT_USER", ACCESS_KEY)
                .env("MINIO_ROOT_PASSWORD", SECRET)
                .env("MINIO_SITE_REGION", REGION)
                .env("MINIO_KMS_SECRET_KEY", format!("{KMS_KEY}:{kms_key}"))
                .env("MINIO_DOMAIN", "localhost")
                .env("MINIO_PROMETHEUS_AUTH_TYPE", "public")
                .env("MINIO_BROWSER", "off")
                .env("MINIO_UPDATE", "off");
        });
        server.wait_until(|| accepts(address));
        let scheme = if authority.is_some() { "https" } else { "http" };
        let minio = Self {
            server,
            address,
            endpoint: format!("{scheme}://{address}"),
            authority_pem: authority.map(Authority::pem),
            dir,
        };
        // The port opens before the disk is ready: 503 until then.
        let s3 = minio.s3();
        let mut minio = minio;
        minio.server.wait_until(|| s3.send("GET", "/", &[], &[], b"").status == 200);
        minio
    }

    /// `http://127.0.0.1:PORT`, or `https://…`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    /// A client with the root key.
    pub fn s3(&self) -> S3 {
        let s3 = S3::new(&self.endpoint);
        match &self.authority_pem {
            Some(pem) => s3.trusting(pem),
            None => s3,
        }
    }

    /// Bytes of request bodies that its S3 side has received so far, whatever became of them.
    pub fn bytes_received(&self) -> u64 {
        let url = format!("{}/minio/metrics/v3/api/requests", self.endpoint);
        let text = ureq::get(&url).call().and_then(|mut answer| answer.body_mut().read_to_string());
        let text = text.unwrap_or_else(|e| panic!("{url}: {e}"));
        let counter = |line: &&str| line.starts_with("minio_api_requests_traffic_received_bytes{");
        // It is not there before the first body; large numbers come as 1.5e+09.
        let values = text.lines().filter(counter).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum::<f64>() as u64
    }

    /// Bytes of part data that still lie on its disk: what an orphaned upload would be billed for.
    pub fn unfinished_bytes(&self) -> u64 {
        crate::data::disk_usage(&self.dir.path().join("data/.minio.sys/multipart"))
    }
}
