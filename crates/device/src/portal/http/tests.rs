use super::*;

extern crate std;
use core::net::Ipv4Addr;
use std::string::{String, ToString};
use std::vec::Vec;

use wire::recording::RecordingId;

use crate::link::{JoinFailure, Security, Seen, Ssid};
use crate::outbox::{DirSlot, Entry, Extent, Kind, Number, State};
use crate::portal::{Identity, Outcome, Site, Submitted};
use crate::settings::Password;
use crate::setup_code::SetupCode;
use crate::time::Instant;

const NOW: Instant = Instant::from_secs(100);
const PHONE: Ipv4Addr = Ipv4Addr::new(4, 3, 2, 20);

fn site() -> Site {
    let identity = Identity {
        name: heapless::String::try_from("RS-Core 7F3A").unwrap(),
        access_point: heapless::String::try_from("Datalogger-7F3A").unwrap(),
        label: heapless::String::try_from("datalogger-7f3a").unwrap(),
        firmware: heapless::String::try_from("0.1.0").unwrap(),
    };
    let mut site = Site::new(identity, SetupCode::parse("0123456789ABCDEF").unwrap(), [1; 32]);
    site.set_networks(&[Seen {
        ssid: Ssid::new(b"Paddock").unwrap(),
        rssi_dbm: -50,
        security: Security::Password,
        channel: 6,
    }]);
    site
}

fn entry(number: u32, size_bytes: u32, state: State) -> Entry {
    Entry {
        number: Number(number),
        kind: Kind::Session,
        id: RecordingId::parse(&[b'7'; 32]).unwrap(),
        card: 0,
        extent: Extent {
            first: 2,
            clusters: 1,
        },
        slot: DirSlot(0),
        size_bytes,
        sha256: Some([0xAB; 32]),
        state,
        claim: 0,
    }
}

fn byte_at(offset: u32) -> u8 {
    u8::try_from(offset % 251).unwrap()
}

/// A runner that keeps recordings 1..=20 of 1000 bytes each, 20 being open, and reads in steps that are no divisor of anything.
struct Runner {
    connection: Connection,
    out: Vec<u8>,
    closed: bool,
}

impl Runner {
    fn new(side: Side) -> Self {
        Self {
            connection: Connection::new(side, PHONE, NOW),
            out: Vec::new(),
            closed: false,
        }
    }

    fn drain(&mut self, site: &Site) {
        for _ in 0..100_000 {
            let input = match self.connection.poll(site) {
                None => return,
                Some(Output::Close) => {
                    self.closed = true;
                    return;
                }
                Some(Output::Send(bytes)) => {
                    let some = bytes.len().min(97);
                    self.out.extend(&bytes[..some]);
                    Input::Sent(some)
                }
                Some(Output::Read { offset, bytes, .. }) => {
                    let some = bytes.min(61);
                    self.out.extend((offset..offset + some).map(byte_at));
                    Input::Streamed(some)
                }
                Some(Output::Find(number)) => {
                    let state = if number == Number(20) {
                        State::Open
                    } else {
                        State::Digested
                    };
                    let found = entry(number.0, 1000, state);
                    let found = (1..=20).contains(&number.0).then_some(&found);
                    self.connection.handle(Input::Found(found), NOW);
                    continue;
                }
                Some(Output::List { before }) => {
                    let newest = before.map_or(20, |before| before.0 - 1);
                    let state = |n| if n == 20 { State::Open } else { State::Receipted };
                    let rows: Vec<Entry> = (1..=newest)
                        .rev()
                        .take(LIST_MAX)
                        .map(|n| entry(n, 1000, state(n)))
                        .collect();
                    self.connection.handle(Input::Listed(&rows), NOW);
                    continue;
                }
            };
            self.connection.handle(input, NOW);
        }
        panic!("it never ends");
    }

    /// Feeds bytes in pieces of the given sizes, in turn.
    fn feed(&mut self, bytes: &[u8], pieces: &[usize], site: &mut Site) {
        let mut rest = bytes;
        let mut pieces = pieces.iter().cycle();
        while !rest.is_empty() && !self.closed {
            let piece = (*pieces.next().unwrap()).clamp(1, rest.len());
            let taken = self.connection.receive(&rest[..piece], site, NOW);
            rest = &rest[taken..];
            self.drain(site);
        }
    }
}

/// What is answered, and whether the connection was closed then.
fn say(side: Side, request: &[u8], site: &mut Site) -> (String, bool) {
    let mut runner = Runner::new(side);
    runner.feed(request, &[usize::MAX], site);
    (String::from_utf8_lossy(&runner.out).into_owned(), runner.closed)
}

fn get(side: Side, host: &str, path: &str) -> String {
    let request = std::format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    say(side, request.as_bytes(), &mut site()).0
}

fn field<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn status(answer: &str) -> &str {
    answer
        .strip_prefix("HTTP/1.1 ")
        .unwrap_or_else(|| panic!("{answer:?}"))
        .get(..3)
        .unwrap()
}

/// The body of an answer in chunks.
fn body(answer: &str) -> String {
    let mut rest = answer.split_once("\r\n\r\n").unwrap().1;
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            assert_eq!(after, "\r\n");
            return body;
        }
        body.push_str(&after[..size]);
        rest = after[size..].strip_prefix("\r\n").unwrap();
    }
}

fn save(fields: &str, site: &mut Site) -> String {
    let form = std::format!("token={}&{fields}", site.token());
    let request = std::format!(
        "POST /save HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    say(Side::AccessPoint, request.as_bytes(), site).0
}

/// With the setup code. The hash is that of the standard, whose example is tested where it is worked out.
fn signed(site: &mut Site, method: &str, path: &str, more: &str) -> String {
    use sha2::{Digest, Sha256};
    let h = |text: String| {
        Sha256::digest(text)
            .iter()
            .map(|byte| std::format!("{byte:02x}"))
            .collect::<String>()
    };
    let asked = std::format!("GET {path} HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n");
    let answer = say(Side::AccessPoint, asked.as_bytes(), site).0;
    let challenge = field(&answer, "WWW-Authenticate").unwrap_or_else(|| panic!("{answer}"));
    let nonce = challenge
        .split("nonce=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let who = h("x:fieldpost:0123456789ABCDEF".to_string());
    let what = h(std::format!("{method}:{path}"));
    let response = h(std::format!("{who}:{nonce}:00000001:c:auth:{what}"));
    let request = std::format!(
        "{method} {path} HTTP/1.1\r\nHost: 4.3.2.1\r\n{more}Authorization: Digest username=\"x\", realm=\"fieldpost\", nonce=\"{nonce}\", \
         uri=\"{path}\", cnonce=\"c\", nc=00000001, qop=auth, response=\"{response}\", algorithm=SHA-256\r\n\r\n"
    );
    say(Side::AccessPoint, request.as_bytes(), site).0
}

#[test]
fn every_systems_check_for_the_internet_leads_to_the_form() {
    for (host, path) in [
        ("connectivitycheck.gstatic.com", "/generate_204"),
        ("clients3.google.com", "/generate_204"),
        ("connect.rom.miui.com", "/generate_204"),
        ("captive.roku.com", "/ok"),
        ("detectportal.firefox.com", "/canonical.html"),
        ("detectportal.firefox.com", "/success.txt?ipv4"),
        ("nmcheck.gnome.org", "/check_network_status.txt"),
        ("connectivity-check.ubuntu.com", "/"),
        ("www.msftconnecttest.com", "/redirect"),
        ("logout.net", "/"),
        ("4.3.2.1", "/generate_204"),
        ("example.org:8080", "/anything"),
    ] {
        let answer = get(Side::AccessPoint, host, path);
        assert_eq!(status(&answer), "302", "{host}{path}");
        assert_eq!(
            field(&answer, "Location"),
            Some("http://4.3.2.1/"),
            "{host}{path}"
        );
        assert_eq!(field(&answer, "Cache-Control"), Some("no-store"));
        assert_eq!(field(&answer, "Content-Length"), Some("0"));
    }
}

#[test]
fn apple_gets_a_page_and_windows_a_way_round() {
    for (host, path) in [
        ("captive.apple.com", "/hotspot-detect.html"),
        ("www.apple.com", "/library/test/success.html"),
        ("captive.apple.com", "/"),
    ] {
        let answer = get(Side::AccessPoint, host, path);
        assert_eq!(status(&answer), "200");
        assert!(!answer.to_lowercase().contains("success"));
        assert!(body(&answer).contains("href=http://4.3.2.1/"));
    }
    for (host, path) in [
        ("www.msftconnecttest.com", "/connecttest.txt"),
        ("www.msftncsi.com", "/ncsi.txt"),
    ] {
        assert_eq!(
            field(&get(Side::AccessPoint, host, path), "Location"),
            Some("http://logout.net/")
        );
    }
    for host in ["wpad", "4.3.2.1"] {
        assert_eq!(status(&get(Side::AccessPoint, host, "/wpad.dat")), "404");
    }
}

#[test]
fn the_form_is_shown_by_our_names_only() {
    for host in ["4.3.2.1", "192.168.4.1:80", "Datalogger-7F3A.local"] {
        let answer = get(Side::AccessPoint, host, "/");
        assert!(body(&answer).contains("<form method=post action=/save"), "{host}");
    }
    assert_eq!(
        status(&get(Side::AccessPoint, "datalogger-7f3b.local", "/")),
        "302"
    );
    assert_eq!(status(&get(Side::AccessPoint, "10.0.0.1", "/")), "302");
}

#[test]
fn a_form_becomes_settings_and_the_next_page_tells_what_comes_of_it() {
    let mut site = site();
    let answer = save(
        "net=5061646d6f636b&password=12345678&url=x.org&claim=AB-12",
        &mut site,
    );
    assert_eq!(
        (status(&answer), field(&answer, "Location")),
        ("303", Some("/result"))
    );
    let Some(Submitted {
        ssid,
        password,
        server,
        claim,
    }) = site.poll()
    else {
        panic!("nothing came");
    };
    assert_eq!(ssid.as_bytes(), b"Padmock");
    assert_eq!(password, Some(Password::new(b"12345678").unwrap()));
    let server = server.unwrap();
    assert_eq!(
        (server.url.as_str(), claim.as_deref()),
        ("https://x.org", Some("AB-12"))
    );
    assert_eq!(site.poll(), None);
    let asked = b"GET /result HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n";
    let page = body(&say(Side::AccessPoint, asked, &mut site).0);
    assert!(page.contains("Padmock") && page.contains("http-equiv=refresh") && page.contains("vanishes"));
    site.set_outcome(Outcome::Failed {
        ssid,
        why: JoinFailure::WrongPassword,
    });
    let page = body(&say(Side::AccessPoint, asked, &mut site).0);
    assert!(page.contains("does not take this password") && !page.contains("http-equiv=refresh"));
    assert!(!page.contains("12345678"));
}

#[test]
fn a_form_of_somebody_elses_page_is_refused() {
    let form = "token=0&ssid=evil";
    for (host, content_type, expected) in [
        ("4.3.2.1", "application/x-www-form-urlencoded", "422"),
        ("4.3.2.1", "text/plain", "415"),
        ("evil.example", "application/x-www-form-urlencoded", "302"),
    ] {
        let mut site = site();
        let request = std::format!(
            "POST /save HTTP/1.1\r\nHost: {host}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{form}",
            form.len()
        );
        let (answer, _) = say(Side::AccessPoint, request.as_bytes(), &mut site);
        assert_eq!(status(&answer), expected, "{host} {content_type}");
        assert_eq!(site.poll(), None);
    }
}

#[test]
fn in_somebodys_network_nothing_can_be_set_and_other_names_are_not_answered_to() {
    let mut site = site();
    let form = std::format!("token={}&ssid=a", site.token());
    let request = std::format!(
        "POST /save HTTP/1.1\r\nHost: 10.0.0.7\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    assert_eq!(
        status(&say(Side::Station, request.as_bytes(), &mut site).0),
        "403"
    );
    assert_eq!(site.poll(), None);
    assert!(body(&get(Side::Station, "10.0.0.7", "/")).contains("0 recordings"));
    assert_eq!(
        status(&get(Side::Station, "datalogger-7f3a.local", "/status")),
        "200"
    );
    assert_eq!(status(&get(Side::Station, "10.0.0.7", "/result")), "404");
    assert_eq!(status(&get(Side::Station, "rebound.example", "/status")), "421");
}

#[test]
fn recordings_are_for_the_setup_code_on_either_side() {
    for side in [Side::AccessPoint, Side::Station] {
        for path in [
            "/recordings",
            "/recordings/sess_000001.csv",
            "/recordings/../etc",
            "/recordings/",
        ] {
            let answer = get(side, "datalogger-7f3a.local", path);
            assert_eq!(status(&answer), "401", "{path}");
            assert!(
                field(&answer, "WWW-Authenticate")
                    .unwrap()
                    .contains("algorithm=SHA-256")
            );
            assert!(!body(&answer).contains("sess_"));
        }
    }
    let mut site = site();
    let list = body(&signed(&mut site, "GET", "/recordings", ""));
    assert_eq!(list.matches("<li>").count(), 20);
    assert!(list.contains("href=/recordings/sess_000001.csv") && !list.contains("sess_000020.csv"));
}

#[test]
fn a_recording_comes_whole_in_parts_or_not_at_all() {
    let mut site = site();
    let path = "/recordings/sess_000003.csv";
    let expected = |range: core::ops::Range<u32>| {
        String::from_utf8_lossy(&range.map(byte_at).collect::<Vec<u8>>()).into_owned()
    };
    let digest = std::format!("\"{}\"", "ab".repeat(32));
    let content = |answer: &str| answer.split_once("\r\n\r\n").unwrap().1.to_string();

    let whole = signed(&mut site, "GET", path, "");
    assert_eq!(
        (status(&whole), field(&whole, "Content-Length")),
        ("200", Some("1000"))
    );
    assert_eq!(
        field(&whole, "Content-Disposition"),
        Some("attachment; filename=\"sess_000003.csv\"")
    );
    assert_eq!(field(&whole, "ETag"), Some(digest.as_str()));
    assert_eq!(content(&whole), expected(0..1000));

    let part = signed(
        &mut site,
        "GET",
        path,
        &std::format!("Range: bytes=500-\r\nIf-Range: {digest}\r\n"),
    );
    assert_eq!(
        (status(&part), field(&part, "Content-Length")),
        ("206", Some("500"))
    );
    assert_eq!(field(&part, "Content-Range"), Some("bytes 500-999/1000"));
    assert_eq!(content(&part), expected(500..1000));

    let changed = signed(
        &mut site,
        "GET",
        path,
        "Range: bytes=500-\r\nIf-Range: \"other\"\r\n",
    );
    assert_eq!(status(&changed), "200");
    let after = signed(&mut site, "GET", path, "Range: bytes=1000-\r\n");
    assert_eq!(
        (status(&after), field(&after, "Content-Range")),
        ("416", Some("bytes */1000"))
    );
    let head = signed(&mut site, "HEAD", path, "");
    assert_eq!(
        (field(&head, "Content-Length"), content(&head)),
        (Some("1000"), String::new())
    );
    for (path, expected) in [
        ("/recordings/sess_000020.csv", "409"),
        ("/recordings/sess_000021.csv", "404"),
        ("/recordings/sess_3.csv", "404"),
        ("/recordings/img_000003.jpg", "404"),
    ] {
        assert_eq!(status(&signed(&mut site, "GET", path, "")), expected, "{path}");
    }
}

#[test]
fn a_card_that_cannot_be_read_ends_the_answer_short() {
    let mut connection = Connection::new(Side::AccessPoint, PHONE, NOW);
    connection.handle(Input::Unreadable, NOW);
    assert_eq!(connection.poll(&site()), Some(Output::Close));
}

#[test]
fn what_is_no_request_is_told_so_and_ends_the_connection() {
    let long = std::format!(
        "GET / HTTP/1.1\r\nHost: 4.3.2.1\r\nX: {}\r\n\r\n",
        "x".repeat(HEAD_BYTES_MAX)
    );
    let many = std::format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "A: b\r\n".repeat(40));
    for (request, expected) in [
        ("\x16\x03\x01", "400"),
        ("get / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400"),
        ("GET nonsense HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "400"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"),
        ("BREW / HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n", "405"),
        ("POST /save HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n", "411"),
        (
            "POST /save HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Length: 0x5\r\n\r\n",
            "400",
        ),
        (
            "POST /save HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Length: 1025\r\n\r\n",
            "413",
        ),
        (
            "POST /save HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
            "413",
        ),
        (
            "POST /save HTTP/1.1\r\nHost: 4.3.2.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "501",
        ),
        (&long, "431"),
        (&many, "431"),
    ] {
        let (answer, closed) = say(Side::AccessPoint, request.as_bytes(), &mut site());
        assert_eq!(status(&answer), expected, "{request:.60}");
        assert!(closed, "{request:.60}");
        assert!(answer.ends_with("</html>"), "{request:.60}");
    }
}

#[test]
fn only_the_form_can_be_sent() {
    let request = b"POST / HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Length: 0\r\n\r\n";
    let (answer, _) = say(Side::AccessPoint, request, &mut site());
    assert_eq!(
        (status(&answer), field(&answer, "Allow")),
        ("405", Some("GET, HEAD"))
    );
}

#[test]
fn an_old_client_gets_a_body_that_ends_with_the_connection() {
    let (answer, closed) = say(
        Side::AccessPoint,
        b"GET / HTTP/1.0\r\nHost: 4.3.2.1\r\nConnection: keep-alive\r\n\r\n",
        &mut site(),
    );
    assert!(closed && answer.ends_with("</html>") && field(&answer, "Transfer-Encoding").is_none());
    let (answer, closed) = say(
        Side::AccessPoint,
        b"HEAD / HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n",
        &mut site(),
    );
    assert!(!closed && answer.ends_with("\r\n\r\n"));
}

#[test]
fn the_slow_are_told_and_the_silent_are_let_go() {
    let mut site = site();
    let mut connection = Connection::new(Side::AccessPoint, PHONE, NOW);
    let deadline = connection.next_deadline().unwrap();
    connection.handle(Input::Tick, NOW);
    assert_eq!(connection.poll(&site), None, "early ticks do nothing");
    connection.receive(b"GET /", &mut site, NOW);
    connection.handle(Input::Tick, deadline);
    let Some(Output::Send(bytes)) = connection.poll(&site) else {
        panic!("nothing is said");
    };
    assert!(bytes.starts_with(b"HTTP/1.1 408"));
    let mut silent = Connection::new(Side::AccessPoint, PHONE, NOW);
    silent.handle(Input::Tick, deadline);
    assert_eq!(silent.poll(&site), Some(Output::Close));
    assert_eq!(silent.next_deadline(), None);
}

/// Requests one after the other on one connection: kept alive, a form, and one that ends it.
fn conversation(site: &Site) -> Vec<u8> {
    let form = std::format!("token={}&ssid=Home&password=12345678", site.token());
    std::format!(
        "GET /status HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\n\r\nPOST /save HTTP/1.1\r\nhost: 4.3.2.1\r\ncontent-type: application/x-www-form-urlencoded; charset=utf-8\r\n\
         content-length: {}\r\n\r\n{form}GET /result HTTP/1.1\nHost: 4.3.2.1\n\nGET /recordings HTTP/1.1\r\nHost: 4.3.2.1\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n",
        form.len()
    )
    .into_bytes()
}

#[test]
fn however_requests_are_cut_the_answers_are_the_same() {
    let whole = conversation(&site());
    let run = |pieces: &[usize]| {
        let mut site = site();
        let mut runner = Runner::new(Side::AccessPoint);
        runner.feed(&whole, pieces, &mut site);
        assert!(runner.closed);
        assert_eq!(site.poll().unwrap().ssid.as_bytes(), b"Home");
        runner.out
    };
    let expected = run(&[usize::MAX]);
    let text = String::from_utf8_lossy(&expected).into_owned();
    let statuses: Vec<&str> = text
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect();
    assert_eq!(statuses, ["200", "303", "200", "401", "302"]);
    assert_eq!(run(&[1]), expected);
    for cut in 1..whole.len() {
        assert_eq!(run(&[cut, usize::MAX]), expected, "cut at {cut}");
    }
}

#[test]
fn connections_and_the_site_are_small() {
    assert!(size_of::<Connection>() <= 2200, "{}", size_of::<Connection>());
    assert!(size_of::<Site>() <= 2500, "{}", size_of::<Site>());
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_answered_within_bounds(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..3000),
        start in 0_usize..4,
        pieces in proptest::collection::vec(1_usize..500, 1..6),
        station in proptest::bool::ANY,
    ) {
        let mut site = site();
        let mut all = [&b""[..], b"GET ", b"GET / HTTP/1.1\r\nHost: 4.3.2.1\r\n", b"POST /save HTTP/1.1\r\nHost: 4.3.2.1\r\nContent-Length: 300\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"][start].to_vec();
        all.extend(&bytes);
        let side = if station { Side::Station } else { Side::AccessPoint };
        let mut runner = Runner::new(side);
        runner.feed(&all, &pieces, &mut site);
        proptest::prop_assert!(site.poll().is_none());
        proptest::prop_assert!(runner.out.is_empty() || runner.out.starts_with(b"HTTP/1.1 "));
        let mut whole = Runner::new(side);
        whole.feed(&all, &[usize::MAX], &mut self::site());
        // Nonces count up alike, so even challenges are the same.
        proptest::prop_assert_eq!(whole.out, runner.out);
    }

    #[test]
    fn any_head_of_lines_is_answered(lines in proptest::collection::vec("[A-Za-z-]{1,16}: [ -~]{0,40}", 0..20), path in "/[ -~]{0,60}", method in "GET|HEAD|POST|[A-Z]{1,8}") {
        let mut site = site();
        let request = std::format!("{method} {path} HTTP/1.1\r\nHost: 4.3.2.1\r\n{}\r\n\r\n", lines.join("\r\n"));
        let (answer, _) = say(Side::AccessPoint, request.as_bytes(), &mut site);
        let code: u16 = status(&answer).parse().unwrap();
        proptest::prop_assert!((200..506).contains(&code));
    }
}
