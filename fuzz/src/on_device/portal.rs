//! The device's page: any bytes on a connection.

use std::net::Ipv4Addr;
use std::time::Duration;

use device::outbox::{DirSlot, Entry, Extent, Kind, Number, State};
use device::portal::http::{Connection, Input, Output, Side};
use device::portal::{Identity, Site};
use device::setup_code::SetupCode;
use device::time::Instant;
use wire::recording::RecordingId;

use super::bytes::Bytes;

/// Of the site below, which is made of constants: seeds hold it, so that forms are taken.
const FORM_TOKEN: &[u8] = include_bytes!("form_token.txt");
/// What a page has at most: 12 KB and its heads.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Nobody gets at recordings without credentials, no settings without the token of a page, and every request has an answer that ends.
pub fn http(data: &[u8]) {
    let mut input = Bytes(data);
    let flags = input.u8();
    let side = if flags & 1 == 0 {
        Side::AccessPoint
    } else {
        Side::Station
    };
    let piece = usize::from(input.u8()).max(1);
    let rest = input.0;
    let mut site = site();
    let mut asked = Asked::default();
    let mut connection = Connection::new(side, Ipv4Addr::new(4, 3, 2, 10), Instant::BOOT);
    let mut now = Instant::BOOT;
    for mut bytes in rest.chunks(piece) {
        if flags & 2 != 0 {
            now = now + Duration::from_millis(400);
            connection.handle(Input::Tick, now);
        }
        while !asked.is_closed {
            let taken = connection.receive(bytes, &mut site, now);
            assert!(taken <= bytes.len());
            bytes = &bytes[taken..];
            let had_answer = asked.answer(&mut connection, &site, now);
            if bytes.is_empty() || (taken == 0 && !had_answer) {
                break;
            }
        }
        assert!(bytes.is_empty() || asked.is_closed, "bytes that nobody takes");
    }
    let lower = rest.to_ascii_lowercase();
    let has = |what: &[u8]| lower.windows(what.len()).any(|window| window == what);
    assert!(
        !asked.for_recordings || has(b"authorization"),
        "recordings for anybody"
    );
    if site.poll().is_some() {
        assert_eq!(side, Side::AccessPoint, "settings from somebody's network");
        assert!(
            has(FORM_TOKEN.trim_ascii()) || has(b"%"),
            "settings from somebody else's page"
        );
    }
}

fn site() -> Site {
    let short = |text: &str| text.parse().unwrap_or_default();
    let identity = Identity {
        name: short("RS-Core 7F3A"),
        access_point: "Datalogger-7F3A".parse().unwrap_or_default(),
        label: "datalogger-7f3a".parse().unwrap_or_default(),
        firmware: short("0.1.0"),
    };
    let code = SetupCode::parse("7F3A-9KQM-2C4D-X8YZ");
    #[allow(clippy::expect_used, reason = "it is written above")]
    Site::new(identity, code.expect("a setup code"), [7; 32])
}

#[derive(Default)]
struct Asked {
    is_closed: bool,
    for_recordings: bool,
}

impl Asked {
    /// Does what the connection wants until it wants nothing. Says whether there was anything.
    fn answer(&mut self, connection: &mut Connection, site: &Site, now: Instant) -> bool {
        let (mut any, mut sent) = (false, 0);
        loop {
            let said = match connection.poll(site) {
                None => return any,
                Some(Output::Close) => {
                    self.is_closed = true;
                    return any;
                }
                Some(Output::Send(bytes)) => {
                    assert!(!bytes.is_empty(), "nothing to send");
                    let goes_out = bytes.len().div_ceil(2);
                    sent += goes_out;
                    assert!(sent <= ANSWER_BYTES_MAX, "an answer without an end");
                    Said::Sent(goes_out)
                }
                Some(Output::Find(number)) => Said::Found(number),
                Some(Output::List { before }) => Said::Listed(before),
                Some(Output::Read {
                    number,
                    offset,
                    bytes,
                }) => {
                    let size = entry(number).map_or(0, |entry| entry.size_bytes);
                    assert!(
                        bytes > 0 && offset + bytes <= size,
                        "beyond the end of a recording"
                    );
                    Said::Streamed(bytes.div_ceil(2))
                }
            };
            any = true;
            self.for_recordings |= !matches!(said, Said::Sent(_));
            match said {
                Said::Sent(bytes) => connection.handle(Input::Sent(bytes), now),
                Said::Streamed(bytes) => connection.handle(Input::Streamed(bytes), now),
                Said::Found(number) => connection.handle(Input::Found(entry(number).as_ref()), now),
                Said::Listed(before) => {
                    let older = (1..4)
                        .rev()
                        .map(Number)
                        .filter(|number| before.is_none_or(|before| *number < before));
                    let rows: Vec<Entry> = older.filter_map(entry).collect();
                    connection.handle(Input::Listed(&rows), now);
                }
            }
        }
    }
}

enum Said {
    Sent(usize),
    Streamed(u32),
    Found(Number),
    Listed(Option<Number>),
}

/// Three recordings; the last is open.
fn entry(number: Number) -> Option<Entry> {
    let state = match number.0 {
        1 => State::Receipted,
        2 => State::Digested,
        3 => State::Open,
        _ => return None,
    };
    Some(Entry {
        number,
        kind: Kind::Session,
        id: RecordingId(7),
        card: 0,
        extent: Extent {
            first: 10,
            clusters: 9,
        },
        slot: DirSlot(0),
        size_bytes: 1_024 * number.0,
        sha256: (number.0 < 3).then_some([9; 32]),
        state,
        claim: 1,
    })
}
