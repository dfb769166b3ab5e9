//! Which authorities are trusted: the system's, else Mozilla's, and those of `--ca-file`.

use std::{
    fmt,
    path::Path,
    sync::{Arc, OnceLock},
};

use rustls::{
    ClientConfig, Error, RootCertStore,
    client::Resumption,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::config::HttpError;

/// TLS sessions remembered, to shorten the next handshake with the same host.
const SESSIONS: usize = 32;

/// TLS settings, made when the first connection wants them: the system's bundle is some hundred
/// files, which a plain `http` endpoint never needs.
pub(crate) struct Roots {
    private: Vec<CertificateDer<'static>>,
    config: OnceLock<Arc<ClientConfig>>,
}

impl Roots {
    /// Reads the private authorities, if any.
    pub(crate) fn new(ca_file: Option<&Path>) -> Result<Self, HttpError> {
        let private = ca_file.map_or(Ok(Vec::new()), |path| {
            read(path).map_err(|problem| HttpError::CaFile { path: path.to_owned(), problem })
        })?;
        Ok(Self { private, config: OnceLock::new() })
    }

    pub(crate) fn config(&self) -> Result<Arc<ClientConfig>, Error> {
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = self.build()?;
        Ok(Arc::clone(self.config.get_or_init(|| config)))
    }

    fn build(&self) -> Result<Arc<ClientConfig>, Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            // Jails and minimal containers have no bundle.
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for certificate in &self.private {
            roots.add(certificate.clone())?;
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(Arc::new(config))
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the system's authorities and {} private ones", self.private.len())
    }
}

/// The certificates of a PEM file, each of which must be of use.
fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let number = found.len() + 1;
        let certificate: CertificateDer<'static> =
            certificate.map_err(|error| format!("is broken at certificate {number}: {error}"))?;
        RootCertStore::empty()
            .add(certificate.clone())
            .map_err(|error| format!("has a certificate, number {number}, that is none: {error}"))?;
        found.push(certificate);
    }
    if found.is_empty() {
        return Err("holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)".to_owned());
    }
    Ok(found)
}
