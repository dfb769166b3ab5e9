//! A certificate authority of our own, made anew on each run, and identities signed by it.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Once};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// A private certificate authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authority")
    }
}

/// A server's certificate and key for `localhost`, `127.0.0.1` and names asked for.
pub struct Identity {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    /// A new authority that nobody trusts yet.
    #[expect(clippy::new_without_default, reason = "a new authority is never a default")]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "holdfast test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().expect("ring makes a P-256 key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("the parameters are sound");
        Self { issuer }
    }

    /// The authority's certificate, for `--ca-file`.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Writes the certificate to a file and returns its path.
    pub fn write_pem(&self, dir: &Path) -> std::path::PathBuf {
        let path = dir.join("ca.pem");
        fs::write(&path, self.pem()).expect("the folder is writable");
        path
    }

    /// An identity for loopback, and for these further names.
    pub fn identity(&self, names: &[&str]) -> Identity {
        let names = ["localhost", "127.0.0.1"].iter().chain(names).map(|n| (*n).to_owned());
        let mut params = CertificateParams::new(names.collect::<Vec<_>>()).expect("names are sound");
        params.distinguished_name.push(DnType::CommonName, "holdfast test server");
        let key = KeyPair::generate().expect("ring makes a P-256 key");
        let certificate = params.signed_by(&key, &self.issuer).expect("the issuer can sign");
        Identity { certificate, key }
    }
}

impl Identity {
    /// The certificate as PEM.
    pub fn certificate_pem(&self) -> String {
        self.certificate.pem()
    }

    /// The private key as PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The same for a server in this process: HTTP/1.1 only.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        install_provider();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![self.certificate.der().clone()], key)
            .expect("certificate and key belong together");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }
}

/// Makes ring the process's TLS provider; harmless to call again.
pub fn install_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Someone else may have installed it already: that is as good.
        rustls::crypto::ring::default_provider().install_default().ok();
    });
}
