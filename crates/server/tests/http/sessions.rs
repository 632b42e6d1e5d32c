use std::io::BufRead;
use std::sync::{Arc, Mutex, mpsc};

use serde_json::{Value, json};
use server::jobs::{JobError, Request, analyze_with_telemetry};
use server::objects::DerivedDraft;
use server::store::sessions::Failure;

use crate::recording::{LAP_S, ROUNDS, circle};
use crate::support::{OWNER, Site};

#[test]
fn an_upload_becomes_laps_by_itself() {
    let site = Site::owned();
    let (_, token) = site.add_device(OWNER, "Logger");
    let who = ("authorization", token.as_str());
    let uploaded = site.upload(who, "circle.csv", &circle());
    let id = uploaded["session_id"].as_str().unwrap();
    let session = site.analysed(who, id);
    assert_eq!(session["status"], "ready", "{}", session["error"]);
    assert_eq!(session["format"], session["report"]["format"]);

    let table = site.get(&format!("/api/v1/sessions/{id}/laps"), &[who]).json();
    let timed: Vec<f64> = table["laps"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|lap| lap["kind"] == "timed")
        .map(|lap| lap["time_ms"].as_f64().unwrap())
        .collect();
    assert!(timed.len() >= usize::try_from(ROUNDS).unwrap() - 2, "{timed:?}");
    for time_ms in &timed {
        assert!((time_ms - LAP_S * 1000.0).abs() < 10.0, "{timed:?}");
    }
    let best = table["best_ms"].as_f64().unwrap();
    assert!((best - LAP_S * 1000.0).abs() < 10.0);
    assert_eq!(session["best_ms"].as_f64(), Some(best));
    assert_eq!(session["laps_timed"], timed.len());
}

#[test]
fn channels_are_listed_and_read_thinned_by_stream_and_time() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let who = ("cookie", cookie.as_str());
    let uploaded = site.upload(who, "circle.csv", &circle());
    let id = uploaded["session_id"].as_str().unwrap();
    site.analysed(who, id);
    let channels = site
        .get(&format!("/api/v1/sessions/{id}/channels"), &[who])
        .json();
    let names: Vec<String> = channels["channels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            format!(
                "{}.{}",
                c["stream"].as_str().unwrap(),
                c["name"].as_str().unwrap()
            )
        })
        .collect();
    assert!(names.contains(&"gps.speed_mps".to_owned()), "{names:?}");

    let data = |query: &str| site.get(&format!("/api/v1/sessions/{id}/channels/data?{query}"), &[who]);
    let reply = data("names=gps.speed_mps,gps.distance_m&from_s=100&to_s=200&max_points=50").json();
    let series = reply["series"].as_array().unwrap();
    assert_eq!(
        (&series[0]["name"], &series[1]["name"]),
        (&json!("gps.speed_mps"), &json!("gps.distance_m"))
    );
    let times: Vec<f64> = series[0]["t_s"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t.as_f64().unwrap())
        .collect();
    assert!((2..=60).contains(&times.len()), "{}", times.len());
    assert!(times.iter().all(|t| (100.0..=200.0).contains(t)), "{times:?}");
    // 250 m of radius in 50 s a round.
    let speed = series[0]["values"][5]
        .as_f64()
        .unwrap_or_else(|| panic!("{reply}"));
    assert!((speed - 31.416).abs() < 0.05, "{speed}");

    assert_eq!(data("names=gps.nonsense").status, 404);
    assert_eq!(data("names=../gps.speed_mps").status, 400);
    assert_eq!(data("names=gps.speed_mps&from_s=9&to_s=1").status, 400);
    assert_eq!(
        data("names=gps.speed_mps&max_points=many").error_code(),
        "bad_query"
    );
    assert_eq!(data("").status, 400);
}

#[test]
fn a_recording_that_cannot_be_analysed_is_kept_with_the_reason() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let who = ("cookie", cookie.as_str());
    let uploaded = site.upload(who, "holiday.txt", b"dear diary\r\n");
    let id = uploaded["session_id"].as_str().unwrap();
    let session = site.analysed(who, id);
    assert_eq!(session["status"], "failed");
    assert!(session["error"]["message"].as_str().unwrap().len() > 10);
    assert_eq!(session["report"], Value::Null);
    let laps = site.get(&format!("/api/v1/sessions/{id}/laps"), &[who]);
    assert_eq!(
        (laps.status, laps.error_code().as_str()),
        (409, "analysis_failed")
    );
    let raw = site.get(
        &format!(
            "/api/v1/recordings/{}/raw",
            uploaded["recording_id"].as_str().unwrap()
        ),
        &[who],
    );
    assert_eq!(raw.body, b"dear diary\r\n");
}

#[test]
fn a_session_that_is_analysed_again_shows_nothing_of_the_analysis_before() {
    // Each analysis waits for the test's word.
    let (go, word) = mpsc::channel();
    let word = Mutex::new(word);
    let site = Site::analysing_with(Arc::new(
        move |input: &mut dyn BufRead, request: &Request, draft: &mut DerivedDraft| {
            word.lock().unwrap().recv().ok();
            analyze_with_telemetry(input, request, draft)
        },
    ));
    // Ends before the site does, so that a failing test does not wait for an analysis that waits for it.
    let go = go;
    let cookie = site.sign_in(OWNER);
    let who = ("cookie", cookie.as_str());
    for (name, bytes, end, has_error) in [
        ("holiday.txt", b"dear diary\r\n".to_vec(), "failed", true),
        ("circle.csv", circle(), "ready", false),
    ] {
        let uploaded = site.upload(who, name, &bytes);
        let id = uploaded["session_id"].as_str().unwrap();
        let path = format!("/api/v1/sessions/{id}");
        go.send(()).unwrap();
        let before = site.analysed(who, id);
        assert_eq!(
            (before["status"].as_str(), before["error"].is_object()),
            (Some(end), has_error)
        );

        let asked = site.post_json(&format!("{path}/reanalyse"), &[who], "{}");
        assert_eq!(asked.status, 202, "{}", asked.text());
        let between = site.get(&path, &[who]).json();
        assert!(
            matches!(between["status"].as_str(), Some("waiting" | "analysing")),
            "{between}"
        );
        for known in [
            "error",
            "started_at",
            "format",
            "best_ms",
            "laps_timed",
            "duration_s",
            "distance_m",
            "report",
        ] {
            assert_eq!(between[known], Value::Null, "{known}");
        }
        let laps = site.get(&format!("{path}/laps"), &[who]);
        assert_eq!((laps.status, laps.error_code().as_str()), (409, "not_ready"));

        go.send(()).unwrap();
        let after = site.analysed(who, id);
        for known in ["status", "error", "best_ms"] {
            assert_eq!(after[known], before[known]);
        }
    }
}

#[test]
fn a_gate_of_ones_own_gives_a_new_analysis_and_a_wrong_one_a_reason() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let who = ("cookie", cookie.as_str());
    let uploaded = site.upload(who, "circle.csv", &circle());
    let id = uploaded["session_id"].as_str().unwrap();
    site.analysed(who, id);
    let path = format!("/api/v1/sessions/{id}/reanalyse");
    let refused = site.post_json(&path, &[who], r#"{"gate":"here"}"#);
    assert_eq!((refused.status, refused.error_code().as_str()), (422, "bad_gate"));
    assert_eq!(
        site.post_json(&path, &[who], r#"{"gat":"1,2~3"}"#).error_code(),
        "wrong_shape"
    );
    // The circle's northernmost point, 250 m above its centre.
    let asked = site.post_json(&path, &[who], r#"{"gate":"54.8882457,-2.271~20"}"#);
    assert_eq!(asked.status, 202, "{}", asked.text());
    let session = site.analysed(who, id);
    assert_eq!(
        session["report"]["gate"]["source"], "argument",
        "{}",
        session["report"]["messages"]
    );
}

#[test]
fn the_list_is_newest_first_and_pages_miss_and_repeat_nothing() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let who = ("cookie", cookie.as_str());
    for number in 0..5 {
        site.upload(who, &format!("{number}.csv"), b"1,2\r\n");
        site.advance(std::time::Duration::from_secs(u64::from(number % 2 == 0)));
    }
    let (mut names, mut times) = (Vec::new(), Vec::new());
    let mut path = "/api/v1/sessions?limit=2".to_owned();
    loop {
        let page = site.get(&path, &[who]).json();
        for session in page["sessions"].as_array().unwrap() {
            names.push(session["file_name"].as_str().unwrap().to_owned());
            times.push(session["stored_at"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(cursor) => path = format!("/api/v1/sessions?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    names.sort();
    assert_eq!(names, ["0.csv", "1.csv", "2.csv", "3.csv", "4.csv"]);
    assert_eq!(
        site.get("/api/v1/sessions?cursor=nonsense", &[who]).error_code(),
        "bad_cursor"
    );
}

#[test]
fn raw_bytes_come_whole_in_part_or_not_again() {
    let site = Site::owned();
    let cookie = site.sign_in(OWNER);
    let who = ("cookie", cookie.as_str());
    let uploaded = site.upload(
        who,
        "d\u{fc}e\"x.csv"
            .replace('"', "%22")
            .replace('\u{fc}', "%C3%BC")
            .as_str(),
        b"0123456789",
    );
    let path = format!(
        "/api/v1/recordings/{}/raw",
        uploaded["recording_id"].as_str().unwrap()
    );
    let whole = site.get(&path, &[who]);
    assert_eq!((whole.status, whole.body.as_slice()), (200, &b"0123456789"[..]));
    let etag = whole.header("etag").unwrap();
    assert_eq!(etag, format!("\"{}\"", uploaded["sha256"].as_str().unwrap()));
    assert_eq!(
        whole.header("content-disposition"),
        Some("attachment; filename*=UTF-8''d%C3%BCe%22x.csv")
    );
    assert_eq!(site.get(&path, &[who, ("if-none-match", etag)]).status, 304);

    let part = site.get(&path, &[who, ("range", "bytes=2-4"), ("if-range", etag)]);
    assert_eq!((part.status, part.body.as_slice()), (206, &b"234"[..]));
    assert_eq!(part.header("content-range"), Some("bytes 2-4/10"));
    assert_eq!(site.get(&path, &[who, ("range", "bytes=-3")]).body, b"789");
    assert_eq!(
        site.get(&path, &[who, ("range", "bytes=2-4"), ("if-range", "\"other\"")])
            .status,
        200
    );
    assert_eq!(site.get(&path, &[who, ("range", "bytes=10-")]).status, 416);
}

#[test]
fn a_failed_session_names_the_line_at_fault_to_whoever_asks_for_its_laps() {
    let site = Site::analysing_with(Arc::new(
        |_: &mut dyn BufRead, _: &Request, _: &mut DerivedDraft| {
            Err(JobError::Unusable(Failure {
                code: "bad_header".to_owned(),
                message: "Line 7 is no header.".to_owned(),
                line: Some(7),
            }))
        },
    ));
    let cookie = site.sign_in(OWNER);
    let who = ("cookie", cookie.as_str());
    let uploaded = site.upload(who, "odd.csv", b"1,2\r\n");
    let id = uploaded["session_id"].as_str().unwrap();
    assert_eq!(site.analysed(who, id)["error"]["line"], 7);
    let laps = site.get(&format!("/api/v1/sessions/{id}/laps"), &[who]).json();
    assert_eq!(laps["error"]["line"], 7, "{laps}");
}
