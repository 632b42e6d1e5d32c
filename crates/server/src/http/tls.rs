//! TLS of our own, for a server without a proxy in front of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A handshake's first byte; no HTTP request begins with it.
const HANDSHAKE: u8 = 0x16;

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path} holds no PEM that can be read: {cause}; it needs {wanted}")]
    Pem {
        path: PathBuf,
        cause: pem::Error,
        wanted: &'static str,
    },
    #[error("certificate {cert} and key {key} do not go together: {cause}")]
    Pair {
        cert: PathBuf,
        key: PathBuf,
        cause: rustls::Error,
    },
}

/// Ends TLS with one certificate, read once at start.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    pub fn load(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let unreadable = |path: &Path, wanted| {
            let path = path.to_owned();
            move |cause| TlsError::Pem { path, cause, wanted }
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(cert)
            .and_then(Iterator::collect)
            .map_err(unreadable(cert, "the certificate and those that signed it"))?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key, "a private key"))?;
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|cause| TlsError::Pair {
                cert: cert.to_owned(),
                key: key.to_owned(),
                cause,
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

/// Whether the other side begins as TLS does; who speaks plain HTTP gets an answer that says what is wrong.
pub(super) async fn begins_handshake(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    let seen = stream.peek(&mut first).await?;
    Ok(seen == 1 && first[0] == HANDSHAKE)
}
