//! The server's address, in the forms in which people and older pages write it.
//!
//! | said | kept |
//! |---|---|
//! | `https://Laps.Example.org/`, `laps.example.org`, `https://laps.example.org/api/upload/` | `https://laps.example.org` |
//! | `https://host:8443/base/i/fpi_abc` | `https://host:8443/base`, and the key apart |
//! | `http://…` | stays `http`: what is not said is `https` |
//! | `localhost`, `127.0.0.1`, `[::1]`, the device's own addresses | refused: from the device that is itself |
//! | `192.168.1.5`, `nas.local`, `nas`, `[fd00::1]` | asks for a confirmation: out of the house it is nobody, or a stranger |

use core::fmt::{self, Write};
use core::net::{Ipv4Addr, Ipv6Addr};

use heapless::String;

use super::secret::Secret;

/// Scheme, host, port and base path.
pub const URL_BYTES_MAX: usize = 128;
/// `fpi_` and 43 characters today.
pub const INGEST_KEY_BYTES_MAX: usize = 64;
/// Names in DNS (RFC 1035, 2.3.4, as text).
const HOST_BYTES_MAX: usize = 100;

/// What clients put behind a server's address, the longest first.
const ENDPOINTS: [&str; 5] = [
    "/functions/v1/ingest",
    "/api/v1/heartbeats",
    "/api/v1/uploads",
    "/api/upload",
    "/upload",
];
/// Where the device itself is, on its own network.
const OWN: [Ipv4Addr; 2] = [Ipv4Addr::new(4, 3, 2, 1), Ipv4Addr::new(192, 168, 4, 1)];

/// An address with nothing to normalise: `http` or `https`, a host in lower case, a port where it is not the usual one, a path without a
/// slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerUrl {
    text: String<URL_BYTES_MAX>,
    host_from: u8,
    host_to: u8,
    port: u16,
    path_from: u8,
}

/// What a person typed, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub url: ServerUrl,
    pub ingest_key: Option<Secret<INGEST_KEY_BYTES_MAX>>,
    /// Only to be taken when somebody said that it is meant.
    pub is_private: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadUrl {
    Scheme,
    Host,
    Port,
    /// A query, a fragment, or characters that no path has.
    Path,
    /// A name and password before the host.
    Credentials,
    TooLong,
    IngestKey,
    Loopback,
    /// It is private and nobody confirmed it.
    Private,
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the server's address begins with https:// or http://",
            Self::Host => "the server's address has no host that can be one",
            Self::Port => "the port in the server's address is none",
            Self::Path => "the server's address has a path that cannot be one, a `?` or a `#`",
            Self::Credentials => "leave the name and password out of the server's address",
            Self::TooLong => "the server's address has more than 128 characters",
            Self::IngestKey => "the key behind /i/ has 1 to 64 letters, digits, `-` and `_`",
            Self::Loopback => {
                "this address is the device itself; give it the one that others reach the server by"
            }
            Self::Private => {
                "this address works in one network only; confirm it if the device is to send there alone"
            }
        })
    }
}

impl ServerUrl {
    /// As it is written, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// For DNS and TLS; an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        self.part(self.host_from, self.host_to)
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What stands before every path, without a slash at its end; often empty.
    pub fn base_path(&self) -> &str {
        self.text.get(usize::from(self.path_from)..).unwrap_or_default()
    }

    /// Scheme, host and port: whom a secret is shown to.
    pub fn origin(&self) -> &str {
        self.part(0, self.path_from)
    }

    fn part(&self, from: u8, to: u8) -> &str {
        self.text
            .get(usize::from(from)..usize::from(to))
            .unwrap_or_default()
    }
}

impl Address {
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        let text = text.trim_ascii();
        let (https, rest) = scheme(text)?;
        let authority_to = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_to);
        if authority.contains('@') {
            return Err(BadUrl::Credentials);
        }
        let (host, port) = host_and_port(authority, https)?;
        let (path, ingest_key) = base(path)?;
        let (host, reach) = Host::parse(host)?;
        if reach == Reach::Loopback {
            return Err(BadUrl::Loopback);
        }
        Ok(Self {
            url: written(https, &host, port, path).map_err(|_| BadUrl::TooLong)?,
            ingest_key,
            is_private: reach == Reach::Private,
        })
    }
}

fn scheme(text: &str) -> Result<(bool, &str), BadUrl> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok((true, text));
    };
    if scheme.eq_ignore_ascii_case("https") {
        Ok((true, rest))
    } else if scheme.eq_ignore_ascii_case("http") {
        Ok((false, rest))
    } else {
        Err(BadUrl::Scheme)
    }
}

fn host_and_port(authority: &str, https: bool) -> Result<(&str, u16), BadUrl> {
    let usual = if https { 443 } else { 80 };
    // The colons of an IPv6 address stand within brackets.
    let after_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let Some(colon) = authority
        .get(after_host..)
        .and_then(|rest| rest.find(':'))
        .map(|colon| colon + after_host)
    else {
        return Ok((authority, usual));
    };
    let (host, port) = (&authority[..colon], &authority[colon + 1..]);
    if port.is_empty() {
        return Ok((host, usual));
    }
    if !port.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(BadUrl::Port);
    }
    match port.parse() {
        Ok(0) | Err(_) => Err(BadUrl::Port),
        Ok(port) => Ok((host, port)),
    }
}

/// The path before what clients put behind it, and the key.
fn base(path: &str) -> Result<(&str, Option<Secret<INGEST_KEY_BYTES_MAX>>), BadUrl> {
    let mut path = path.trim_end_matches('/');
    while let Some(before) = ENDPOINTS.iter().find_map(|endpoint| path.strip_suffix(endpoint)) {
        path = before.trim_end_matches('/');
    }
    let mut key = None;
    if let Some((before, last)) = path.rsplit_once('/')
        && let Some(before) = before.strip_suffix("/i")
    {
        let plain = last
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        let said = Secret::new(last).filter(|_| plain && !last.is_empty());
        key = Some(said.ok_or(BadUrl::IngestKey)?);
        path = before.trim_end_matches('/');
    }
    // RFC 3986, 3.3, and no dots that lead elsewhere. What is left once is left for good.
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte);
    let dots = path.split('/').any(|part| part == "." || part == "..");
    let again = ENDPOINTS.iter().any(|endpoint| path.ends_with(endpoint))
        || path
            .rsplit_once('/')
            .is_some_and(|(before, _)| before.ends_with("/i"))
        || path.ends_with("/i");
    if !path.bytes().all(good) || path.contains("//") || dots || again {
        return Err(BadUrl::Path);
    }
    Ok((path, key))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Public,
    Private,
    Loopback,
}

enum Host {
    Name(String<HOST_BYTES_MAX>),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Host {
    fn parse(text: &str) -> Result<(Self, Reach), BadUrl> {
        if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            let address: Ipv6Addr = inner.parse().map_err(|_| BadUrl::Host)?;
            return Ok((Self::V6(address), reach_v6(address)));
        }
        if let Ok(address) = text.parse() {
            return Ok((Self::V4(address), reach_v4(address)));
        }
        let text = text.strip_suffix('.').unwrap_or(text);
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let last = text.rsplit('.').next().unwrap_or_default();
        // `127.1`, `2130706433` and `0x7f.1` are addresses to many resolvers, and no names.
        let numeric = last.bytes().all(|byte| byte.is_ascii_digit())
            || last.starts_with("0x")
            || last.starts_with("0X");
        if numeric || !text.split('.').all(label) {
            return Err(BadUrl::Host);
        }
        let mut name = String::try_from(text).map_err(|_| BadUrl::TooLong)?;
        name.make_ascii_lowercase();
        let reach = reach_name(&name);
        Ok((Self::Name(name), reach))
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let [first, second, ..] = address.octets();
    // RFC 6598: the carrier's own network.
    let shared = first == 100 && (64..128).contains(&second);
    if address.is_loopback()
        || first == 0
        || address.is_broadcast()
        || address.is_multicast()
        || OWN.contains(&address)
    {
        Reach::Loopback
    } else if address.is_private() || address.is_link_local() || shared {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    if let Some(v4) = address.to_ipv4() {
        return if address.is_loopback() || address.is_unspecified() {
            Reach::Loopback
        } else {
            reach_v4(v4)
        };
    }
    if address.is_multicast() {
        Reach::Loopback
    } else if address.is_unique_local() || address.is_unicast_link_local() {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn reach_name(name: &str) -> Reach {
    let last = name.rsplit('.').next().unwrap_or_default();
    if last == "localhost" {
        Reach::Loopback
    } else if !name.contains('.')
        || matches!(last, "local" | "lan" | "internal" | "intranet" | "home")
        || name.ends_with(".home.arpa")
    {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn written(https: bool, host: &Host, port: u16, path: &str) -> Result<ServerUrl, fmt::Error> {
    let mut text = String::new();
    text.push_str(if https { "https://" } else { "http://" })
        .map_err(|_| fmt::Error)?;
    let brackets = usize::from(matches!(host, Host::V6(_)));
    let host_from = text.len() + brackets;
    match host {
        Host::Name(name) => text.write_str(name)?,
        Host::V4(address) => write!(text, "{address}")?,
        Host::V6(address) => write!(text, "[{address}]")?,
    }
    let host_to = text.len() - brackets;
    if port != if https { 443 } else { 80 } {
        write!(text, ":{port}")?;
    }
    let path_from = text.len();
    text.write_str(path)?;
    let index = |index: usize| u8::try_from(index).map_err(|_| fmt::Error);
    Ok(ServerUrl {
        text,
        host_from: index(host_from)?,
        host_to: index(host_to)?,
        port,
        path_from: index(path_from)?,
    })
}
