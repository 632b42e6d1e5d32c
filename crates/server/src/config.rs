//! The server's settings, parsed once at start; every one is a flag and an environment variable.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use axum::http::Uri;

use crate::auth::sso::SsoConfig;
use crate::mail::MailConfig;
use crate::network::Network;
pub use crate::place::{DATA_DIR_DEFAULT, Place};

/// 4 GiB: a day of several fast sensors, and what file systems of memory cards can hold in one file.
pub const UPLOAD_MAX_BYTES_DEFAULT: u64 = 4 << 30;

/// Far above what radio carries and below what the server takes: a device that runs wild leaves room for the others, and a
/// script that loads a season with one token is not held up.
pub const INGEST_PER_DEVICE_RATE_DEFAULT: u32 = 1000;

#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub place: Place,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "FIELDPOST_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// How people and devices reach this server from outside, for links and cookies: `https://laps.example.org`.
    #[arg(long, env = "FIELDPOST_PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,
    /// Certificate chain as PEM; with `--tls-key` the server speaks HTTPS by itself.
    #[arg(long, env = "FIELDPOST_TLS_CERT", requires = "tls_key", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key as PEM.
    #[arg(long, env = "FIELDPOST_TLS_KEY", requires = "tls_cert", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Addresses or networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed: `10.0.0.0/8,::1`.
    #[arg(
        long,
        env = "FIELDPOST_TRUSTED_PROXY",
        value_delimiter = ',',
        value_name = "NET"
    )]
    pub trusted_proxy: Vec<Network>,
    /// Take data over plain HTTP although the public URL is https.
    #[arg(long, env = "FIELDPOST_ALLOW_PLAIN_INGEST")]
    pub allow_plain_ingest: bool,
    /// Largest upload that is accepted, in bytes.
    #[arg(long, env = "FIELDPOST_UPLOAD_MAX_BYTES", default_value_t = UPLOAD_MAX_BYTES_DEFAULT)]
    pub upload_max_bytes: u64,
    /// Most that one team may store, in bytes; without it as much as there is room.
    #[arg(long, env = "FIELDPOST_TEAM_QUOTA_BYTES", value_name = "BYTES")]
    pub team_quota_bytes: Option<u64>,
    /// Requests a second that one device, key or person may send data with, after a burst of 24 times as many; 0 for no bound.
    #[arg(long, env = "FIELDPOST_INGEST_PER_DEVICE_RATE", default_value_t = INGEST_PER_DEVICE_RATE_DEFAULT, value_name = "N")]
    pub ingest_per_device_rate: u32,
    #[command(flatten)]
    pub mail: MailConfig,
    #[command(flatten)]
    pub sso: SsoConfig,
}

impl Config {
    /// Settings for a folder and a free local port, everything else as by default.
    pub fn local(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            place: Place::local(data_dir),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            public_url: None,
            tls_cert: None,
            tls_key: None,
            trusted_proxy: Vec::new(),
            allow_plain_ingest: false,
            upload_max_bytes: UPLOAD_MAX_BYTES_DEFAULT,
            team_quota_bytes: None,
            ingest_per_device_rate: INGEST_PER_DEVICE_RATE_DEFAULT,
            mail: MailConfig::default(),
            sso: SsoConfig::default(),
        }
    }
}

/// Scheme, host and port, without a path: `https://laps.example.org`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
}

impl PublicUrl {
    pub(crate) fn of_listener(addr: SocketAddr, tls: bool) -> Self {
        let scheme = if tls { "https" } else { "http" };
        // 0.0.0.0 is where to listen, not where to go.
        let origin = if addr.ip().is_unspecified() {
            format!("{scheme}://localhost:{}", addr.port())
        } else {
            format!("{scheme}://{addr}")
        };
        Self { origin }
    }

    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// What a browser sends as `Origin`.
    pub fn as_str(&self) -> &str {
        &self.origin
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a base URL; write scheme, host and port only: https://laps.example.org")]
pub struct PublicUrlError(String);

impl FromStr for PublicUrl {
    type Err = PublicUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || PublicUrlError(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| refuse())?;
        let scheme = uri
            .scheme_str()
            .filter(|&scheme| matches!(scheme, "http" | "https"))
            .ok_or_else(refuse)?;
        let authority = uri
            .authority()
            .filter(|authority| !authority.as_str().contains('@'))
            .ok_or_else(refuse)?;
        if uri.path() != "/" || uri.query().is_some() {
            return Err(refuse());
        }
        // Browsers write hosts in lower case, and the origin is compared byte for byte.
        Ok(Self {
            origin: format!("{scheme}://{}", authority.as_str().to_ascii_lowercase()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        let url: PublicUrl = "https://Laps.Example.org:8443/".parse().unwrap();
        assert_eq!(url.as_str(), "https://laps.example.org:8443");
        assert!(url.is_https());
        for bad in [
            "laps.example.org",
            "ftp://a.b",
            "https://a.b/path",
            "https://me:pw@a.b",
            "https://a.b/?x=1",
            "",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_listener_on_every_address_is_reached_by_name() {
        assert_eq!(
            PublicUrl::of_listener(SocketAddr::from(([0, 0, 0, 0], 80)), false).as_str(),
            "http://localhost:80"
        );
        assert_eq!(
            PublicUrl::of_listener(SocketAddr::from(([127, 0, 0, 1], 81)), true).as_str(),
            "https://127.0.0.1:81"
        );
    }
}
