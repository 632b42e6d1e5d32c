//! What is answered to whom.
//!
//! On the device's own network every name leads here, so the host says whether a person or an operating system asks. In somebody's network the device
//! is one of many: it answers to its own name and to addresses, shows its state, and takes no settings.

use core::net::Ipv4Addr;

use super::Status;
use super::answer::{Answer, Extra};
use super::connection::{Peer, Side};
use super::head::{Head, Verb};
use super::range::Asked;
use crate::outbox::{Kind, Number};
use crate::portal::digest::Refusal;
use crate::portal::page::{Notice, Page};
use crate::portal::site::Site;
use crate::portal::{ADDRESS, ADDRESS_OF_OLD};
use crate::time::Instant;

const HOME: &str = "http://4.3.2.1/";
/// Windows 11 opens its window only where it is sent to another host first.
const AWAY: &str = "http://logout.net/";

/// What a head leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    Answer(Answer),
    /// The body is the form.
    Form,
    /// Only where such a recording is there.
    Recording(Wanted),
    /// The head of the list, then its rows.
    List,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) kind: Kind,
    pub(super) number: Number,
    pub(super) range: Asked,
    pub(super) if_range: IfRange,
}

/// Under which condition the range counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IfRange {
    Always,
    Digest([u8; 32]),
    /// Of something that we did not say.
    Never,
}

pub(super) fn route(head: &Head<'_>, peer: Peer, site: &mut Site, now: Instant) -> Route {
    let ours = is_ours(head.host, peer.side, site);
    if !ours {
        return Route::Answer(match peer.side {
            Side::AccessPoint => foreign(head),
            Side::Station => Answer::notice(Status::Misdirected, Notice::OtherHost),
        });
    }
    if head.verb == Verb::Post {
        return save(head, peer.side);
    }
    let page = match (head.path, peer.side) {
        ("/", Side::AccessPoint) => Page::Setup,
        ("/", Side::Station) | ("/status", _) => Page::Status,
        ("/result", Side::AccessPoint) => Page::Result,
        ("/recordings" | "/recordings/", _) => {
            return match admit(head, peer.address, site, now) {
                Ok(()) => Route::List,
                Err(answer) => Route::Answer(answer),
            };
        }
        (path, side) => {
            return match path.strip_prefix("/recordings/") {
                Some(name) => recording(head, name, peer.address, site, now),
                None if side == Side::AccessPoint && is_probe(path) => Route::Answer(foreign(head)),
                None => Route::Answer(Answer::notice(Status::NotFound, Notice::NotHere)),
            };
        }
    };
    Route::Answer(Answer::page(page))
}

/// Whether a host is this device. Names of others that lead here are a browser's trap: a page of theirs could read ours.
fn is_ours(host: &str, side: Side, site: &Site) -> bool {
    let local = host
        .get(host.len().saturating_sub(".local".len())..)
        .is_some_and(|end| end.eq_ignore_ascii_case(".local"));
    let is_name = local && host[..host.len() - ".local".len()].eq_ignore_ascii_case(&site.identity.label);
    let is_address = host.parse::<Ipv4Addr>().is_ok_and(|address| match side {
        Side::AccessPoint => address == ADDRESS || address == ADDRESS_OF_OLD,
        Side::Station => true,
    });
    is_name || is_address
}

/// Paths that operating systems ask for, some of them by address.
fn is_probe(path: &str) -> bool {
    matches!(
        path,
        "/generate_204"
            | "/gen_204"
            | "/hotspot-detect.html"
            | "/library/test/success.html"
            | "/connecttest.txt"
            | "/ncsi.txt"
            | "/redirect"
            | "/fwlink"
            | "/canonical.html"
            | "/success.txt"
            | "/check_network_status.txt"
    )
}

/// Another host's name, asked for on our network: everything leads to the form.
fn foreign(head: &Head<'_>) -> Answer {
    let is_apple = matches!(head.path, "/hotspot-detect.html" | "/library/test/success.html")
        || head.host.eq_ignore_ascii_case("captive.apple.com")
        || head.user_agent.starts_with("CaptiveNetworkSupport");
    match head.path {
        // Windows 10 asks for it without end where it is sent elsewhere.
        "/wpad.dat" => Answer::notice(Status::NotFound, Notice::NotHere),
        _ if is_apple => Answer::page(Page::Welcome),
        "/connecttest.txt" | "/ncsi.txt" => Answer::to(Status::Found, AWAY),
        _ => Answer::to(Status::Found, HOME),
    }
}

fn save(head: &Head<'_>, side: Side) -> Route {
    Route::Answer(match (head.path, side) {
        ("/save", Side::AccessPoint) if head.is_form => return Route::Form,
        ("/save", Side::AccessPoint) => Answer::refusal(Status::UnsupportedMediaType),
        ("/save", Side::Station) => Answer::notice(Status::Forbidden, Notice::OnlyFromOwnNetwork),
        _ => Answer::refusal(Status::MethodNotAllowed),
    })
}

fn admit(head: &Head<'_>, peer: Ipv4Addr, site: &mut Site, now: Instant) -> Result<(), Answer> {
    let method = match head.verb {
        Verb::Get => "GET",
        Verb::Head => "HEAD",
        Verb::Post => "POST",
    };
    let checked = site
        .guard
        .check(head.authorization, method, head.target, peer, now);
    checked.map_err(|refusal| match refusal {
        Refusal::Unauthorized { nonce, stale } => Answer {
            status: Status::Unauthorized,
            extra: Extra::Challenge { nonce, stale },
            page: Some(Page::Notice(Notice::SetupCode)),
        },
        Refusal::TooManyTries { retry_after } => Answer {
            status: Status::TooManyRequests,
            extra: Extra::RetryAfter {
                seconds: retry_after.as_secs() + 1,
            },
            page: Some(Page::Notice(Notice::TooManyTries)),
        },
    })
}

fn recording(head: &Head<'_>, name: &str, peer: Ipv4Addr, site: &mut Site, now: Instant) -> Route {
    if let Err(answer) = admit(head, peer, site, now) {
        return Route::Answer(answer);
    }
    match named(name) {
        Some((kind, number)) => Route::Recording(Wanted {
            kind,
            number,
            range: Asked::parse(head.range),
            if_range: if_range(head.if_range),
        }),
        None => Route::Answer(Answer::notice(Status::NotFound, Notice::NotHere)),
    }
}

/// What a file's name means, if it is exactly the name that such a file has.
fn named(name: &str) -> Option<(Kind, Number)> {
    let (kind, digits) = match name.strip_prefix("sess_") {
        Some(rest) => (Kind::Session, rest.strip_suffix(".csv")?),
        None => (Kind::Picture, name.strip_prefix("img_")?.strip_suffix(".jpg")?),
    };
    let number = Number(digits.parse().ok()?);
    (kind.file_name(number) == name).then_some((kind, number))
}

fn if_range(header: Option<&str>) -> IfRange {
    let Some(header) = header else {
        return IfRange::Always;
    };
    digest(header).map_or(IfRange::Never, IfRange::Digest)
}

fn digest(tag: &str) -> Option<[u8; 32]> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    let mut digest = [0; 32];
    if digits.len() != 2 * digest.len() {
        return None;
    }
    for (place, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(digest)
}
