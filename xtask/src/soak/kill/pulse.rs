//! Uptime loggers: heartbeats one by one and in arrays, and hours that must hold what was acknowledged.

use anyhow::{Context, Result, ensure};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::super::client::{Client, Trouble};
use super::field::Field;
use super::ledger::Ledger;

/// 2025: long enough ago that no run is longer than can be.
const FIRST_START_S: u64 = 1_735_689_600;
/// Sessions of one device begin so far apart and are shorter than that, so that their hours add up.
const SESSION_EVERY_S: u64 = 1_000;
const RUN_MAX_S: i64 = 900;
/// Room for each logger's sessions.
const LOGGER_EVERY_S: u64 = 20_000_000;
const STEP_S: std::ops::Range<i64> = 1..60;
/// Heartbeats of earlier sessions that an array repeats.
const REPEATED_MAX: u64 = 20;

/// One logger: its session goes on from heartbeat to heartbeat and is followed by the next.
pub(super) fn beat(field: &Field<'_>, logger: u64, seed: u64) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut runs_s = vec![0i64];
    for number in 0usize.. {
        let step = rng.random_range(STEP_S);
        match runs_s.last_mut() {
            Some(run_s) if *run_s + step <= RUN_MAX_S => *run_s += step,
            Some(_) | None => runs_s.push(step),
        }
        let newest = runs_s.len() - 1;
        let oldest = match number % 2 {
            0 => newest,
            _ => newest.saturating_sub(usize::try_from(rng.random_range(0..REPEATED_MAX)).unwrap_or(0)),
        };
        let beats: Vec<Beat> = (oldest..=newest)
            .map(|session| Beat {
                logger,
                session: session as u64,
                run_s: runs_s[session],
            })
            .collect();
        let entered = field.gate.enter();
        if entered.is_over() {
            return;
        }
        if let Err(trouble) = send(field, &beats) {
            field.ledger.trouble(&trouble);
        }
    }
}

struct Beat {
    logger: u64,
    session: u64,
    run_s: i64,
}

impl Beat {
    /// As the server names the session.
    fn key(&self) -> String {
        format!("b:soak{}:{}", self.logger, self.session)
    }

    fn json(&self) -> Value {
        json!({
            "boot_epoch": format!("soak{}", self.logger),
            "boot_number": self.session,
            "session_start": FIRST_START_S + self.logger * LOGGER_EVERY_S + self.session * SESSION_EVERY_S,
            "run_seconds": self.run_s,
            "status": "running",
        })
    }
}

fn send(field: &Field<'_>, beats: &[Beat]) -> Result<(), Trouble> {
    for beat in beats {
        field.ledger.beating(&beat.key(), beat.run_s);
    }
    let (path, body) = match beats {
        [alone] => ("/functions/v1/ingest", alone.json()),
        many => ("/api/v1/heartbeats", many.iter().map(Beat::json).collect()),
    };
    let post = field.client.agent.post(format!("{}{path}", field.client.base));
    let response = post.header(field.who.header, &field.who.value).send_json(body);
    let mut response = response.map_err(|_| Trouble::BrokenOff)?;
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string();
    let text = text.map_err(|_| Trouble::BrokenOff)?;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let results = answer["results"]
        .as_array()
        .filter(|results| results.len() == beats.len());
    let Some(results) = results else {
        return Err(Trouble::Refused { status, text });
    };
    for (beat, result) in beats.iter().zip(results) {
        if result["stored"] != true || result["run_seconds"].as_i64() < Some(beat.run_s) {
            let text = result.to_string();
            return Err(Trouble::Refused { status, text });
        }
        field.ledger.heard(&beat.key(), beat.run_s);
    }
    Ok(())
}

/// The hours of a device.
pub(super) struct Hours {
    pub(super) sessions: usize,
    pub(super) counted_h: f64,
}

/// Every acknowledged run is there, and the hours lie between what was acknowledged and what was sent.
pub(super) fn check(client: &Client, cookie: &str, device: &str, ledger: &Ledger) -> Result<Hours> {
    let path = format!("/api/v1/devices/{device}/uptime?limit=200");
    let counted_s = client.json(cookie, &path)?["counted_s"].as_f64();
    let counted_s = counted_s.context("a device has hours")?;
    let sessions = client.pages(cookie, &path, "sessions")?;
    let runs = ledger.runs();
    let (mut acknowledged_s, mut sent_s) = (0, 0);
    for (key, run) in &runs {
        acknowledged_s += run.acknowledged_s;
        sent_s += run.sent_s;
        let shown = sessions.iter().find(|session| session["session"] == key.as_str());
        let shown_s = shown.and_then(|session| session["run_seconds"].as_i64());
        ensure!(
            run.acknowledged_s == 0 || shown_s >= Some(run.acknowledged_s),
            "{} s of session {key} were acknowledged, {shown_s:?} are shown",
            run.acknowledged_s
        );
    }
    // Whole seconds below 2^53.
    #[allow(clippy::cast_precision_loss, reason = "fewer seconds than 2^53")]
    let (least_s, most_s) = (acknowledged_s as f64, sent_s as f64);
    ensure!(
        (least_s..=most_s).contains(&counted_s),
        "{least_s} s were acknowledged, {most_s} s sent, {counted_s} s are counted"
    );
    Ok(Hours {
        sessions: sessions.len(),
        counted_h: counted_s / 3600.0,
    })
}
