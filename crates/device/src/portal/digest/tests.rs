use super::*;

extern crate std;
use std::string::{String as Text, ToString};

const CODE: &str = "7F3A00CDEFGHJKMN";
const PHONE: Ipv4Addr = Ipv4Addr::new(4, 3, 2, 20);
const NOW: Instant = Instant::from_secs(1000);
const TARGET: &str = "/recordings/sess_000001.csv";

fn guard() -> Guard {
    Guard::new(SetupCode::parse(CODE).unwrap(), [7; 32])
}

fn nonce(guard: &mut Guard, now: Instant) -> Text {
    match guard.check(None, "GET", TARGET, PHONE, now) {
        Err(Refusal::Unauthorized { nonce, stale: false }) => nonce.to_string(),
        other => panic!("{other:?}"),
    }
}

/// What a client sends; the hash is worked out apart from the code under test.
fn header(code: &str, nonce: &str, nc: u32, method: &str, target: &str) -> Text {
    let h = |text: &str| {
        Sha256::digest(text)
            .iter()
            .map(|byte| std::format!("{byte:02x}"))
            .collect::<Text>()
    };
    let who = h(&std::format!("me:fieldpost:{code}"));
    let what = h(&std::format!("{method}:{target}"));
    let response = h(&std::format!("{who}:{nonce}:{nc:08x}:c0ffee:auth:{what}"));
    std::format!(
        "Digest username=\"me\", realm=\"fieldpost\", nonce=\"{nonce}\", uri=\"{target}\", cnonce=\"c0ffee\", nc={nc:08x}, qop=auth, response=\"{response}\", algorithm=SHA-256"
    )
}

fn stale(result: &Result<(), Refusal>) -> Option<bool> {
    match result {
        Err(Refusal::Unauthorized { stale, .. }) => Some(*stale),
        _ => None,
    }
}

/// RFC 7616, section 3.9.1, with its own realm and password.
#[test]
fn the_answer_is_that_of_the_standards_example() {
    let given = Credentials {
        username: "Mufasa",
        realm: "http-auth@example.org",
        nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        uri: "/dir/index.html",
        response: "",
        cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        nc: "00000001",
        count: 1,
    };
    assert_eq!(
        answer(&given, "GET", "Circle of Life".bytes()),
        "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    );
}

#[test]
fn the_code_lets_in_however_it_is_typed_and_nothing_else_does() {
    let mut guard = guard();
    for code in [
        CODE,
        "7f3a00cdefghjkmn",
        "7F3A-00CD-EFGH-JKMN",
        "7f3a-00cd-efgh-jkmn",
    ] {
        let nonce = nonce(&mut guard, NOW);
        let given = header(code, &nonce, 1, "GET", TARGET);
        assert_eq!(
            guard.check(Some(&given), "GET", TARGET, PHONE, NOW),
            Ok(()),
            "{code}"
        );
    }
    for code in ["", "7F3A00CDEFGHJKMM", "7F3A-00CDEFGHJKMN"] {
        let nonce = nonce(&mut guard, NOW);
        let given = header(code, &nonce, 1, "GET", TARGET);
        assert_eq!(
            stale(&guard.check(Some(&given), "GET", TARGET, PHONE, NOW)),
            Some(false),
            "{code}"
        );
    }
}

#[test]
fn an_answer_is_good_for_one_request_only() {
    let mut guard = guard();
    let nonce = nonce(&mut guard, NOW);
    let mut use_up = |nc| {
        guard.check(
            Some(&header(CODE, &nonce, nc, "GET", TARGET)),
            "GET",
            TARGET,
            PHONE,
            NOW,
        )
    };
    assert_eq!(use_up(1), Ok(()));
    assert_eq!(stale(&use_up(1)), Some(true), "the same once more");
    assert_eq!(use_up(3), Ok(()));
    assert_eq!(use_up(2), Ok(()), "overtaken on another connection");
    assert_eq!(stale(&use_up(2)), Some(true));
    assert_eq!(use_up(200), Ok(()));
    assert_eq!(stale(&use_up(100)), Some(true), "too long ago to know");
    assert_eq!(use_up(137), Ok(()));
    assert_eq!(stale(&use_up(136)), Some(true));
}

#[test]
fn an_answer_is_for_one_method_and_one_place() {
    let mut guard = guard();
    let nonce = nonce(&mut guard, NOW);
    let given = header(CODE, &nonce, 1, "GET", TARGET);
    assert!(guard.check(Some(&given), "HEAD", TARGET, PHONE, NOW).is_err());
    assert!(
        guard
            .check(Some(&given), "GET", "/recordings/sess_000002.csv", PHONE, NOW)
            .is_err()
    );
    assert_eq!(guard.check(Some(&given), "GET", TARGET, PHONE, NOW), Ok(()));
}

#[test]
fn nonces_end_and_those_of_others_and_of_an_earlier_start_do_not_count() {
    let mut guard = guard();
    let old = nonce(&mut guard, NOW);
    let late = NOW + NONCE_LIFE;
    let given = header(CODE, &old, 1, "GET", TARGET);
    assert_eq!(
        stale(&guard.check(Some(&given), "GET", TARGET, PHONE, late)),
        Some(true)
    );
    let mut restarted = Guard::new(SetupCode::parse(CODE).unwrap(), [8; 32]);
    assert_eq!(
        stale(&restarted.check(Some(&given), "GET", TARGET, PHONE, NOW)),
        Some(true)
    );
    for strange in ["", "é", "0000000100000000000003e8", &"0".repeat(NONCE_CHARS)] {
        let given = header(CODE, strange, 1, "GET", TARGET);
        assert_eq!(
            stale(&guard.check(Some(&given), "GET", TARGET, PHONE, NOW)),
            Some(true)
        );
    }
}

#[test]
fn what_had_to_be_forgotten_cannot_be_used_again() {
    let mut guard = guard();
    let nonces: std::vec::Vec<Text> = (0..=NONCES_MAX).map(|_| nonce(&mut guard, NOW)).collect();
    let mut use_first = |nonce: &str| {
        guard.check(
            Some(&header(CODE, nonce, 1, "GET", TARGET)),
            "GET",
            TARGET,
            PHONE,
            NOW,
        )
    };
    for nonce in &nonces {
        assert_eq!(use_first(nonce), Ok(()));
    }
    for nonce in &nonces {
        assert_eq!(stale(&use_first(nonce)), Some(true));
    }
}

#[test]
fn wrong_answers_are_bounded_for_each_and_for_all() {
    let mut guard = guard();
    let open = nonce(&mut guard, NOW);
    let wrong = header("0000000000000000", &open, 1, "GET", TARGET);
    let right = header(CODE, &open, 1, "GET", TARGET);
    for _ in 0..TRIES_MAX {
        assert_eq!(
            stale(&guard.check(Some(&wrong), "GET", TARGET, PHONE, NOW)),
            Some(false)
        );
    }
    let pause = Err(Refusal::TooManyTries {
        retry_after: TRIES_SPAN,
    });
    assert_eq!(guard.check(Some(&right), "GET", TARGET, PHONE, NOW), pause);
    assert!(
        stale(&guard.check(None, "GET", TARGET, PHONE, NOW)).is_some(),
        "asking is no try"
    );
    for other in 1..8 {
        let peer = Ipv4Addr::new(4, 3, 2, 100 + other);
        assert_eq!(
            stale(&guard.check(Some(&wrong), "GET", TARGET, peer, NOW)),
            Some(false)
        );
    }
    let ninth = Ipv4Addr::new(4, 3, 2, 200);
    assert_eq!(guard.check(Some(&wrong), "GET", TARGET, ninth, NOW), pause);
    assert_eq!(
        guard.check(Some(&right), "GET", TARGET, PHONE, NOW + TRIES_SPAN),
        Ok(())
    );
}

#[test]
fn credentials_that_lack_something_ask_for_new_ones() {
    let mut guard = guard();
    let nonce = nonce(&mut guard, NOW);
    let whole = header(CODE, &nonce, 1, "GET", TARGET);
    for (part, instead) in [
        ("SHA-256", "MD5"),
        ("qop=auth, ", ""),
        ("nc=00000001", "nc=1"),
        ("Digest", "Basic"),
        ("realm=\"fieldpost\"", "realm=\"x\""),
        ("username=\"me\"", "username=\"m\\e\""),
        ("cnonce=\"c0ffee\"", "cnonce=\"c0ffee\", cnonce=\"c0ffee\""),
    ] {
        let given = whole.replacen(part, instead, 1);
        assert_ne!(given, whole);
        assert_eq!(
            stale(&guard.check(Some(&given), "GET", TARGET, PHONE, NOW)),
            Some(false),
            "{part}"
        );
    }
    assert_eq!(guard.check(Some(&whole), "GET", TARGET, PHONE, NOW), Ok(()));
}

proptest::proptest! {
    #[test]
    fn no_text_lets_in(header in "(?i:digest )?[ -~]{0,200}", prefix in proptest::bool::ANY) {
        let mut guard = guard();
        let header = if prefix { std::format!("Digest {header}") } else { header };
        proptest::prop_assert!(guard.check(Some(&header), "GET", TARGET, PHONE, NOW).is_err());
    }
}
