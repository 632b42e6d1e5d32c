//! A disk that is full or broken, at every operation of an upload: an error, nothing half stored, and all well after.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use server::jobs::JobError;
use server::store::accounts::Role;
use server::store::sessions::Failure;
use sha2::Digest as _;

use crate::faulty_fs::{Fault, FaultyFs};
use crate::support::{OWNER, Reply, Site};

/// More operations than an upload has.
const OPERATIONS_MAX: i64 = 40;

pub(crate) struct Bench {
    pub site: Site,
    pub fs: FaultyFs,
    pub token: String,
}

/// A server that stores and analyses nothing: the fault is to meet the upload.
pub(crate) fn bench() -> Bench {
    let fs = FaultyFs::default();
    let unusable = |_: &mut dyn std::io::BufRead, _: &_, _: &mut _| {
        Err(JobError::Unusable(Failure {
            code: "not_asked".to_owned(),
            message: "not asked".to_owned(),
            line: None,
        }))
    };
    let site = Site::on(Arc::new(fs.clone()), Arc::new(unusable));
    site.add_user(OWNER, Role::Owner);
    let (_, token) = site.add_device(OWNER, "logger");
    Bench { site, fs, token }
}

/// One way of sending some text; the answer says what became of it.
type Send = fn(&Bench, name: &str, text: &str) -> Reply;

fn raw(bench: &Bench, name: &str, text: &str) -> Reply {
    let who = ("authorization", bench.token.as_str());
    let path = format!("/api/upload?filename={name}");
    bench.site.send("POST", &path, &[who], text.as_bytes())
}

fn json(bench: &Bench, name: &str, text: &str) -> Reply {
    let who = ("authorization", bench.token.as_str());
    let body = serde_json::json!({ "filename": name, "content": text }).to_string();
    bench.site.post_json("/api/upload", &[who], &body)
}

fn form(bench: &Bench, name: &str, text: &str) -> Reply {
    let who = ("authorization", bench.token.as_str());
    let kind = ("content-type", "multipart/form-data; boundary=B");
    let body = format!(
        "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"{name}\"\r\n\r\n{text}\r\n--B--\r\n"
    );
    bench
        .site
        .send("POST", "/api/upload", &[who, kind], body.as_bytes())
}

/// The ids of all recordings as their sessions list them.
fn stored(bench: &Bench) -> usize {
    let who = ("authorization", bench.token.as_str());
    let list = bench.site.get("/api/v1/sessions?limit=200", &[who]).json();
    list["sessions"].as_array().unwrap().len()
}

/// Every object has the bytes that its name says; how many there are.
fn whole_objects(folder: &Path) -> usize {
    let tenants = fs::read_dir(folder.join("raw")).unwrap();
    let objects = tenants.flat_map(|tenant| fs::read_dir(tenant.unwrap().path()).unwrap());
    objects
        .map(|object| {
            let path = object.unwrap().path();
            let digest = hex::encode(sha2::Sha256::digest(fs::read(&path).unwrap()));
            assert_eq!(path.file_name().unwrap().to_str().unwrap(), digest);
        })
        .count()
}

/// Sends with a fault at every operation; says how many operations an upload has.
fn every_operation_fails(send: Send, fault: Fault) -> i64 {
    let mut bench = bench();
    for at in 0..OPERATIONS_MAX {
        let (name, text) = (format!("{at}.csv"), format!("row {at}\n"));
        let before = stored(&bench);
        bench.fs.arm(at, fault);
        let reply = send(&bench, &name, &text);
        if !bench.fs.disarm() {
            assert_eq!(reply.status, 200, "{}", reply.text());
            bench.site.stop();
            bench.site.start();
            assert_eq!(whole_objects(bench.site.folder.path()), stored(&bench));
            return at;
        }
        match (reply.status, fault) {
            // What failed came after the commit: the recording is there.
            (200, _) => assert_eq!(stored(&bench), before + 1),
            (507, Fault::DiskFull) => {
                assert!(reply.text().contains("storage_full"), "{}", reply.text());
                assert_eq!(stored(&bench), before);
            }
            (500, Fault::Broken) => assert_eq!(stored(&bench), before),
            (status, _) => panic!("{fault:?} at {at}: {status} {}", reply.text()),
        }
        whole_objects(bench.site.folder.path());
        let again = send(&bench, &name, &text);
        assert_eq!(again.status, 200, "{}", again.text());
        assert_eq!(stored(&bench), before + 1);
    }
    panic!("an upload has more than {OPERATIONS_MAX} operations");
}

#[test]
fn a_full_disk_is_told_and_nothing_is_half_stored() {
    for send in [raw, json, form] {
        assert!(every_operation_fails(send, Fault::DiskFull) > 4);
    }
}

#[test]
fn a_broken_disk_is_told_and_nothing_is_half_stored() {
    for send in [raw, json, form] {
        assert!(every_operation_fails(send, Fault::Broken) > 4);
    }
}
