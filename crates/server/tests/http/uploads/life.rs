//! What an upload outlives: other requests, restarts, lost answers; and how it ends.

use std::io::Write;

use server::store::accounts::Role;

use super::{Client, DAY, metadata, number, path_of, refused, sha256};
use crate::support::{OWNER, Reply, Site, read_reply};

#[test]
fn whoever_asks_takes_over_from_a_connection_that_hangs() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 200_000);
    let hang = |offset: usize| {
        let mut hanging = client.patch_slowly(&path, offset, 200_000 - offset, "");
        hanging.write_all(&vec![b'x'; 50_000]).unwrap();
        client.until_written_beyond(&path, offset);
        hanging
    };
    let mut hanging = hang(0);
    let offset = client.offset(&path);
    assert!((1..=50_000).contains(&offset), "{offset}");
    refused(&read_reply(&mut hanging), 423, "taken_over");

    let mut hanging = hang(offset);
    let reply = client.patch(&path, offset, b"x");
    refused(&reply, 409, "another_offset");
    let further = number(&reply, "upload-offset");
    assert!(
        (offset + 1..=offset + 50_000).contains(&further),
        "{offset} {further}"
    );
    refused(&read_reply(&mut hanging), 423, "taken_over");

    let mut hanging = hang(further);
    assert_eq!(client.send("DELETE", &path, &[], b"").status, 204);
    refused(&read_reply(&mut hanging), 423, "taken_over");
    assert_eq!(client.head(&path).status, 410);
}

#[test]
fn an_upload_that_nothing_comes_for_expires_after_more_than_a_month() {
    let site = Site::owned();
    let client = Client::device(&site);
    let reply = client.begin_known("a.csv", b"hello world");
    assert_eq!(
        reply.header("upload-expires"),
        Some("Tue, 19 Jan 2027 12:00:00 GMT")
    );
    let path = path_of(&reply);
    site.advance(DAY * 59);
    let piece = client.patch(&path, 0, b"hello");
    assert_eq!(
        piece.header("upload-expires"),
        Some("Fri, 19 Mar 2027 12:00:00 GMT")
    );
    assert_eq!(
        client.head(&path).header("upload-expires"),
        piece.header("upload-expires")
    );
    site.advance(DAY * 59);
    assert_eq!(client.offset(&path), 5);
    site.advance(DAY + DAY / 2);
    let head = client.head(&path);
    assert_eq!((head.status, head.header("upload-offset")), (410, None));
    refused(&client.patch(&path, 5, b" world"), 410, "upload_gone");
    let anew = path_of(&client.begin_known("a.csv", b"hello world"));
    assert_ne!(anew, path);
    assert_eq!(client.patch(&anew, 0, b"hello world").status, 204);
}

#[test]
fn a_deleted_upload_is_gone_and_a_deleted_complete_one_leaves_its_recording() {
    let site = Site::owned();
    let client = Client::device(&site);
    let path = client.begin("a.csv", 11);
    client.patch(&path, 0, b"hello");
    assert_eq!(client.send("DELETE", &path, &[], b"").status, 204);
    for reply in [
        client.head(&path),
        client.patch(&path, 5, b" world"),
        client.send("DELETE", &path, &[], b""),
    ] {
        assert_eq!(reply.status, 410);
    }
    let files = std::fs::read_dir(site.folder.path().join("uploads")).unwrap();
    assert_eq!(files.count(), 0, "its bytes are gone");

    let path = path_of(&client.begin_known("b.csv", b"hello world"));
    let last = client.patch(&path, 0, b"hello world");
    let recording = last.header("fieldpost-recording").unwrap();
    assert_eq!(client.send("DELETE", &path, &[], b"").status, 204);
    assert_eq!(client.head(&path).status, 410);
    assert_eq!(client.raw(recording), b"hello world");
    let again = client.begin_known("b.csv", b"hello world");
    assert_eq!(again.header("fieldpost-recording"), Some(recording));
}

#[test]
fn parts_are_put_together_in_the_order_that_is_said() {
    let site = Site::owned();
    let client = Client::device(&site);
    let part = |size: usize| {
        path_of(&client.post(
            &[("Upload-Length", &size.to_string()), ("Upload-Concat", "partial")],
            b"",
        ))
    };
    let (first, second) = (part(6), part(5));
    let about = metadata(&[("filename", "a.csv")]);
    let concat = format!("final;http://elsewhere{first} {second}");
    let finish = |headers: &[(&str, &str)]| {
        client.post(
            &[
                &[("Upload-Concat", concat.as_str()), ("Upload-Metadata", &about)],
                headers,
            ]
            .concat(),
            b"",
        )
    };
    client.patch(&second, 0, b"world");
    client.patch(&first, 0, b"hell");
    refused(&finish(&[]), 400, "part_unfinished");
    client.patch(&first, 4, b"o ");
    let head = client.head(&first);
    assert_eq!(
        (head.header("upload-concat"), number(&head, "upload-offset")),
        (Some("partial"), 6)
    );
    assert_eq!(client.sessions(), 0, "a part is no recording");
    refused(&finish(&[("Upload-Length", "11")]), 400, "bad_length");
    let wishes: Vec<Reply> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..6).map(|_| scope.spawn(|| finish(&[]))).collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    for wish in &wishes {
        assert_eq!(wish.status, 201, "{}", wish.text());
        assert_eq!(path_of(wish), path_of(&wishes[0]));
    }
    let whole = finish(&[]);
    let recording = whole.header("fieldpost-recording").unwrap();
    assert_eq!(client.raw(recording), b"hello world");
    let path = path_of(&whole);
    let head = client.head(&path);
    assert_eq!(head.header("upload-concat"), Some(concat.as_str()));
    assert_eq!(
        (number(&head, "upload-offset"), number(&head, "upload-length")),
        (11, 11)
    );
    refused(&client.patch(&path, 11, b"!"), 403, "final_upload");
    // The answer was lost: the same wish finds the same upload, though the parts are gone.
    let again = finish(&[]);
    assert_eq!(
        (path_of(&again), again.header("fieldpost-recording")),
        (path, Some(recording))
    );
    assert_eq!(client.head(&first).status, 410);
    assert_eq!(client.sessions(), 1);
    let raw = site.folder.path().join("raw");
    let team = std::fs::read_dir(raw).unwrap().next().unwrap().unwrap().path();
    std::fs::remove_file(team.join(sha256(b"hello world"))).unwrap();
    refused(&finish(&[]), 410, "bytes_missing");
    let twice = format!("final;{path} {path}", path = part(0));
    refused(
        &client.post(&[("Upload-Concat", &twice), ("Upload-Metadata", &about)], b""),
        400,
        "not_a_part",
    );
}

#[test]
fn a_restarted_server_goes_on_where_the_upload_was() {
    let mut site = Site::owned();
    let (path, who) = {
        let client = Client::device(&site);
        let path = client.begin("a.csv", 200_000);
        assert_eq!(client.patch(&path, 0, &vec![b'x'; 130_000]).status, 204);
        (path, client.who)
    };
    site.stop();
    site.start();
    let client = Client { site: &site, who };
    assert_eq!(client.offset(&path), 130_000);
    let last = client.patch(&path, 130_000, &vec![b'y'; 70_000]);
    let bytes = [vec![b'x'; 130_000], vec![b'y'; 70_000]].concat();
    assert_eq!(client.raw(last.header("fieldpost-recording").unwrap()), bytes);
}

#[test]
fn an_upload_is_seen_by_its_device_and_its_team_only() {
    let site = Site::owned();
    site.add_user("other@example.org", Role::Owner);
    let client = Client::device(&site);
    let path = client.begin("a.csv", 11);
    let other_team = Client {
        site: &site,
        who: ("Cookie", site.sign_in("other@example.org")),
    };
    for stranger in [Client::device(&site), other_team] {
        assert_eq!(stranger.head(&path).status, 404);
        refused(&stranger.patch(&path, 0, b"hello"), 404, "not_found");
        refused(&stranger.send("DELETE", &path, &[], b""), 404, "not_found");
    }
    assert_eq!(Client::member(&site).offset(&path), 0);
}

#[test]
fn the_address_of_an_upload_is_the_one_that_the_sender_can_reach() {
    let site = Site::owned();
    let location = |site: &Site| {
        let client = Client::device(site);
        let reply = client.post(
            &[("Upload-Length", "5"), ("Upload-Metadata", "filename YQ==")],
            b"",
        );
        reply.header("location").unwrap().to_owned()
    };
    assert!(location(&site).starts_with(&format!("http://{}/api/v1/uploads/", site.addr())));
    let behind = Site::with(|config| {
        config.public_url = Some("https://laps.example.org".parse().unwrap());
        config.allow_plain_ingest = true;
    });
    behind.add_user(OWNER, Role::Owner);
    assert!(location(&behind).starts_with("https://laps.example.org/api/v1/uploads/"));
}

/// The connection goes between the last byte and the answer, at whatever moment that is.
#[test]
fn a_lost_answer_costs_nothing() {
    let site = Site::owned();
    let (device, bearer) = site.add_device(OWNER, "Logger");
    let logger = Client {
        site: &site,
        who: ("Authorization", bearer),
    };
    let phone = Client::member(&site);
    for round in 0..40_usize {
        let bytes = format!("round {round}");
        let name = format!("{round}.csv");
        let sender = if round % 2 == 0 { &logger } else { &phone };
        let about = metadata(&[
            ("filename", &name),
            ("sha256", &sha256(bytes.as_bytes())),
            ("device", &device),
        ]);
        let begin = || {
            sender.post(
                &[
                    ("Upload-Length", &bytes.len().to_string()),
                    ("Upload-Metadata", &about),
                ],
                b"",
            )
        };
        let path = path_of(&begin());
        let mut stream = sender.patch_slowly(&path, 0, bytes.len(), "");
        stream.write_all(bytes.as_bytes()).unwrap();
        // More or less of what the server does comes before the end, by how often others run first.
        (0..round * 50).for_each(|_| std::thread::yield_now());
        drop(stream);
        let recording = loop {
            let again = begin();
            let offset = number(&again, "upload-offset");
            if offset == bytes.len() {
                break again.header("fieldpost-recording").unwrap().to_owned();
            }
            let rest = sender.patch(&path, offset, &bytes.as_bytes()[offset..]);
            match rest.status {
                204 => break rest.header("fieldpost-recording").unwrap().to_owned(),
                // The first request is read only now and has taken over: the offset says how far it came.
                409 | 413 | 423 => {}
                status => panic!("{status} {}", rest.text()),
            }
        };
        assert_eq!(sender.raw(&recording), bytes.as_bytes());
        assert_eq!(sender.sessions(), round + 1);
    }
}
