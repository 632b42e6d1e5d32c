//! Whatever a file holds, the analysis ends and its parts agree with each other.

use proptest::prelude::*;
use telemetry::clean::clean;
use telemetry::derive::{derive, fill_motion};
use telemetry::laps::{Wanted, analyse};
use telemetry::model::{DeclaredGate, Fix, GateRole, GateShape};

use crate::ring::{Style, UNDATED, drive_laps, off_centre};

/// Any number, the awkward ones often.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e3..1e3_f64,
        1 => any::<f64>(),
        1 => proptest::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, 1e300, 180.0, 90.0]),
    ]
}

fn place() -> impl Strategy<Value = (f64, f64)> {
    prop_oneof![
        4 => (-500.0..500.0_f64, -500.0..500.0_f64).prop_map(|(east_m, north_m)| off_centre(east_m, north_m)),
        1 => (number(), number()),
    ]
}

fn any_fix() -> impl Strategy<Value = Fix> {
    (number(), place(), number(), number(), number()).prop_map(|(clock_s, place, speed, heading, utc)| Fix {
        speed_mps: speed as f32,
        heading_deg: heading as f32,
        utc_ms: utc,
        ..Fix::at(clock_s, place.0, place.1)
    })
}

fn shape() -> impl Strategy<Value = GateShape> {
    prop_oneof![
        (place(), place()).prop_map(|(a, b)| GateShape::Ends { a, b }),
        (place(), number(), number()).prop_map(|(at, bearing_deg, width_m)| GateShape::Bearing {
            at,
            bearing_deg,
            width_m
        }),
        (place(), number()).prop_map(|(at, radius_m)| GateShape::Radius { at, radius_m }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_fixes_and_any_gates_give_a_consistent_answer(
        wild in proptest::collection::vec((any::<prop::sample::Index>(), any_fix()), 0..40),
        laps in 0..3_usize,
        gate in proptest::option::of(shape()),
        finish in proptest::option::of(shape()),
        declared in proptest::collection::vec((0..3_u8, proptest::collection::vec(shape(), 0..3)), 0..4),
    ) {
        let mut fixes = if laps == 0 { Vec::new() } else { drive_laps(&vec![Style::pushing([0.0; 3]); laps]) };
        let count = fixes.len();
        for (index, fix) in wild {
            let at = if count == 0 { fixes.len() } else { index.index(count) };
            fixes.insert(at, fix);
        }
        let declared: Vec<_> = declared.into_iter().map(|(role, alternatives)| DeclaredGate {
            role: [GateRole::Start, GateRole::Finish, GateRole::Split][usize::from(role)],
            alternatives,
            label: String::new(),
            line: None,
        }).collect();
        let given = fixes.len() as u64;
        let cleaned = clean(fixes, UNDATED);
        let dropped: u64 = cleaned.rejected.values().sum();
        prop_assert_eq!(cleaned.drive.len() as u64 + dropped + cleaned.duplicates, given, "every fix is accounted for");
        let mut drive = cleaned.drive;
        prop_assert!(drive.time_s.windows(2).all(|pair| pair[0] < pair[1]));
        fill_motion(&mut drive);
        let derived = derive(&drive);
        let wanted = Wanted { gate, finish, declared: &declared, ..Wanted::default() };
        let found = analyse(&drive, &derived.distance_m, &wanted);
        prop_assert_eq!(found.along.track_pos_m.len(), drive.len());
        for pair in found.laps.windows(2) {
            let gap_s = pair[1].start_s - pair[0].start_s - pair[0].time_ms / 1000.0;
            prop_assert!(gap_s.abs() < 1e-5, "laps follow each other: {:?}", pair);
        }
        if drive.len() > 1 {
            prop_assert!(found.gate.is_some() || !found.messages.is_empty(), "no gate, no word about it");
        }
    }
}
