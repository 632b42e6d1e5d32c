//! `[laptiming]` lines: `Start|Finish|Split a b c d ¬ label`, four numbers in minutes whose meaning the text does not say.
//!
//! Racelogic and RaceChrono write **lon lat lon lat**: a point and a second one some metres on in the direction of travel.
//! RaceBox (and our own export) writes **lat lon lat lon**: the two real ends of the line. Both keep west positive. All readings that could be
//! places go out, the maker's own first; the analysis keeps the one that lies by the data and fits its direction.

use crate::model::{DeclaredGate, GateRole, GateShape};

use crate::formats::cells::number as number_in;

/// Full width for a gate given as point and direction: a track with its verges, and short of a parallel pit lane.
const WIDTH_M: f64 = 50.0;

/// A line's role, label and numbers; nothing if it is no gate line.
pub(super) fn parse(line: &str, number: u64) -> Option<(DeclaredGate, [f64; 4])> {
    let mut words = line.split_whitespace();
    let role = match words.next()?.to_lowercase().as_str() {
        "start" => GateRole::Start,
        "finish" => GateRole::Finish,
        "split" => GateRole::Split,
        _ => return None,
    };
    let mut numbers = [0.0; 4];
    for value in &mut numbers {
        *value = number_in(words.next()?.as_bytes())
            .ok()
            .filter(|value| !value.is_nan())?;
    }
    let label = words.filter(|word| *word != "¬").collect::<Vec<_>>().join(" ");
    Some((
        DeclaredGate {
            role,
            alternatives: Vec::new(),
            label,
            line: Some(number),
        },
        numbers,
    ))
}

/// What the numbers can mean, likelier first.
pub(super) fn readings(minutes: [f64; 4], are_ends_likelier: bool) -> Vec<GateShape> {
    let [a, b, c, d] = minutes.map(|value| value / 60.0);
    let lon_lat = [(b, -a), (d, -c)];
    let lat_lon = [(a, -b), (c, -d)];
    let readings = if are_ends_likelier {
        [
            ends(lat_lon),
            direction(lat_lon),
            direction(lon_lat),
            ends(lon_lat),
        ]
    } else {
        [
            direction(lon_lat),
            ends(lon_lat),
            ends(lat_lon),
            direction(lat_lon),
        ]
    };
    readings.into_iter().flatten().collect()
}

fn ends([a, b]: [(f64, f64); 2]) -> Option<GateShape> {
    (are_places(a, b) && a != b).then_some(GateShape::Ends { a, b })
}

fn direction([a, b]: [(f64, f64); 2]) -> Option<GateShape> {
    (are_places(a, b) && a != b).then(|| GateShape::Bearing {
        at: a,
        bearing_deg: bearing_deg(a, b),
        width_m: WIDTH_M,
    })
}

fn are_places(a: (f64, f64), b: (f64, f64)) -> bool {
    [a, b]
        .iter()
        .all(|(lat, lon)| lat.abs() <= 90.0 && lon.abs() <= 180.0)
}

/// Direction from one point to another a few metres away; on that scale the globe is flat.
fn bearing_deg(from: (f64, f64), to: (f64, f64)) -> f64 {
    let east = (to.1 - from.1) * from.0.to_radians().cos();
    let north = to.0 - from.0;
    east.atan2(north).to_degrees().rem_euclid(360.0)
}
