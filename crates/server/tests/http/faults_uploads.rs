//! A disk that is full or broken, at every operation of an upload that comes in pieces: an error, an offset that keeps its
//! word, and the upload goes on once the disk is well.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::faults::{Bench, bench};
use crate::faulty_fs::Fault;
use crate::support::Reply;

/// More operations than an upload in two pieces has.
const OPERATIONS_MAX: i64 = 60;
const PIECES: [&str; 2] = ["first half, ", "second half"];

impl Bench {
    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let own = [("Tus-Resumable", "1.0.0"), ("Authorization", self.token.as_str())];
        self.site.send(method, path, &[&own, headers].concat(), body)
    }

    fn create(&self, name: &str, size: usize) -> Reply {
        let metadata = format!("filename {}", STANDARD.encode(name));
        let size = size.to_string();
        let headers = [
            ("Upload-Length", size.as_str()),
            ("Upload-Metadata", metadata.as_str()),
        ];
        self.send("POST", "/api/v1/uploads", &headers, b"")
    }

    fn patch(&self, path: &str, offset: usize, bytes: &[u8]) -> Reply {
        let offset = offset.to_string();
        let kind = ("Content-Type", "application/offset+octet-stream");
        self.send("PATCH", path, &[kind, ("Upload-Offset", &offset)], bytes)
    }

    fn offset(&self, path: &str) -> usize {
        let reply = self.send("HEAD", path, &[], b"");
        assert_eq!(reply.status, 200);
        reply.header("upload-offset").unwrap().parse().unwrap()
    }

    fn sessions(&self) -> usize {
        let who = ("authorization", self.token.as_str());
        let list = self.site.get("/api/v1/sessions?limit=200", &[who]).json();
        list["sessions"].as_array().unwrap().len()
    }

    fn raw(&self, recording: &str) -> Vec<u8> {
        let who = ("authorization", self.token.as_str());
        self.site
            .get(&format!("/api/v1/recordings/{recording}/raw"), &[who])
            .body
    }
}

/// One upload as a sender makes it: after an error it asks for the offset, after a refused creation it begins again.
struct Sender<'b> {
    bench: &'b Bench,
    fault: Fault,
    errors: usize,
}

impl Sender<'_> {
    fn upload(&mut self, name: &str) -> Vec<u8> {
        let whole = PIECES.concat();
        let path = self.begin(name, whole.len());
        let mut told = 0;
        // A fault fires once, so one more round than there are pieces is enough.
        for _ in 0..=PIECES.len() {
            let end = if told < PIECES[0].len() {
                PIECES[0].len()
            } else {
                whole.len()
            };
            let reply = self.bench.patch(&path, told, &whole.as_bytes()[told..end]);
            if reply.status != 204 {
                self.is_told(&reply);
                let offset = self.bench.offset(&path);
                assert!((told..=end).contains(&offset), "{offset} after {told}");
                told = offset;
                continue;
            }
            told = end;
            if let Some(recording) = reply.header("fieldpost-recording") {
                return self.bench.raw(recording);
            }
        }
        // All bytes were kept and the reply was the error: asking completes it.
        let done = self.bench.patch(&path, told, b"");
        assert_eq!((done.status, told), (204, whole.len()), "{}", done.text());
        self.bench.raw(done.header("fieldpost-recording").unwrap())
    }

    fn begin(&mut self, name: &str, size: usize) -> String {
        let mut reply = self.bench.create(name, size);
        if reply.status != 201 {
            self.is_told(&reply);
            reply = self.bench.create(name, size);
        }
        assert_eq!(reply.status, 201, "{}", reply.text());
        let location = reply.header("location").unwrap();
        location[location.find("/api/").unwrap()..].to_owned()
    }

    fn is_told(&mut self, reply: &Reply) {
        let (status, code) = match self.fault {
            Fault::DiskFull => (507, "storage_full"),
            Fault::Broken => (500, "internal"),
        };
        assert_eq!(
            (reply.status, reply.error_code().as_str()),
            (status, code),
            "{}",
            reply.text()
        );
        self.errors += 1;
    }
}

/// How many operations were tried, and at how many of them the sender was told of an error.
fn every_operation_fails(fault: Fault) -> (i64, usize) {
    let bench = bench();
    let mut errors = 0;
    for at in 0..OPERATIONS_MAX {
        bench.fs.arm(at, fault);
        let mut sender = Sender {
            bench: &bench,
            fault,
            errors: 0,
        };
        let stored = sender.upload(&format!("{at}.csv"));
        assert_eq!(stored, PIECES.concat().as_bytes(), "at {at}");
        assert_eq!(bench.sessions(), usize::try_from(at).unwrap() + 1);
        errors += sender.errors;
        if !bench.fs.disarm() {
            return (at, errors);
        }
    }
    panic!("an upload has more than {OPERATIONS_MAX} operations");
}

#[test]
fn a_full_disk_under_an_upload_in_pieces_is_told_and_costs_no_byte() {
    let (operations, errors) = every_operation_fails(Fault::DiskFull);
    assert!(
        operations >= 8 && errors >= 6,
        "{errors} errors at {operations} operations"
    );
}

#[test]
fn a_broken_disk_under_an_upload_in_pieces_is_told_and_costs_no_byte() {
    let (operations, errors) = every_operation_fails(Fault::Broken);
    assert!(
        operations >= 8 && errors >= 6,
        "{errors} errors at {operations} operations"
    );
}
