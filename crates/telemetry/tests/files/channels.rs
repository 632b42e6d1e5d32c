//! Channel files: what is written comes back, by time range and with its peaks.

use telemetry::Options;
use telemetry::columns::{Clock, ROW_GROUP_ROWS, ReadError, Samples, StreamReader};
use telemetry::model::{Channel, Fix, Provenance, StreamSpec};
use telemetry::recording::Collector;
use telemetry::sink::Sink;

use crate::support::{Memory, analysed, drive};

const EVER: std::ops::RangeInclusive<f64> = f64::NEG_INFINITY..=f64::INFINITY;

#[test]
fn the_same_recording_gives_the_same_bytes() {
    let recording = drive();
    let (_, first) = analysed(&recording, &Options::default());
    let (_, second) = analysed(&recording, &Options::default());
    assert_eq!(
        first.bytes().keys().copied().collect::<Vec<_>>(),
        ["gps", "imu", "log"]
    );
    assert!(first.bytes() == second.bytes());
}

#[test]
fn values_and_nulls_come_back_as_they_went_in() {
    // More than two row groups, so that the encoding thread and the last, partly filled group take part.
    let rows = 2 * ROW_GROUP_ROWS + 1000;
    let value = |row: usize| {
        if row.is_multiple_of(7) {
            f32::NAN
        } else {
            row as f32
        }
    };
    let reader = stream(rows, value);
    assert_eq!(reader.rows(), rows as u64);
    assert_eq!(
        (
            reader.channels()[0].name.as_str(),
            reader.channels()[0].unit.as_str()
        ),
        ("pressure", "bar")
    );
    let series = reader.series(&["pressure"], EVER, usize::MAX).unwrap().remove(0);
    assert_eq!(series.t_s.len(), rows);
    let Samples::F32(values) = series.values else {
        panic!("not as wide as it was written")
    };
    for (row, read) in values.iter().enumerate() {
        assert!(
            *read == value(row) || (read.is_nan() && value(row).is_nan()),
            "row {row}: {read}"
        );
    }
}

#[test]
fn a_time_range_gives_its_rows_and_no_others() {
    let reader = stream(2 * ROW_GROUP_ROWS, |row| row as f32);
    // Across the border of the row groups, both ends included.
    let border_s = ROW_GROUP_ROWS as f64 / 100.0;
    let series = reader
        .series(&["pressure"], border_s - 0.02..=border_s + 0.01, usize::MAX)
        .unwrap()
        .remove(0);
    let border = ROW_GROUP_ROWS as f64;
    assert_eq!(
        series.values.to_f64(),
        [border - 2.0, border - 1.0, border, border + 1.0]
    );
    let nothing = reader.series(&["pressure"], -5.0..=-1.0, 100).unwrap().remove(0);
    assert!(nothing.t_s.is_empty() && nothing.values.is_empty());
}

#[test]
fn downsampling_keeps_every_peak_in_its_place() {
    let peak = |row: usize| match row {
        40_001 => 9.0,
        90_002 => -7.0,
        _ => (row % 3) as f32 * 0.1,
    };
    let series = stream(100_000, peak)
        .series(&["pressure"], EVER, 500)
        .unwrap()
        .remove(0);
    assert!(series.t_s.len() <= 500, "{}", series.t_s.len());
    assert!(series.t_s.is_sorted());
    let values = series.values.to_f64();
    for (row, value) in [(40_001, 9.0), (90_002, -7.0)] {
        let at = values.iter().position(|v| *v == value).unwrap();
        assert!((series.t_s[at] - f64::from(row) / 100.0).abs() < 1e-9);
    }
}

#[test]
fn a_stream_full_of_gaps_keeps_to_the_number_of_points() {
    // Bursts of ten rows, three seconds apart.
    let reader = stream_at(|row| (row / 10) as f64 * 3.0 + (row % 10) as f64 / 100.0, 10_000);
    let series = reader.series(&["pressure"], EVER, 500).unwrap().remove(0);
    assert!(series.t_s.len() <= 500, "{}", series.t_s.len());
    let near = reader.series(&["pressure"], 0.0..=29.0, 500).unwrap().remove(0);
    let unknown = near.values.to_f64().iter().filter(|value| value.is_nan()).count();
    assert_eq!(unknown, 9, "one in every gap between ten bursts");
}

#[test]
fn an_unknown_stretch_stays_a_gap_when_downsampled() {
    let series = stream(10_000, |row| {
        if (4000..6000).contains(&row) {
            f32::NAN
        } else {
            1.0
        }
    });
    let series = series.series(&["pressure"], EVER, 100).unwrap().remove(0);
    let values = series.values.to_f64();
    assert!(values.len() <= 100);
    let unknown = series
        .t_s
        .iter()
        .zip(&values)
        .filter(|(_, v)| v.is_nan())
        .map(|(t, _)| *t);
    let unknown: Vec<f64> = unknown.collect();
    assert!(
        unknown.len() >= 10 && unknown.iter().all(|t| (40.0..60.0).contains(t)),
        "{unknown:?}"
    );
}

#[test]
fn a_hole_in_time_is_marked() {
    let mut files = Memory::default();
    let mut collector = Collector::new(&mut files);
    let stream = collector.stream(spec());
    for second in (0..10).chain(20..30) {
        collector.row(stream, f64::from(second), &[1.0]);
    }
    collector.finish().unwrap();
    let series = files
        .open("obd")
        .series(&["pressure"], EVER, 100)
        .unwrap()
        .remove(0);
    assert_eq!(series.t_s.len(), 21);
    assert_eq!(series.t_s[9..12], [9.0, 14.5, 20.0]);
    assert!(series.values.to_f64()[10].is_nan());
}

#[test]
fn other_streams_are_read_on_the_time_of_the_fixes() {
    let mut files = Memory::default();
    let mut collector = Collector::new(&mut files);
    let stream = collector.stream(spec());
    // The logger's clock started 3 s before the first fix and loses 50 ms in 1000 s; sampled once a second.
    for second in 0..=1000u32 {
        let true_s = f64::from(second);
        let clock_s = 3.0 + true_s * (1.0 - 50e-6);
        collector.row(stream, clock_s, &[second as f32]);
        collector.fix(Fix {
            utc_ms: 1_790_000_000_000.0 + true_s * 1000.0,
            ..Fix::at(clock_s, 45.0, 9.0)
        });
    }
    let recording = collector.finish().unwrap();
    let reader = files.open("obd");
    assert_eq!(reader.clock(), recording.clock);
    assert!(
        (recording.clock.scale - 1.00005).abs() < 1e-8,
        "{:?}",
        recording.clock
    );
    let series = reader
        .series(&["pressure"], 899.5..=901.5, 100)
        .unwrap()
        .remove(0);
    assert_eq!(series.values.to_f64(), [900.0, 901.0]);
    assert!((series.t_s[0] - 900.0).abs() < 1e-3, "{:?}", series.t_s);
}

#[test]
fn the_fixes_file_has_every_channel_of_the_report() {
    let (report, files) = analysed(&drive(), &Options::default());
    for stream in ["gps", "imu", "log"] {
        let reported: Vec<&str> = report
            .channels
            .iter()
            .filter(|c| c.stream == stream)
            .map(|c| c.channel.name.as_str())
            .collect();
        let reader = files.open(stream);
        assert_eq!(
            reader
                .channels()
                .iter()
                .map(|c| c.name.as_str())
                .collect::<Vec<_>>(),
            reported
        );
    }
    let gps = files.open("gps");
    assert_eq!(
        gps.clock(),
        Clock {
            offset_s: 0.0,
            scale: 1.0
        }
    );
    let series = gps.series(&["lap", "speed_mps"], EVER, usize::MAX).unwrap();
    let laps = series[0].values.to_f64();
    let last = f64::from(report.laps.last().unwrap().number);
    assert_eq!(laps.iter().copied().fold(f64::NEG_INFINITY, f64::max), last);
    let top_kmh = series[1].values.to_f64().into_iter().fold(0.0, f64::max) * 3.6;
    let reported_kmh = report.quality.max_speed_kmh.unwrap();
    // The report leaves out single spikes.
    assert!(
        (reported_kmh - 0.01..reported_kmh * 1.1).contains(&top_kmh),
        "{top_kmh}, reported {reported_kmh}"
    );
}

#[test]
fn asking_for_a_channel_that_is_not_there_is_an_error() {
    let error = stream(10, |_| 0.0).series(&["boost"], EVER, 10).unwrap_err();
    assert!(matches!(error, ReadError::NoChannel(name) if name == "boost"));
}

#[test]
fn a_file_that_is_no_channel_file_is_refused() {
    assert!(StreamReader::open(tempfile::tempfile().unwrap()).is_err());
}

/// A stream `obd` whose rows come when `clock_s` says.
fn stream_at(clock_s: impl Fn(usize) -> f64, rows: usize) -> StreamReader {
    let mut files = Memory::default();
    let mut collector = Collector::new(&mut files);
    let stream = collector.stream(spec());
    for row in 0..rows {
        collector.row(stream, clock_s(row), &[row as f32]);
    }
    collector.finish().unwrap();
    files.open("obd")
}

/// A stream `obd` at 100 Hz with one channel.
fn stream(rows: usize, value: impl Fn(usize) -> f32) -> StreamReader {
    let mut files = Memory::default();
    let mut collector = Collector::new(&mut files);
    let stream = collector.stream(spec());
    for row in 0..rows {
        collector.row(stream, row as f64 / 100.0, &[value(row)]);
    }
    let recording = collector.finish().unwrap();
    assert_eq!(recording.streams[0].rate_hz, Some(100.0));
    files.open("obd")
}

fn spec() -> StreamSpec {
    let channel = Channel {
        name: "pressure".to_owned(),
        unit: "bar".to_owned(),
        source: "P1".to_owned(),
        provenance: Provenance::Recorded,
    };
    StreamSpec {
        name: "obd".to_owned(),
        channels: vec![channel],
    }
}
