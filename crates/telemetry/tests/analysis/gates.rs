//! Which gate is used, and how it is laid.

use telemetry::KnownTrack;
use telemetry::laps::{Analysed, Wanted};
use telemetry::model::{DeclaredGate, GateRole, GateShape, LapMark};
use telemetry::report::{GateSource, LapKind};

use crate::ring::{LAP_M, MPS, Style, across, analysed, drive_laps, place};

const LAP_S: f64 = LAP_M / MPS;

#[test]
fn a_gate_that_the_positions_missed_makes_no_lap_of_two_rounds() {
    let (a, b) = across(0.0, 10.0);
    let mut fixes = drive_laps(&[Style::pushing([0.0; 3]); 6]);
    // Twenty metres outside for four seconds around the third passing, reached and left as slowly as a receiver wanders.
    let passing_s = LAP_S * 0.25 + 2.0 * LAP_S;
    for fix in &mut fixes {
        let wide_m = 20.0 * (3.0 - 0.75 * (fix.clock_s - passing_s).abs()).clamp(0.0, 1.0);
        let share = (fix.clock_s / LAP_S - 0.25).rem_euclid(1.0);
        (fix.lat_deg, fix.lon_deg) = place(share, wide_m);
    }
    let wanted = Wanted {
        gate: Some(GateShape::Ends { a, b }),
        ..Wanted::default()
    };
    let (_, found) = analysed(fixes, &wanted);
    let double = found
        .laps
        .iter()
        .find(|lap| lap.time_ms > 1.5e3 * LAP_S)
        .expect("two rounds in one");
    assert_eq!(double.kind, LapKind::Invalid);
    assert!(
        double
            .note
            .as_deref()
            .is_some_and(|note| note.contains("as long as two"))
    );
    assert_eq!(timed_s(&found).len(), 4);
    let rolling_ms = found.figures.rolling_best_ms.expect("four good laps");
    assert!(rolling_ms > 1e3 * LAP_S - 20.0, "{rolling_ms}");
}

#[test]
fn two_ends_count_in_whichever_order_they_are_given() {
    let (inner, outer) = across(0.0, 10.0);
    for (a, b) in [(inner, outer), (outer, inner)] {
        let found = with(&Wanted {
            gate: Some(GateShape::Ends { a, b }),
            ..Wanted::default()
        });
        assert_eq!(timed_s(&found), [LAP_S, LAP_S, LAP_S]);
        let gate = found.gate.expect("given");
        assert_eq!(gate.source, GateSource::Argument);
        assert!(
            (gate.bearing_deg - 0.0).abs() < 0.1 || gate.bearing_deg > 359.9,
            "north: {}",
            gate.bearing_deg
        );
        assert!(
            (gate.a[1] - inner.1).abs() < 1e-9,
            "the inner end is left when driven anticlockwise"
        );
    }
}

#[test]
fn a_point_and_a_radius_become_a_line_across_the_way() {
    let at = place(0.2, 4.0);
    let found = with(&Wanted {
        gate: Some(GateShape::Radius { at, radius_m: 12.0 }),
        ..Wanted::default()
    });
    assert_eq!(timed_s(&found), [LAP_S, LAP_S, LAP_S]);
    let bearing_deg = found.gate.expect("given").bearing_deg;
    assert!((bearing_deg - 288.0).abs() < 1.0, "{bearing_deg}");
}

#[test]
fn a_generous_radius_makes_no_line_into_the_next_piece_of_road() {
    // 140 m from the middle of the road at one side: the line of such a radius would reach the other side's road.
    let at = place(0.2, 0.0);
    let found = with(&Wanted {
        gate: Some(GateShape::Radius { at, radius_m: 140.0 }),
        ..Wanted::default()
    });
    let gate = found.gate.expect("given");
    let across_m = (gate.a[0] - gate.b[0]).hypot((gate.a[1] - gate.b[1]) * 0.64) * 111_229.0;
    assert!(across_m < 40.0, "{across_m}");
}

#[test]
fn a_radius_that_nobody_entered_says_so() {
    let at = place(0.3, 40.0);
    let found = with(&Wanted {
        gate: Some(GateShape::Radius { at, radius_m: 12.0 }),
        ..Wanted::default()
    });
    assert!(found.laps.is_empty());
    assert_eq!(codes(&found), ["gate_not_passed"]);
}

#[test]
fn a_gate_elsewhere_is_refused_and_no_other_takes_its_place() {
    let gate = GateShape::Bearing {
        at: (51.0, 8.0),
        bearing_deg: 0.0,
        width_m: 30.0,
    };
    let found = with(&Wanted {
        gate: Some(gate),
        ..Wanted::default()
    });
    assert!(found.laps.is_empty() && found.gate.is_none());
    assert_eq!(codes(&found), ["gate_too_far"]);
}

#[test]
fn a_gate_beside_the_road_gives_an_out_lap_and_a_message() {
    let (a, b) = (place(0.0, 20.0), place(0.0, 30.0));
    let found = with(&Wanted {
        gate: Some(GateShape::Ends { a, b }),
        ..Wanted::default()
    });
    assert_eq!(
        found.laps.iter().map(|lap| lap.kind.clone()).collect::<Vec<_>>(),
        [LapKind::Out]
    );
    assert_eq!(codes(&found), ["gate_not_crossed"]);
}

/// The two dialects of VBO: the ends of the gate, or a point of it and a second point further along the way.
#[test]
fn a_declared_pair_is_read_as_ends_or_as_direction_by_how_it_lies() {
    let (inner, outer) = across(0.0, 8.0);
    let (point, further) = (place(0.0, 0.0), place(0.006, 0.0));
    for (a, b) in [(inner, outer), (point, further), (further, point)] {
        let gates = [declared(GateRole::Start, vec![GateShape::Ends { a, b }])];
        let found = with(&Wanted {
            declared: &gates,
            ..Wanted::default()
        });
        assert_eq!(timed_s(&found), [LAP_S, LAP_S, LAP_S]);
        assert_eq!(found.gate.map(|gate| gate.source), Some(GateSource::File));
    }
}

#[test]
fn of_two_readings_the_one_on_the_ground_is_taken() {
    let (a, b) = across(0.0, 8.0);
    let swapped = GateShape::Ends {
        a: (a.1, a.0),
        b: (b.1, b.0),
    };
    let gates = [declared(GateRole::Start, vec![swapped, GateShape::Ends { a, b }])];
    let found = with(&Wanted {
        declared: &gates,
        ..Wanted::default()
    });
    assert_eq!(timed_s(&found).len(), 3);
    assert!(found.messages.is_empty());
}

#[test]
fn a_stale_gate_of_the_file_is_told_with_its_line_and_the_driven_line_is_learned() {
    let gates = [declared(
        GateRole::Start,
        vec![GateShape::Radius {
            at: (25.0, -80.0),
            radius_m: 10.0,
        }],
    )];
    let found = with(&Wanted {
        declared: &gates,
        ..Wanted::default()
    });
    assert_eq!(found.messages[0].code, "gate_too_far");
    assert_eq!(found.messages[0].line, Some(81));
    // A ring of 159 m radius has no straight place, so nothing is learned either.
    assert_eq!(found.messages[1].code, "no_gate");
}

#[test]
fn the_right_start_line_is_found_behind_any_number_of_others() {
    let (a, b) = across(0.0, 10.0);
    let start = |alternatives| declared(GateRole::Start, alternatives);
    let mut gates: Vec<_> = (0..30)
        .map(|n| {
            let at = (25.0 + f64::from(n), -80.0);
            start(vec![GateShape::Radius { at, radius_m: 10.0 }])
        })
        .collect();
    gates.push(start(vec![GateShape::Ends { a, b }]));
    let found = with(&Wanted {
        declared: &gates,
        ..Wanted::default()
    });
    assert_eq!(timed_s(&found), [LAP_S, LAP_S, LAP_S]);
    assert_eq!(codes(&found), ["gate_too_far"]);
    assert!(
        found.messages[0].text.starts_with("30 start lines"),
        "{}",
        found.messages[0].text
    );
}

#[test]
fn start_lines_that_were_not_tried_are_told() {
    let (a, b) = across(0.0, 10.0);
    // A point in the infield that no lap passes.
    let aside = GateShape::Radius {
        at: place(0.0, -100.0),
        radius_m: 10.0,
    };
    let mut gates = vec![declared(GateRole::Start, vec![aside]); 12];
    gates.push(declared(GateRole::Start, vec![GateShape::Ends { a, b }]));
    let found = with(&Wanted {
        declared: &gates,
        ..Wanted::default()
    });
    let told = found
        .messages
        .iter()
        .find(|message| message.code == "gates_not_tried")
        .expect("told");
    assert!(
        told.text
            .contains("declares 13 start lines on this ground; 0 of the first 8"),
        "{}",
        told.text
    );
}

#[test]
fn declared_splits_make_sectors() {
    let line = |share: f64| {
        let (a, b) = across(share, 10.0);
        vec![GateShape::Ends { a, b }]
    };
    let gates = [
        declared(GateRole::Start, line(0.0)),
        declared(GateRole::Split, line(0.25)),
    ];
    let found = with(&Wanted {
        declared: &gates,
        ..Wanted::default()
    });
    let lap = found
        .laps
        .iter()
        .find(|lap| lap.kind == LapKind::Timed)
        .expect("laps");
    let sectors_ms: Vec<f64> = lap
        .sectors_ms
        .iter()
        .map(|sector| sector.expect("passed").round())
        .collect();
    assert_eq!(sectors_ms, [0.25 * 1000.0 * LAP_S, 0.75 * 1000.0 * LAP_S]);
    assert!(found.splits.iter().all(|split| split.source == GateSource::File));
}

#[test]
fn start_and_finish_points_make_a_stage() {
    let around = |share: f64| GateShape::Radius {
        at: place(share, 0.0),
        radius_m: 10.0,
    };
    let found = with(&Wanted {
        gate: Some(around(0.0)),
        finish: Some(around(0.4)),
        ..Wanted::default()
    });
    assert_eq!(timed_s(&found), [0.4 * LAP_S, 0.4 * LAP_S, 0.4 * LAP_S]);
    assert!(found.finish.is_some());
    // Every way back to the start is an out lap and has number 0; the index tells them apart.
    let named: Vec<_> = found.laps.iter().map(|lap| (lap.index, lap.number)).collect();
    assert_eq!(named[..5], [(0, 0), (1, 1), (2, 0), (3, 2), (4, 0)]);
}

#[test]
fn lap_marks_of_a_file_lay_the_gate_where_they_are() {
    let mark = |lap: u32| {
        let (lat_deg, lon_deg) = place(0.0, 1.0);
        LapMark {
            lap,
            clock_s: f64::from(lap) * LAP_S,
            lat_deg,
            lon_deg,
        }
    };
    let marks = [mark(1), mark(2)];
    let found = with(&Wanted {
        marks: &marks,
        ..Wanted::default()
    });
    assert_eq!(timed_s(&found), [LAP_S, LAP_S, LAP_S]);
    assert_eq!(found.gate.map(|gate| gate.source), Some(GateSource::Markers));
}

#[test]
fn a_known_track_is_recognised_by_its_gate_whatever_the_file_calls_it() {
    let ends = |share: f64, half_m: f64| {
        let (left, right) = across(share, half_m);
        [[left.0, left.1], [right.0, right.1]]
    };
    let track = |id: &str, share: f64, half_m: f64| KnownTrack {
        id: id.to_owned(),
        name: Some(format!("{id} ring")),
        gate: ends(share, half_m),
        finish: None,
        splits: vec![ends(share + 0.5, half_m)],
    };
    let mut other_way = track("backwards", 0.0, 10.0);
    other_way.gate.reverse();
    let tracks = [other_way, track("right", 0.0, 10.0)];
    let found = with(&Wanted {
        tracks: &tracks,
        track_name: Some("Sunday"),
        ..Wanted::default()
    });
    assert_eq!(timed_s(&found), [LAP_S, LAP_S, LAP_S]);
    let reference = found.track.expect("known");
    assert_eq!(
        (reference.id.as_deref(), reference.name.as_deref()),
        (Some("right"), Some("right ring"))
    );
    assert!((reference.length_m.expect("measured") - LAP_M).abs() < 1.0);
    assert_eq!(found.gate.map(|gate| gate.source), Some(GateSource::Track));
    assert!(found.learned.is_none());
}

#[test]
fn standing_still_makes_a_pit_lap_and_a_hole_an_invalid_one() {
    let (a, b) = across(0.0, 10.0);
    let wanted = Wanted {
        gate: Some(GateShape::Ends { a, b }),
        ..Wanted::default()
    };
    let mut fixes = drive_laps(&[Style::pushing([0.0; 3]); 3]);
    // Lap 1 runs from 10 s to 50 s: it stops at 30 s for 20 s; lap 2 then misses three seconds.
    let stop = fixes
        .iter()
        .position(|fix| fix.clock_s >= 30.0)
        .expect("in lap 1");
    let stand = fixes[stop];
    fixes[stop..].iter_mut().for_each(|fix| fix.clock_s += 20.0);
    let standing = (0..500).map(|i| {
        let mut fix = stand;
        fix.clock_s += 0.04 * f64::from(i);
        fix.speed_mps = 0.0;
        fix
    });
    fixes.splice(stop..stop, standing);
    fixes.retain(|fix| !(85.0..88.0).contains(&fix.clock_s));
    let (_, found) = analysed(fixes, &wanted);
    let kinds: Vec<_> = found.laps.iter().map(|lap| lap.kind.clone()).collect();
    assert_eq!(
        kinds,
        [
            LapKind::Out,
            LapKind::Pit,
            LapKind::Invalid,
            LapKind::Timed,
            LapKind::In
        ]
    );
    assert_eq!(
        found.laps.iter().map(|lap| lap.number).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4]
    );
    assert!(found.laps[1].note.is_some() && found.laps[2].note.is_some() && found.laps[3].note.is_none());
}

fn with(wanted: &Wanted<'_>) -> Analysed {
    analysed(drive_laps(&[Style::pushing([0.0; 3]); 3]), wanted).1
}

fn declared(role: GateRole, alternatives: Vec<GateShape>) -> DeclaredGate {
    DeclaredGate {
        role,
        alternatives,
        label: String::new(),
        line: Some(81),
    }
}

/// Whole milliseconds: the ring is a polygon of a metre's edges.
fn timed_s(found: &Analysed) -> Vec<f64> {
    let timed = found.laps.iter().filter(|lap| lap.kind == LapKind::Timed);
    timed.map(|lap| lap.time_ms.round() / 1000.0).collect()
}

fn codes(found: &Analysed) -> Vec<&str> {
    found
        .messages
        .iter()
        .map(|message| message.code.as_str())
        .collect()
}
