//! What the tests of the durable half share: a clock that ticks when asked, tenants to send for, and a small analysis.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what it expects by panicking"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part of this module"
)]

pub mod crash_fs;
pub mod engine;
pub mod faulty_fs;
pub mod machine;

use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use jiff::Timestamp;
use server::backend::{Backend, Environment};
use server::clock::{Clock, Ids};
use server::ingest::{Ingest, IngestError, Kind, Receipt, Sender, Upload};
use server::jobs::{JobError, JobOutput, Request};
use server::objects::DerivedDraft;
use server::store::sessions::{Failure, Summary};
use server::store::sql::query;
use server::store::{DeviceId, Store, StoreError, TenantId};
use uuid::Uuid;

/// Starts on 2026-11-20 and moves on by a millisecond whenever it is read, so that no two rows are of the same time.
pub struct Ticking(AtomicI64);

impl Ticking {
    pub fn new() -> Arc<Self> {
        let noon: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        Arc::new(Self(AtomicI64::new(noon.as_microsecond())))
    }

    pub fn advance_to(&self, time: Timestamp) {
        self.0.fetch_max(time.as_microsecond(), Ordering::SeqCst);
    }
}

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.fetch_add(1000, Ordering::SeqCst)).unwrap()
    }
}

pub const TENANT_A: TenantId = TenantId(Uuid::from_u128(0xA));
pub const TENANT_B: TenantId = TenantId(Uuid::from_u128(0xB));
pub const LOGGER_1: DeviceId = DeviceId(Uuid::from_u128(0x101));
pub const LOGGER_2: DeviceId = DeviceId(Uuid::from_u128(0x102));
pub const LOGGER_OF_B: DeviceId = DeviceId(Uuid::from_u128(0x103));

pub fn from_logger(tenant: TenantId, device: DeviceId) -> Sender {
    Sender {
        tenant,
        device: Some(device),
        user: None,
    }
}

/// The rows that uploads refer to.
pub async fn add_tenants_and_loggers(store: &Store) {
    let added = store.write_across::<(), StoreError, _>(|rows| {
        Box::pin(async move {
            for tenant in [TENANT_A, TENANT_B] {
                query("INSERT INTO tenants (id, name, created_at) VALUES ($1, 'team', 0)")
                    .bind(tenant)
                    .execute(rows)
                    .await?;
            }
            for (tenant, logger) in [
                (TENANT_A, LOGGER_1),
                (TENANT_A, LOGGER_2),
                (TENANT_B, LOGGER_OF_B),
            ] {
                query("INSERT INTO devices (id, tenant_id, name, created_at) VALUES ($1, $2, 'logger', 0)")
                    .bind(logger)
                    .bind(tenant)
                    .execute(rows)
                    .await?;
            }
            Ok(())
        })
    });
    added.await.unwrap();
}

/// A backend on a real folder with the small analysis.
pub async fn backend_on(folder: &Path, clock: Arc<Ticking>, seed: u64) -> Backend {
    let environment = Environment {
        fs: Arc::new(server::durable::RealFs),
        clock,
        ids: Arc::new(Ids::seeded(seed)),
        analyze: Arc::new(small_analysis),
        commit_hook: None,
    };
    Backend::open_in(engine::database(folder).await, folder, 1_000_000, environment)
        .await
        .unwrap()
}

pub async fn send(ingest: &Ingest, sender: Sender, name: &str, bytes: &[u8]) -> Result<Receipt, IngestError> {
    send_kind(ingest, sender, name, bytes, Kind::Drive).await
}

/// Sends in two chunks, as a network does.
pub async fn send_kind(
    ingest: &Ingest,
    sender: Sender,
    name: &str,
    bytes: &[u8],
    kind: Kind,
) -> Result<Receipt, IngestError> {
    let upload = Upload {
        sender,
        file_name: name.to_owned(),
        kind,
        size_bytes: None,
    };
    let mut incoming = ingest.begin(upload).await?;
    let (first, second) = bytes.split_at(bytes.len() / 2);
    incoming.write(Bytes::copy_from_slice(first)).await?;
    incoming.write(Bytes::copy_from_slice(second)).await?;
    incoming.finish().await
}

/// What [`small_analysis`] derives from these bytes with this gate; written twice so that a test does not ask the code
/// under test what is right.
pub fn derived_from(bytes: &[u8], gate: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let text = String::from_utf8_lossy(bytes);
    let report = format!("{{\"lines\":{},\"gate\":{gate:?}}}", text.lines().count());
    vec![
        ("gps.parquet".to_owned(), text.to_uppercase().into_bytes()),
        ("imu.parquet".to_owned(), bytes.iter().rev().copied().collect()),
        ("report.json".to_owned(), report.into_bytes()),
    ]
}

/// Stands in for `telemetry`: two files, one of them in several writes; bytes that begin with `bad` cannot be analysed.
pub fn small_analysis(
    input: &mut dyn BufRead,
    request: &Request,
    draft: &mut DerivedDraft,
) -> Result<JobOutput, JobError> {
    let mut text = String::new();
    input.read_to_string(&mut text)?;
    if text.starts_with("bad") {
        let (code, message) = ("unknown_format".to_owned(), "no known format".to_owned());
        return Err(JobError::Unusable(Failure {
            code,
            message,
            line: Some(1),
        }));
    }
    let mut gps = draft.file("gps.parquet")?;
    for line in text.split_inclusive('\n') {
        gps.write_all(line.to_uppercase().as_bytes())?;
    }
    let backwards: Vec<u8> = text.bytes().rev().collect();
    draft.file("imu.parquet")?.write_all(&backwards)?;
    let report = format!(
        "{{\"lines\":{},\"gate\":{:?}}}",
        text.lines().count(),
        request.gate.as_deref()
    );
    Ok(JobOutput {
        summary: Summary::default(),
        report,
        analysis_version: 1,
        track: None,
        learned: None,
    })
}
