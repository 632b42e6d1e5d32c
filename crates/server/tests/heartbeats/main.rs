//! A fleet's heartbeats in any order, twice and wrong, and the hours that come of them.
//!
//! 20 000 of them by default; `cargo xtask soak heartbeats` sends a million by setting `FIELDPOST_HEARTBEATS`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking, and how much it has tried aloud"
)]

mod fleet;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use fleet::{Fleet, REQUEST_MAX};
use server::clock::Ids;
use server::store::sql::query;
use server::store::uptime::Heard;
use server::store::uptime_intake::Intake;
use server::store::uptime_read::{self, Session};
use server::store::{DeviceId, Store, StoreError};
use server::uptime::{Batch, parse};
use support::{TENANT_A, Ticking, add_tenants_and_loggers, engine};
use tokio::task::JoinSet;

const HEARTBEATS_DEFAULT: usize = 20_000;
/// Requests under way at once, as from a fleet that has just found its network.
const AT_ONCE: usize = 16;

fn how_many() -> usize {
    match std::env::var("FIELDPOST_HEARTBEATS") {
        Ok(text) => text.parse().expect("FIELDPOST_HEARTBEATS is a number"),
        Err(_) => HEARTBEATS_DEFAULT,
    }
}

async fn store_with(fleet: &Fleet, folder: &std::path::Path) -> Store {
    let store = Store::open(
        engine::database(folder).await,
        Ticking::new(),
        Arc::new(Ids::seeded(1)),
    );
    let store = store.await.unwrap();
    add_tenants_and_loggers(&store).await;
    let devices: Vec<DeviceId> = fleet.devices().collect();
    let added = store.write_across::<(), StoreError, _>(move |rows| {
        Box::pin(async move {
            for device in devices {
                query("INSERT INTO devices (id, tenant_id, name, created_at) VALUES ($1, $2, 'fleet', 0)")
                    .bind(device)
                    .bind(TENANT_A)
                    .execute(rows)
                    .await?;
            }
            Ok(())
        })
    });
    added.await.unwrap();
    store
}

/// One request's body as a device would send it, read as the server reads it.
fn heard(device: DeviceId, body: &str) -> Vec<Heard> {
    let Batch::Many(items) = parse(body.as_bytes()).unwrap() else {
        panic!("the fleet sends arrays")
    };
    let heard = items.into_iter().map(|item| Heard {
        device,
        heartbeat: item.unwrap(),
    });
    heard.collect()
}

async fn send_all(fleet: &Fleet, intake: &Intake) {
    let mut under_way = JoinSet::new();
    for (device, body) in fleet.requests() {
        if under_way.len() >= AT_ONCE {
            under_way.join_next().await.unwrap().unwrap();
        }
        let (intake, heard) = (intake.clone(), heard(device, &body));
        under_way.spawn(async move {
            let sent = heard.len();
            let kept = intake.take(TENANT_A, heard, BTreeSet::new()).await.unwrap();
            assert_eq!(kept.len(), sent, "each is answered for");
        });
    }
    while let Some(ended) = under_way.join_next().await {
        ended.unwrap();
    }
}

async fn all_sessions(store: &Store, device: DeviceId) -> Vec<Session> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = uptime_read::sessions(store, TENANT_A, device, after, 100)
            .await
            .unwrap();
        all.extend(page);
        match next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleets_heartbeats_give_exactly_the_right_hours() {
    let wanted = how_many();
    let fleet = Fleet::of(wanted, 20_261_120);
    let folder = tempfile::tempdir().unwrap();
    let store = store_with(&fleet, folder.path()).await;
    let intake = Intake::start(store.clone());
    let begun = Instant::now();
    send_all(&fleet, &intake).await;
    let took_s = begun.elapsed().as_secs_f64();

    let (mut seconds, mut suspects, mut overlapping) = (0, 0, 0);
    for (device, truth) in fleet.truth() {
        let totals = uptime_read::totals(&store, TENANT_A, device).await.unwrap();
        assert_eq!(
            totals.counted_us,
            truth.seconds_on * 1_000_000,
            "hours of {device}"
        );
        assert_eq!(totals.unplaced_s, 0, "every session got its time");
        let sessions = all_sessions(&store, device).await;
        let keys: BTreeSet<_> = sessions.iter().map(|session| session.key.to_string()).collect();
        assert_eq!(keys, truth.sessions, "sessions of {device}");
        assert_eq!(totals.sessions, i64::try_from(keys.len()).unwrap());
        let shown = |show: &dyn Fn(&Session) -> bool| -> BTreeSet<String> {
            let shown = sessions.iter().filter(|session| show(session));
            shown.map(|session| session.key.to_string()).collect()
        };
        let suspect = shown(&|session| session.evidence.standing().suspect.is_some());
        assert_eq!(suspect, truth.absurd, "suspect sessions of {device}");
        assert_eq!(totals.suspects, i64::try_from(suspect.len()).unwrap());
        assert_eq!(
            shown(&|session| session.overlaps),
            truth.overlapping,
            "overlaps of {device}"
        );
        seconds += truth.seconds_on;
        suspects += suspect.len();
        overlapping += truth.overlapping.len();
    }
    assert!(
        suspects > 0 && overlapping > 0,
        "the fleet has some of everything"
    );
    eprintln!(
        "{} heartbeats in requests of up to {REQUEST_MAX} ({}) in {took_s:.1} s, {:.0}/s: exactly {} h {:02} min {:02} s on {} devices; \
         {suspects} sessions with absurd values shown as suspect, {overlapping} overlapping",
        fleet.len(),
        fleet.mixture(),
        fleet.len() as f64 / took_s,
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        fleet.devices().count(),
    );
    store.close().await;
}
