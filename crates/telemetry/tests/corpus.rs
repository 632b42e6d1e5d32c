//! Real recordings against lap times that are known independently of this code.
//!
//! Every figure comes from `TRUTH.json` beside the recordings, which are not part of the repository: without them these
//! tests say so and prove nothing.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests: they say what they expect by panicking, and the figures are the point of these tests"
)]

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

use serde_json::Value;
use telemetry::columns::Discard;
use telemetry::model::GateShape;
use telemetry::report::{GateSource, Lap, LapKind, Report};
use telemetry::{Options, analyze};

/// Radius for gates that the truth gives as a point: half a wide circuit, and a receiver's error.
const RADIUS_M: f64 = 25.0;

#[test]
fn dovex_agrees_with_the_loggers_own_laps() {
    check("okc-tillotson-data.dovex", "laps_ms");
}

#[test]
fn two_laps_agree_with_the_replay_and_come_near_the_transponder() {
    let Some(report) = check("okc_2laps.nmea", "laps_ms") else {
        return;
    };
    let truth = truth("okc_2laps.nmea");
    let loop_ms = truth["official_transponder_ms"][1].as_f64().expect("known");
    let second_ms = computed(&report)[1].time_ms;
    println!(
        "okc_2laps.nmea: lap 2 is {:+.1} ms from the MyLaps loop ({loop_ms} ms)",
        second_ms - loop_ms
    );
    assert!((second_ms - loop_ms).abs() < 100.0);
}

#[test]
fn racechrono_marks_give_its_own_lap() {
    let Some(report) = check("racechrono-tianma-lap9-v3.csv", "laps_ms") else {
        return;
    };
    assert_eq!(report.gate.map(|gate| gate.source), Some(GateSource::Markers));
}

#[test]
fn racecapture_agrees_with_its_lap_channel_and_closely_with_the_replay() {
    check("sonoma.log", "laps_ms");
    // The replay laid its line a little differently: the last lap of it is 53 ms from the logger's own.
    check_within("sonoma.log", "replay_laps_ms", 100.0);
}

#[test]
fn aim_beacons_are_declared_laps() {
    check_declared("YamahaR6.csv");
    check_declared("racestudio3-aim.csv");
}

#[test]
fn trackaddict_comments_are_declared_laps() {
    check_declared("STC_log.csv");
}

#[test]
fn a_stage_runs_from_point_to_point() {
    check("racebox-eskate.csv", "laps_ms");
    check("racebox-eskate.gpx", "laps_ms");
}

#[test]
fn racebox_vbo_is_timed_by_its_own_gate() {
    let Some(report) = check_within("racebox-lignano.vbo", "replay_laps_ms", 20.0) else {
        return;
    };
    assert_eq!(report.gate.map(|gate| gate.source), Some(GateSource::File));
}

#[test]
fn a_dirty_log_loses_its_twelve_bad_records_and_no_lap() {
    let Some(report) = check_within("okc-tillotson-plain.nmea", "replay_laps_ms", 20.0) else {
        return;
    };
    println!(
        "okc-tillotson-plain.nmea: rejected {} {:?}, duplicates {}, top speed {:?} km/h, {:.0} m",
        report.quality.rejected,
        report.quality.rejected_by,
        report.quality.duplicates,
        report.quality.max_speed_kmh,
        report.distance_m
    );
    assert_eq!(report.quality.rejected, 12);
    assert!(report.quality.max_speed_kmh.expect("known") < 150.0);
    assert!(report.distance_m < 60_000.0);
}

#[test]
fn a_gate_of_another_circuit_is_refused_with_its_line() {
    let Some(report) = analysed("25IR05_RdAm_FP1_Run01_KO.vbo", &Options::default()) else {
        return;
    };
    let refusal = report
        .messages
        .iter()
        .find(|message| message.code == "gate_too_far")
        .expect("it is told");
    println!("25IR05: line {:?}: {}", refusal.line, refusal.text);
    assert!(refusal.line.is_some());
    assert!(report.gate.is_none_or(|gate| gate.source != GateSource::File));
    assert!(
        computed(&Report { gate: None, ..report }).is_empty(),
        "it is an out and an in lap only"
    );
}

/// Compares the computed laps of a file with one list of its truth, within the tolerance of that truth.
fn check(file: &str, key: &str) -> Option<Report> {
    let tolerance_ms = truth_of(file)?["tolerance_ms"]
        .as_f64()
        .expect("every file with laps has one");
    check_within(file, key, tolerance_ms)
}

fn check_within(file: &str, key: &str, tolerance_ms: f64) -> Option<Report> {
    let truth = truth_of(file)?;
    let report = analysed(file, &options(&truth))?;
    let found: Vec<f64> = computed(&report).iter().map(|lap| lap.time_ms).collect();
    let known = known_ms(&truth, key);
    // The log of two laps holds a third, whole but not in the truth; no other file may have more than is known.
    let more = if file == "okc_2laps.nmea" { 1 } else { 0 };
    assert_eq!(
        found.len(),
        known.len() + more,
        "{file}: {found:?} are not {known:?}"
    );
    compare(file, key, &found[..known.len()], &known, tolerance_ms);
    Some(report)
}

fn check_declared(file: &str) {
    let Some(truth) = truth_of(file) else { return };
    let Some(report) = analysed(file, &Options::default()) else {
        return;
    };
    let found: Vec<f64> = report.declared_laps.iter().map(|lap| lap.time_ms).collect();
    let tolerance_ms = truth["tolerance_ms"]
        .as_f64()
        .expect("every file with laps has one");
    compare(
        file,
        "declared",
        &found,
        &known_ms(&truth, "laps_ms"),
        tolerance_ms,
    );
}

fn compare(file: &str, key: &str, found_ms: &[f64], known_ms: &[f64], tolerance_ms: f64) {
    assert_eq!(
        found_ms.len(),
        known_ms.len(),
        "{file}: {found_ms:?} are not {known_ms:?}"
    );
    let furthest_ms = found_ms
        .iter()
        .zip(known_ms)
        .map(|(found, known)| (found - known).abs())
        .fold(0.0, f64::max);
    println!(
        "{file}: {} laps, at most {furthest_ms:.1} ms from {key} (allowed {tolerance_ms})",
        found_ms.len()
    );
    assert!(
        furthest_ms <= tolerance_ms,
        "{file}: {found_ms:?} are not {known_ms:?}"
    );
}

/// Every lap that was driven from gate to gate, however it is judged.
fn computed(report: &Report) -> Vec<Lap> {
    let whole = |lap: &&Lap| !matches!(lap.kind, LapKind::Out | LapKind::In);
    report.laps.iter().filter(whole).cloned().collect()
}

fn analysed(file: &str, options: &Options) -> Option<Report> {
    let path = corpus()?.join(file);
    let mut input = BufReader::new(File::open(&path).expect("the corpus is complete"));
    let analysis =
        analyze(&mut input, options, &mut Discard).unwrap_or_else(|error| panic!("{file}: {error}"));
    Some(analysis.report)
}

/// The gate of the truth in the form that it has there; none where the file's own gate is the one to use.
fn options(truth: &Value) -> Options {
    let point = |value: &Value| -> (f64, f64) {
        (
            value[0].as_f64().expect("latitude"),
            value[1].as_f64().expect("longitude"),
        )
    };
    let around = |value: &Value| GateShape::Radius {
        at: point(value),
        radius_m: RADIUS_M,
    };
    let gate = &truth["gate"];
    let file_has_it = gate["note"]
        .as_str()
        .is_some_and(|note| note.starts_with("[laptiming]"));
    match gate["type"].as_str() {
        Some("ends") if !file_has_it => Options {
            gate: Some(GateShape::Ends {
                a: point(&gate["a"]),
                b: point(&gate["b"]),
            }),
            ..Options::default()
        },
        Some("point") => Options {
            gate: Some(around(&gate["center"])),
            ..Options::default()
        },
        Some("start+finish points") => Options {
            gate: Some(around(&gate["start"])),
            finish: Some(around(&gate["finish"])),
            ..Options::default()
        },
        Some(_) | None => Options::default(),
    }
}

fn known_ms(truth: &Value, key: &str) -> Vec<f64> {
    let list = truth[key]
        .as_array()
        .unwrap_or_else(|| panic!("the truth has {key}"));
    list.iter().map(|time| time.as_f64().expect("a time")).collect()
}

fn truth(file: &str) -> Value {
    truth_of(file).expect("the corpus is there")
}

/// What is known of a file; a ride that was recorded twice stands under one of its files.
fn truth_of(file: &str) -> Option<Value> {
    let text = std::fs::read_to_string(corpus()?.join("TRUTH.json")).expect("the corpus has its truth");
    let all: Vec<Value> = serde_json::from_str(&text).expect("it is JSON");
    let stem = file.split('.').next().expect("a name");
    let named = |entry: &Value, name: &str| entry["file"].as_str().is_some_and(|file| file.starts_with(name));
    let exact = all.iter().position(|entry| named(entry, file));
    let index = exact
        .or_else(|| all.iter().position(|entry| named(entry, stem)))
        .expect("it is in the truth");
    all.into_iter().nth(index)
}

fn corpus() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = std::env::var_os("FIELDPOST_CORPUS").map_or(beside, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: corpus absent ({} is no folder); nothing was compared",
        folder.display()
    );
    None
}
