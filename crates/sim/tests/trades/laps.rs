//! Laps while they are driven: what `timing` makes of the same fixes, to the millisecond that is shown.

use device::recorder::Sample;
use device::settings::Profile;
use device::signal::Word;
use device::track::{Line, Output, Place, Track};
use sim::unit::OVAL_MIDDLE_DEG;
use timing::{Course, Event, Gate, LapKind, LapTimer, Plane, Rules};

use super::{at, rides, trace, unit};

fn e7(degrees: f64) -> i32 {
    (degrees * 1e7).round() as i32
}

/// Across the oval where it is driven northwards, a little after where rides begin.
fn gate() -> Line {
    let (lat, lon) = OVAL_MIDDLE_DEG;
    let place = |lon_deg: f64| Place {
        lat_e7_deg: e7(lat + 0.0004),
        lon_e7_deg: e7(lon_deg),
    };
    Line {
        left: place(lon + 0.0026),
        right: place(lon + 0.0033),
    }
}

fn degrees(place: Place) -> (f64, f64) {
    (
        f64::from(place.lat_e7_deg) * 1e-7,
        f64::from(place.lon_e7_deg) * 1e-7,
    )
}

#[test]
fn laps_are_those_of_the_same_timing_on_the_same_fixes() {
    let mut ride = rides(&[(30, 400)]);
    ride.is_oval = true;
    let track = Track::new("Oval", gate(), None, &[]).unwrap();
    let mut unit = unit(Profile::Race, ride, |settings| settings.track = Some(track));
    unit.watched();
    assert!(unit.power_on());
    unit.run_until(at(500));

    let (left, right) = (degrees(gate().left), degrees(gate().right));
    let plane = Plane::at(f64::midpoint(left.0, right.0), f64::midpoint(left.1, right.1));
    let line = Gate::between(plane.point(left.0, left.1), plane.point(right.0, right.1)).unwrap();
    let mut timer = LapTimer::new(Course::circuit(line), Rules::at_hz(10.0));
    let mut expected = Vec::new();
    let mut from = None;
    for sample in unit.take_given() {
        let Sample::Gps(sample) = sample else {
            continue;
        };
        let epoch_ms = sample.gps.epoch_ms.unwrap();
        let from_ms = *from.get_or_insert(epoch_ms);
        let at = Place {
            lat_e7_deg: sample.gps.lat_e7_deg,
            lon_e7_deg: sample.gps.lon_e7_deg,
        };
        let (lat_deg, lon_deg) = degrees(at);
        let sample = timing::Sample {
            time_s: (epoch_ms - from_ms) as f64 / 1_000.0,
            at: plane.point(lat_deg, lon_deg),
        };
        timer.push(sample, &mut |event| {
            if let Event::Lap(lap) = event
                && lap.kind == LapKind::Timed
            {
                expected.push(((lap.end_s - lap.start_s) * 1_000.0).round() as u32);
            }
        });
    }
    let told: Vec<u32> = unit
        .driven
        .iter()
        .filter_map(|(_, driven)| match driven {
            Output::Lap { time_ms, .. } => Some(*time_ms),
            Output::Sector { .. } | Output::Untimed => None,
        })
        .collect();
    assert!(expected.len() >= 6, "{expected:?}");
    assert_eq!(told, expected);
    // Each round is slower than the one before by more than half a second.
    assert!(told.is_sorted());
    let slower = format!("{:?}", Word::SectorSlower);
    assert!(
        unit.log.iter().any(|(_, what)| *what == slower),
        "{}",
        trace(&unit)
    );
}
