//! Three invented circuits. None lies where a real one is: a known track would change what an analysis does.

use crate::track::{Corner, Sketch, Track, TrackError};

/// `(east, north, radius)` of each corner in metres; the first two enclose the start straight.
type Corners<const N: usize> = [(f64, f64, f64); N];

const HOLLIN_MOOR: Corners<10> = [
    (0.0, 0.0, 60.0),
    (1_050.0, 40.0, 55.0),
    (1_000.0, -300.0, 75.0),
    (680.0, -230.0, 60.0),
    (560.0, -520.0, 65.0),
    (860.0, -640.0, 45.0),
    (760.0, -900.0, 90.0),
    (200.0, -760.0, 110.0),
    (240.0, -430.0, 55.0),
    (-160.0, -330.0, 70.0),
];

const VALDARNE: Corners<11> = [
    (0.0, 0.0, 90.0),
    (1_150.0, -20.0, 60.0),
    (1_260.0, 330.0, 120.0),
    (900.0, 470.0, 55.0),
    (980.0, 820.0, 70.0),
    (600.0, 960.0, 140.0),
    (330.0, 640.0, 60.0),
    (80.0, 760.0, 80.0),
    (-320.0, 560.0, 100.0),
    (-120.0, 300.0, 45.0),
    (-420.0, 120.0, 75.0),
];

const ESCHENRIED: Corners<10> = [
    (0.0, 0.0, 18.0),
    (235.0, 5.0, 14.0),
    (240.0, -60.0, 12.0),
    (150.0, -75.0, 16.0),
    (140.0, -130.0, 14.0),
    (235.0, -140.0, 15.0),
    (225.0, -215.0, 20.0),
    (80.0, -205.0, 13.0),
    (70.0, -110.0, 16.0),
    (-30.0, -95.0, 17.0),
];

fn corners<const N: usize>(table: Corners<N>) -> [Corner; N] {
    table.map(|(east_m, north_m, radius_m)| Corner {
        east_m,
        north_m,
        radius_m,
    })
}

/// About 4 km, clockwise, on a moor in the north of England: for the car.
pub fn hollin_moor() -> Result<Track, TrackError> {
    Track::from_sketch(&Sketch {
        name: "Hollin Moor",
        origin_deg: [54.886, -2.271],
        corners: &corners(HOLLIN_MOOR),
        spacing_m: 18.0,
        width_m: 12.0,
        altitude_m: 265.0,
        relief_m: 9.0,
        gate_at: 0.6,
    })
}

/// About 4.5 km, anticlockwise, on a Tuscan hillside: for the motorcycle.
pub fn valdarne() -> Result<Track, TrackError> {
    Track::from_sketch(&Sketch {
        name: "Valdarne",
        origin_deg: [43.207, 11.063],
        corners: &corners(VALDARNE),
        spacing_m: 18.0,
        width_m: 12.0,
        altitude_m: 310.0,
        relief_m: 14.0,
        gate_at: 0.6,
    })
}

/// About 1 km, clockwise, in the fields north of the Danube: for the kart.
pub fn eschenried() -> Result<Track, TrackError> {
    Track::from_sketch(&Sketch {
        name: "Eschenried",
        origin_deg: [48.762, 12.318],
        corners: &corners(ESCHENRIED),
        spacing_m: 5.0,
        width_m: 8.0,
        altitude_m: 348.0,
        relief_m: 1.5,
        gate_at: 0.6,
    })
}

/// All three, in the order car, motorcycle, kart.
pub fn tracks() -> Result<[Track; 3], TrackError> {
    Ok([hollin_moor()?, valdarne()?, eschenried()?])
}
