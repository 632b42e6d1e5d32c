use super::*;

extern crate std;
use std::string::String;

use crate::link::Ssid;
use crate::portal::{Identity, NETWORKS_MAX};
use crate::settings::Address;
use crate::setup_code::SetupCode;

/// Design: a page is at most so long.
const PAGE_BYTES_MAX: usize = 12 * 1024;
/// A buffer less the longest head and what is around a chunk.
const PART_BYTES_MAX: usize = 2048 - 16;

const PAGES: [Page; 6] = [
    Page::Setup,
    Page::Result,
    Page::Welcome,
    Page::Status,
    Page::Recordings,
    Page::Notice(Notice::SetupCode),
];

fn site(name: &str) -> Site {
    let identity = Identity {
        name: heapless::String::try_from(name).unwrap(),
        access_point: heapless::String::try_from("Datalogger-7F3A").unwrap(),
        label: heapless::String::try_from("datalogger-7f3a").unwrap(),
        firmware: heapless::String::try_from("0.1.0").unwrap(),
    };
    let code = SetupCode::parse("0123456789ABCDEF").unwrap();
    Site::new(identity, code, [1; 32])
}

fn network(name: &[u8], rssi_dbm: i8) -> Seen {
    Seen {
        ssid: Ssid::new(name).unwrap(),
        rssi_dbm,
        security: Security::Password,
        channel: 6,
    }
}

fn parts(page: Page, site: &Site) -> std::vec::Vec<String> {
    let mut parts = std::vec::Vec::new();
    loop {
        let mut text = String::new();
        if !part(page, parts.len(), site, &mut text).unwrap() {
            assert_eq!(text, "", "the end says nothing");
            return parts;
        }
        parts.push(text);
    }
}

fn whole(page: Page, site: &Site) -> String {
    parts(page, site).concat()
}

/// As long as everything on a page can be.
fn worst() -> Site {
    let mut site = site(&"\"".repeat(32));
    site.identity.access_point = heapless::String::try_from("\"".repeat(32).as_str()).unwrap();
    let names = (0..NETWORKS_MAX).map(|n| {
        let mut name = [b'"'; 32];
        name[0] = b'A' + u8::try_from(n).unwrap();
        network(&name, -50)
    });
    let names: std::vec::Vec<Seen> = names.collect();
    site.set_networks(&names);
    let longest = std::format!("https://own.example/{}", "&".repeat(100));
    site.set_server(Some(Address::parse(&longest).unwrap().url));
    site
}

#[test]
fn every_page_is_short_and_every_part_fits_a_buffer_whatever_is_on_it() {
    let mut site = worst();
    let ssid = Ssid::new(&[b'"'; 32]).unwrap();
    let address = Ipv4Addr::new(255, 255, 255, 255);
    let mut outcomes = std::vec![Outcome::Nothing, Outcome::Joining { ssid: ssid.clone() }];
    for server in [
        Server::Waiting,
        Server::Reached,
        Server::Refused,
        Server::Unreachable,
    ] {
        outcomes.push(Outcome::Joined {
            ssid: ssid.clone(),
            address,
            server,
        });
    }
    for why in [
        JoinFailure::NotFound,
        JoinFailure::WrongPassword,
        JoinFailure::NoAddress,
        JoinFailure::Timeout,
    ] {
        outcomes.push(Outcome::Failed {
            ssid: ssid.clone(),
            why,
        });
    }
    for outcome in outcomes {
        site.set_outcome(outcome);
        for page in PAGES {
            let parts = parts(page, &site);
            let longest = parts.iter().map(String::len).max().unwrap();
            assert!(longest <= PART_BYTES_MAX, "{page:?}: {longest}");
            let bytes: usize = parts.iter().map(String::len).sum();
            assert!(bytes <= PAGE_BYTES_MAX, "{page:?}: {bytes}");
        }
    }
}

#[test]
fn pages_load_nothing_and_run_nothing() {
    let site = worst();
    for page in PAGES {
        let html = whole(page, &site).to_lowercase();
        for outside in [
            "<script",
            "src=",
            "<link",
            "@import",
            "url(",
            "onclick",
            "javascript:",
            "cookie",
        ] {
            assert!(!html.contains(outside), "{page:?} has {outside}");
        }
        for addressed in html
            .split("http")
            .skip(1)
            .filter(|rest| rest.starts_with("://") || rest.starts_with("s://"))
        {
            let ours = [
                "://4.3.2.1",
                "://datalogger-7f3a.local",
                "s://\"",
                "s://own.example/",
            ];
            assert!(
                ours.iter().any(|prefix| addressed.starts_with(prefix)),
                "{page:?}: http{addressed:.40}"
            );
        }
    }
}

#[test]
fn what_apple_is_shown_does_not_say_that_all_is_well() {
    let html = whole(Page::Welcome, &site("RS-Core 7F3A"));
    assert!(!html.to_lowercase().contains("success"));
    assert!(html.contains("href=http://4.3.2.1/"));
}

#[test]
fn names_of_networks_are_text_whatever_they_are() {
    let mut site = site("A<b>");
    site.set_networks(&[
        network(b"<script>alert(1)</script>", -40),
        network(&[0xFF, b'x', 0xE2, 0x80, 0xAE, b'y', b'\n'], -50),
    ]);
    let html = whole(Page::Setup, &site);
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(html.contains("\u{FFFD}x\u{FFFD}y\u{FFFD}"));
    assert!(
        html.contains("value=ff78e280ae790a>"),
        "and what is sent back are its bytes"
    );
    assert!(html.contains("A&lt;b&gt;"));
}

#[test]
fn what_cannot_be_joined_cannot_be_ticked_and_the_strongest_other_is() {
    let mut site = site("x");
    let account = Seen {
        security: Security::Other,
        ..network(b"eduroam", -40)
    };
    site.set_networks(&[network(b"A", -70), account, network(b"B", -60)]);
    let html = whole(Page::Setup, &site);
    assert!(html.contains(
        "value=656475726f616d disabled><span>eduroam</span><small>strong, needs an account</small>"
    ));
    assert_eq!(html.matches(" checked>").count(), 1);
    assert!(html.contains("value=42 checked>"));
}

#[test]
fn of_many_networks_the_strongest_are_shown_once_each() {
    let mut site = site("x");
    let many = (0..40_i8).map(|n| network(&[b'a' + u8::try_from(n % 20).unwrap()], -90 + n));
    let many: std::vec::Vec<Seen> = many.collect();
    site.set_networks(&many);
    let shown: std::vec::Vec<i8> = site.networks.iter().map(|network| network.rssi_dbm).collect();
    assert_eq!(shown.len(), NETWORKS_MAX);
    assert!(shown.contains(&-51), "{shown:?}");
    assert!(shown.iter().all(|rssi| *rssi >= -66), "{shown:?}");
}

#[test]
fn fields_have_labels_and_the_password_is_never_filled_in() {
    let mut site = site("x");
    site.set_networks(&[network(b"Paddock", -55)]);
    let html = whole(Page::Setup, &site);
    for field in ["ssid", "password", "url", "claim"] {
        assert!(html.contains(&std::format!("<label for={field}>")));
        assert!(html.contains(&std::format!("<input id={field} name={field}")));
    }
    let password = html
        .split("<input id=password")
        .nth(1)
        .unwrap()
        .split('>')
        .next()
        .unwrap();
    assert!(!password.contains("value"));
    assert!(html.contains("may vanish for a moment"));
}

#[test]
fn sizes_are_those_that_people_say() {
    for (bytes, text) in [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (18_432_000, "18.4 MB"),
        (u32::MAX, "4294.9 MB"),
    ] {
        assert_eq!(std::format!("{}", Size(bytes)), text);
    }
}
