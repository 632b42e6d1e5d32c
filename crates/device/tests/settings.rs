//! Settings: what people and servers write, what is kept of it, and how it lies in flash.

#![allow(clippy::unwrap_used, reason = "a test says what it expects by panicking")]

use device::link::Ssid;
use device::portal::Submitted;
use device::settings::{
    Address, AfterReceipt, BadConfigure, BadUrl, LoadError, Password, SETTINGS_BYTES_MAX, Settings, Via,
    configure, configure_by_form,
};
use proptest::prelude::*;
use serde_json::json;

fn sealed(settings: &Settings, said: &serde_json::Value) -> Result<Settings, BadConfigure> {
    configure(settings, said.to_string().as_bytes(), Via::Sealed).map(|configured| configured.settings)
}

fn fresh() -> Settings {
    Settings::default()
}

fn encoded(settings: &Settings) -> Vec<u8> {
    let mut buffer = [0; SETTINGS_BYTES_MAX];
    let length = settings.encode(&mut buffer);
    buffer[..length].to_vec()
}

fn url(text: &str) -> Result<String, BadUrl> {
    Address::parse(text).map(|address| address.url.as_str().to_owned())
}

#[test]
fn a_form_without_a_password_keeps_the_one_that_is_known_and_opens_no_other_network() {
    let ssid = |name: &str| Ssid::new(name.as_bytes()).unwrap();
    let known = sealed(&fresh(), &json!({"ssid": "Paddock", "pass": "12345678"})).unwrap();
    let form = |name: &str| Submitted {
        ssid: ssid(name),
        password: None,
        server: Address::parse("nas.local").ok(),
        claim: None,
    };
    let password = |name: &str| {
        let configured = configure_by_form(&known, &form(name)).unwrap();
        assert_eq!(configured.settings.server.unwrap().as_str(), "https://nas.local");
        let network = configured.settings.networks.find(&ssid(name)).cloned().unwrap();
        assert_eq!(configured.join, Some(network.key));
        network.password
    };
    assert_eq!(password("Paddock"), Password::new(b"12345678").unwrap());
    assert_eq!(password("Cafe"), Password::Open);
}

#[test]
fn addresses_are_taken_in_every_form_that_people_and_older_pages_write() {
    for text in [
        "https://laps.example.org",
        "https://laps.example.org/",
        " HTTPS://Laps.Example.ORG./api/upload ",
        "laps.example.org:443/api/upload//",
        "https://laps.example.org/functions/v1/ingest",
        "https://laps.example.org/i/fpi_abc-DEF_1",
        "https://laps.example.org/i/fpi_abc-DEF_1/api/upload/",
    ] {
        assert_eq!(url(text).as_deref(), Ok("https://laps.example.org"), "{text}");
    }
    let based = Address::parse("http://Host.example:8080/base/i/key1/").unwrap();
    assert_eq!(based.url.as_str(), "http://host.example:8080/base");
    assert_eq!(
        (
            based.url.host(),
            based.url.port(),
            based.url.base_path(),
            based.url.is_https()
        ),
        ("host.example", 8080, "/base", false)
    );
    assert_eq!(based.url.origin(), "http://host.example:8080");
    assert_eq!(based.ingest_key.unwrap().expose(), "key1");
    let v6 = Address::parse("https://[2001:DB8::1]:8443/x").unwrap();
    assert_eq!(
        (v6.url.as_str(), v6.url.host()),
        ("https://[2001:db8::1]:8443/x", "2001:db8::1")
    );
}

#[test]
fn the_device_itself_is_no_server_and_a_private_one_is_asked_about() {
    for text in [
        "localhost:8080",
        "http://a.localhost",
        "http://127.0.0.1",
        "http://127.9.9.9/",
        "https://[::1]",
        "https://[::]",
        "https://[::ffff:127.0.0.1]",
        "http://0.0.0.0",
        "http://4.3.2.1",
        "http://192.168.4.1",
    ] {
        assert_eq!(url(text), Err(BadUrl::Loopback), "{text}");
    }
    for text in [
        "10.0.0.7",
        "http://192.168.1.5:8080",
        "172.31.255.1",
        "169.254.1.1",
        "100.64.0.1",
        "nas",
        "nas.local",
        "box.home.arpa",
        "https://[fd00::1]",
        "https://[fe80::1]",
    ] {
        assert!(Address::parse(text).unwrap().is_private, "{text}");
    }
    for text in ["https://172.32.0.1", "https://8.8.8.8", "https://example.org"] {
        assert!(!Address::parse(text).unwrap().is_private, "{text}");
    }
}

#[test]
fn addresses_that_are_none_say_what_is_wrong() {
    for (text, why) in [
        ("", BadUrl::Host),
        ("ftp://example.org", BadUrl::Scheme),
        ("https://", BadUrl::Host),
        ("https://user:pw@example.org", BadUrl::Credentials),
        ("https://exa mple.org", BadUrl::Host),
        ("https://127.1", BadUrl::Host),
        ("https://2130706433", BadUrl::Host),
        ("https://0x7f000001", BadUrl::Host),
        ("https://-a.org", BadUrl::Host),
        ("https://example.org:0", BadUrl::Port),
        ("https://example.org:65536", BadUrl::Port),
        ("https://example.org:+80", BadUrl::Port),
        ("https://example.org/?q", BadUrl::Path),
        ("https://example.org/#f", BadUrl::Path),
        ("https://example.org/a/../b", BadUrl::Path),
        ("https://example.org/i/", BadUrl::Path),
        ("https://example.org/i/a b", BadUrl::IngestKey),
    ] {
        assert_eq!(url(text), Err(why), "{text}");
    }
    assert_eq!(
        url(&format!("https://example.org/{}", "x".repeat(120))),
        Err(BadUrl::TooLong)
    );
}

#[test]
fn a_phone_of_today_and_pages_of_before_are_understood_alike() {
    let today =
        json!({"ssid": "Bob’s iPhone", "pass": "12345678", "url": "https://a.example.org/", "future": [1]});
    let older = json!({"ssid": "Bob’s iPhone", "password": "12345678", "api_url": "https://a.example.org/api/upload"});
    let oldest = json!({"password": "12345678", "target_url": "a.example.org", "ssid": "Bob’s iPhone"});
    let first = configure(&fresh(), today.to_string().as_bytes(), Via::Clear).unwrap();
    let joined = first.settings.networks.get(first.join.unwrap()).unwrap();
    assert_eq!(joined.ssid.as_bytes(), "Bob’s iPhone".as_bytes());
    for said in [older, oldest] {
        assert_eq!(
            configure(&fresh(), said.to_string().as_bytes(), Via::Clear).unwrap(),
            first
        );
    }
    // Later syncs send no password.
    let again = configure(
        &first.settings,
        br#"{"ssid":"Bob's iPhone","sync":true}"#,
        Via::Clear,
    )
    .unwrap();
    assert_eq!(again.settings, first.settings);
    assert_eq!(again.sync, Some(true));
    assert!(matches!(
        again.settings.networks.iter().next().unwrap().password,
        Password::Passphrase(_)
    ));
}

#[test]
fn secrets_come_sealed_or_not_at_all() {
    for said in [
        json!({"token": "fpd_x"}),
        json!({"ingest_key": "fpi_x"}),
        json!({"link_key": "AA"}),
        json!({"server_keys": "AA"}),
        json!({"time": 1_795_262_400}),
    ] {
        let refused = configure(&fresh(), said.to_string().as_bytes(), Via::Clear);
        assert!(matches!(refused, Err(BadConfigure::InClear(_))), "{said}");
    }
    let plain = configure(&fresh(), br#"{"after_receipt":"delete"}"#, Via::Clear).unwrap();
    assert_eq!(
        plain.settings,
        fresh(),
        "what is no secret is still no wish of a stranger"
    );
    let said = json!({"token": "fpd_x", "after_receipt": "delete", "rate_hz": 25.0, "auto_sync": false});
    let taken = sealed(&fresh(), &said).unwrap();
    assert_eq!(taken.token.as_ref().unwrap().expose(), "fpd_x");
    assert_eq!(
        (taken.after_receipt, taken.gps_hz, taken.auto_sync),
        (AfterReceipt::Delete, 25, false)
    );
    assert!(!format!("{taken:?}").contains("fpd_x"));
}

#[test]
fn one_bad_member_takes_all_of_it_away_and_says_which() {
    let before = sealed(&fresh(), &json!({"ssid": "Home", "pass": "12345678"})).unwrap();
    for (bad, words) in [
        (json!({"pass": "short"}), "8 to 63"),
        (json!({"ssid": "x".repeat(33)}), "1 to 32"),
        (json!({"url": "http://localhost"}), "the device itself"),
        (json!({"url": "http://10.0.0.1"}), "confirm"),
        (json!({"url": 7}), "`url`"),
        (json!({"token": "a b"}), "`token`"),
        (json!({"server_keys": ["AAAA"]}), "`server_keys`"),
        (json!({"time": 0}), "`time`"),
        (json!({"imu_hz": 10_000}), "25 to 400"),
        (json!({"profile": "boat"}), "`profile`"),
        (json!({"profile": {}}), "`profile`"),
        (json!({"sync": "yes"}), "`sync`"),
    ] {
        let mut said = json!({"ssid": "New", "pass": "87654321", "token": "fpd_y"});
        said.as_object_mut()
            .unwrap()
            .extend(bad.as_object().unwrap().clone());
        let refused = sealed(&before, &said).unwrap_err();
        assert!(refused.to_string().contains(words), "{bad}: {refused}");
    }
    assert!(matches!(
        sealed(&before, &json!({"pass": "12345678"})),
        Err(BadConfigure::NoSsid)
    ));
    assert!(matches!(
        sealed(&before, &json!([])),
        Err(BadConfigure::NotAnObject)
    ));
    assert!(matches!(
        configure(&before, b"{\"ssid\":", Via::Sealed),
        Err(BadConfigure::Json(_))
    ));
    assert!(matches!(
        configure(&before, &[b' '; 513], Via::Sealed),
        Err(BadConfigure::TooLong)
    ));
    assert!(
        sealed(
            &before,
            &json!({"url": "http://10.0.0.1", "confirm_private": true})
        )
        .is_ok()
    );
}

#[test]
fn a_new_claim_begins_with_no_version() {
    let mut settings = sealed(&fresh(), &json!({"token": "fpd_a"})).unwrap();
    settings.desired_version = 7;
    assert_eq!(
        sealed(&settings, &json!({"token": "fpd_a"}))
            .unwrap()
            .desired_version,
        7
    );
    assert_eq!(
        sealed(&settings, &json!({"token": "fpd_b"}))
            .unwrap()
            .desired_version,
        0
    );
}

/// Version 1 as the first firmware wrote it: two networks, the newest first, a server, the plain ones and a version.
const VERSION_1: &[u8] = b"\x01\x00\x5a\
    \x01\x00\x10\x05Track\x0812345678\x01\
    \x01\x00\x07\x04Home\x00\x00\
    \x02\x00\x18https://laps.example.org\
    \x07\x00\x0a\x01\x01\x00\x00\xc8\x05\x00\x00\x00\x3c\
    \x08\x00\x04\x00\x00\x00\x07";

fn with_crc(fields: &[u8]) -> Vec<u8> {
    let mut bytes = fields.to_vec();
    bytes.extend(crc32fast::hash(fields).to_be_bytes());
    bytes
}

#[test]
fn settings_of_the_version_before_are_taken_over() {
    let mut fixed = VERSION_1.to_vec();
    let fields = u16::try_from(fixed.len() - 3).unwrap();
    fixed[1..3].copy_from_slice(&fields.to_be_bytes());
    let settings = Settings::decode(&with_crc(&fixed)).unwrap();
    let names: Vec<(&[u8], u32)> = settings
        .networks
        .iter()
        .map(|network| (network.ssid.as_bytes(), network.last_success))
        .collect();
    assert_eq!(
        names,
        [(b"Track".as_slice(), 10), (b"Home", 9)],
        "the order became a count"
    );
    assert_eq!(
        settings.server.as_ref().unwrap().as_str(),
        "https://laps.example.org"
    );
    assert_eq!(
        (settings.imu_hz, settings.gps_hz, settings.picture_every_s),
        (200, 5, 60)
    );
    assert_eq!((settings.desired_version, settings.auto_sync), (7, false));
    assert!(settings.track.is_none());
    let upgraded = encoded(&settings);
    assert_eq!(upgraded[0], 2);
    assert_eq!(Settings::decode(&upgraded), Ok(settings));
}

#[test]
fn settings_of_a_newer_firmware_are_refused_and_damaged_ones_told_apart() {
    let mut newer = encoded(&fresh());
    newer[0] = 3;
    let end = newer.len() - 4;
    let newer = with_crc(&newer[..end]);
    assert_eq!(Settings::decode(&newer), Err(LoadError::Newer(3)));
    let good = encoded(&fresh());
    for index in 0..good.len() {
        let mut bad = good.clone();
        bad[index] ^= 0x10;
        assert_eq!(Settings::decode(&bad), Err(LoadError::Damaged), "byte {index}");
        assert_eq!(
            Settings::decode(&good[..index]),
            Err(LoadError::Damaged),
            "cut at {index}"
        );
    }
    assert_eq!(Settings::decode(&[]), Err(LoadError::Damaged));
}

#[test]
fn the_largest_settings_fit_and_the_struct_is_small() {
    let mut settings = fresh();
    for index in 0..10 {
        let ssid = format!("{index}{}", "s".repeat(31));
        settings = sealed(&settings, &json!({"ssid": ssid, "pass": "p".repeat(63)})).unwrap();
    }
    let url = format!(
        "https://{}.example.org/{}/i/{}",
        "h".repeat(60),
        "b".repeat(47),
        "k".repeat(32)
    );
    settings = sealed(&settings, &json!({"url": url, "token": "t".repeat(80)})).unwrap();
    let bytes = encoded(&settings);
    assert!(
        bytes.len() > 1200 && bytes.len() < SETTINGS_BYTES_MAX,
        "{}",
        bytes.len()
    );
    assert_eq!(Settings::decode(&bytes), Ok(settings));
    assert!(size_of::<Settings>() <= 2300, "{}", size_of::<Settings>());
}

proptest! {
    #[test]
    fn any_bytes_are_settings_or_a_reason(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Settings::decode(&bytes);
    }

    /// Fields that the checksum vouches for.
    #[test]
    fn any_fields_are_settings_or_a_reason(
        version in 1..=2u8,
        fields in proptest::collection::vec((1..11u8, proptest::collection::vec(any::<u8>(), 0..80)), 0..6),
    ) {
        let mut body = Vec::new();
        for (tag, value) in fields {
            body.push(tag);
            body.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
            body.extend(value);
        }
        let mut bytes = vec![version];
        bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        if let Ok(settings) = Settings::decode(&with_crc(&bytes)) {
            prop_assert_eq!(Settings::decode(&encoded(&settings)), Ok(settings));
        }
    }

    #[test]
    fn what_is_kept_is_what_was_said(
        networks in proptest::collection::vec(("[a-z]{1,32}", "[ -~]{8,63}"), 0..10),
        token in "[!-~]{1,80}",
        imu_hz in 25..=400u16,
        delete: bool,
    ) {
        let mut settings = fresh();
        for (ssid, pass) in &networks {
            settings = sealed(&settings, &json!({"ssid": ssid, "pass": pass})).unwrap();
        }
        let after = if delete { "delete" } else { "archive" };
        settings = sealed(&settings, &json!({"token": token, "imu_hz": imu_hz, "after_receipt": after})).unwrap();
        prop_assert_eq!(Settings::decode(&encoded(&settings)), Ok(settings));
    }

    #[test]
    fn any_text_is_an_address_that_stays_itself_or_a_reason(text in "(https?://)?[a-zA-Z0-9.:/\\[\\]@?i-]{0,40}(/api/upload|/i/k1|/)?") {
        if let Ok(address) = Address::parse(&text) {
            let kept = address.url.as_str();
            let again = Address::parse(kept).unwrap();
            prop_assert_eq!(again.url.as_str(), kept);
            prop_assert_eq!(again.is_private, address.is_private);
            prop_assert!(again.ingest_key.is_none());
            prop_assert!(!kept.ends_with('/'));
            prop_assert_eq!(address.url.is_https(), !text.starts_with("http://"));
        }
    }

    #[test]
    fn any_text_at_all_is_an_address_or_a_reason(text: String) {
        let _ = Address::parse(&text);
    }

    #[test]
    fn any_bytes_configure_or_say_why_not(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = configure(&fresh(), &bytes, Via::Sealed);
    }
}
