//! Exports read back by our own parsers.

use std::io::{self, Write};

use quick_xml::events::Event;
use telemetry::Options;
use telemetry::export::{self, Session};
use telemetry::model::GateShape;
use telemetry::report::GateSource;

use crate::support::{analysed, drive, timed_ms};

type Writer = fn(&Session, &mut dyn Write) -> io::Result<()>;

#[test]
fn laps_of_every_export_are_the_laps_of_the_recording() {
    let (report, files) = analysed(&drive(), &Options::default());
    let expected = timed_ms(&report);
    assert!(expected.len() >= 3);
    let session = Session::read(&report, &files.open("gps")).unwrap();
    // The same line for all, so that only the precision of the formats is compared.
    let gate = report.gate.as_ref().unwrap();
    let gate = GateShape::Ends {
        a: (gate.a[0], gate.a[1]),
        b: (gate.b[0], gate.b[1]),
    };
    let options = Options {
        gate: Some(gate),
        ..Options::default()
    };
    for (name, write) in [
        ("vbo", export::vbo as Writer),
        ("gpx", export::gpx as Writer),
        ("csv", export::csv as Writer),
    ] {
        let mut bytes = Vec::new();
        write(&session, &mut bytes).unwrap();
        let (again, _) = analysed(&bytes, &options);
        let laps = timed_ms(&again);
        assert_eq!(laps.len(), expected.len(), "{name}");
        for (lap, expected) in laps.iter().zip(&expected) {
            assert!(
                (lap - expected).abs() <= 1.0,
                "{name}: {lap} ms instead of {expected} ms"
            );
        }
        assert_eq!(again.started_at, report.started_at, "{name}");
    }
}

#[test]
fn a_vbo_export_carries_its_gate() {
    let (report, files) = analysed(&drive(), &Options::default());
    let mut bytes = Vec::new();
    export::vbo(&Session::read(&report, &files.open("gps")).unwrap(), &mut bytes).unwrap();
    let (again, _) = analysed(&bytes, &Options::default());
    assert_eq!(again.gate.as_ref().unwrap().source, GateSource::File);
    let laps = timed_ms(&again);
    let expected = timed_ms(&report);
    assert_eq!(laps.len(), expected.len());
    for (lap, expected) in laps.iter().zip(&expected) {
        assert!((lap - expected).abs() <= 2.0, "{lap} ms instead of {expected} ms");
    }
}

#[test]
fn kml_is_well_formed_and_has_a_line_for_each_lap() {
    let (report, files) = analysed(&drive(), &Options::default());
    let mut bytes = Vec::new();
    export::kml(&Session::read(&report, &files.open("gps")).unwrap(), &mut bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let mut reader = quick_xml::Reader::from_str(&text);
    let mut lines = 0;
    loop {
        let event = reader.read_event().unwrap();
        if matches!(&event, Event::Start(start) if start.name().as_ref() == "LineString") {
            lines += 1;
        }
        if matches!(event, Event::Eof) {
            break;
        }
    }
    assert_eq!(lines, report.laps.len());
}
