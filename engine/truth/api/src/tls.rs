//! The server's identity.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hufu_wire::without_bom;
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::options::{ServeFault, TlsFiles};

/// TLS 1.3 and 1.2 with the certificate of these files; clients show tokens, not certificates.
pub(super) fn config(files: &TlsFiles) -> Result<Arc<ServerConfig>, ServeFault> {
    let read = |file: &Path| fs::read(file).map_err(|why| fault(file, why.to_string()));
    let chain = CertificateDer::pem_slice_iter(without_bom(&read(&files.certificate)?))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|why| fault(&files.certificate, why.to_string()))?;
    if chain.is_empty() {
        return Err(fault(&files.certificate, "there is no certificate in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(without_bom(&read(&files.key)?)).map_err(|why| match why {
        pem::Error::NoItemsFound => fault(&files.key, "there is no private key in PEM in it".to_owned()),
        why => fault(&files.key, why.to_string()),
    })?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|why| fault(&files.certificate, why.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|why| match why {
            rustls::Error::InconsistentKeys(_) => fault(
                &files.key,
                format!("it is not the key of the certificate in {}", files.certificate.display()),
            ),
            why => fault(&files.certificate, why.to_string()),
        })?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn fault(file: &Path, what: String) -> ServeFault {
    ServeFault::Tls { file: file.to_owned(), what }
}
