//! Which uploads are the same recording, and what an upload that comes to nothing leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what it expects by panicking"
)]

mod support;

use std::path::Path;

use bytes::Bytes;
use server::backend::Backend;
use server::ingest::{IngestError, Kind, Sender, Upload};
use server::store::{recordings, sessions};
use support::*;
use tempfile::TempDir;

const DRIVE: &[u8] = b"time,lat\n1,55.1\n";
const OTHER_DRIVE: &[u8] = b"time,lat\n1,60.1\n";
/// `printf 'time,lat\n1,55.1\n' | sha256sum`
const DRIVE_SHA256: &str = "8881c018e11e2fc61755331f2d58f57421e7bf0e6c83dce9688da36dccc618bb";

async fn fresh() -> (TempDir, Backend) {
    let folder = tempfile::tempdir().unwrap();
    let backend = backend_on(folder.path(), Ticking::new(), 1).await;
    add_tenants_and_loggers(&backend.store).await;
    (folder, backend)
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn objects_of_a(folder: &TempDir) -> Vec<String> {
    names_in(&folder.path().join("raw").join(TENANT_A.to_string()))
}

/// (file name, version) newest first.
async fn listed(backend: &Backend) -> Vec<(String, i64)> {
    let (sessions, _) = sessions::list(&backend.store, TENANT_A, None, None, 100)
        .await
        .unwrap();
    sessions
        .into_iter()
        .map(|session| (session.file_name, session.version))
        .collect()
}

const LOGGER: Sender = Sender {
    tenant: TENANT_A,
    device: Some(LOGGER_1),
    user: None,
};

#[tokio::test]
async fn the_same_file_twice_is_one_recording() {
    let (folder, backend) = fresh().await;
    let first = send(&backend.ingest, LOGGER, "a.csv", DRIVE).await.unwrap();
    let second = send(&backend.ingest, LOGGER, "a.csv", DRIVE).await.unwrap();

    assert!(!first.placed.duplicate);
    assert!(second.placed.duplicate);
    assert_eq!(second.placed.recording, first.placed.recording);
    assert_eq!(second.placed.session, first.placed.session);
    assert_eq!(second.placed.stored_at, first.placed.stored_at);
    assert_eq!(first.sha256.to_string(), DRIVE_SHA256);
    assert_eq!(first.size_bytes, 16);
    assert_eq!(listed(&backend).await, [("a.csv".to_owned(), 1)]);
    assert_eq!(objects_of_a(&folder), [DRIVE_SHA256]);
}

#[tokio::test]
async fn the_same_bytes_under_another_name_are_another_recording_of_the_same_object() {
    let (folder, backend) = fresh().await;
    let first = send(&backend.ingest, LOGGER, "a.csv", DRIVE).await.unwrap();
    let second = send(&backend.ingest, LOGGER, "b.csv", DRIVE).await.unwrap();

    assert!(!second.placed.duplicate);
    assert_ne!(second.placed.recording, first.placed.recording);
    assert_eq!(
        listed(&backend).await,
        [("b.csv".to_owned(), 1), ("a.csv".to_owned(), 1)]
    );
    assert_eq!(objects_of_a(&folder), [DRIVE_SHA256]);
}

#[tokio::test]
async fn other_bytes_under_a_known_name_are_another_version_beside_the_first() {
    let (folder, backend) = fresh().await;
    let first = send(&backend.ingest, LOGGER, "a.csv", DRIVE).await.unwrap();
    let second = send(&backend.ingest, LOGGER, "a.csv", OTHER_DRIVE).await.unwrap();
    let again = send(&backend.ingest, LOGGER, "a.csv", DRIVE).await.unwrap();

    assert_eq!(second.placed.version, 2);
    assert_eq!(again.placed.recording, first.placed.recording);
    assert_eq!(
        listed(&backend).await,
        [("a.csv".to_owned(), 2), ("a.csv".to_owned(), 1)]
    );
    assert_eq!(objects_of_a(&folder).len(), 2);
    let path = backend.objects.raw_path(TENANT_A, first.sha256);
    assert_eq!(std::fs::read(path).unwrap(), DRIVE);
}

#[tokio::test]
async fn one_name_from_two_loggers_is_two_recordings() {
    let (_folder, backend) = fresh().await;
    send(&backend.ingest, LOGGER, "a.csv", DRIVE).await.unwrap();
    let other = send(&backend.ingest, from_logger(TENANT_A, LOGGER_2), "a.csv", DRIVE)
        .await
        .unwrap();
    assert!(!other.placed.duplicate);
    assert_eq!(other.placed.version, 1);
}

#[tokio::test]
async fn our_own_recording_is_known_whoever_brings_it_and_grows_into_a_version() {
    let (_folder, backend) = fresh().await;
    let begun = "tick_ms,row_type,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,lat,lon,alt,speed,sats,vbat,gps_epoch\n\
                 5,M,OPEN,00112233445566778899aabbccddeeff,rs-core,1.0.0,race\n";
    let grown = format!("{begun}20,I,0.1,0.2,1.1\n");
    let first = send(&backend.ingest, LOGGER, "sess_1.csv", begun.as_bytes())
        .await
        .unwrap();
    let carrier = Sender {
        device: None,
        ..LOGGER
    };
    let carried = send(&backend.ingest, carrier, "download (1).csv", begun.as_bytes())
        .await
        .unwrap();
    let grown = send(&backend.ingest, LOGGER, "sess_1.csv", grown.as_bytes())
        .await
        .unwrap();

    assert!(carried.placed.duplicate);
    assert_eq!(carried.placed.recording, first.placed.recording);
    assert!(!grown.placed.duplicate);
    assert_eq!(grown.placed.version, 2);
}

#[tokio::test]
async fn teams_do_not_see_or_share_each_others_recordings() {
    let (folder, backend) = fresh().await;
    let a = send(&backend.ingest, LOGGER, "a.csv", DRIVE).await.unwrap();
    let b = send(
        &backend.ingest,
        from_logger(TENANT_B, LOGGER_OF_B),
        "a.csv",
        DRIVE,
    )
    .await
    .unwrap();

    assert!(!b.placed.duplicate);
    assert_eq!(names_in(&folder.path().join("raw")).len(), 2);
    let session = a.placed.session.unwrap();
    assert_eq!(
        sessions::find(&backend.store, TENANT_B, session).await.unwrap(),
        None
    );
    assert_eq!(
        sessions::report(&backend.store, TENANT_B, session).await.unwrap(),
        None
    );
    assert_eq!(
        recordings::find(&backend.store, TENANT_B, a.placed.recording)
            .await
            .unwrap(),
        None
    );
    let reanalysed = backend
        .jobs
        .reanalyze(TENANT_B, session, sessions::Gates::default())
        .await
        .unwrap();
    assert!(!reanalysed);
}

#[tokio::test]
async fn a_list_is_read_page_by_page_without_gaps_or_repeats() {
    let (_folder, backend) = fresh().await;
    for n in 0..7 {
        send(&backend.ingest, LOGGER, &format!("{n}.csv"), DRIVE)
            .await
            .unwrap();
    }
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let (page, next) = sessions::list(&backend.store, TENANT_A, None, after, 3)
            .await
            .unwrap();
        assert!(page.len() <= 3);
        names.extend(page.into_iter().map(|session| session.file_name));
        let Some(next) = next else { break };
        after = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(
        names,
        ["6.csv", "5.csv", "4.csv", "3.csv", "2.csv", "1.csv", "0.csv"]
    );
}

#[tokio::test]
async fn a_broken_upload_leaves_nothing() {
    let (folder, backend) = fresh().await;
    let announced = Upload {
        sender: LOGGER,
        file_name: "a.csv".to_owned(),
        kind: Kind::Drive,
        size_bytes: Some(100),
    };
    let mut incoming = backend.ingest.begin(announced).await.unwrap();
    incoming.write(Bytes::from_static(DRIVE)).await.unwrap();
    let error = incoming.finish().await.unwrap_err();
    let incomplete = IngestError::Incomplete {
        announced_bytes: 100,
        received_bytes: 16,
    };
    assert_eq!(error.to_string(), incomplete.to_string());

    assert!(listed(&backend).await.is_empty());
    assert!(objects_of_a(&folder).is_empty());
}

#[test]
fn a_dropped_upload_is_removed_from_staging_and_leftovers_are_swept_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let staging = folder.path().join("staging");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let backend = backend_on(folder.path(), Ticking::new(), 1).await;
        let upload = Upload {
            sender: LOGGER,
            file_name: "a.csv".to_owned(),
            kind: Kind::Drive,
            size_bytes: None,
        };
        let mut incoming = backend.ingest.begin(upload).await.unwrap();
        incoming.write(Bytes::from(vec![b'x'; 100_000])).await.unwrap();
        assert_eq!(names_in(&staging).len(), 1);
        drop(incoming);
    });
    // Ending the runtime waits for the thread that removes the file.
    drop(runtime);
    assert!(names_in(&staging).is_empty());

    std::fs::write(staging.join("left by a killed process"), "half").unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(backend_on(folder.path(), Ticking::new(), 2));
    assert!(names_in(&staging).is_empty());
}

#[tokio::test]
async fn a_recording_that_is_too_large_is_refused_before_and_while_it_comes() {
    let (_folder, backend) = fresh().await;
    let upload = |size_bytes| Upload {
        sender: LOGGER,
        file_name: "a.csv".to_owned(),
        kind: Kind::Drive,
        size_bytes,
    };
    let refused = backend.ingest.begin(upload(Some(1_000_001))).await.err().unwrap();
    assert!(matches!(refused, IngestError::TooLarge { max_bytes: 1_000_000 }));

    let mut incoming = backend.ingest.begin(upload(None)).await.unwrap();
    incoming.write(Bytes::from(vec![0; 1_000_000])).await.unwrap();
    let refused = incoming.write(Bytes::from_static(b"x")).await.unwrap_err();
    assert!(matches!(refused, IngestError::TooLarge { max_bytes: 1_000_000 }));
}

#[tokio::test]
async fn a_name_is_a_label_and_never_a_path() {
    let (_folder, backend) = fresh().await;
    send(&backend.ingest, LOGGER, "../../etc/passwd", DRIVE)
        .await
        .unwrap();
    send(&backend.ingest, LOGGER, "C:\\Logs\\day 1.csv", DRIVE)
        .await
        .unwrap();
    assert_eq!(
        listed(&backend).await,
        [("day 1.csv".to_owned(), 1), ("passwd".to_owned(), 1)]
    );
    for bad in ["", "a\nb", "folder/", &"x".repeat(256)] {
        let refused = send(&backend.ingest, LOGGER, bad, DRIVE).await.unwrap_err();
        assert!(matches!(refused, IngestError::BadName), "{bad:?}");
    }
}

#[tokio::test]
async fn large_uploads_arrive_whole_in_any_chunks() {
    let (_folder, backend) = fresh().await;
    let bytes: Vec<u8> = (0..900_000_u32)
        .map(|n| n.to_le_bytes()[usize::from(n % 2 == 0)])
        .collect();
    for chunk_bytes in [1_000, 65_536, 300_000, 900_000] {
        let upload = Upload {
            sender: LOGGER,
            file_name: format!("{chunk_bytes}.bin"),
            kind: Kind::Drive,
            size_bytes: Some(900_000),
        };
        let mut incoming = backend.ingest.begin(upload).await.unwrap();
        for chunk in bytes.chunks(chunk_bytes) {
            incoming.write(Bytes::copy_from_slice(chunk)).await.unwrap();
        }
        let receipt = incoming.finish().await.unwrap();
        let path = backend.objects.raw_path(TENANT_A, receipt.sha256);
        assert!(
            std::fs::read(path).unwrap() == bytes,
            "in chunks of {chunk_bytes}"
        );
    }
}

#[tokio::test]
async fn a_picture_is_stored_without_a_session() {
    let (_folder, backend) = fresh().await;
    let receipt = send_kind(
        &backend.ingest,
        LOGGER,
        "gate.jpg",
        b"\xFF\xD8jpeg",
        Kind::Picture,
    )
    .await
    .unwrap();
    assert_eq!(receipt.placed.session, None);
    let found = recordings::find(&backend.store, TENANT_A, receipt.placed.recording)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.kind, Kind::Picture);
    assert!(listed(&backend).await.is_empty());
}

#[tokio::test]
async fn a_slow_sender_has_its_bytes_on_disk_before_it_holds_much_memory() {
    let folder = tempfile::tempdir().unwrap();
    let backend = backend_on(folder.path(), Ticking::new(), 1).await;
    let upload = Upload {
        sender: from_logger(TENANT_A, LOGGER_1),
        file_name: "slow.csv".to_owned(),
        kind: Kind::Drive,
        size_bytes: None,
    };
    let mut incoming = backend.ingest.begin(upload).await.unwrap();
    // Two reads of a connection; then the sender falls silent.
    for _ in 0..2 {
        incoming.write(Bytes::from(vec![b'1'; 16 * 1024])).await.unwrap();
    }
    let staging = folder.path().join("staging");
    let on_disk = || -> u64 {
        let files = std::fs::read_dir(&staging).unwrap();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    };
    let written = async {
        while on_disk() < 32 * 1024 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), written)
        .await
        .unwrap();
}
