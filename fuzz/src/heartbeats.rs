//! The body of heartbeats, as any client may send it, and what its items come to together.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use server::uptime::{BATCH_MAX, BadBody, Batch, Evidence, Heartbeat, RUN_MAX, parse};

/// Where the server's clock stands for all of them: 2026-11-20 12:00 UTC.
const NOW_S: i64 = 1_795_176_000;

/// A body is refused exactly where a general JSON parser refuses it; an item alone and within an array reads the same;
/// what is heard twice and in the other order comes to the same hours.
pub fn heartbeats(data: &[u8]) {
    let plain = serde_json::from_slice::<serde_json::Value>(data);
    match parse(data) {
        Err(BadBody::NotJson(_)) => assert!(plain.is_err(), "JSON was refused"),
        Err(BadBody::TooMany(count)) => {
            assert_eq!(
                plain.ok().and_then(|value| value.as_array().map(Vec::len)),
                Some(count)
            );
            assert!(count > BATCH_MAX);
        }
        Ok(Batch::One(item)) => {
            assert!(plain.is_ok(), "no JSON was taken");
            let within = [b"[".as_slice(), data, b"]"].concat();
            match parse(&within) {
                Ok(Batch::Many(items)) => assert_eq!(items, [item]),
                // One level deeper may be one too deep for the parser.
                Err(BadBody::NotJson(_)) => {}
                other => panic!("one is {other:?} within an array"),
            }
        }
        Ok(Batch::Many(items)) => {
            assert!(plain.is_ok() && items.len() <= BATCH_MAX);
            let taken: Vec<Heartbeat> = items.into_iter().flatten().collect();
            let there = heard(taken.iter());
            assert_eq!(
                there,
                heard(taken.iter().rev().chain(&taken)),
                "order or repetition counts"
            );
        }
    }
}

/// What each session stands for after all of these.
fn heard<'h>(items: impl Iterator<Item = &'h Heartbeat>) -> BTreeMap<String, Evidence> {
    let Ok(now) = Timestamp::from_second(NOW_S) else {
        return BTreeMap::new();
    };
    let mut sessions: BTreeMap<String, Evidence> = BTreeMap::new();
    for item in items {
        bounded(item);
        sessions.entry(item.key.to_string()).or_default().hear(item, now);
    }
    for evidence in sessions.values() {
        let standing = evidence.standing();
        let run = SignedDuration::from_secs(standing.run_s);
        assert!(!run.is_negative() && run <= RUN_MAX, "{run:?} is believed");
        if let Some(span) = standing.placed {
            assert_eq!(span.length_us(), standing.run_s * 1_000_000);
        }
    }
    sessions
}

/// What is kept of any one item is short.
fn bounded(item: &Heartbeat) {
    assert!(item.key.as_str().len() <= 64, "{}", item.key);
    let chars = |text: &Option<String>| text.as_ref().map_or(0, |text| text.chars().count());
    assert!(chars(&item.device) <= 64 && chars(&item.status) <= 32 && chars(&item.msg_id) <= 64);
}
