//! What a file has too much of is counted, and the report says how much.

use telemetry::columns::Discard;
use telemetry::model::{DeclaredGate, DeclaredLap, GateRole, LapMark, Message, StreamSpec};
use telemetry::recording::{Collector, Recording};
use telemetry::sink::Sink;

#[test]
fn lists_over_their_bound_say_how_long_they_were() {
    let recording = collected(|sink| {
        for _ in 0..300 {
            sink.gate(gate());
        }
        for number in 0..10_001 {
            let (lat_deg, lon_deg) = (50.0, 8.0);
            sink.declared_lap(DeclaredLap {
                number,
                time_ms: 60_000.0,
            });
            sink.lap_mark(LapMark {
                lap: number,
                clock_s: 0.0,
                lat_deg,
                lon_deg,
            });
        }
        for _ in 0..203 {
            sink.message(remark());
        }
    });
    assert_eq!(recording.gates.len(), 256);
    assert_eq!(recording.declared_laps.len(), 10_000);
    assert_eq!(recording.lap_marks.len(), 10_000);
    let told = &recording.messages[200..];
    let counted = [
        ("too_many_gates", "300 gates"),
        ("too_many_laps", "10001 declared laps"),
        ("too_many_lap_marks", "10001 beginnings of laps"),
        ("too_many_messages", "203 remarks"),
    ];
    assert_eq!(told.len(), counted.len(), "{told:?}");
    for (message, (code, count)) in told.iter().zip(counted) {
        assert_eq!(message.code, code);
        assert!(message.text.contains(count), "{}", message.text);
    }
}

#[test]
fn lists_at_their_bound_are_whole() {
    let recording = collected(|sink| {
        for _ in 0..256 {
            sink.gate(gate());
        }
        for _ in 0..200 {
            sink.message(remark());
        }
    });
    assert_eq!((recording.gates.len(), recording.messages.len()), (256, 200));
}

#[test]
fn streams_over_the_bound_are_counted_with_their_rows() {
    let recording = collected(|sink| {
        for number in 0..18 {
            let stream = sink.stream(StreamSpec {
                name: format!("s{number}"),
                channels: Vec::new(),
            });
            for row in 0..5 {
                sink.row(stream, f64::from(row), &[]);
            }
        }
    });
    assert_eq!(recording.streams.len(), 16);
    assert!(recording.streams.iter().all(|stream| stream.rows == 5));
    let [told] = recording.messages.as_slice() else {
        panic!("{:?}", recording.messages)
    };
    assert_eq!(told.code, "too_many_streams");
    assert!(
        told.text.contains("18 groups") && told.text.contains("last 2 with 10 rows"),
        "{}",
        told.text
    );
}

fn collected(push: impl FnOnce(&mut dyn Sink)) -> Recording {
    let mut files = Discard;
    let mut collector = Collector::new(&mut files);
    push(&mut collector);
    collector.finish().unwrap()
}

fn gate() -> DeclaredGate {
    DeclaredGate {
        role: GateRole::Split,
        alternatives: Vec::new(),
        label: String::new(),
        line: None,
    }
}

fn remark() -> Message {
    Message {
        code: "remark".to_owned(),
        text: String::new(),
        line: None,
    }
}
