//! What a device says when it falls over.

use std::time::Duration;

use serde_json::{Value, json};

use crate::logger::logger;

#[test]
fn breadcrumbs_of_pings_and_heartbeats_are_kept_once_and_the_newest_twenty() {
    let logger = logger();
    let crash = |boot: u32| json!({"reason": "panic", "boot": boot, "firmware": "1.4.0", "uptime_s": 312, "detail": "storage.rs:41"});
    for _ in 0..3 {
        logger.say(
            "/api/device/ping",
            &json!({"vbatt_sense": 3.7, "crash": crash(1)}),
        );
    }
    let beat =
        |crash: Value| json!({"session_start": "2026-11-20T10:00:00Z", "run_seconds": 60, "crash": crash});
    logger.site.advance(Duration::from_secs(1));
    logger.say(
        "/api/v1/heartbeats",
        &json!([
            beat(crash(1)),
            beat(json!({"reason": "watchdog", "boot": 1})),
            beat(json!("odd"))
        ]),
    );
    let crashes = logger.read("")["crashes"].clone();
    assert_eq!(crashes.as_array().unwrap().len(), 2, "{crashes}");
    assert_eq!(
        (&crashes[0]["reason"], &crashes[1]["reason"]),
        (&json!("watchdog"), &json!("panic"))
    );
    assert_eq!(
        crashes[1],
        json!({"heard_at": "2026-11-20T12:00:00Z", "reason": "panic", "boot": "1", "firmware": "1.4.0", "uptime_s": 312, "detail": "storage.rs:41"})
    );
    for boot in 2..30 {
        logger.site.advance(Duration::from_secs(1));
        logger.say("/api/device/ping", &json!({ "crash": crash(boot) }));
    }
    let crashes = logger.read("")["crashes"].clone();
    assert_eq!(crashes.as_array().unwrap().len(), 20);
    assert_eq!(
        (&crashes[0]["boot"], &crashes[19]["boot"]),
        (&json!("29"), &json!("10"))
    );
}
